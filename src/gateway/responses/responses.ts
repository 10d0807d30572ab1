import { MarrowError } from "../../errors.ts";
import { HISTORY_CHARS_MAX } from "../../flow/index.ts";
import { isObject } from "../../internal/fields.ts";
import { sizeInTurns, sizeOf } from "../../internal/json-pieces.ts";
import { withStrings } from "../../internal/long-text.ts";
import { createQueue, type Job, type OutputEvent, type Queue } from "../../queue/index.ts";
import {
  allOf,
  decodeRecordInTurns,
  encodeKeyPart,
  encodePlainInTurns,
  isDamage,
  keyTag,
  orAnew,
  type Redis,
} from "../../redis/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import type { GatewayConfig } from "../config/config.ts";
import { GATEWAY_QUEUE } from "../jobs.ts";
import { createForgotten } from "../tenancy/forgotten.ts";
import { mayRead, type Reach } from "../tenancy/ownership.ts";
import type { ResponseRequest } from "./request.ts";
import { outputOf, type Item, type KeptResponse, type ResponseBody } from "./shape.ts";

/** A response to make in the background. */
export interface ResponseJob extends KeptResponse {
  readonly type: "response";
  readonly request: ResponseRequest;
  readonly asker: Asker;
  /** The session of the response. */
  readonly session?: string | undefined;
}

/** The stored responses of one scope: background ones in the queue, and synchronous ones. */
export interface Responses {
  /**
   * Stores a synchronous response that took `tookMs` milliseconds. Returns false if its user was forgotten meanwhile; it is not stored
   * then. One round trip.
   */
  keep(kept: KeptResponse, tookMs: number): Promise<boolean>;
  /** Counts the bytes of a background response and its events for its scope. */
  count(made: KeptResponse, eventChars: number): Promise<void>;
  /** Begins a background response and returns its id: the first one's for a repeated key. */
  begin(
    job: ResponseJob,
    options: { readonly after?: string | undefined; readonly key?: string | undefined },
  ): Promise<string>;
  /** Returns a response; long texts may be in pieces. @throws MarrowError `not_found`, also for another user's, as all methods below */
  find(id: string, reach: Reach): Promise<KeptResponse>;
  /**
   * Returns all items up to and including a response, oldest first; expired and forgotten ones are missing. @throws MarrowError
   * `not_found`, also if one of them was deleted, is damaged or was never stored, `conflict`
   */
  history(id: string, reach: Reach): Promise<readonly Item[]>;
  /** Cancels a background response. @throws MarrowError `not_found`, `invalid_input` for a synchronous one */
  cancel(id: string, reach: Reach): Promise<KeptResponse>;
  /** Deletes a response. @throws MarrowError `not_found` */
  remove(id: string, reach: Reach): Promise<void>;
  /** Reads the events of a background response. */
  read(id: string, signal: AbortSignal): AsyncIterable<OutputEvent>;
  /** Deletes the responses of a user. Returns how many. */
  forget(user: string): Promise<number>;
}

/** Responses that may follow each other. */
const CHAIN_MAX = 1_000;
/** Longest wait for a cancelled response's output, in milliseconds. */
const CANCEL_WAIT_MS = 1_000;
const ID = /^resp_\w{1,59}$/;

/** Opens a scope's responses. */
export function createResponses(
  redis: Redis,
  scope: string,
  { ttlMs, streamTtlMs }: GatewayConfig["responses"],
  countBytes: (thing: string, bytes: number, lifeMs: number) => void,
): Responses {
  const scoped = redis.scope(scope);
  const forgotten = createForgotten(scoped);
  const queue: Queue<ResponseJob, KeptResponse> = createQueue(scoped, { name: GATEWAY_QUEUE });
  const keyOf = (id: string) => `${keyTag(scoped, ["response", id])}:response`;
  const userKey = (user: string) => `${keyTag(scoped, ["responses", user])}:responses:${encodeKeyPart("user", user)}`;

  const deletedKey = (id: string) => `${keyTag(scoped, ["response", id])}:deleted`;
  const isDeleted = async (id: string) => Number(await scoped.send(["EXISTS", deletedKey(id)])) === 1;

  /** Records the user of a response, so that it can be deleted with the user's data. */
  async function note(id: string, user: string): Promise<void> {
    const now = Date.now();
    const key = userKey(user);
    const commands = [
      ["ZADD", key, String(now), id],
      ["ZREMRANGEBYSCORE", key, "-inf", String(now - ttlMs)],
      ["PEXPIRE", key, String(ttlMs)],
    ];
    await orAnew(scoped, key, "zset", async () => allOf(await scoped.pipeline(commands, { retry: "safe" })));
  }

  async function look(id: string): Promise<{ kept: KeptResponse; job?: Job<ResponseJob, KeptResponse> } | undefined> {
    if (!ID.test(id)) return undefined;
    const [record, job] = await Promise.all([
      scoped.send(["GET", keyOf(id)], { reply: "bytes" }) as Promise<Buffer | null>,
      queue.get(id),
    ]);
    if (record !== null) return { kept: toKept(await decodeRecordInTurns(record, { keepsPieces: isLongText })) };
    const held = job?.result ?? job?.payload;
    if (job === undefined || held === undefined) return undefined;
    const { response, input, user, sealed } = held;
    const now = job.result === undefined ? withState(response, job) : response;
    return { job, kept: { input, user, response: now, sealed } };
  }

  /** The same for a previous response. Clients send the whole conversation after its error, and so continue. */
  async function lookBefore(id: string): ReturnType<typeof look> {
    return look(id).catch((error: unknown) => {
      throw isDamage(error) && !MarrowError.is(error, "newer_record") ? noPrevious(id) : error;
    });
  }

  async function take(id: string, user: string): Promise<void> {
    await scoped.send(["UNLINK", keyOf(id)], { retry: "safe" });
    const key = userKey(user);
    await orAnew(scoped, key, "zset", () => scoped.send(["ZREM", key, id], { retry: "safe" }));
  }

  async function find(id: string, reach: Reach) {
    const found = await look(id);
    if (found === undefined || !mayRead(reach, found.kept.user))
      throw new MarrowError("not_found", "there is no response of this id", { details: { path: "response_id" } });
    return found;
  }

  async function count(made: KeptResponse, eventChars = 0): Promise<void> {
    const { id } = made.response;
    countBytes(`response:${id}`, await sizeInTurns(outputOf(made)), ttlMs);
    if (eventChars > 0) countBytes(`events:${id}`, eventChars, Math.min(streamTtlMs, ttlMs));
  }

  return {
    count,

    async keep(kept, tookMs) {
      const { user, response } = kept;
      const key = keyOf(response.id);
      const record = encodePlainInTurns(kept);
      const put = (one: Buffer | string) => scoped.send(["SET", key, one, "PX", String(ttlMs)], { retry: "safe" });
      const stored = record instanceof Promise ? record.then(put) : put(record);
      const noted = Promise.all([stored, note(response.id, user)]);
      const [isForgotten] = await Promise.all([forgotten.isWithin(user, tookMs), noted]);
      if (!isForgotten) {
        await count(kept);
        return true;
      }
      await take(response.id, user);
      return false;
    },

    async begin(job, { after, key }) {
      const { job: previous, kept: before } = after === undefined ? {} : await find(after, job.asker);
      if (before !== undefined && isBroken(before.response)) throw notWhole(before.response);
      const waits = previous !== undefined && !["done", "dead", "cancelled"].includes(previous.state);
      await note(job.response.id, job.user);
      const pushed = queue.push(job, {
        id: job.response.id,
        kind: "response",
        resultTtlMs: ttlMs,
        outputTtlMs: Math.min(streamTtlMs, ttlMs),
        ...(waits && { dependsOn: [previous.id] }),
        ...(key !== undefined && {
          idempotencyKey: key,
          fingerprint: [job.request, job.user, ...(job.session === undefined ? [] : [job.session])],
        }),
      });
      return pushed.catch(async (error: unknown) => {
        if (!MarrowError.is(error, "conflict")) throw error;
        const { path } = error.details ?? {};
        if (path === "idempotencyKey")
          throw new MarrowError("conflict", "another request was sent with this idempotency key", {
            cause: error,
            details: { path: "idempotency-key" },
          });
        if (path !== "dependsOn" || after === undefined) throw error;
        // Deleted, failed or cancelled since it was looked for.
        throw notWhole((await find(after, job.asker)).kept.response);
      });
    },

    find: async (id, reach) => (await find(id, reach)).kept,

    async history(id, reach) {
      const chain: Item[][] = [];
      let chars = 0;
      for (let next: string | null = id, length = 0; next !== null && length < CHAIN_MAX; length += 1) {
        const found = await lookBefore(next);
        if (found === undefined || !mayRead(reach, found.kept.user)) {
          if (length === 0) await find(next, reach);
          // Expired items are left out; deleted ones are an error.
          if (await isDeleted(next)) throw noPrevious(next);
          break;
        }
        const { response, input } = found.kept;
        if (response.status !== "completed" && response.status !== "incomplete") throw notWhole(response);
        const items = withStrings([...input, ...outputOf(found.kept)]);
        chars += sizeOf(items);
        if (chars > HISTORY_CHARS_MAX)
          throw new MarrowError(
            "too_large",
            `the responses before this one have over ${HISTORY_CHARS_MAX} characters`,
            {
              details: { path: "previous_response_id", charsMax: HISTORY_CHARS_MAX },
            },
          );
        chain.push(items);
        next = response.previous_response_id;
        // It was to be kept by nobody, and without it the model would not know what was said.
        if (found.kept.isAfterUnstored === true && next !== null) throw noPrevious(next);
      }
      return chain.toReversed().flat();
    },

    async cancel(id, reach) {
      const { job } = await find(id, reach);
      if (job === undefined)
        throw new MarrowError("invalid_input", "only a background response can be cancelled", {
          details: { path: "response_id" },
        });
      // Its worker is signalled at once and stores the partial response, which is returned unless the worker is slow or gone.
      if ((await queue.cancel(id)) === "cancelling")
        await queue.wait(id, { waitMs: CANCEL_WAIT_MS }).catch((error: unknown) => {
          if (!MarrowError.is(error, "timeout")) throw error;
        });
      return (await find(id, reach)).kept;
    },

    async remove(id, reach) {
      const { job, kept } = await find(id, reach);
      if (job !== undefined) await queue.remove(id);
      await take(id, kept.user);
      await scoped.send(["SET", deletedKey(id), "1", "PX", String(ttlMs)], { retry: "safe" });
    },

    read: (id, signal) => queue.read(id, { signal }),

    async forget(user) {
      const index = userKey(user);
      const read = () => scoped.send(["ZRANGE", index, "0", "-1"]);
      const ids = (await orAnew(scoped, index, "zset", read)) as readonly string[];
      for (const id of ids) {
        await queue.remove(id);
        await scoped.send(["UNLINK", keyOf(id)], { retry: "safe" });
      }
      await scoped.send(["UNLINK", index], { retry: "safe" });
      return ids.length;
    },
  };
}

/** Characters from which the text of a stored response stays in pieces: most readers pass it on. */
const PIECES_FROM_CHARS = 131_072;

function isLongText(field: string, chars: number): boolean {
  return field === "text" && chars >= PIECES_FROM_CHARS;
}

/** Checks the record of a stored response. @throws MarrowError `corrupt_record` */
function toKept(kept: unknown): KeptResponse {
  const isWhole =
    isObject(kept) &&
    Array.isArray(kept["input"]) &&
    isObject(kept["response"]) &&
    Array.isArray(kept["response"]["output"]);
  if (!isWhole) throw new MarrowError("corrupt_record", "a stored response lacks its fields");
  return kept as unknown as KeptResponse;
}

/** Builds OpenAI's error for a previous response that is missing or damaged. */
export function noPrevious(id: string): MarrowError {
  return new MarrowError("not_found", `Previous response with id '${id.slice(0, 80)}' not found.`, {
    details: { path: "previous_response_id", answerCode: "previous_response_not_found" },
  });
}

/** Sets the state of an unfinished response from its job. */
function withState(response: ResponseBody, { state, reason }: Job): ResponseBody {
  switch (state) {
    case "running":
      return { ...response, status: "in_progress" };
    // A response that is being cancelled ends as cancelled, or is complete already: clients only get final states.
    case "cancelling":
    case "cancelled":
      return { ...response, status: "cancelled" };
    case "dead":
      return { ...response, status: "failed", error: toError(reason) };
    default:
      return { ...response, status: "queued" };
  }
}

/** Whether a response ended without an answer that may be gone on from. */
function isBroken({ status }: ResponseBody): boolean {
  return status === "failed" || status === "cancelled";
}

/** The error for a previous response that may not be gone on from. */
function notWhole({ status }: ResponseBody): MarrowError {
  return new MarrowError("conflict", `the previous response is ${status}`, {
    details: { path: "previous_response_id" },
  });
}

function toError(reason: string | undefined): { readonly code: string; readonly message: string } {
  if (reason === "too_large")
    return { code: "server_error", message: "the request or its response is over a bound of this gateway" };
  if (reason === "rate_limited")
    return { code: "rate_limit_exceeded", message: "a limit refused the request too long" };
  if (reason === "dependency")
    return { code: "server_error", message: "the previous response failed, or was cancelled or deleted" };
  return { code: "server_error", message: `the response could not be made: ${reason ?? "failed"}` };
}
