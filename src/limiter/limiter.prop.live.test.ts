import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { takeFromWindows, type WindowState } from "./sliding-window.ts";
import { toCounts } from "./decision.ts";
import { takeWindows } from "./scripts.gen.ts";
import { runScript } from "../redis/index.ts";

const RULES = [
  { id: "a", by: "user", unit: "requests" as const, limit: 7, windowMs: 1_000 },
  { id: "b", by: "app", unit: "requests" as const, limit: 20, windowMs: 3_000 },
];

describe("the limiter's script", () => {
  liveTest(
    "decides as its pure twin does, over random histories",
    async ({ redis, unique }) => {
      let run = 0;
      const step = fc.record({ cost: fc.integer({ min: 0, max: 8 }), pauseMs: fc.constantFrom(0, 0, 0, 30, 250) });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
          run += 1;
          const counters = RULES.map(({ id }) => `{${unique}}:${run}:${id}`);
          let states: readonly WindowState[] = RULES.map(() => ({ window: 0, current: 0, previous: 0 }));
          for (const { cost, pauseMs } of steps) {
            if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
            const rules = RULES.flatMap(({ limit, windowMs }) => [limit, windowMs, cost]);
            const counts = toCounts(await runScript(redis, takeWindows, { counters }, { rules }), RULES);
            const twin = takeFromWindows(
              RULES.map((rule, at) => ({ ...rule, cost, state: states[at] as WindowState })),
              counts.nowMs,
            );
            states = twin.states;
            expect({
              refused: counts.refused,
              waitMs: counts.waitMs,
              remaining: counts.rules.map(({ remaining }) => remaining),
            }).toEqual({
              refused: twin.refused,
              waitMs: twin.waitMs,
              remaining: twin.used.map((used, at) => Math.max(0, (RULES[at]?.limit ?? 0) - used)),
            });
          }
        }),
        { numRuns: 40 },
      );
    },
    60_000,
  );
});
