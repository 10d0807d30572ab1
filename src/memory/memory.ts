import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { checkScope, encodeKeyPart, runScript, type ScopedRedis } from "../redis/index.ts";
import { sessionKeys } from "./keys.ts";
import { resolveOptions, type MemoryOptions } from "./options.ts";
import { appendTurns, readTurns } from "./scripts.gen.ts";
import { toTurnRecord, toWindow, type Turn, type Window } from "./turn.ts";

/** How an append is held to what came before it. */
export interface AppendOptions {
  /** Name of this append: a second one of the same name changes nothing. @default a new one, so that retries are safe */
  readonly idempotencyKey?: string | undefined;
  /** The version that must be current (0: the session must be new). Another one is a `conflict` with it in `details`. */
  readonly expectedVersion?: number | undefined;
  /** Longest wait, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** What an append did. */
export interface Appended {
  /** Sequence number of the newest turn that this append made. */
  readonly version: number;
  /** True when the idempotency key had been used: nothing was appended now. */
  readonly repeated: boolean;
}

/** One conversation of one user. */
export interface Session {
  readonly user: string;
  readonly id: string;
  /**
   * Appends one or many turns, all or none, and renews the session's life: one round trip, one slot. Turns are numbered
   * from 1 in the order in which Redis ran the appends. Repeated safely when an answer is lost.
   * @throws MarrowError `conflict` (details: `version`), `invalid_input`, `too_large`, `unavailable`
   */
  append(turns: Turn | readonly Turn[], options?: AppendOptions): Promise<Appended>;
  /** The newest `last` turns, oldest first, and renews the session's life: one round trip. */
  window(options: { readonly last: number; readonly timeoutMs?: number | undefined }): Promise<Window>;
  /** Ends the session now. Answers whether there was one. One round trip. */
  clear(): Promise<boolean>;
}

/** Sessions of one scope. */
export interface Memory {
  /** A handle; no round trip. The same id of two users is two sessions. */
  session(of: { readonly user: string; readonly id: string }): Session;
}

/** Idempotency keys that a session remembers. */
export const IDEMPOTENCY_KEYS_MAX = 1_000;
/** Turns in one append. */
export const APPEND_MAX = 1_000;
/** Turns in one window. */
export const WINDOW_MAX = 5_000;

/** Makes the memory of one scope. @throws MarrowError `invalid_option` */
export function createMemory(redis: ScopedRedis, options: MemoryOptions): Memory {
  const scoped = checkScope(redis);
  const { name, sessionTtlMs, turnsMax, turnBytesMax } = resolveOptions(options);

  return {
    session({ user, id }) {
      encodeKeyPart("user", user);
      encodeKeyPart("id", id);
      const keys = sessionKeys(scoped, name, user, id);
      return {
        user,
        id,
        async append(turns, { idempotencyKey, expectedVersion, timeoutMs } = {}) {
          const list = (Array.isArray(turns) ? turns : [turns]) as readonly Turn[];
          if (list.length < 1 || list.length > APPEND_MAX)
            refuse("turns", `1 to ${APPEND_MAX} turns`, turns, "invalid_input");
          const reply = await runScript(
            scoped,
            appendTurns,
            keys,
            {
              id:
                idempotencyKey === undefined
                  ? randomUUID()
                  : checkText("idempotencyKey", idempotencyKey, 256, "invalid_input"),
              expected:
                expectedVersion === undefined
                  ? -1
                  : checkInteger("expectedVersion", expectedVersion, { min: 0 }, "invalid_input"),
              ttl_ms: sessionTtlMs,
              max_turns: turnsMax,
              max_ids: IDEMPOTENCY_KEYS_MAX,
              records: list.map((turn, at) => toTurnRecord(turn, `turns[${at}]`, turnBytesMax)),
            },
            { timeoutMs },
          );
          const [status, version] = reply as [number, number];
          if (status >= 0) return { version, repeated: status === 0 };
          throw new MarrowError("conflict", `the session is at version ${version}, not ${expectedVersion}`, {
            details: { version, expectedVersion },
          });
        },
        async window({ last, timeoutMs }) {
          const count = checkInteger("last", last, { min: 1, max: WINDOW_MAX }, "invalid_input");
          return toWindow(
            await runScript(
              scoped,
              readTurns,
              keys,
              { last: count, ttl_ms: sessionTtlMs },
              { reply: "bytes", timeoutMs },
            ),
          );
        },
        async clear() {
          return Number(await scoped.send(["UNLINK", keys.log, keys.meta, keys.ids], { retry: "safe" })) > 0;
        },
      };
    },
  };
}
