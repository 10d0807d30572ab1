import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { createLimiter, APP_SUBJECT, type Limiter } from "../../limiter/index.ts";
import type { Redis } from "../../redis/index.ts";
import { refuseCall } from "../models/asking.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { Inside } from "../http/inside.ts";
import { userOf } from "./identity.ts";
import { isUnkept, keeps } from "./keeping.ts";
import type { Metrics } from "../http/metrics.ts";
import { hookRoutes } from "../http/route-hooks.ts";
import { resourceOf } from "./../routes.ts";
import { type Resource } from "./ownership.ts";
import { bodyOf } from "../parts.ts";
import type { StoredBytes } from "./stored-bytes.ts";

/** Dependencies of the quotas. */
export interface QuotaParts {
  readonly app: FastifyInstance;
  readonly redis: Redis;
  readonly config: GatewayConfig;
  readonly metrics: Metrics;
  readonly inside: Pick<Inside, "principalOf">;
  readonly storedBytes: StoredBytes;
  /** The model whose vectors the gateway caches. */
  readonly embedder?: { readonly id: string } | undefined;
  readonly remember: <T>(make: (scope: string) => T) => (scope: string) => T;
}

const DAY_MS = 86_400_000;
/** Resources that have limits of their own, or are no scope's; workers over HTTP are the scope's own, and go as fast as they can. */
const ELSEWHERE: ReadonlySet<Resource> = new Set([
  "session",
  "administration",
  "dashboard",
  "health",
  "model",
  "agent card",
  "task worker",
]);
/** Paths of these resources that count here, because they call no model and the gateway does the work. */
const COUNTED: ReadonlySet<string> = new Set(["/v1/messages/count_tokens", "/v1/models", "/v1/models/*"]);
/** Posts that only read. */
const READING = /\/(?:search|recall)$/;
/** Takes of declared limits: they are the scope's own, and would each cost another one. */
const TAKING = /^\/v1\/limits\/:limit\/(?:take|peek|settle)$/;
/** Size of a cached vector beside its text. */
const VECTOR_BYTES = 1_024;

interface Booking {
  readonly scope: string;
  readonly thing: string;
  readonly resource: Resource;
  readonly bytes: number;
}

/**
 * Limits requests and stored bytes of a scope and its users on all routes except chat, which has its own limits: reads, writes, and bytes.
 * Bytes are booked before the request, then moved to the new item's id, and released if the request fails or the item is deleted or
 * expires. Requests that store nothing book nothing.
 */
export function registerQuotas({
  app,
  redis,
  config,
  metrics,
  inside,
  storedBytes,
  embedder,
  remember,
}: QuotaParts): void {
  const { limits, conversations, responses } = config;
  if (!limits.enabled) return;
  const lives: ReadonlyMap<Resource, number> = new Map<Resource, number>([
    ["conversation", conversations.ttlMs],
    ["response", responses.ttlMs],
    ["memory", 30 * DAY_MS],
    ["task", DAY_MS],
    ["batch", 8 * DAY_MS],
    ["A2A task", 7 * DAY_MS],
    ["vector store", 366 * DAY_MS],
    ["embedding", 7 * DAY_MS],
    ["webhook", 366 * DAY_MS],
  ]);
  const { onUnavailable } = limits;
  const limitersOf = remember((scope): Readonly<Record<"reads" | "writes", Limiter>> => {
    const open = (kind: "reads" | "writes", user: typeof limits.userReads, all: typeof limits.userReads) =>
      createLimiter(redis.scope(scope), {
        name: `http-${kind}`,
        onUnavailable,
        rules: [
          { id: `user-${kind}`, by: "user", ...user },
          { id: `app-${kind}`, by: APP_SUBJECT, ...all },
        ],
      });
    return {
      reads: open("reads", limits.userReads, limits.appReads),
      writes: open("writes", limits.userWrites, limits.appWrites),
    };
  });
  const bookings = new WeakMap<FastifyRequest, Booking>();

  hookRoutes(app, (method, url) => {
    const resource = resourceOf(method, url);
    if (resource === undefined || TAKING.test(url)) return undefined;
    if (ELSEWHERE.has(resource) && !COUNTED.has(url)) return undefined;
    const kind = method === "GET" || READING.test(url) ? "reads" : "writes";
    const lifeMs = method === "POST" ? lives.get(resource) : undefined;
    return {
      preHandler: (request, reply) => admit(request, reply, resource, kind, lifeMs),
      ...(lifeMs !== undefined && {
        preSerialization: (request, reply, payload) => nameThing(request, reply, payload),
      }),
      ...(method !== "GET" && {
        onResponse(request, reply, done) {
          giveBack(request, reply, method, resource);
          done();
        },
      }),
    };
  });

  /** Takes one request of its limits, and books the bytes that it keeps. */
  async function admit(
    request: FastifyRequest,
    reply: FastifyReply,
    resource: Resource,
    kind: "reads" | "writes",
    lifeMs: number | undefined,
  ): Promise<unknown> {
    if (inside.principalOf(request) !== undefined) return undefined;
    const { scope } = request.principal;
    const body = request.body as { readonly user?: unknown; readonly background?: unknown } | null | undefined;
    // A synchronous response is limited by its model call.
    const isAnswer = request.routeOptions.url === "/v1/responses" && body?.background !== true;
    if (!isAnswer) {
      // A list of JSON-RPC is as many requests.
      const requests = Array.isArray(body) ? Math.max(1, (body as unknown[]).length) : 1;
      const decision = await limitersOf(scope)[kind].take({ user: userOf(request, body?.user) }, { requests });
      if (!decision.allowed) return refuseCall(reply, { metrics }, decision);
    }
    if (lifeMs === undefined || !keeps(request.routeOptions.url ?? "", body, embedder?.id)) return undefined;
    const bytes = (bodyOf(request)?.length ?? 0) + extraOf(resource, request.body);
    if (bytes === 0) return undefined;
    const booking = { scope, resource, thing: thingOf(request, resource) ?? `request:${request.id}`, bytes };
    await storedBytes.book(scope, booking.thing, bytes, lifeMs);
    bookings.set(request, booking);
    return undefined;
  }

  /** Moves the booking to the new item's id, once that is known. */
  async function nameThing(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const booking = bookings.get(request);
    const id = (payload as { readonly id?: unknown } | null | undefined)?.id;
    if (booking === undefined || reply.statusCode >= 300 || typeof id !== "string" || isUnkept(request)) return payload;
    if (!booking.thing.startsWith("request:")) return payload;
    bookings.delete(request);
    const to = `${booking.resource}:${id}`;
    await storedBytes.move(booking.scope, booking.thing, to, lives.get(booking.resource) ?? DAY_MS);
    return payload;
  }

  /** Gives bytes back: of a request that failed, and of a thing that was deleted. */
  function giveBack(request: FastifyRequest, reply: FastifyReply, method: string, resource: Resource): void {
    const booking = bookings.get(request);
    const failed = reply.statusCode >= 400 || isUnkept(request);
    const thing = method === "DELETE" && !failed ? thingOf(request, resource) : undefined;
    const warn = (error: unknown) => metrics.degraded("quotas", MarrowError.is(error) ? error.code : "internal");
    // A thing that was there before comes back to the bytes that it had.
    if (booking !== undefined && failed) storedBytes.release(booking.scope, booking.thing, booking.bytes).catch(warn);
    if (thing !== undefined && !isPart(request)) storedBytes.release(request.principal.scope, thing).catch(warn);
  }
}

/** Returns the id of the item in a path; `undefined` for one to be created. */
function thingOf({ params }: FastifyRequest, resource: Resource): string | undefined {
  const { conversation, store, id } = (params ?? {}) as Readonly<Record<string, string | undefined>>;
  const named = conversation ?? store ?? id;
  return named === undefined ? undefined : `${resource}:${named}`;
}

/** Whether a path is about a part of its thing: an item of a conversation, a file of a store. */
function isPart({ params }: FastifyRequest): boolean {
  return Object.keys(params ?? {}).length > 1;
}

/** Bytes that are kept beside the body. */
function extraOf(resource: Resource, body: unknown): number {
  if (resource !== "embedding") return 0;
  const { input } = (body ?? {}) as { readonly input?: unknown };
  return VECTOR_BYTES * (Array.isArray(input) ? input.length : 1);
}
