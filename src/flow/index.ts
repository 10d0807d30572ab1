export { CACHE_CONTROL_DEFAULT, parseCacheControl, type CacheControl } from "./cache-control.ts";
export type { StoredAnswer } from "./cacheable.ts";
export {
  createFlow,
  type AnswerStream,
  type CacheStatus,
  type ChatCall,
  type ChatOutcome,
  type Flow,
  type FlowOptions,
  type Provenance,
} from "./flow.ts";
