import {
  allOf,
  decodeRecord,
  encodeKeyPart,
  encodePlainBeside,
  encodeRecord,
  keyTag,
  type ScopedRedis,
} from "../../redis/index.ts";
import { createForgotten } from "../tenancy/forgotten.ts";
import type { RecordedAnswer } from "./recording.ts";

/** TTL of a first response, in milliseconds: retries come within minutes. */
export const ANSWER_LIFE_MS: number = 3_600_000;
/** Lease of a running request on its key, in milliseconds: after a crash a retry waits no longer. */
const LEASE_MS = 10_000;
/** Renewal interval of the lease. */
export const RENEW_MS: number = 3_000;

/** State of an idempotency key: a running request, or its response. */
export type Held =
  | { readonly state: "running"; readonly print: string; readonly holder: string }
  | ({ readonly state: "done"; readonly print: string } & RecordedAnswer);

/** One idempotency key of a user's. */
export interface HeldKey {
  /** Takes a free key and returns `undefined`, or returns its state. */
  take(print: string, holder: string): Promise<Held | undefined>;
  /** Renews the lease on a key; a response that is already stored stays. */
  renew(): Promise<void>;
  /** Keeps the answer, unless the user was forgotten since the key was taken. */
  keep(print: string, answer: RecordedAnswer): Promise<void>;
  drop(): Promise<void>;
}

/** Opens one key; nothing is sent before it is used. */
export function createHeldKey(redis: ScopedRedis, user: string, key: string): HeldKey {
  const tag = tagOf(redis, user);
  const [place, index] = [`${tag}:idempotent:${key}`, `${tag}:idempotency:${encodeKeyPart("user", user)}`];
  const forgotten = createForgotten(redis);
  let takenMs = performance.now();
  const running = (print: string, holder: string) => encodeRecord({ state: "running", print, holder });
  return {
    async take(print, holder) {
      takenMs = performance.now();
      const set = ["SET", place, running(print, holder), "NX", "PX", String(LEASE_MS)];
      const [taken, held] = allOf(
        await redis.pipeline([set, ["GET", place]], { retry: "never", reply: "bytes" }),
      ) as unknown as [unknown, Buffer | null];
      if (taken !== null || held === null) return undefined;
      const found = decodeRecord(held) as Held;
      // The reply to this very request was lost and it was sent again.
      return found.state === "running" && found.holder === holder ? undefined : found;
    },
    async renew() {
      await redis.send(["PEXPIRE", place, String(LEASE_MS), "GT"], { retry: "safe" });
    },
    async keep(print, answer) {
      const now = Date.now();
      const record = await encodePlainBeside({ state: "done", print, ...answer });
      const commands = [
        ["SET", place, record, "PX", String(ANSWER_LIFE_MS)],
        ["ZADD", index, String(now), key],
        ["ZREMRANGEBYSCORE", index, "-inf", String(now - ANSWER_LIFE_MS)],
        ["PEXPIRE", index, String(ANSWER_LIFE_MS)],
      ];
      const stored = redis.pipeline(commands, { retry: "safe" });
      const [isForgotten, replies] = await Promise.all([forgotten.isWithin(user, performance.now() - takenMs), stored]);
      allOf(replies);
      if (isForgotten) await redis.send(["UNLINK", place], { retry: "safe" });
    },
    async drop() {
      await redis.send(["UNLINK", place], { retry: "safe" });
    },
  };
}

/** Deletes the stored responses of a user. */
export async function forgetAnswers(redis: ScopedRedis, user: string): Promise<void> {
  const index = `${tagOf(redis, user)}:idempotency:${encodeKeyPart("user", user)}`;
  const keys = (await redis.send(["ZRANGE", index, "0", "-1"])) as readonly string[];
  for (const key of keys) await redis.send(["UNLINK", `${tagOf(redis, user)}:idempotent:${key}`], { retry: "safe" });
  await redis.send(["UNLINK", index], { retry: "safe" });
}

function tagOf(redis: ScopedRedis, user: string): string {
  return keyTag(redis, ["idempotency", user]);
}
