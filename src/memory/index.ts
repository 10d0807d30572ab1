export { toContext, type Context, type ContextParts } from "./context.ts";
export type { ListOptions, SearchOptions, SessionEntry, SessionPage } from "./directory.ts";
export { createMemory, type Memory } from "./memory.ts";
export { mergePatch, type Json } from "./merge-patch.ts";
export { SESSION_TTL_MS_DEFAULT, type MemoryOptions, type Summarize } from "./options.ts";
export {
  APPEND_MAX,
  IDEMPOTENCY_KEYS_MAX,
  WINDOW_MAX,
  type Appended,
  type AppendOptions,
  type ContextOptions,
  type ReadOptions,
  type Session,
  type SessionInfo,
  type SessionState,
} from "./handle.ts";
export { loadCountTokens, type CountTokens } from "./tokens.ts";
export type { Kept, Reading, Summary, Turn, Window } from "./turn.ts";
