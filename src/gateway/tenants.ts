import { createCache } from "../cache/index.ts";
import type { Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { createFlow, type Flow, type StoredAnswer } from "../flow/index.ts";
import { APP_SUBJECT, createLimiter } from "../limiter/index.ts";
import { createMemory, type Memory } from "../memory/index.ts";
import type { ChatModel } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";
import { createStores, type Stores } from "../stores/index.ts";
import type { RecallReport } from "../vectors/index.ts";
import type { GatewayConfig } from "./config.ts";
import type { Metrics } from "./metrics.ts";

/** Tenants whose handles are kept ready. Handles hold no connection, so making them anew is cheap. */
const TENANTS_MAX = 10_000;

/** What every tenant's roles share. */
export interface TenantParts {
  readonly redis: Redis;
  readonly config: GatewayConfig;
  readonly embedder: Embedder | undefined;
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly metrics: Metrics;
}

/** What is remembered in one scope. */
export interface TenantMemories {
  /** Sessions that requests name with `x-marrow-session`. */
  readonly chat: Memory;
  /** Conversations that were made at `/v1/conversations`. */
  readonly conversations: Memory;
}

/** The memories of each tenant. */
export function createTenantMemories({ redis, config }: TenantParts): (scope: string) => TenantMemories {
  const { sessions, conversations } = config;
  return remember((scope) => ({
    chat: createMemory(redis.scope(scope), { name: "chat", sessionTtlMs: sessions.ttlMs }),
    conversations: createMemory(redis.scope(scope), {
      name: "conversations",
      sessionTtlMs: conversations.ttlMs,
      turnsMax: conversations.itemsMax,
    }),
  }));
}

/** The sync path of each tenant, made at its first request. */
export function createTenants(
  { redis, config, embedder, findModel, metrics }: TenantParts,
  memories: (scope: string) => TenantMemories,
): (scope: string) => Flow {
  function createTenant(scope: string): Flow {
    const scoped = redis.scope(scope);
    const { cache, limits, sessions } = config;
    return createFlow({
      findModel,
      limiter: limits.enabled
        ? createLimiter(scoped, {
            name: "chat",
            onUnavailable: limits.onUnavailable,
            rules: [
              { id: "user-requests", by: "user", ...limits.userRequests },
              { id: "user-tokens", by: "user", unit: "tokens", ...limits.userTokens },
              { id: "app-requests", by: APP_SUBJECT, ...limits.appRequests },
            ],
          })
        : undefined,
      memory: memories(scope).chat,
      conversations: memories(scope).conversations,
      cache: cache.enabled
        ? createCache<StoredAnswer>(scoped, {
            name: "chat",
            embedder: cache.semantic ? embedder : undefined,
            preset: cache.preset,
            minScore: cache.minScore,
            verifier: cache.verifier,
            ttlMs: cache.ttlMs,
            refreshOnHit: cache.refreshOnHit,
            entriesMax: cache.entriesMax,
            bytesMax: cache.bytesMax,
            profile: cache.profile,
          })
        : undefined,
      sessionTurns: sessions.turns,
      onDegraded: (role, error) => metrics.degraded(role, MarrowError.is(error) ? error.code : "internal"),
    });
  }

  return remember(createTenant);
}

/** The vector stores and files of each tenant. */
export function createTenantStores({ redis, config, embedder, metrics }: TenantParts): (scope: string) => Stores {
  const { engine, fileBytesMax, itemsMax, recall } = config.vectorStores;
  const onError = (error: unknown) => metrics.degraded("stores", MarrowError.is(error) ? error.code : "internal");
  const onSample = (report: RecallReport | Error) =>
    report instanceof Error ? onError(report) : metrics.recalled(report.recall, report.effort);
  const options = { name: "gateway", engine, fileBytesMax, itemsMax, recall: { ...recall, onSample }, onError };
  const open = remember((scope) => createStores(redis.scope(scope), { ...options, embedder: embedder as Embedder }));
  return (scope) => {
    if (embedder === undefined)
      throw new MarrowError("unsupported", "vector stores need an embedder in the configuration");
    return open(scope);
  };
}

/** Keeps what was made for a scope, for the next request. */
function remember<T>(make: (scope: string) => T): (scope: string) => T {
  const made = new Map<string, T>();
  return (scope) => {
    const known = made.get(scope);
    if (known !== undefined) return known;
    if (made.size >= TENANTS_MAX) made.clear();
    const fresh = make(scope);
    made.set(scope, fresh);
    return fresh;
  };
}
