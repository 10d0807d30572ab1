import { createCache, type Cache, type CacheReport, type JudgeJob, type JudgingOptions } from "../../cache/index.ts";
import type { Embedder } from "../../embedders/index.ts";
import { MarrowError } from "../../errors.ts";
import { createAnswerRoom, createFlow, createRecordings, type Flow, type StoredAnswer } from "../../flow/index.ts";
import { createMemory, type ForgetReceipt, type Memory, type Turn } from "../../memory/index.ts";
import type { ChatModel, Prices } from "../../models/index.ts";
import { boundRounds, type Redis, type ScopedRedis } from "../../redis/index.ts";
import { createStores, type Stores } from "../../stores/index.ts";
import type { RecallReport } from "../../vectors/index.ts";
import { toCacheJudge } from "../models/cache-judge.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { Metrics } from "../http/metrics.ts";
import { createChatLimits, type ChatLimits } from "./chat-limits.ts";
import { createForgotten } from "./forgotten.ts";
import { forgetAnswers } from "../http/held-key.ts";
import { createResponses, type Responses } from "../responses/responses.ts";
import { factThing } from "./ownership.ts";
import type { Savings } from "./savings.ts";
import type { Spend } from "./spend.ts";
import { sessionThing, type TurnBytes } from "./turn-bytes.ts";

/** Tenants whose handles are kept ready. Handles hold no connection, so making them anew is cheap. */
const TENANTS_MAX = 10_000;

/** Dependencies that all tenants share. */
export interface TenantParts {
  readonly redis: Redis;
  readonly cacheRedis: Redis;
  readonly config: GatewayConfig;
  readonly embedder: Embedder | undefined;
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly metrics: Metrics;
  readonly prices: Prices;
  readonly spend: Spend;
  readonly savings: Savings;
  readonly turnBytes: TurnBytes;
  /** Returns whether this process serves the gateway's queue. */
  readonly works: () => boolean;
}

/** The roles of one tenant. */
export interface Tenant {
  /** Sessions named by `x-marrow-session`, and facts about users. */
  readonly memory: Memory;
  /** Conversations created at `/v1/conversations`. */
  readonly conversations: Memory;
  readonly flow: Flow;
  readonly responses: Responses;
  readonly limiter: ChatLimits["limiter"];
  /** Refuses a chat whose turns would not fit into a session or conversation. @throws MarrowError `too_large` */
  checkRoom(named: { readonly session?: string | undefined; readonly conversation?: string | undefined }): void;
  /** Returns the audits and feedback of the tenant's cache; `undefined` if the cache is off. One round trip. */
  cacheReport(): Promise<CacheReport | undefined>;
  /** Deletes one stored answer by its id. Returns whether it existed. */
  forgetAnswer(id: string): Promise<boolean>;
  /** Reads stored answers for people, and records verdicts on near ones; `undefined` if the cache is off. */
  readonly answers: Pick<Cache<StoredAnswer>, "entries" | "entry" | "audit"> | undefined;
  /** Records a person's verdict on a cached answer; a wrong one is deleted. Returns whether there is a cache. */
  auditAnswer(found: Parameters<Cache<unknown>["feedback"]>[0], right: boolean): Promise<boolean>;
  /** Judges a near miss from the tenant's queue; a cache without a judge skips it. */
  judge(job: JudgeJob): Promise<void>;
  /** Returns the turns of a user's conversation for a model. @throws MarrowError `not_found` */
  turnsOf(user: string, conversation: string): Promise<readonly Turn[]>;
  /** Deletes a user's data in all roles. May be repeated after an interruption. */
  forget(user: string): Promise<ForgetReceipt & { readonly answers: number; readonly responses: number }>;
}

/** Makes the roles of each tenant at its first request. */
export function createTenants(parts: TenantParts): (scope: string) => Tenant {
  const { redis, cacheRedis, config, embedder, findModel, metrics, prices, spend, savings, turnBytes } = parts;
  const { sessions, conversations: held } = config;
  const recordings = createRecordings({ bytesMax: config.recordedBytesMax });
  const answers = createAnswerRoom({ bytesMax: config.answersBytesMax });

  function createTenant(scope: string): Tenant {
    const scoped = redis.scope(scope);
    const memory = createTenantMemory(scoped, config, embedder);
    const conversations = createMemory(scoped, {
      name: "conversations",
      sessionTtlMs: held.ttlMs,
      turnsMax: held.itemsMax,
      turnBytesMax: turnBytesOf(config),
    });
    const cache = config.cache.enabled
      ? createTenantCache(cacheRedis.scope(scope), parts, toCacheJudge(parts, scope))
      : undefined;
    const responses = createResponses(redis, scope, config.responses, (thing, bytes, lifeMs) =>
      turnBytes.add(scope, thing, bytes, lifeMs),
    );
    const { limiter, departed } = createChatLimits(scoped, config);

    return {
      memory,
      conversations,
      limiter,
      responses,
      flow: createFlow({
        scope,
        findModel,
        prices,
        onSpent(spent) {
          spend.note(scope, spent);
          metrics.spent(scope, spent);
        },
        onAnswered(answered) {
          savings.note(scope, answered);
          metrics.saved(scope, answered);
        },
        onKept({ user, session, conversation, chars }) {
          if (conversation !== undefined) turnBytes.add(scope, `conversation:${conversation}`, chars, held.ttlMs);
          else if (session !== undefined) turnBytes.add(scope, sessionThing(user, session), chars, sessions.ttlMs);
        },
        memory,
        conversations,
        cache,
        sessionTurns: sessions.turns,
        recordings: recordings.of(scope),
        answerRoom: createAnswerRoom({ bytesMax: config.answersBytesMax / 2, within: answers }),
        sharing: config.cache,
        tellsSaved: config.cache.tellSaved,
        onDisconnect: config.onDisconnect,
        departed,
        onDegraded: (role, error) => metrics.degraded(role, MarrowError.is(error) ? error.code : "internal"),
      }),
      checkRoom({ session, conversation }) {
        if (session !== undefined || conversation !== undefined) turnBytes.check(scope);
      },
      cacheReport: async () => cache?.report(),
      answers: cache,
      forgetAnswer: async (id) => (await cache?.forget({ id })) === true,
      async auditAnswer(found, right) {
        await cache?.feedback(found, right);
        return cache !== undefined;
      },
      async judge(job) {
        if (config.cache.judge !== undefined) await cache?.judge(job);
      },
      async turnsOf(user, id) {
        const { turns, epoch } = await conversations.session({ user, id }).window({ last: sessions.turns });
        if (epoch !== "") return turns;
        throw new MarrowError("not_found", "there is no conversation of this id", {
          details: { path: "conversation" },
        });
      },
      async forget(user) {
        // First, so that requests that end from here on find the deletion.
        await createForgotten(scoped).note(user);
        const facts = embedder === undefined ? [] : await memory.facts(user).list({ all: true });
        const counted = await countedThings(memory, conversations, user);
        counted.push(...facts.map(({ id }) => factThing(user, id)));
        const [own, other] = [await memory.forget(user), await conversations.forget(user)];
        if (counted.length > 0) await turnBytes.release(scope, counted);
        await forgetAnswers(scoped, user);
        return {
          sessions: own.sessions + other.sessions,
          turns: own.turns + other.turns,
          facts: own.facts,
          answers: (await cache?.forgetSubject(user)) ?? 0,
          responses: await responses.forget(user),
        };
      },
    };
  }

  return remember(createTenant);
}

/** Names under which the bytes of a user's sessions and conversations are counted. Read before these are forgotten. */
async function countedThings(memory: Memory, conversations: Memory, user: string): Promise<string[]> {
  const things: string[] = [];
  for (const [of, nameOf] of [
    [memory, (id: string) => sessionThing(user, id)],
    [conversations, (id: string) => `conversation:${id}`],
  ] as const) {
    let after: string | undefined;
    const round = boundRounds("the list of a user's sessions");
    do {
      round();
      const { data, cursor } = await of.sessions({ user, limit: 100, after });
      things.push(...data.map(({ id }) => nameOf(id)));
      after = cursor;
    } while (after !== undefined && things.length < FORGOTTEN_MAX);
  }
  return things;
}

/** Sessions of one user whose bytes are given back; those of others end by themselves. */
const FORGOTTEN_MAX = 100_000;

/** A turn may be as large as the body that it came in, and is kept twice where it came as an item: a photo that a model is shown must also be kept. */
function turnBytesOf({ bodyBytesMax }: GatewayConfig): number {
  return Math.min(64 * 1_048_576, Math.max(1_048_576, 2 * bodyBytesMax));
}

/** Makes the memory of one tenant: its sessions and facts about its users. */
export function createTenantMemory(redis: ScopedRedis, config: GatewayConfig, embedder: Embedder | undefined): Memory {
  const { sessions, memories } = config;
  return createMemory(redis, {
    name: "chat",
    sessionTtlMs: sessions.ttlMs,
    turnBytesMax: turnBytesOf(config),
    facts: embedder && { embedder, ...memories },
  });
}

/** Makes the cache of one tenant's chats. */
export function createTenantCache(
  redis: ScopedRedis,
  { config: { cache }, embedder }: Pick<TenantParts, "config" | "embedder">,
  judge: JudgingOptions<StoredAnswer> | undefined,
): Cache<StoredAnswer> {
  return createCache<StoredAnswer>(redis, {
    name: "chat",
    embedder: cache.semantic ? embedder : undefined,
    preset: cache.preset,
    minScore: cache.minScore,
    verifier: cache.verifier,
    ttlMs: cache.ttlMs,
    timeBoundTtlMs: cache.timeBoundTtlMs,
    refreshOnHit: cache.refreshOnHit,
    entriesMax: cache.entriesMax,
    bytesMax: cache.bytesMax,
    profile: cache.profile,
    judge: cache.semantic && embedder !== undefined ? judge : undefined,
  });
}

/** Makes the vector stores and files of each tenant. */
export function createTenantStores({
  redis,
  config,
  embedder,
  metrics,
}: Pick<TenantParts, "redis" | "config" | "embedder" | "metrics">): (scope: string) => Stores {
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

/** Caches a value per scope. */
export function remember<T>(make: (scope: string) => T): (scope: string) => T {
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
