import { hash } from "node:crypto";
import { judgeTokens, modelJudge, type JudgeJob, type JudgingOptions } from "../../cache/index.ts";
import { MarrowError } from "../../errors.ts";
import type { StoredAnswer } from "../../flow/index.ts";
import type { ChatModel, Prices } from "../../models/index.ts";
import { createQueue } from "../../queue/index.ts";
import type { Redis } from "../../redis/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import { GATEWAY_QUEUE } from "../jobs.ts";
import type { Metrics } from "../http/metrics.ts";

/** A question of one tenant to be judged, in the gateway's queue. */
export interface JudgeQueueJob {
  readonly type: "judge";
  readonly job: JudgeJob;
}

/** Dependencies of the caches' judge. */
export interface CacheJudgeParts {
  readonly redis: Redis;
  readonly config: GatewayConfig;
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly prices: Prices;
  readonly metrics: Metrics;
  /** Returns whether this process serves the gateway's queue; otherwise it judges its own near misses. */
  readonly works: () => boolean;
}

/** Longest wait of a question for the judge: later ones are rarely asked again. */
const WAIT_TTL_MS = 600_000;

/** Makes the configured judge of one tenant's cache; `undefined` without one. */
export function toCacheJudge(parts: CacheJudgeParts, scope: string): JudgingOptions<StoredAnswer> | undefined {
  const { redis, findModel, prices, metrics, works } = parts;
  const configured = parts.config.cache.judge;
  if (configured === undefined) return undefined;
  const { model: id, ...options } = configured;
  const queue = createQueue<JudgeQueueJob>(redis.scope(scope), { name: GATEWAY_QUEUE });
  const ask = modelJudge<StoredAnswer>({
    model: { complete: async (call) => modelOf(findModel, id).complete(call) },
    id,
    prices,
    toText: ({ message }) => (typeof message.content === "string" ? message.content : ""),
  });
  return {
    ...options,
    ask,
    later(job) {
      if (!works()) return undefined;
      // A question waits once, whoever asks it. Its id consists of digests, never of words.
      const { partition, id: question } = job.question;
      const digest = hash(
        "sha256",
        `${partition} ${question} ${job.entries.join()} ${Math.floor(Date.now() / 10_000)}`,
      );
      return queue.push(
        { type: "judge", job },
        {
          id: `judge_${digest.slice(0, 40)}`,
          kind: "none",
          priority: 0,
          attempts: 2,
          waitTtlMs: WAIT_TTL_MS,
          resultTtlMs: 1_000,
        },
      );
    },
    paysOff({ asked, stored, answer }) {
      const { usage, model } = answer;
      const answered = usage && {
        promptTokens: usage.prompt_tokens,
        completionTokens: usage.completion_tokens,
      };
      const costs = answered ? prices.costOf(model, answered) : undefined;
      const judging = prices.costOf(id, judgeTokens({ asked, stored }));
      return costs === undefined || judging === undefined || judging < costs;
    },
    onJudged: ({ verdict, reason, micros }) => metrics.judged(reason ?? verdict, micros ?? 0),
  };
}

/** Refuses a judge that no model serves, when the gateway is created. @throws MarrowError `invalid_option` */
export function checkCacheJudge(config: GatewayConfig, findModel: (id: string) => ChatModel | undefined): void {
  const id = config.cache.judge?.model;
  if (id !== undefined && findModel(id) === undefined)
    throw new MarrowError("invalid_option", "cache.judge.model must be the id of a model that some upstream serves", {
      details: { path: "cache.judge.model" },
    });
}

function modelOf(findModel: (id: string) => ChatModel | undefined, id: string): ChatModel {
  const model = findModel(id);
  if (model === undefined) throw new MarrowError("not_found", "the judge's model does not exist");
  return model;
}
