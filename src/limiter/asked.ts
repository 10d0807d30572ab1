import type { Costs } from "./decision.ts";
import { SCALE, toThousandths, type Unit } from "./options.ts";

/** Costs in thousandths, by unit. */
export type Asked = Readonly<Record<Unit, number>>;

/** Fills the defaults of a take's costs, in thousandths. @throws MarrowError `invalid_input` */
export function toAsked({ requests = 1, tokens = 0, cost = 0, concurrency = 1 }: Costs): Asked {
  return {
    requests: toThousandths("costs.requests", requests),
    tokens: toThousandths("costs.tokens", tokens),
    cost: toThousandths("costs.cost", cost),
    concurrency: toThousandths("costs.concurrency", concurrency),
  };
}

/** Converts costs back to units. */
export function toUnits({ requests, tokens, cost, concurrency }: Asked): Required<Costs> {
  return { requests: requests / SCALE, tokens: tokens / SCALE, cost: cost / SCALE, concurrency: concurrency / SCALE };
}
