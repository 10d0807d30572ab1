export { toContext, type Context, type ContextParts } from "./context.ts";
export type { ListOptions, SearchOptions, SessionEntry, SessionPage } from "./directory.ts";
export type { Fact, FactKind, FactSource, Relevance, Trust } from "./fact.ts";
export {
  createFacts,
  type Facts,
  type FactsOptions,
  type NewFact,
  type Recalled,
  type RecallOptions,
  type Remembered,
} from "./facts.ts";
export type { Extract, ExtractedFact } from "./learning.ts";
export { createMemory, type ForgetReceipt, type Memory } from "./memory.ts";
export type { Json } from "./json.ts";
export { mergePatch } from "./merge-patch.ts";
export { SESSION_TTL_MS_DEFAULT, type MemoryOptions, type Summarize } from "./options.ts";
export {
  IDEMPOTENCY_KEYS_MAX,
  WINDOW_MAX,
  type Appended,
  type AppendOptions,
  type Completed,
  type ContextOptions,
  type Opened,
  type OpeningOptions,
  type ReadOptions,
  type Session,
  type SessionInfo,
  type SessionState,
} from "./handle.ts";
export { loadCountTokens, type CountTokens } from "./tokens.ts";
export { APPEND_MAX, type Kept, type Reading, type Summary, type Turn, type Window } from "./turn.ts";
