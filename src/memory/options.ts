import { checkInteger, checkText } from "../internal/check.ts";

/** Options of `createMemory`. */
export interface MemoryOptions {
  /** Name of this memory within its scope. */
  readonly name: string;
  /** Life of a session after its last append or read, in milliseconds, 1 to 366 days. @default 3_600_000 (one hour) */
  readonly sessionTtlMs?: number | undefined;
  /** Turns kept in a session, the newest ones, 1 to 100,000. @default 1_000 */
  readonly turnsMax?: number | undefined;
  /** Largest turn, in bytes of JSON. @default 1_048_576 */
  readonly turnBytesMax?: number | undefined;
}

export interface ResolvedMemoryOptions {
  readonly name: string;
  readonly sessionTtlMs: number;
  readonly turnsMax: number;
  readonly turnBytesMax: number;
}

/** Default life of a session: one hour. */
export const SESSION_TTL_MS_DEFAULT = 3_600_000;
const TTL_MS_MAX = 366 * 86_400_000;

/** Fills defaults and refuses what makes no sense. @throws MarrowError `invalid_option` */
export function resolveOptions(options: MemoryOptions): ResolvedMemoryOptions {
  return {
    name: checkText("name", options.name, 128),
    sessionTtlMs: checkInteger("sessionTtlMs", options.sessionTtlMs ?? SESSION_TTL_MS_DEFAULT, {
      min: 1,
      max: TTL_MS_MAX,
    }),
    turnsMax: checkInteger("turnsMax", options.turnsMax ?? 1_000, { min: 1, max: 100_000 }),
    turnBytesMax: checkInteger("turnBytesMax", options.turnBytesMax ?? 1_048_576, { min: 64, max: 64 * 1_048_576 }),
  };
}
