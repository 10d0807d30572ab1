import { checkInteger, refuse } from "../internal/check.ts";
import type { Limiter, Subjects } from "./contract.ts";
import type { Costs, Decision, Permit } from "./decision.ts";
import { SCALE, toThousandths } from "./options.ts";

/** Options of `createQuota`. */
export interface QuotaOptions {
  /** Units per block; units that are left out are not limited. At least one. */
  readonly block: Pick<Costs, "requests" | "tokens" | "cost">;
  /** Lifetime of a block in milliseconds, 10 to 60,000. Unused units are returned when it ends. @default 1_000 */
  readonly blockMs?: number | undefined;
}

/** Takes units from a limit in blocks, and spends them in process. */
export interface Quota {
  /**
   * Takes like `Limiter.take`. Makes no round trip while the current block lasts, or for `retryAfterMs` (at most `blockMs`) after a
   * refusal.
   */
  take(subjects: Subjects, costs?: Costs): Promise<Decision>;
  /** Returns the unused units of all blocks. */
  close(): Promise<void>;
}

/** Subjects that have a block at the same time. */
const BLOCKS_MAX = 1_000;
/** New blocks that a take requests if other takes used up the last one, before it asks for itself alone. */
const TRIES = 3;
const UNITS = ["requests", "tokens", "cost"] as const;
type Amounts = Record<(typeof UNITS)[number], number>;

interface Block {
  readonly permit: Permit;
  readonly left: Amounts;
  readonly spent: Amounts;
  readonly untilMs: number;
  over: boolean;
}

/**
 * Takes units from a shared limiter (the whole app, a provider's quota) in blocks: one round trip per block and process instead of one per
 * call.
 *
 * **Bound.** A window can exceed the limit by at most one block per process, because a block lasts `blockMs`. In return, up to one unused
 * block per process is unavailable to others. A block of a process that dies counts as spent, but its tokens and cost return with its
 * lease. Rules of slots are not supported.
 * @throws MarrowError `invalid_option`
 */
export function createQuota(limiter: Limiter, { block, blockMs: lasts = 1_000 }: QuotaOptions): Quota {
  const blockMs = checkInteger("blockMs", lasts, { min: 10, max: 60_000 });
  const size = toAmounts("block", block, 0);
  if (UNITS.every((unit) => size[unit] === 0)) refuse("block", "units of at least one kind", block);
  const blocks = new Map<string, Block>();
  const filling = new Map<string, Promise<Decision>>();
  const refusals = new Map<string, { readonly decision: Decision; readonly untilMs: number }>();

  async function end(name: string, one: Block): Promise<void> {
    if (one.over) return;
    one.over = true;
    if (blocks.get(name) === one) blocks.delete(name);
    const counted = Object.fromEntries(UNITS.flatMap((unit) => (size[unit] > 0 ? [[unit, one.spent[unit]]] : [])));
    await one.permit.settle(counted);
  }

  async function fill(name: string, subjects: Subjects, costs: Amounts): Promise<Decision> {
    const wanted = Object.fromEntries(
      UNITS.map((unit) => [unit, size[unit] === 0 ? 0 : Math.max(size[unit], costs[unit])]),
    ) as Amounts;
    const decision = await limiter.take(subjects, wanted, { reserve: true });
    if (!decision.allowed) return decision;
    const fresh: Block = {
      permit: decision,
      left: wanted,
      spent: { requests: 0, tokens: 0, cost: 0 },
      untilMs: performance.now() + blockMs,
      over: false,
    };
    const before = blocks.get(name);
    blocks.set(name, fresh);
    setTimeout(() => void end(name, fresh).catch(() => {}), blockMs).unref();
    // Returns the rest of the previous block in the background.
    if (before !== undefined) void end(name, before).catch(() => {});
    if (blocks.size > BLOCKS_MAX) {
      const [oldest, other] = blocks.entries().next().value as [string, Block];
      void end(oldest, other).catch(() => {});
    }
    return decision;
  }

  function spend(subjects: Subjects, one: Block, costs: Amounts): Permit {
    for (const unit of UNITS) {
      one.left[unit] -= costs[unit];
      one.spent[unit] += costs[unit];
    }
    let current: Amounts | undefined = costs;
    async function put(actual: Costs, ends: boolean): Promise<boolean> {
      if (current === undefined) return false;
      const real = toAmounts("costs", { ...current, ...actual }, 1);
      const more = Object.fromEntries(UNITS.map((unit) => [unit, real[unit] - (current as Amounts)[unit]])) as Amounts;
      current = ends ? undefined : real;
      if (!one.over) {
        for (const unit of UNITS) {
          one.left[unit] -= more[unit];
          one.spent[unit] += more[unit];
        }
        return true;
      }
      // The block was settled already: charge additional units; unused ones are not returned.
      const on = Object.fromEntries(UNITS.map((unit) => [unit, size[unit] === 0 ? 0 : Math.max(0, more[unit])]));
      if (Object.values(on).some((units) => units > 0)) await limiter.charge(subjects, on);
      return false;
    }
    return {
      allowed: true,
      degraded: one.permit.degraded,
      rules: one.permit.rules,
      token: undefined,
      settle: (actual = {}) => put(actual, true),
      adjust: (soFar) => put(soFar, false),
    };
  }

  return {
    async take(subjects, costs = {}) {
      const asked = toAmounts("costs", costs, 1);
      const name = JSON.stringify(Object.entries(subjects).toSorted(([a], [b]) => (a < b ? -1 : 1)));
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        const one = blocks.get(name);
        const fits = (left: Amounts) => UNITS.every((unit) => size[unit] === 0 || left[unit] >= asked[unit]);
        if (one !== undefined && !one.over && performance.now() < one.untilMs && fits(one.left))
          return spend(subjects, one, asked);
        const refused = refusals.get(name);
        if (refused !== undefined && performance.now() < refused.untilMs) return refused.decision;
        let filled = filling.get(name);
        if (filled === undefined) {
          filled = fill(name, subjects, asked).finally(() => filling.delete(name));
          filling.set(name, filled);
        }
        if (!(await filled).allowed) break;
      }
      // There is no block to be had: perhaps there is enough for this call.
      const decision = await limiter.take(subjects, costs, { reserve: true });
      if (!decision.allowed && decision.retryAfterMs !== undefined) {
        if (refusals.size >= BLOCKS_MAX) refusals.clear();
        refusals.set(name, { decision, untilMs: performance.now() + Math.min(blockMs, decision.retryAfterMs) });
      }
      return decision;
    },

    async close() {
      await Promise.all([...blocks].map(([name, one]) => end(name, one)));
    },
  };
}

function toAmounts(path: string, costs: Costs, requests: number): Amounts {
  const check = (unit: keyof Amounts, value: number) => toThousandths(`${path}.${unit}`, value) / SCALE;
  return {
    requests: check("requests", costs.requests ?? requests),
    tokens: check("tokens", costs.tokens ?? 0),
    cost: check("cost", costs.cost ?? 0),
  };
}
