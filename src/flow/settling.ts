import type { AnswerCost } from "../cache/index.ts";
import type { Costs, Decision } from "../limiter/index.ts";
import type { ChatCompletion, ChatRequest } from "../models/index.ts";
import type { FlowOptions } from "./call.ts";
import { toUsed, type AnswerSource } from "./spending.ts";

/** What settling needs to know of a request. */
export interface Asked {
  readonly request: ChatRequest;
  readonly user: string;
  readonly key?: string | undefined;
  readonly decision: Decision | undefined;
  /** When the request came, and when the model was to be asked, by `performance.now()`. */
  readonly since: { readonly startMs: number; readonly askedMs: number };
}

/** What an answer used, put in place of what was taken for it, and told of. Nobody waits for any of it. */
export interface Settling {
  /** Puts real costs in place of those taken. */
  readonly settle: (decision: Decision | undefined, actual: Costs) => void;
  /** Gives back the place of a stream whose client left, while the answer goes on. */
  readonly freePlace: (decision: Decision | undefined) => void;
  /** Settles what an answer of the model used, and tells of it. */
  readonly spend: (asked: Asked, completion: ChatCompletion) => { readonly tokens: number; readonly cost: AnswerCost };
  /** Tells of a stored answer. */
  readonly hit: (asked: Asked, source: AnswerSource, cost: AnswerCost | undefined) => void;
  /** Tells of an answer that another request's model call gave, which cost no second one. */
  readonly shared: (asked: Asked, completion: () => ChatCompletion) => void;
}

/** Makes it for one flow. */
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
