import { describe, expect, vi } from "vitest";
import { aliased, ASKED, byGroups, everything, NEAR, open, STORED, type Judge } from "../../../test/judge.ts";
import { liveTest } from "../../../test/live.ts";
import { createCache } from "../index.ts";

describe("a judge in the background", () => {
  liveTest(
    "makes a near miss that it calls the same an alias, found in one round trip",
    async ({ tenant, counted, proxy }) => {
      const ask = byGroups([STORED, ASKED]);
      const cache = open(tenant, ask);
      await cache.store(STORED, "Like this.");
      expect((await cache.lookup(ASKED)).hit).toBe(false);
      await aliased(cache);
      expect(await cache.lookup(ASKED)).toMatchObject({ hit: true, match: "alias", value: "Like this." });
      expect(ask).toHaveBeenCalledTimes(1);
      const elsewhere = open(counted.scope("acme"), ask);
      await elsewhere.lookup(ASKED);
      proxy.reset();
      expect(await elsewhere.lookup(ASKED)).toMatchObject({ hit: true, match: "alias" });
      expect(proxy.roundTrips()).toBe(1);
      proxy.reset();
      expect(await elsewhere.lookup(STORED)).toMatchObject({ hit: true, match: "exact" });
      expect(proxy.roundTrips()).toBe(1);
    },
  );

  liveTest("proves later questions against every wording that was judged the same", async ({ tenant }) => {
    const cache = open(tenant, byGroups([STORED, ASKED]));
    await cache.store(STORED, "Like this.");
    expect(await cache.lookup(NEAR, { judge: false })).toMatchObject({ hit: false });
    await cache.lookup(ASKED);
    await aliased(cache);
    const later = "My login secret is lost, what now";
    expect(await cache.lookup(later)).toMatchObject({ hit: true, match: "similar", value: "Like this." });
  });

  liveTest("gives the request no wait, whatever the judge does", async ({ tenant }) => {
    const never = vi.fn(() => new Promise<"same">(() => {}));
    const cache = open(tenant, never, { timeoutMs: 60_000 });
    await cache.store(STORED, "Like this.");
    const answered = await Promise.race([
      cache.through(ASKED, async () => "fresh"),
      new Promise((resolve) => setTimeout(resolve, 5_000, "too late")),
    ]);
    expect(answered).toMatchObject({ source: "miss", value: "fresh" });
    await expect.poll(() => never.mock.calls.length).toBe(1);
  });

  liveTest(
    "lets the fresh answer of `through` give way to the alias, in whichever order they come",
    async ({ tenant }) => {
      const groups = [STORED, ASKED, NEAR];
      const quick = open(tenant, byGroups(groups));
      await quick.store(STORED, "Like this.");
      await quick.through(ASKED, async () => {
        await aliased(quick);
        return "fresh";
      });
      expect(await quick.through(ASKED, async () => "never")).toMatchObject({ source: "alias", value: "Like this." });
      let say: (verdict: "same") => void = () => {};
      const slow = open(tenant, () => new Promise<"same">((resolve) => void (say = resolve)), {}, { name: "slow" });
      await slow.store(STORED, "Like this.");
      await slow.through(ASKED, async () => "fresh");
      expect(await slow.lookup(ASKED)).toMatchObject({ match: "exact", value: "fresh" });
      say("same");
      await expect.poll(() => slow.lookup(ASKED)).toMatchObject({ match: "alias", value: "Like this." });
    },
  );

  liveTest("drops and counts what it has no room for", async ({ tenant }) => {
    const cache = open(tenant, byGroups([]), { waitingMax: 0 });
    await cache.store(STORED, "Like this.");
    await cache.lookup(ASKED);
    await expect.poll(async () => (await cache.report()).judge).toMatchObject({ dropped: 1 });
  });

  liveTest("judges one pair once over all processes, and remembers the verdict", async ({ tenant, redis }) => {
    const ask = vi.fn(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "different" as const;
    });
    const caches = Array.from({ length: 4 }, () => open(redis.scope("acme"), ask));
    await open(tenant, ask).store(STORED, "Like this.");
    await Promise.all(caches.flatMap((cache) => [cache.lookup(ASKED), cache.lookup(ASKED)]));
    await expect.poll(async () => (await caches[0]?.report())?.judge["different"]).toBe(1);
    for (const cache of caches) await cache.lookup(ASKED);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(ask).toHaveBeenCalledTimes(1);
  });

  liveTest("keeps to its budget of a minute, and of a day's money", async ({ tenant }) => {
    const ask = vi.fn(() => ({ verdict: "different" as const, micros: 600_000 }));
    const minute = open(tenant, ask, { perMinute: 2, candidatesMax: 1 });
    const day = open(tenant, ask, { perDay: 1, candidatesMax: 1 }, { name: "d" });
    for (const cache of [minute, day]) {
      ask.mockClear();
      await cache.store(STORED, "Like this.");
      await cache.lookup("My password is lost");
      await expect.poll(async () => (await cache.report()).judge).toMatchObject({ different: 1 });
      for (const word of ["gone", "away", "stolen"]) await cache.lookup(`My password is ${word}`);
      await expect.poll(async () => (await cache.report()).judge).toMatchObject({ different: 2, over_budget: 2 });
      expect(ask).toHaveBeenCalledTimes(2);
    }
  });

  liveTest("goes through a queue of the caller's", async ({ tenant }) => {
    const jobs: string[] = [];
    const cache = open(tenant, byGroups([STORED, ASKED]), { later: async (job) => jobs.push(JSON.stringify(job)) });
    await cache.store(STORED, "Like this.");
    await cache.lookup(ASKED);
    expect(jobs).toHaveLength(1);
    expect(await cache.judge(JSON.parse(jobs[0] as string))).toBe("same");
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "alias" });
    await expect(cache.judge({ entries: [] } as never)).rejects.toMatchObject({ code: "invalid_input" });
    const none = createCache<string>(tenant, { name: "n" });
    await expect(none.judge(JSON.parse(jobs[0] as string))).rejects.toMatchObject({ code: "unsupported" });
  });
});

describe("a near miss that waits for its judge", () => {
  const queued = async (
    tenant: Parameters<typeof open>[0],
    ask: Judge,
    name: string,
    subject?: string,
  ): Promise<{ cache: ReturnType<typeof open>; judge: () => Promise<"same" | undefined> }> => {
    const jobs: string[] = [];
    const cache = open(tenant, ask, { later: async (job) => jobs.push(JSON.stringify(job)) }, { name });
    await cache.store(STORED, "Like this.");
    await cache.lookup(ASKED, { subject });
    expect(jobs).toHaveLength(1);
    return { cache, judge: () => cache.judge(JSON.parse(jobs[0] as string)) };
  };

  liveTest("makes no alias once its user was forgotten, and is told to nobody", async ({ tenant, redis }) => {
    const ask = byGroups([STORED, ASKED]);
    const { cache, judge } = await queued(tenant, ask, "f", "ada");
    await cache.forgetSubject("ada");
    expect(await judge()).toBeUndefined();
    expect(ask).not.toHaveBeenCalled();
    expect(await everything(redis)).not.toMatch(/secret|ada/);
    const other = await queued(tenant, ask, "g", "bob");
    await other.cache.forgetSubject("ada");
    expect(await other.judge()).toBe("same");
  });

  liveTest(
    "makes no alias when its user is forgotten, or the cache cleared, while the judge thinks",
    async ({ tenant, redis }) => {
      for (const [name, end] of [
        ["f", (cache: ReturnType<typeof open>) => cache.forgetSubject("ada")],
        ["c", (cache: ReturnType<typeof open>) => cache.clear()],
        ["e", (cache: ReturnType<typeof open>) => cache.forget(STORED)],
      ] as const) {
        let cleared: ReturnType<typeof open> | undefined;
        const { cache, judge } = await queued(
          tenant,
          async () => {
            await end(cleared as ReturnType<typeof open>);
            return "same" as const;
          },
          name,
          "ada",
        );
        cleared = cache;
        expect(await judge()).toBeUndefined();
        expect((await redis.send(["KEYS", `{${redis.app}:*:cache:${name}:alias:*`])) as string[]).toEqual([]);
      }
    },
  );

  liveTest("makes no alias of an entry that was cleared or forgotten, and stored again since", async ({ tenant }) => {
    for (const [name, end] of [
      ["c", (cache: ReturnType<typeof open>) => cache.clear()],
      ["f", (cache: ReturnType<typeof open>) => cache.forget(STORED)],
    ] as const) {
      const ask = byGroups([STORED, ASKED]);
      const { cache, judge } = await queued(tenant, ask, name);
      await end(cache);
      await cache.store(STORED, "Like that.");
      expect(await judge()).toBeUndefined();
      expect(ask).not.toHaveBeenCalled();
      expect(await cache.lookup(ASKED, { judge: false })).toMatchObject({ hit: false });
    }
  });
});

describe("a judge that is waited for", () => {
  liveTest("serves what it calls the same, and makes it an alias", async ({ tenant }) => {
    const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" });
    await cache.store("How do I bake bread?", "Slowly.");
    await cache.store(STORED, "Like this.");
    expect(await cache.lookup(ASKED)).toMatchObject({ hit: true, match: "judged", value: "Like this." });
    expect(await cache.through(ASKED, async () => "never")).toMatchObject({ source: "alias" });
    expect((await cache.lookup("How do I change my name?")).hit).toBe(false);
  });

  liveTest("is waited for until the deadline, and its late verdict still counts", async ({ tenant }) => {
    let say: (verdict: "same") => void = () => {};
    const ask = vi.fn(() => new Promise<"same">((resolve) => void (say = resolve)));
    const cache = open(tenant, ask, { mode: "serving", deadlineMs: 30 });
    await cache.store(STORED, "Like this.");
    expect((await cache.lookup(ASKED)).hit).toBe(false);
    say("same");
    await expect.poll(() => cache.lookup(ASKED, { judge: false })).toMatchObject({ match: "alias" });
  });

  liveTest("is not waited for when it costs more than the answer", async ({ tenant }) => {
    const ask = byGroups([STORED, ASKED]);
    const cache = open(tenant, ask, { mode: "serving", paysOff: ({ answer }) => answer.length > 100 });
    await cache.store(STORED, "Like this.");
    expect((await cache.lookup(ASKED)).hit).toBe(false);
    await expect.poll(() => cache.lookup(ASKED, { judge: false })).toMatchObject({ match: "alias" });
  });

  liveTest.for([
    ["rubbish", (): unknown => "probably the same"],
    ["rubbish", (): unknown => ({ verdict: "SAME" })],
    ["rubbish", (): unknown => null],
    ["failed", (): unknown => Promise.reject(new Error("away"))],
    ["timeout", (): unknown => new Promise(() => {})],
  ] as const)("is unsure, and counted, when it comes with %s", async ([reason, ask], { tenant }) => {
    const cache = open(tenant, ask as Judge, { mode: "serving", timeoutMs: 40, deadlineMs: 5_000 });
    await cache.store(STORED, "Like this.");
    expect((await cache.lookup(ASKED)).hit).toBe(false);
    await expect.poll(async () => (await cache.report()).judge).toEqual({ unsure: 1, [`unsure.${reason}`]: 1 });
  });

  liveTest("is never asked about a pair that was refused for a final reason", async ({ tenant }) => {
    const ask = vi.fn(() => "same" as const);
    const cache = open(tenant, ask, { mode: "serving" });
    await cache.store("How do I save 100 dollars a month?", "So.");
    expect((await cache.lookup("How do I save 900 dollars a month?")).hit).toBe(false);
    expect(ask).not.toHaveBeenCalled();
    const soft = open(tenant, ask, { mode: "serving", hard: [] });
    expect(await soft.lookup("How do I save 900 dollars a month?")).toMatchObject({ match: "judged" });
  });
});

describe("stored questions with one answer", () => {
  const grid = ["dogs", "cats", "horses", "rabbits"].flatMap((animal) =>
    ["apples", "carrots", "grapes"].map((food) => `Can ${animal} eat ${food}?`),
  );
  const wordings = [
    "How do I cancel my order",
    "How can I cancel my order?",
    "How do you cancel an order",
    "How should I cancel the order?",
    "How to cancel my order",
    "How would I cancel my order now",
    "How can my order be cancelled?",
    "How do I get my order cancelled",
    "How do I cancel the order I placed",
  ];
  const cases = (["strict", "balanced"] as const).flatMap((preset) =>
    (["background", "serving"] as const).map((mode) => [preset, mode] as const),
  );

  liveTest.for(cases)(
    "serve no other question that has only their words, if the judge calls it different (%s, %s)",
    async ([preset, mode], { tenant }) => {
      const ask = vi.fn(() => "different" as const);
      for (const [at, [stored, asked]] of [
        [grid, ["Can dogs eat grapes?"]],
        [wordings, ["Why did you cancel my order?", "When was my order cancelled?", "Who cancelled my order?"]],
      ].entries()) {
        const cache = open(tenant, ask, { mode, perMinute: 1_000 }, { preset, name: `c${at}` });
        for (const prompt of (stored ?? []).filter((one) => !asked?.includes(one))) await cache.store(prompt, "Yes.");
        for (const prompt of asked ?? []) {
          ask.mockClear();
          expect([prompt, (await cache.lookup(prompt)).hit]).toEqual([prompt, false]);
          await expect.poll(() => ask.mock.calls.length).toBeGreaterThan(0);
          // Nor does the remembered verdict change that.
          expect([prompt, (await cache.lookup(prompt)).hit]).toEqual([prompt, false]);
        }
      }
    },
  );
});

describe("options of a judge", () => {
  liveTest("that make no sense are refused by name", async ({ tenant }) => {
    for (const [judge, path] of [
      ["yes", "judge"],
      [{ mode: "serving" }, "judge"],
      [{ ask: () => "same", mode: "sometimes" }, "judge.mode"],
      [{ ask: () => "same", perMinute: -1 }, "judge.perMinute"],
      [{ ask: () => "same", perDay: Number.NaN }, "judge.perDay"],
      [{ ask: () => "same", floor: 2 }, "judge.floor"],
      [{ ask: () => "same", candidatesMax: 9 }, "judge.candidatesMax"],
      [{ ask: () => "same", later: 1 }, "judge.later"],
    ] as const)
      expect(() => createCache(tenant, { name: "c", judge: judge as never })).toThrow(
        expect.objectContaining({ code: "invalid_option", details: { path } }),
      );
  });
});
