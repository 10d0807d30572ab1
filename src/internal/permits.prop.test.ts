import { setImmediate as turn } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MarrowError } from "../errors.ts";
import { createPermits, type Permit } from "./permits.ts";

const refusal = () => new MarrowError("rate_limited", "too many tests", { details: { retryAfterMs: 1_000 } });
const OWNERS = ["a", "b"];
const MAX = 12;

/** A caller of the permits, and how far it came. */
interface Caller {
  readonly owner: string;
  readonly units: number;
  readonly isFirst: boolean;
  readonly stop: AbortController;
  held: number;
  state: "waits" | "holds" | "done" | "refused" | "left";
  permit?: Permit;
}

type Act =
  | { readonly type: "take"; readonly owner: string; readonly units: number; readonly isFirst: boolean }
  | { readonly type: "release" | "shrink" | "leave" | "again"; readonly nth: number }
  | { readonly type: "turn" };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("take" as const),
      owner: fc.constantFrom(...OWNERS),
      units: fc.integer({ min: 1, max: MAX + 4 }),
      isFirst: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom("release" as const, "shrink" as const, "leave" as const, "again" as const),
      nth: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "turn" as const }) },
);

/** Permits of some bounds, with all callers that there were. */
function open(bounds: { readonly max: number; readonly eachMax?: number; readonly waitingMax?: number }) {
  const permits = createPermits({ ...bounds, refusal });
  const callers: Caller[] = [];
  const those = (state: Caller["state"]) => callers.filter((one) => one.state === state);
  const heldBy = (owner?: string) =>
    callers.filter((one) => owner === undefined || one.owner === owner).reduce((sum, { held }) => sum + held, 0);

  /** Those that could begin next: the oldest of each owner's line, and where some go first, of those. */
  function oldest(isFirst: boolean): readonly Caller[] {
    const waiting = those("waits").filter((one) => one.isFirst === isFirst);
    return OWNERS.flatMap((owner) => waiting.find((one) => one.owner === owner) ?? []);
  }

  return {
    callers,
    those,
    heldBy,
    oldest,

    take({ owner, units, isFirst }: Extract<Act, { type: "take" }>): void {
      const stop = new AbortController();
      const one: Caller = { owner, units, isFirst, stop, held: 0, state: "waits" };
      callers.push(one);
      permits.take(units, Infinity, { owner, isFirst, signal: stop.signal }).then(
        (permit) => {
          // It began when the room was given, a moment ago.
          one.permit = permit;
          one.state = "holds";
          one.held = Math.min(units, bounds.eachMax ?? bounds.max);
        },
        (error: unknown) => (one.state = MarrowError.is(error) ? "refused" : "left"),
      );
    },

    async act(what: Act): Promise<void> {
      if (what.type === "take") this.take(what);
      else if (what.type === "turn") await turn();
      else if (what.type === "leave") pick(those("waits"), what.nth)?.stop.abort(new Error("left"));
      else if (what.type === "again") pick(those("done"), what.nth)?.permit?.();
      else {
        const one = pick(those("holds"), what.nth);
        if (one === undefined) return;
        one.held = what.type === "shrink" ? Math.floor(one.held / 2) : 0;
        if (what.type === "release") one.state = "done";
        one.permit?.(one.held);
      }
      // All promises of this act settle; those of refusals within a few turns.
      for (let nth = 0; nth < 3; nth += 1) await turn();
    },
  };
}

function pick<T>(list: readonly T[], nth: number): T | undefined {
  return list[nth % Math.max(1, list.length)];
}

const bounds = fc.record(
  { max: fc.constant(MAX), eachMax: fc.integer({ min: 1, max: MAX }), waitingMax: fc.integer({ min: 1, max: 6 }) },
  { requiredKeys: ["max"] },
);
const acts = fc.array(act, { maxLength: 60 });

describe("permits of any bounds, under any calls", () => {
  it("never exceed their bound, nor an owner's, nor the callers that may wait", async () => {
    await fc.assert(
      fc.asyncProperty(bounds, acts, async (some, list) => {
        const room = open(some);
        for (const one of list) {
          await room.act(one);
          expect(room.heldBy()).toBeLessThanOrEqual(some.max);
          for (const owner of OWNERS) expect(room.heldBy(owner)).toBeLessThanOrEqual(some.eachMax ?? some.max);
          expect(room.those("waits").length).toBeLessThanOrEqual(some.waitingMax ?? Infinity);
        }
      }),
    );
  });

  it("let nobody wait who would have room: only behind one that does not fit, or for room of the own owner", async () => {
    await fc.assert(
      fc.asyncProperty(bounds, acts, async (some, list) => {
        const [room, eachMax] = [open(some), some.eachMax ?? some.max];
        for (const one of list) {
          await room.act(one);
          const fits = (units: number) => room.heldBy() + units <= some.max;
          const mayHold = ({ owner, units }: Caller) =>
            eachMax >= some.max || room.heldBy(owner) + Math.min(units, eachMax) <= eachMax;
          const may = [...room.oldest(true), ...room.oldest(false)].filter(mayHold);
          if (may.length === 0) continue;
          expect(may.every(({ units }) => fits(Math.min(units, eachMax)))).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("serve all that wait once those that hold give back, in whatever order, and are all given back in the end", async () => {
    await fc.assert(
      fc.asyncProperty(bounds, acts, fc.infiniteStream(fc.nat(20)), async (some, list, order) => {
        const room = open(some);
        for (const one of list) await room.act(one);
        for (;;) {
          const { value: nth } = order.next();
          if (room.those("holds").length === 0) break;
          await room.act({ type: "release", nth });
        }
        expect(room.those("waits")).toEqual([]);
        expect(room.heldBy()).toBe(0);
        // One that wants all gets it at once.
        room.take({ type: "take", owner: "e", units: some.max, isFirst: false });
        await turn();
        expect(room.callers.at(-1)?.state).toBe("holds");
      }),
    );
  });

  it("give each owner a turn before another has two, whatever the others ask for", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ owner: fc.constantFrom("a", "b", "c"), units: fc.integer({ min: 1, max: MAX }) }), {
          maxLength: 40,
        }),
        async (flood) => {
          const room = open({ max: MAX });
          const ofAll = { type: "take" as const, owner: "z", units: MAX, isFirst: false };
          room.take(ofAll);
          await turn();
          for (const one of flood) room.take({ type: "take", ...one, isFirst: false });
          room.take({ ...ofAll, owner: "d", units: 3 });
          const mine = room.callers.at(-1);
          const begunBefore = new Map<string, number>();
          let holding = new Set<Caller>();
          while (mine?.state === "waits") {
            await room.act({ type: "release", nth: 0 });
            for (const one of room.those("holds")) {
              if (!holding.has(one) && one !== mine)
                begunBefore.set(one.owner, (begunBefore.get(one.owner) ?? 0) + (mine.state === "waits" ? 1 : 0));
            }
            holding = new Set(room.those("holds"));
          }
          for (const count of begunBefore.values()) expect(count).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
