import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { runScript } from "../redis/index.ts";
import { answer, charge, NOTHING, type RuleCount } from "./counting.ts";
import { periodAt } from "./calendar.ts";
import { limiterKeys } from "./keys.ts";
import { resolveOptions, type Rule } from "./options.ts";
import { takeUnits } from "./scripts.gen.ts";
import { createWire } from "./wire.ts";

const START_MS = Date.UTC(2026, 10, 23, 23, 59, 58);
const RULES: readonly Rule[] = [
  { id: "window", by: "user", limit: 12, windowMs: 1_000 },
  { id: "log", by: "user", algorithm: "slidingLog", limit: 14, windowMs: 700 },
  { id: "bucket", by: "org", algorithm: "tokenBucket", unit: "tokens", limit: 12, windowMs: 1_000, burst: 20 },
  { id: "fixed", by: "app", algorithm: "fixedWindow", limit: 30, windowMs: 3_000 },
  { id: "day", by: "app", algorithm: "fixedWindow", unit: "cost", limit: 60, calendar: "day", timeZone: "UTC" },
  { id: "slots", by: "user", unit: "concurrency", limit: 40 },
];

/** Rules of takes that have no name and hold nothing: most of these are done by a shorter part of the script. */
const USUAL: readonly Rule[] = [
  { id: "window", by: "user", limit: 12, windowMs: 1_000 },
  { id: "bucket", by: "user", algorithm: "tokenBucket", unit: "tokens", limit: 12, windowMs: 1_000, burst: 20 },
  { id: "fixed", by: "app", algorithm: "fixedWindow", limit: 30, windowMs: 3_000 },
  { id: "long", by: "app", limit: 60, windowMs: 5_000 },
];

/** The script with a clock of the test's own: a hash in place of the server's time. */
function withClock(clock: string) {
  const lua = takeUnits.lua.replace('redis.call("TIME")', `redis.call("HMGET", "${clock}", "s", "us")`);
  return { ...takeUnits, lua, sha1: createHash("sha1").update(lua).digest("hex") };
}

describe("the limiter's script", () => {
  liveTest.for([
    { kind: "all algorithms together", of: RULES, named: true },
    { kind: "takes without a name", of: USUAL, named: false },
  ])(
    "decides as its pure twin does, by $kind, over random histories and jumps of the clock",
    { timeout: 60_000 },
    async ({ of, named }, { redis, tenant, unique }) => {
      const clock = `{${unique}:acme}:clock`;
      const script = withClock(clock);
      const step = fc.record({
        cost: fc.oneof(
          fc.integer({ min: 0, max: 9_000 }),
          fc.integer({ min: 0, max: 9 }).map((n) => n * 1_000),
        ),
        moveMs: fc.oneof(
          { weight: 5, arbitrary: fc.integer({ min: 0, max: 300 }) },
          { weight: 2, arbitrary: fc.integer({ min: 300, max: 3_000 }) },
          { weight: 1, arbitrary: fc.integer({ min: -2_000, max: 0 }) },
          { weight: 1, arbitrary: fc.constant(86_400_000) },
        ),
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          run += 1;
          const { rules } = resolveOptions({ name: `l${run}`, rules: of, onUnavailable: "refuse" });
          const wire = createWire(rules, limiterKeys(tenant, `l${run}`, "scope"), 10_000);
          const keys = wire.keys(() => "x");
          let counts: RuleCount[] = wire.rules.map(() => NOTHING);
          let nowMs = START_MS;
          for (const [at, { cost, moveMs }] of steps.entries()) {
            nowMs += moveMs;
            await redis.send([
              "HSET",
              clock,
              "s",
              String(Math.floor(nowMs / 1_000)),
              "us",
              `${(nowMs % 1_000) * 1_000}`,
            ]);
            const costs = wire.rules.map(({ unit }) => (unit === "concurrency" ? 1_000 : cost));
            const taken = named ? [`t${at}`, ...wire.subjects.map(() => "")] : [];
            const values = { spec: wire.spec(costs, 0, nowMs), taken };
            const packed = (await runScript(redis, script, { keys }, values, { reply: "bytes" })) as Buffer;
            const reply = Array.from({ length: packed.length / 8 }, (_, i) => packed.readDoubleLE(8 * i));
            const told = wire.rules.map((rule, i) => {
              const { calendar } = rule;
              const period = calendar && periodAt(calendar.period, calendar.timeZone, nowMs);
              return answer({ rule, cost: costs[i]!, count: counts[i]!, period }, nowMs);
            });
            const longest = Math.max(...told.map(({ waitMs }) => waitMs));
            const waits = told.map(({ waitMs }) => waitMs);
            expect(reply).toEqual([
              nowMs,
              // Of several that never allow, the script names the last.
              longest === 0 ? 0 : (longest === Infinity ? waits.lastIndexOf(longest) : waits.indexOf(longest)) + 1,
              longest === 0 ? -2 : longest === Infinity ? -1 : longest,
              ...told.map(({ used }) => used),
            ]);
            // A subject's record is written when something was taken from it, or a log lost entries.
            const ofSubject = (i: number) => [...told.keys()].filter((j) => wire.subjectOf[j] === wire.subjectOf[i]);
            const takes = (i: number) => longest === 0 && ofSubject(i).some((j) => costs[j]! > 0);
            const trimmed = (i: number) =>
              ofSubject(i).some((j) => wire.rules[j]!.algorithm === "slidingLog" && told[j]!.count !== counts[j]);
            counts = told.map(({ count }, i) => {
              if (takes(i)) return charge(wire.rules[i]!, count, costs[i]!, nowMs);
              return trimmed(i) ? count : counts[i]!;
            });
          }
        }),
        { numRuns: 120 },
      );
    },
  );
});
