export { listCollections, type CollectionAbout } from "./collections.ts";
export { listMigrations, type MigrationAbout } from "./migrations.ts";
export type { ListedOptions, ListedPage } from "./listing.ts";
export type { Quantisation } from "./capacity.ts";
export type { AttributeValue, Condition, Where } from "./filter.ts";
export { decideEngine, type RedisEngine } from "./engine.ts";
export type { SearchInScript } from "./driver.ts";
export { reportEngine, type EngineReport } from "./engine-report.ts";
export { createNeighbours, type Neighbour, type Neighbours } from "./neighbours.ts";
export type { Item, ItemResult, Match, Search, StoredEntry, Vectors, VectorsInfo } from "./item.ts";
export {
  createMigration,
  type Migration,
  type MigrationOptions,
  type MigrationPhase,
  type MigrationReport,
} from "./migration.ts";
export type { Copied, MigrationSide, Source } from "./migration-copy.ts";
export type {
  AttributeKind,
  Attributes,
  AttributeSchema,
  EngineChoice,
  RecallOptions,
  RecallReport,
  ValueOf,
  VectorsOptions,
} from "./options.ts";
export { chosenEngine } from "./options.ts";
export { postgres, type Postgres, type PostgresClient, type ScopedPostgres } from "./pgvector/postgres.ts";
export type { Metric } from "./scale.ts";
export { exportItems, importItems, type Imported } from "./transfer.ts";
export type { Vector } from "./vector.ts";
export { createVectors, ITEM_TTL_MS_MAX } from "./vectors.ts";
