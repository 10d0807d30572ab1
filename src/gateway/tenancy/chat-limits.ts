import { createLimiter, type Limiter, type Rule } from "../../limiter/index.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import type { GatewayConfig, Plan } from "../config/config.ts";
import { toRules } from "./plans.ts";

/** Pairs of plans that a tenant's limiters are kept for. */
const PLANS_MAX = 1_000;

/** The limits of one tenant's chats. */
export interface ChatLimits {
  /** Returns the limits for these plans; `undefined` if limits are off. All count with the same keys. */
  readonly limiter: (userPlan: Plan | undefined, keyPlan: Plan | undefined) => Limiter | undefined;
  /** Returns the limiter of calls that continue without their client: as many as there are slots; `undefined` if slots have no limit. */
  readonly departed: (limiter: Limiter) => Limiter | undefined;
}

/** Opens the limits of one tenant's chats. */
export function createChatLimits(redis: ScopedRedis, { limits }: Pick<GatewayConfig, "limits">): ChatLimits {
  const limiters = new Map<string, Limiter>();
  const departed = new WeakMap<Limiter, Limiter>();
  const open = (name: string, rules: readonly Rule[]) =>
    createLimiter(redis, { name, onUnavailable: limits.onUnavailable, rules });

  return {
    limiter(userPlan, keyPlan) {
      if (!limits.enabled) return undefined;
      const plans = userPlan === undefined && keyPlan === undefined ? "" : JSON.stringify([userPlan, keyPlan]);
      const known = limiters.get(plans);
      if (known !== undefined) return known;
      if (limiters.size >= PLANS_MAX) limiters.clear();
      const rules = toRules({ limits }, userPlan, keyPlan);
      const made = open("chat", rules);
      limiters.set(plans, made);
      const places = rules.filter(({ unit }) => unit === "concurrency");
      if (places.length > 0) departed.set(made, open("chat-departed", places));
      return made;
    },
    departed: (limiter) => departed.get(limiter),
  };
}
