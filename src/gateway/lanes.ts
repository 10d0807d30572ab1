import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { createLanes } from "../limiter/index.ts";
import type { LaneGate } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";

/** Scope of what is learned of providers: it is theirs, not a tenant's. */
const SCOPE = "providers";

/**
 * Keeps one endpoint's own limits: a model that it closed is not asked until it said, by any gateway on this Redis.
 * What is refused here is a `rate_limited` with `retryAfterMs`.
 */
export function createLaneGates(redis: Redis): (baseUrl: string, apiKey: string | undefined) => LaneGate {
  const lanes = createLanes(redis.scope(SCOPE), { name: "upstream" });
  return (baseUrl, apiKey = "") => {
    const provider = new URL(baseUrl).host;
    const key = hash("sha256", apiKey).slice(0, 16);
    return {
      async enter(model, tokens) {
        const decision = await lanes.enter({ provider, model, key }, tokens);
        if (decision.open) return;
        throw new MarrowError("rate_limited", "the provider's own limit for this model is reached", {
          details: { retryAfterMs: decision.retryAfterMs },
        });
      },
      learn: (model, status, headers) => void lanes.learn({ provider, model, key }, status, headers),
    };
  };
}
