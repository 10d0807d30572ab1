export {
  APPEND_MAX,
  createMemory,
  IDEMPOTENCY_KEYS_MAX,
  WINDOW_MAX,
  type Appended,
  type AppendOptions,
  type Memory,
  type Session,
} from "./memory.ts";
export { SESSION_TTL_MS_DEFAULT, type MemoryOptions } from "./options.ts";
export type { Turn, Window } from "./turn.ts";
