import type { AnswerCost } from "../cache/index.ts";
import type { Costs, Decision } from "../limiter/index.ts";
import type { ChatCompletion, ChatRequest } from "../models/index.ts";
import type { FlowOptions } from "./call.ts";
import { toUsed, type AnswerSource } from "./spending.ts";

/** Facts about a request that settling needs. */
export interface Asked {
  readonly request: ChatRequest;
  readonly user: string;
  readonly key?: string | undefined;
  readonly decision: Decision | undefined;
  /** Times of the request and of the model call, by `performance.now()`. */
  readonly since: { readonly startMs: number; readonly askedMs: number };
}

/** Settles and reports the usage of answers, in the background. */
export interface Settling {
  /** Replaces the reserved costs by the real ones. */
  readonly settle: (decision: Decision | undefined, actual: Costs) => void;
  /** Releases the concurrency slot of a stream whose client left, while the answer continues. */
  readonly freePlace: (decision: Decision | undefined) => void;
  /** Settles and reports the usage of a model's answer. */
  readonly spend: (asked: Asked, completion: ChatCompletion) => { readonly tokens: number; readonly cost: AnswerCost };
  /** Reports a stored answer. */
  readonly hit: (asked: Asked, source: AnswerSource, cost: AnswerCost | undefined) => void;
  /** Reports an answer shared with another request's model call. */
  readonly shared: (asked: Asked, completion: () => ChatCompletion) => void;
}

/** Makes the settling of one flow. */
export function createSettling({
  prices,
  onSpent,
  onAnswered,
  onDegraded = () => {},
}: Pick<FlowOptions, "prices" | "onSpent" | "onAnswered" | "onDegraded">): Settling {
  function settle(decision: Decision | undefined, actual: Costs): void {
    if (decision?.allowed !== true) return;
    decision.settle(actual).catch((error: unknown) => onDegraded("limiter", error));
  }

  function hit({ user, key, request, since }: Asked, source: AnswerSource, cost: AnswerCost | undefined): void {
    onAnswered?.({ user, key, model: request.model, source, cost, tookMs: performance.now() - since.startMs });
  }

  return {
    settle,
    hit,

    freePlace(decision) {
      if (decision?.allowed !== true) return;
      decision.adjust({ concurrency: 0 }).catch((error: unknown) => onDegraded("limiter", error));
    },

    spend(asked, completion) {
      const { request, user, key, decision, since } = asked;
      const { tokens, ...used } = toUsed(request, completion, prices);
      settle(decision, { tokens, cost: used.micros ?? 0 });
      onSpent?.({ user, key, ...used });
      const cost = { ...used, tookMs: performance.now() - since.askedMs };
      hit(asked, "miss", cost);
      return { tokens, cost };
    },

    shared(asked, completion) {
      if (onAnswered === undefined) return;
      const { tokens: _, ...saved } = toUsed(asked.request, completion(), prices);
      // It waited as long as the one that asked: no time was saved.
      hit(asked, "shared", { ...saved, tookMs: 0 });
    },
  };
}
