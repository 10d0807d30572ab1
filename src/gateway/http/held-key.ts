import { hash } from "node:crypto";
import {
  allOf,
  decodeRecordInTurns,
  encodeKeyPart,
  encodePlainInTurns,
  encodeRecord,
  keyTag,
  type Reply,
  type ScopedRedis,
} from "../../redis/index.ts";
import { isObject } from "../../internal/fields.ts";
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

/** What a record is to a key: what stands under it, nothing that can be read, or what stands under another one. */
export type Read = Held | "unreadable" | "another key's";

/** Reads a record for a key, by its name. Those of versions before name none. A large one is read in turns of the event loop. */
export function readHeld(record: Buffer, name: string): Read | Promise<Read> {
  try {
    const value = decodeRecordInTurns(record);
    if (!(value instanceof Promise)) return toRead(value, name);
    return value.then(
      (read) => toRead(read, name),
      () => "unreadable" as const,
    );
  } catch {
    return "unreadable";
  }
}

function toRead(value: unknown, name: string): Read {
  if (!isObject(value)) return "unreadable";
  const { of = name, state, print, holder, status, headers, body } = value;
  if (of !== name) return "another key's";
  const isRunning = state === "running" && typeof holder === "string";
  const isDone = state === "done" && isStatus(status) && isHeaders(headers) && typeof body === "string";
  return isDigest(print) && (isRunning || isDone) ? (value as unknown as Held) : "unreadable";
}

/** A request is told from others by its digest: with anything else, every request would be another one for as long as the record lives. */
function isDigest(print: unknown): boolean {
  return typeof print === "string" && /^[\da-f]{64}$/.test(print);
}

/** Only successes are kept. */
function isStatus(status: unknown): boolean {
  return typeof status === "number" && Number.isInteger(status) && status >= 200 && status < 300;
}

function isHeaders(headers: unknown): boolean {
  return isObject(headers) && Object.values(headers).every((value) => typeof value === "string");
}

/** An idempotency key of a user. */
export interface HeldKey {
  /** Takes a free key and returns `undefined`, or returns its state, if that can be read. */
  take(print: string, holder: string): Promise<Held | "unreadable" | undefined>;
  /** Renews the lease on a key; a response that is already stored stays. */
  renew(): Promise<void>;
  /** Stores the response, unless the user was forgotten since the key was taken. */
  keep(print: string, answer: RecordedAnswer): Promise<void>;
  drop(): Promise<void>;
}

/** Opens one key; nothing is sent before it is used. */
export function createHeldKey(redis: ScopedRedis, user: string, key: string): HeldKey {
  const tag = tagOf(redis, user);
  const [place, index] = [`${tag}:idempotent:${key}`, `${tag}:idempotency:${encodeKeyPart("user", user)}`];
  const forgotten = createForgotten(redis);
  let takenMs = performance.now();
  // Every record names its key: the reply to another command is then no answer to this one.
  const name = hash("sha256", place).slice(0, 32);
  const running = (print: string, holder: string) => encodeRecord({ of: name, state: "running", print, holder });
  return {
    async take(print, holder) {
      takenMs = performance.now();
      const set = ["SET", place, running(print, holder), "NX", "PX", String(LEASE_MS)];
      let reading = "unreadable" as Read | Promise<Read>;
      const accepts = (reply: Reply) =>
        !Buffer.isBuffer(reply) || isOk(reply) || (reading = readHeld(reply, name)) !== "another key's";
      const commands = [set, ["GET", place]];
      const [taken, held] = allOf(await redis.pipeline(commands, { retry: "never", reply: "bytes", accepts }));
      if (taken !== null || held === null) return undefined;
      const found = await reading;
      if (typeof found === "string") return "unreadable";
      // The reply to this very request was lost and it was sent again.
      return found.state === "running" && found.holder === holder ? undefined : found;
    },
    async renew() {
      await redis.send(["PEXPIRE", place, String(LEASE_MS), "GT"], { retry: "safe" });
    },
    async keep(print, answer) {
      const now = Date.now();
      const record = await encodePlainInTurns({ of: name, state: "done", print, ...answer });
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

function isOk(reply: Buffer): boolean {
  return reply.length === 2 && String(reply) === "OK";
}

function tagOf(redis: ScopedRedis, user: string): string {
  return keyTag(redis, ["idempotency", user]);
}
