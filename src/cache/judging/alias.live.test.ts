import { describe, expect, vi } from "vitest";
import { ASKED, byGroups, everything, NEAR, open, STORED } from "../../../test/judge.ts";
import { liveTest } from "../../../test/live.ts";
import type { Cache } from "../index.ts";

describe("an alias", () => {
  const ends: readonly (readonly [string, (cache: Cache<string>) => Promise<unknown>])[] = [
    ["forget", (cache) => cache.forget(STORED)],
    ["forget by its own wording", (cache) => cache.forget(ASKED)],
    ["invalidate", (cache) => cache.invalidate(["doc"])],
    ["clear", (cache) => cache.clear()],
    ["forgetSubject", (cache) => cache.forgetSubject("ada")],
    [
      "feedback",
      async (cache) => {
        const found = await cache.lookup(ASKED);
        if (found.hit) await cache.feedback(found, false);
      },
    ],
    ["an anew stored entry", (cache) => cache.store(STORED, "Anew.")],
  ];
  liveTest.for(ends)("ends with %s, and does not come back with the entry", async ([, end], { tenant }) => {
    const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" });
    await cache.store({ prompt: STORED, tags: ["doc"] }, "Like this.", { subject: "ada" });
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "judged" });
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "alias" });
    await end(cache);
    expect((await cache.lookup(ASKED, { judge: false })).hit).toBe(false);
    await cache.store({ prompt: STORED, tags: ["doc"] }, "Anew.");
    expect((await cache.lookup(ASKED, { judge: false })).hit).toBe(false);
    expect((await cache.lookup(NEAR, { judge: false })).hit).toBe(false);
  });

  liveTest("that a user calls wrong is no alias again", async ({ tenant }) => {
    const ask = byGroups([STORED, ASKED]);
    const cache = open(tenant, ask, { mode: "serving" });
    await cache.store(STORED, "Like this.");
    const found = await cache.lookup(ASKED);
    if (!found.hit) throw new Error("the test needs a hit");
    await cache.feedback(found, false);
    await cache.store(STORED, "Like this.");
    expect((await cache.lookup(ASKED)).hit).toBe(false);
    expect(ask).toHaveBeenCalledTimes(1);
  });

  liveTest("lives no longer than its entry, and as long where lives slide", async ({ tenant, redis }) => {
    const short = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" });
    await short.store(STORED, "Like this.", { ttlMs: 300 });
    expect((await short.lookup(ASKED)).hit).toBe(true);
    await expect.poll(async () => (await short.lookup(ASKED, { judge: false })).hit, { timeout: 5_000 }).toBe(false);
    expect((await redis.send(["KEYS", `{${redis.app}:*:c:alias:*`])) as string[]).toEqual([]);
    const sliding = open(
      tenant,
      byGroups([STORED, ASKED]),
      { mode: "serving" },
      { name: "s", refreshOnHit: "sliding", ttlMs: 400 },
    );
    await sliding.store(STORED, "Like this.");
    await sliding.lookup(ASKED);
    const beganMs = performance.now();
    let [last, served] = [0, 0];
    while (performance.now() - beganMs < 1_200 && performance.now() - beganMs - last < 2_000) {
      const found = await sliding.lookup(ASKED, { judge: false });
      if (found.hit && found.match === "alias") [last, served] = [performance.now() - beganMs, served + 1];
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(served).toBeGreaterThan(3);
    expect(last).toBeGreaterThan(450);
  });

  liveTest("goes with an evicted entry, and is counted by a cache with bounds", async ({ tenant, redis }) => {
    const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" }, { entriesMax: 2, bytesMax: 50_000 });
    await cache.store(STORED, "Like this.", { saves: 1 });
    const sum = async () => Number(await redis.send(["HGET", `{${redis.app}:acme}:cache:c:stock`, ""]));
    const before = await sum();
    expect((await cache.lookup(ASKED)).hit).toBe(true);
    expect(await sum()).toBeGreaterThan(before);
    for (const at of [1, 2, 3]) await cache.store(`Another question, number ${at}`, "x", { saves: 1_000 });
    expect((await cache.lookup(ASKED, { judge: false })).hit).toBe(false);
    expect((await redis.send(["KEYS", `{${redis.app}:*:c:alias:*`])) as string[]).toEqual([]);
    expect(await sum()).toBeLessThanOrEqual(50_000);
    const tight = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" }, { name: "t", bytesMax: 1_100 });
    await tight.store(STORED, "Like this.");
    expect(await tight.lookup(ASKED)).toMatchObject({ match: "judged" });
    await expect.poll(async () => (await tight.report()).judge).toMatchObject({ alias_full: 1 });
  });

  liveTest("is one of a bounded number for each entry", async ({ tenant }) => {
    const cache = open(tenant, () => "same", { mode: "serving", aliasesMax: 2, floor: 0 });
    await cache.store(STORED, "Like this.");
    for (const asked of [ASKED, "Locked out of the account", "Where to change login data?", "Who resets accounts?"])
      expect(await cache.lookup(asked)).toMatchObject({ match: "judged" });
    await expect.poll(async () => (await cache.report()).judge).toMatchObject({ aliases: 2, alias_full: 2 });
  });

  liveTest("never leaves its partition or its scope", async ({ tenant, redis }) => {
    const ask = vi.fn(() => "same" as const);
    const cache = open(tenant, ask, { mode: "serving" });
    await cache.store({ prompt: STORED, within: { user: "a" } }, "of a");
    expect((await cache.lookup({ prompt: ASKED, within: { user: "b" } })).hit).toBe(false);
    expect(
      (await open(redis.scope("other"), ask, { mode: "serving" }).lookup({ prompt: ASKED, within: { user: "a" } })).hit,
    ).toBe(false);
    expect(await cache.lookup({ prompt: ASKED, within: { user: "a" } })).toMatchObject({
      match: "judged",
      value: "of a",
    });
    expect((await cache.lookup({ prompt: ASKED, within: { user: "b" } })).hit).toBe(false);
    expect((await cache.lookup({ prompt: ASKED, context: "c", within: { user: "a" } })).hit).toBe(false);
  });

  liveTest("that a subject asked for is forgotten with the subject, and nothing else", async ({ tenant, redis }) => {
    const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" });
    await cache.store(STORED, "Like this.", { subject: "ada" });
    await cache.lookup(ASKED, { subject: "bob" });
    await cache.forgetSubject("bob");
    expect((await cache.lookup(ASKED, { judge: false })).hit).toBe(false);
    expect((await cache.lookup(STORED)).hit).toBe(true);
    expect(await everything(redis)).not.toMatch(/secret/);
  });

  liveTest("gives way to an answer that was stored for its own wording", async ({ tenant }) => {
    const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" });
    await cache.store(STORED, "Like this.");
    await cache.lookup(ASKED);
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "alias" });
    await cache.store(ASKED, "Its own.");
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "exact", value: "Its own." });
    expect(await cache.lookup(STORED)).toMatchObject({ match: "exact", value: "Like this." });
  });

  liveTest(
    "is sealed with its entry: no wording lies open, and none that was planted serves",
    async ({ tenant, redis }) => {
      const sealKey = Buffer.alloc(32, 7);
      const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" }, { sealKey });
      await cache.store(STORED, "Like this.");
      await cache.store("How do I bake bread?", "Slowly.");
      await cache.lookup(ASKED);
      expect(await everything(redis)).not.toMatch(/secret|password/);
      const start = `{${redis.app}:acme}:cache:c`;
      const keys = (await redis.send(["KEYS", `${start}:alias:*`])) as string[];
      const key = keys.find((one) => !one.includes(":of:")) ?? "";
      const alias = ((await redis.send(["GET", key], { reply: "bytes" })) as Buffer).toString("latin1");
      const bodies = (await redis.send(["KEYS", `${start}:entry:*`])) as string[];
      const other = bodies.map((one) => one.slice(-16)).find((id) => !alias.startsWith(id)) as string;
      await redis.send(["SET", key, Buffer.from(other + alias.slice(16), "latin1"), "KEEPTTL"]);
      expect((await cache.lookup(ASKED, { judge: false })).hit).toBe(false);
    },
  );

  liveTest("puts no wording into keys, counts or reports", async ({ tenant, redis }) => {
    const events: unknown[] = [];
    const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving", onJudged: (event) => events.push(event) });
    await cache.store(STORED, "Like this.");
    await cache.lookup(ASKED);
    const keys = (await redis.send(["KEYS", `{${redis.app}:*`])) as string[];
    expect(JSON.stringify([keys, events, await cache.report()])).not.toMatch(/secret|password|login/);
    expect(events).toEqual([{ verdict: "same", ms: expect.any(Number) }]);
  });

  liveTest("works in the compact profile too", async ({ tenant }) => {
    const cache = open(tenant, byGroups([STORED, ASKED]), { mode: "serving" }, { profile: "compact" });
    await cache.store(STORED, "Like this.");
    expect(await cache.lookup(ASKED)).toMatchObject({ match: "judged" });
    expect(await cache.lookup("My login secret is lost, what now")).toMatchObject({
      match: "similar",
      value: "Like this.",
    });
  });
});
