import { hash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { verdictOf, type Redis } from "../../redis/index.ts";
import { LARGE_JSON_CHARS, toBytesInTurns } from "../../internal/json-pieces.ts";
import { askerOf } from "../tenancy/asker.ts";
import { header } from "../tenancy/identity.ts";
import { bodyOf } from "../parts.ts";
import type { TurnBytes } from "../tenancy/turn-bytes.ts";
import { ANSWER_LIFE_MS, createHeldKey, RENEW_MS, type HeldKey } from "./held-key.ts";
import { record, type RecordedAnswer } from "./recording.ts";
import { hookRoutes } from "./route-hooks.ts";

/** Longest that a second request waits for the first one's answer, in milliseconds. */
const WAIT_MS = 120_000;
const KEY_CHARS_MAX = 256;
/** Largest answer that is kept. */
const BYTES_MAX = 8 * 1_048_576;

/** Routes whose requests do something once; others have keys of their own, or are the same however often they come. */
const ROUTES: ReadonlySet<string> = new Set([
  "/v1/chat/completions",
  "/v1/messages",
  "/v1/responses",
  "/v1/responses/compact",
  "/v1/conversations",
  "/v1/conversations/:conversation/items",
]);

/**
 * `Idempotency-Key` on requests that are answered at once: the first request with a key does its work, and its answer is given again to all
 * others with the same key, of the same user and route, for an hour. A second one that comes meanwhile waits for the first. Once begun, the
 * work goes on although the client hung up, so that its retry finds the answer. Failures and refusals are not kept: a retry tries anew, and so does
 * one in a scope that is full of kept bytes. A key that comes with another body is a `conflict`. One round trip before, and one after. While Redis
 * is away keys are passed over, and so is one under which something stands that cannot be read.
 */
export function acceptIdempotencyKeys(
  app: FastifyInstance,
  redis: Redis,
  keptBytes: Pick<TurnBytes, "add" | "isFull">,
): void {
  hookRoutes(app, (method, url) => {
    if (method !== "POST" || !ROUTES.has(url)) return undefined;
    return {
      preHandler(request, reply, done) {
        const key = header(request, "idempotency-key");
        if (key === undefined) return done();
        holdKey(request, reply, key).then((isSent) => {
          if (!isSent) done();
        }, done);
        return undefined;
      },
    };
  });

  /** Takes a request's key. Resolves with true where the first answer was sent again. */
  async function holdKey(request: FastifyRequest, reply: FastifyReply, key: string): Promise<boolean> {
    const body = (request.body ?? {}) as { readonly user?: unknown; readonly background?: unknown };
    // Responses in the background have keys of the queue's.
    if (body.background === true) return false;
    if (key.length > KEY_CHARS_MAX)
      throw new MarrowError("invalid_input", `an idempotency key has at most ${KEY_CHARS_MAX} characters`, {
        details: { path: "idempotency-key" },
      });
    const { scope, user } = askerOf(request, body.user);
    const store = createHeldKey(redis.scope(scope), user, digestOf(request, key));
    const [print, holder] = [printOf(request), randomUUID()];
    const kept = await claim(store, print, holder).catch((error: unknown) => {
      if (isUnreadable(error)) return "unreadable" as const;
      throw error;
    });
    if (kept === "unreadable") return false;
    if (kept !== "claimed") {
      void sendAgain(reply, kept);
      return true;
    }
    const renewal = setInterval(() => void store.renew().catch(() => {}), RENEW_MS);
    renewal.unref();
    record(reply.raw, BYTES_MAX, (answer) => {
      clearInterval(renewal);
      const isKept = answer !== undefined && !keptBytes.isFull(scope);
      if (isKept) keptBytes.add(scope, thingNow(), answer.body.length + KEY_BYTES, ANSWER_LIFE_MS + TOGETHER_MS);
      void (isKept ? store.keep(print, answer) : store.drop()).catch(() => {});
    });
    return false;
  }
}

/**
 * Returns the key of a request with an idempotency key: equal for retries, also if the first one's process died, and different for other
 * routes, headers or bodies. `undefined` without a key.
 */
export function requestKeyOf(request: FastifyRequest): string | undefined {
  const key = header(request, "idempotency-key");
  return key === undefined ? undefined : hash("sha256", `${digestOf(request, key)}${printOf(request)}`);
}

function digestOf(request: FastifyRequest, key: string): string {
  return hash("sha256", JSON.stringify([request.url.split("?")[0], key]));
}

/** Answers of a few minutes are counted together, under one name: each ends by itself, and nobody deletes one. */
const TOGETHER_MS = 300_000;
/** Size of a stored response beside its body. */
const KEY_BYTES = 512;

function thingNow(): string {
  return `answers:${Math.floor(Date.now() / TOGETHER_MS)}`;
}

/** Whether a key is passed over: Redis is away, or something stands there that is no record, or one of another type or key. */
function isUnreadable(error: unknown): boolean {
  const verdict = verdictOf(error);
  return verdict === "not_now" || verdict === "misused";
}

/** Takes the key, or waits for and returns the first request's response. @throws MarrowError `conflict` */
async function claim(
  store: HeldKey,
  print: string,
  holder: string,
): Promise<RecordedAnswer | "unreadable" | "claimed"> {
  for (let waitedMs = 0, stepMs = 50; ; waitedMs += stepMs, stepMs = Math.min(1_000, stepMs * 2)) {
    const held = await store.take(print, holder);
    if (held === undefined) return "claimed";
    if (held === "unreadable") return held;
    if (held.print !== print)
      throw new MarrowError("conflict", "another request was sent with this idempotency key", {
        details: { path: "idempotency-key" },
      });
    if (held.state === "done") return held;
    if (waitedMs >= WAIT_MS)
      throw new MarrowError("conflict", "the first request with this idempotency key is still being answered", {
        details: { path: "idempotency-key" },
      });
    await pause(stepMs);
  }
}

async function sendAgain(reply: FastifyReply, { status, headers, body }: RecordedAnswer): Promise<void> {
  reply.code(status).headers({ ...headers, "idempotent-replayed": "true" });
  if (body.length < LARGE_JSON_CHARS) return void reply.send(body);
  const pieces = await toBytesInTurns(body);
  reply.header(
    "content-length",
    pieces.reduce((bytes, { length }) => bytes + length, 0),
  );
  reply.send(Readable.from(pieces, { objectMode: false }));
}

/** Returns the digest that must be equal for two requests with one key. */
function printOf(request: FastifyRequest): string {
  const named = ["x-marrow-session", "x-marrow-user", "x-marrow-cache-control"].map((name) => header(request, name));
  return hash("sha256", JSON.stringify([named, hash("sha256", bodyOf(request) ?? Buffer.alloc(0))]));
}
