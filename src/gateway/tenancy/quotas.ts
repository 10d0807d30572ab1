import { hash, randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { createLimiter, APP_SUBJECT, type Limiter } from "../../limiter/index.ts";
import type { Redis } from "../../redis/index.ts";
import { refuseCall } from "../models/asking.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { Inside } from "../http/inside.ts";
import { userOf } from "./identity.ts";
import { isUnkept, keeps, onForgotten, onKept, tellsKept } from "./keeping.ts";
import type { Metrics } from "../http/metrics.ts";
import { hookRoutes } from "../http/route-hooks.ts";
import { resourceOf } from "./../routes.ts";
import { factThing, type Resource } from "./ownership.ts";
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

/**
 * Limits requests and stored bytes of a scope and its users on all routes except chat, which has its own limits: reads, writes, and bytes.
 * Bytes are reserved before the work, then counted for the new item by its id, and given back if the work ends without one, also if the
 * client has left; an item's bytes are released when it is deleted or expires. Requests that store nothing reserve nothing.
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
  const warn = (error: unknown) => metrics.degraded("quotas", MarrowError.is(error) ? error.code : "internal");

  hookRoutes(app, (method, url) => {
    const resource = resourceOf(method, url);
    if (resource === undefined || TAKING.test(url)) return undefined;
    if (ELSEWHERE.has(resource) && !COUNTED.has(url)) return undefined;
    const kind = method === "GET" || READING.test(url) ? "reads" : "writes";
    const lifeMs = method === "POST" ? lives.get(resource) : undefined;
    return {
      preHandler: (request, reply) => admit(request, reply, kind),
      ...(lifeMs !== undefined && {
        around: (request, reply, work) => count(request, reply, { resource, lifeMs, work }),
      }),
      ...(method === "DELETE" && { around: (request, reply, work) => remove(request, reply, resource, work) }),
    };
  });

  /** Takes one request of its limits. */
  async function admit(request: FastifyRequest, reply: FastifyReply, kind: "reads" | "writes"): Promise<unknown> {
    if (inside.principalOf(request) !== undefined) return undefined;
    const { scope } = request.principal;
    const body = request.body as { readonly user?: unknown; readonly background?: unknown } | null | undefined;
    // A synchronous response is limited by its model call.
    if (request.routeOptions.url === "/v1/responses" && body?.background !== true) return undefined;
    // A list of JSON-RPC is as many requests.
    const requests = Array.isArray(body) ? Math.max(1, (body as unknown[]).length) : 1;
    const decision = await limitersOf(scope)[kind].take({ user: userOf(request, body?.user) }, { requests });
    return decision.allowed ? undefined : refuseCall(reply, { metrics }, decision);
  }

  /** Counts the bytes that a request stores, while it works and after. @throws MarrowError `too_large` */
  async function count(request: FastifyRequest, reply: FastifyReply, counted: Counted): Promise<unknown> {
    const { resource, work } = counted;
    onForgotten(request, (ids, deleted) => releaseAll(request, namesOf(request, resource, ids, deleted)));
    const bytes = (bodyOf(request)?.length ?? 0) + extraOf(resource, request.body);
    if (bytes === 0 || !keeps(urlOf(request), request.body, embedder?.id)) return work();
    return isPart(request) ? countPart(request, reply, bytes, counted) : countThing(request, reply, bytes, counted);
  }

  /** A part counts for its thing before the work, so that deleting the thing meanwhile finds its bytes. */
  async function countPart(request: FastifyRequest, reply: FastifyReply, bytes: number, counted: Counted) {
    const { resource, lifeMs, work } = counted;
    const { scope } = request.principal;
    const thing = thingOf(request, resource) ?? resource;
    await storedBytes.book(scope, thing, bytes, lifeMs);
    let isStored = false;
    try {
      const payload = await work();
      isStored = reply.statusCode < 400;
      return payload;
    } finally {
      // The thing comes back to the bytes that it had.
      if (!isStored) storedBytes.release(scope, thing, bytes).catch(warn);
    }
  }

  /** A thing, whose id is known after the work: a new one, or one that is changed. */
  async function countThing(request: FastifyRequest, reply: FastifyReply, bytes: number, counted: Counted) {
    const { resource, lifeMs, work } = counted;
    const { scope } = request.principal;
    const reserved = await storedBytes.reserve(scope, bytes);
    let isTold = false;
    const keep = async (thing: string, own = bytes) => {
      isTold = true;
      await reserved.keepAs([{ thing, bytes: own }], lifeMs);
    };
    onKept(request, (id, { bytes: own, adds = false }) => {
      isTold = true;
      const thing = nameOf(request, resource, id);
      return adds ? reserved.addTo(thing, lifeMs) : keep(thing, own);
    });
    try {
      const payload = await work();
      const isStored = reply.statusCode < 400 && !isUnkept(request) && !isTold && !tellsKept(urlOf(request));
      if (isStored) await keep(thingOf(request, resource) ?? newThing(request, resource, payload));
      return payload;
    } finally {
      reserved.release().catch(warn);
    }
  }

  /** Deletes something, and releases the bytes of a thing that is deleted whole. */
  async function remove(
    request: FastifyRequest,
    reply: FastifyReply,
    resource: Resource,
    work: () => Promise<unknown>,
  ): Promise<unknown> {
    const id = hasParts(request) ? undefined : idOf(request);
    try {
      const payload = await work();
      if (reply.statusCode < 400 && id !== undefined) await releaseAll(request, namesOf(request, resource, [id]));
      return payload;
    } catch (error) {
      // An earlier request may have broken before it released them. The names of other things do not tell whose they are.
      if (resource === "memory" && id !== undefined && MarrowError.is(error) && error.code === "not_found")
        await releaseAll(request, namesOf(request, resource, [id], []));
      throw error;
    }
  }

  async function releaseAll(request: FastifyRequest, things: readonly string[]): Promise<void> {
    const { scope } = request.principal;
    await Promise.all(things.map((thing) => storedBytes.release(scope, thing).catch(warn)));
  }
}

/** A request whose bytes are counted. */
interface Counted {
  readonly resource: Resource;
  /** How long what it stores is kept, in milliseconds. */
  readonly lifeMs: number;
  readonly work: () => Promise<unknown>;
}

/** Resources whose answers have the id of what a request made. The ids in answers of JSON-RPC are their clients'. */
const ANSWERED_BY_ID: ReadonlySet<Resource> = new Set([
  "conversation",
  "memory",
  "response",
  "task",
  "batch",
  "vector store",
  "webhook",
]);

/** The name of what a request made: by its id; else by its body, where the same body stores the same. */
function newThing(request: FastifyRequest, resource: Resource, payload: unknown): string {
  const id = (payload as { readonly id?: unknown } | null | undefined)?.id;
  if (ANSWERED_BY_ID.has(resource) && typeof id === "string") return nameOf(request, resource, id);
  if (resource === "embedding") return `${resource}:${hash("sha256", bodyOf(request) ?? "", "base64url")}`;
  return `${resource}:${randomUUID()}`;
}

/** The name of a thing by its id. */
function nameOf(request: FastifyRequest, resource: Resource, id: string): string {
  return resource === "memory" ? factThing(userOf(request, undefined), id) : `${resource}:${id}`;
}

/**
 * The names of things that are no more. Version 0.1 counted facts under their ids alone, which another user's fact may have: such a name is that of
 * a fact which was `deleted` now.
 */
function namesOf(
  request: FastifyRequest,
  resource: Resource,
  ids: readonly string[],
  deleted = ids,
): readonly string[] {
  return ids.flatMap((id) => {
    const also =
      resource === "memory" && deleted.includes(id)
        ? [`memory:${id}`]
        : resource === "response"
          ? [`events:${id}`]
          : [];
    return [nameOf(request, resource, id), ...also];
  });
}

function urlOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? "";
}

/** Returns the id of the item in a path; `undefined` for one to be created. */
function idOf({ params }: FastifyRequest): string | undefined {
  const { conversation, store, id } = (params ?? {}) as Readonly<Record<string, string | undefined>>;
  return conversation ?? store ?? id;
}

/** The same as the name of its bytes. */
function thingOf(request: FastifyRequest, resource: Resource): string | undefined {
  const id = idOf(request);
  return id === undefined ? undefined : nameOf(request, resource, id);
}

/** Whether a path is about a part of its thing: an item of a conversation, a file of a store. */
function hasParts({ params }: FastifyRequest): boolean {
  return Object.keys(params ?? {}).length > 1;
}

/** Whether a request adds a part to the thing of its path, which does not change otherwise: an item, a file, a task's signal. */
function isPart(request: FastifyRequest): boolean {
  return idOf(request) !== undefined && (hasParts(request) || !/\/:\w+$/.test(urlOf(request)));
}

/** Bytes that are kept beside the body. */
function extraOf(resource: Resource, body: unknown): number {
  if (resource !== "embedding") return 0;
  const { input } = (body ?? {}) as { readonly input?: unknown };
  return VECTOR_BYTES * (Array.isArray(input) ? input.length : 1);
}
