import { createBus } from "../bus/index.ts";
import { MarrowError } from "../errors.ts";
import { createFlow } from "../flow/index.ts";
import type { Memory } from "../memory/index.ts";
import { demoModel } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";
import type { TopicAnswer } from "./admin/answers-roles.ts";
import type { CacheStatsAnswer, ExplainAnswer, ListAnswer, TurnsAnswer } from "./admin/answers.ts";
import { toExplainAnswer, toRequest, type AskedAbout } from "./admin/explaining.ts";
import { readSavings } from "./admin/savings.ts";
import { toTopicAnswer } from "./admin/topic-answer.ts";
import { toTurnsAnswer } from "./admin/turns.ts";
import { resolveConfig, type GatewayConfig, type GatewayConfigInput } from "./config/config.ts";
import { openRedis, type RedisPlaces } from "./config/open-redis.ts";
import { createCoolDowns } from "./models/cool-downs.ts";
import { createEmbedder } from "./models/embedder.ts";
import { noModel, openModels } from "./models/model-source.ts";
import { createAccounts, plansKeyOf } from "./tenancy/accounts.ts";
import { createApiKeys, type ApiKeys } from "./tenancy/api-keys.ts";
import { createLaneGates } from "./tenancy/lanes.ts";
import { createSavings } from "./tenancy/savings.ts";
import { createTenantCache, createTenantMemory, remember } from "./tenancy/tenants.ts";

export { toKey as toKeyAnswer } from "./admin/key-answer.ts";
export type { TopicAnswer } from "./admin/answers-roles.ts";
export type { CacheStatsAnswer, ExplainAnswer, KeyAnswer, ListAnswer, TurnsAnswer } from "./admin/answers.ts";
export { resolveConfig, type GatewayConfig, type GatewayConfigInput } from "./config/config.ts";
export { fromEnvironment } from "./config/environment.ts";
export { updatePriceFile } from "./config/price-file.ts";
export { toShownConfig } from "./config/shown-config.ts";
export { findUnworkable } from "./config/unworkable.ts";
export { findMissingRights } from "./http/rights.ts";
export { GATEWAY_QUEUE, TASKS_QUEUE } from "./jobs.ts";
export { openReplayParts, type ReplayParts } from "./replaying.ts";
export { idOf as keyIdOf, KEY_LIFE_MS_MAX } from "./tenancy/api-keys.ts";

/** Returns true if the plan in `defaultPlan` is neither configured nor stored. An unreadable plan counts as stored. One round trip. */
export async function findAbsentPlan(
  redis: Redis,
  { plans, defaultPlan }: Pick<GatewayConfig, "plans" | "defaultPlan">,
): Promise<boolean> {
  if (defaultPlan === undefined || Object.hasOwn(plans, defaultPlan)) return false;
  try {
    return (await redis.send(["HEXISTS", plansKeyOf(redis), defaultPlan])) === 0;
  } catch (error) {
    if (MarrowError.is(error, "redis_denied")) return false;
    throw error;
  }
}

/** An installation for an operator's commands: its Redis and configuration, without a running gateway. */
export interface Operator {
  readonly redis: Redis;
  readonly keys: ApiKeys;
  /** Returns a plan by its name, configured or stored; `undefined` without one. */
  readonly findPlan: (name: string) => Promise<unknown>;
  /** Returns the memory with the sessions of a scope's chats. */
  memory(scope: string): Memory;
  /** Returns the newest `limit` turns of a session. @throws MarrowError `not_found` */
  turns(asked: SessionAsked): Promise<TurnsAnswer>;
  /** Returns a scope's cache configuration, its savings in the given days, and how often it is wrong. */
  cacheStats(asked: { readonly scope: string; readonly from: string; readonly to: string }): Promise<CacheStatsAnswer>;
  /**
   * Explains the cache's decision about a prompt. `shows`: includes the stored prompt of a hit. @throws MarrowError `not_found` for a model
   * that is not served
   */
  explain(
    asked: AskedAbout & { readonly scope: string; readonly user: string },
    options: { readonly shows: boolean },
  ): Promise<ExplainAnswer>;
  /** Lists a page of a scope's durable topics by name. @throws MarrowError `invalid_input` */
  topics(
    scope: string,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<ListAnswer<TopicAnswer>>;
  /** Returns a durable topic with all its groups. @throws MarrowError `not_found` */
  topic(scope: string, name: string): Promise<TopicAnswer>;
  close(): Promise<void>;
}

/** Options for reading turns. */
export interface SessionAsked {
  readonly scope: string;
  readonly user: string;
  readonly session: string;
  readonly before?: number | undefined;
  readonly limit: number;
  /** Whether content is included. */
  readonly shows: boolean;
}

/** Opens an installation for an operator. @throws MarrowError `unavailable` */
export async function openOperator(options: RedisPlaces & { readonly config: GatewayConfigInput }): Promise<Operator> {
  const config = resolveConfig(options.config);
  const opened = await openRedis(options, config.app, "fail");
  const { redis, cacheRedis } = opened;
  const embedder = createEmbedder(config.embedder, cacheRedis, () => {});
  const accounts = createAccounts(redis, config);
  const savings = createSavings(redis, config.spend, () => {});
  const cacheOf = remember((scope) =>
    config.cache.enabled ? createTenantCache(cacheRedis.scope(scope), { config, embedder }, undefined) : undefined,
  );
  const memory = (scope: string) => createTenantMemory(redis.scope(scope), config, embedder);

  return {
    redis,
    keys: createApiKeys(redis),
    findPlan: (name) => accounts.plan(name),
    memory,

    async turns({ scope, user, session, before, limit, shows }) {
      const read = await memory(scope).session({ user, id: session }).read({ before, limit, from: "newest" });
      if (read.version === 0)
        throw new MarrowError("not_found", "the user has no session of this id in the scope", {
          details: { path: "session" },
        });
      return toTurnsAnswer(read, shows);
    },

    async cacheStats({ scope, from, to }) {
      const { enabled, semantic, preset, ttlMs, per, personal } = config.cache;
      const reportOf = async (of: string) => cacheOf(of)?.report();
      return {
        object: "cache.stats",
        scope,
        cache: { enabled, semantic, preset, ttl_ms: ttlMs, per, personal },
        savings: await readSavings(savings, reportOf, { scope, by: "model", from, to }),
      };
    },

    async explain({ scope, user, ...asked }, { shows }) {
      await checkServed(config, redis, asked.model);
      const plan = await accounts.plan(await accounts.planOf(scope, user));
      const flow = createFlow({ findModel: () => undefined, cache: cacheOf(scope), sharing: config.cache });
      const per = plan?.cachePer === undefined ? [] : [plan.cachePer];
      return toExplainAnswer(asked.prompt, await flow.explain({ request: toRequest(asked), user, per }), shows);
    },

    async topics(scope, page) {
      const { data, cursor } = await createBus(redis.scope(scope)).topics(page);
      return { object: "list", data: data.map(toTopicAnswer), ...(cursor !== undefined && { next: cursor }) };
    },

    async topic(scope, name) {
      const found = await createBus(redis.scope(scope)).topic(name).stats();
      if (found === undefined)
        throw new MarrowError("not_found", "the scope has no topic of this name", { details: { path: "topic" } });
      return toTopicAnswer(found);
    },

    close: () => opened.close(),
  };
}

/** No request for a model that no upstream serves comes as far as the cache. */
async function checkServed(config: GatewayConfig, redis: Redis, model: string): Promise<void> {
  const own = config.demo.enabled ? [demoModel()] : [];
  const models = openModels(config, { own, laneOf: createLaneGates(redis), coolDowns: createCoolDowns(redis) });
  try {
    if (models.find(model) === undefined) throw noModel();
  } finally {
    await models.close();
  }
}
