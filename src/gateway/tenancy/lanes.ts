import { hash } from "node:crypto";
import { MarrowError } from "../../errors.ts";
import { createLanes } from "../../limiter/index.ts";
import type { LaneGate } from "../../models/index.ts";
import type { Redis } from "../../redis/index.ts";

/** Scope of the providers' lanes, which belong to no tenant. */
const SCOPE = "providers";

/** The lanes of all endpoints of a gateway. */
export interface LaneGates {
  /**
   * Tracks one endpoint's own limits: a closed model is not called by any gateway on this Redis until its time is over. Endpoints of one
   * host with another path, query, key or header have separate limits. Refusals are `rate_limited` with `retryAfterMs`, or for an
   * overloaded provider `model_failed` with `isUnsent`.
   */
  (baseUrl: string, apiKey: string | undefined, headers?: Readonly<Record<string, string>>): LaneGate;
  /** Opens a model's lanes early: those of one provider (a host), or of all endpoints of this gateway. Returns how many. */
  readonly open: (model: string, provider?: string) => Promise<number>;
}

/** Makes the lanes, which belong to providers and not to tenants. */
export function createLaneGates(redis: Redis): LaneGates {
  const lanes = createLanes(redis.scope(SCOPE), { name: "upstream" });
  const known = new Map<string, { readonly provider: string; readonly key: string }>();
  const gateOf = (baseUrl: string, apiKey = "", headers: Readonly<Record<string, string>> = {}): LaneGate => {
    const provider = new URL(baseUrl).host;
    const key = accountOf(baseUrl, apiKey, headers);
    known.set(`${provider} ${key}`, { provider, key });
    return {
      async enter(model, tokens) {
        const decision = await lanes.enter({ provider, model, key }, tokens);
        if (decision.open) return;
        const { reason, retryAfterMs } = decision;
        if (reason === "overloaded")
          throw new MarrowError("model_failed", "the provider reported that it is overloaded", {
            details: { status: 503, retryAfterMs, isUnsent: true },
          });
        throw new MarrowError("rate_limited", "the provider's own limit for this model is reached", {
          details: { retryAfterMs },
        });
      },
      learn: (model, status, told, refused) => void lanes.learn({ provider, model, key }, status, told, refused),
    };
  };
  return Object.assign(gateOf, {
    async open(model: string, provider?: string): Promise<number> {
      const asked = [...known.values()].filter((one) => provider === undefined || one.provider === provider);
      await Promise.all(asked.map((one) => lanes.open({ ...one, model })));
      return asked.length;
    },
  });
}

/** Returns a digest of everything that distinguishes an account or deployment of one host; some of it is secret. */
function accountOf(baseUrl: string, apiKey: string, headers: Readonly<Record<string, string>>): string {
  const { pathname, search } = new URL(baseUrl);
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const sorted = named.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return hash("sha256", JSON.stringify([pathname.replace(/\/+$/, ""), search, apiKey, sorted])).slice(0, 16);
}
