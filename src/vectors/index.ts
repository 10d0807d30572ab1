export type { AttributeValue, Condition, Where } from "./filter.ts";
export type { AttributeKind, Attributes, AttributeSchema, ValueOf, VectorsOptions } from "./options.ts";
export type { Vector } from "./vector.ts";
export {
  createVectors,
  ITEM_TTL_MS_MAX,
  type Item,
  type ItemResult,
  type Match,
  type Search,
  type StoredEntry,
  type Vectors,
  type VectorsInfo,
} from "./vectors.ts";
