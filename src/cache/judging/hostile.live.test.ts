import { describe, expect } from "vitest";
import { ASKED, open, STORED, type Judge } from "../../../test/judge.ts";
import { liveTest } from "../../../test/live.ts";
import type { JudgingOptions } from "../index.ts";

const throwing = (): never => {
  throw new Error("the caller's own function failed");
};

describe("a judge that answers anything but a verdict", () => {
  liveTest.for([
    ["nothing", () => undefined],
    ["true", () => true],
    ["a number", () => 1],
    ["a list", () => ["same"]],
    ["the word in other letters", () => "SAME"],
    ["the word and a space", () => "same "],
    ["a string object", () => Object("same") as unknown],
    ["a symbol", () => Symbol("same")],
    ["a bigint", () => 1n],
    ["a function", () => () => "same"],
    ["ten million letters", () => "same".repeat(2_500_000)],
    [
      "a field that throws",
      () => ({
        get verdict() {
          return throwing();
        },
      }),
    ],
    ["a rejection of nothing", () => Promise.reject(undefined)],
    ["a throw", throwing],
    ["a verdict in a verdict", () => ({ verdict: { verdict: "same" } })],
    ["a reason of its own", () => ({ verdict: "unsure", reason: "__proto__" })],
    ["a price beyond all money", () => ({ verdict: "different", micros: 1e300 })],
  ] as [string, () => unknown][])("serves nothing and breaks nothing: %s", async ([, ask], { tenant }) => {
    const cache = open(tenant, ask as Judge, { mode: "serving" });
    await cache.store(STORED, "Like this.");
    expect(await cache.through(ASKED, async () => "fresh")).toMatchObject({ source: "miss", value: "fresh" });
    const { judge } = await cache.report();
    expect((judge["unsure"] ?? 0) + (judge["different"] ?? 0)).toBe(1);
    expect(Object.keys(judge).every((name) => /^(unsure|different)(\.(said|rubbish|failed))?$/.test(name))).toBe(true);
  });
});

describe("functions of the caller's beside the judge", () => {
  liveTest.for([
    ["onJudged", { mode: "serving", onJudged: throwing }, "judged"],
    ["paysOff", { mode: "serving", paysOff: throwing }, "miss"],
    ["later, at once", { later: throwing }, "miss"],
    ["later, in the end", { later: () => Promise.reject(new Error("full")) }, "miss"],
    ["later, with no promise", { later: () => true as never }, "miss"],
  ] as [string, Partial<JudgingOptions<string>>, string][])("may fail: %s", async ([, judge, source], { tenant }) => {
    const cache = open(tenant, () => "same", judge);
    await cache.store(STORED, "Like this.");
    expect(await cache.through(ASKED, async () => "fresh")).toMatchObject({ source });
  });
});

describe("a wording that is judged the same", () => {
  liveTest.for([
    ["signs of the keys", "My login > secret: is lost {acme}:*, what now?"],
    ["no ASCII", "My login secret is lost 🔑 — what now, ünïcödé?"],
    ["a NUL", "My login secret\u0000 is lost, what now?"],
    ["names of JavaScript", "__proto__ constructor toString is my lost login secret"],
    ["4,000 letters", `My login secret is lost ${"and lost ".repeat(430)}`],
  ] as [string, string][])("is an alias whatever it is made of: %s", async ([, asked], { tenant }) => {
    const cache = open(tenant, () => "same", { mode: "serving", floor: 0 });
    await cache.store(STORED, "Like this.");
    const found = await cache.lookup(asked);
    if (!found.hit) return;
    expect(found).toMatchObject({ match: "judged", value: "Like this." });
    expect(await cache.lookup(asked)).toMatchObject({ match: "alias", value: "Like this." });
    await cache.forget(STORED);
    expect((await cache.lookup(asked, { judge: false })).hit).toBe(false);
  });

  liveTest("keeps answers that are no objects apart from none", async ({ tenant }) => {
    const cache = open(tenant, () => "same", { mode: "serving" });
    await cache.store(STORED, null as never);
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "judged", value: null });
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "alias", value: null });
  });

  liveTest("by many at once asks the judge once, and serves them all", async ({ tenant }) => {
    let asked = 0;
    const ask = async () => {
      asked += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "same" as const;
    };
    const cache = open(tenant, ask, { mode: "serving", concurrency: 2, deadlineMs: 10_000 });
    await cache.store(STORED, "Like this.");
    const found = await Promise.all(Array.from({ length: 40 }, () => cache.lookup(ASKED)));
    expect(found.filter(({ hit }) => hit)).toHaveLength(40);
    expect(asked).toBe(1);
  });
});
