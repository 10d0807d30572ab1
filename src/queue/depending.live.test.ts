import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createLimiter } from "../limiter/index.ts";
import { createQueue, readQueueStats, type Work } from "./index.ts";

describe("jobs that depend on others", () => {
  liveTest("begin when those are done, wherever they stand, and after their own delay", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const order: unknown[] = [];
    const first = await queue.push("first", { delayMs: 100 });
    const second = await queue.push("second", { dependsOn: [first] });
    const [third, fourth] = await queue.pushMany([
      { payload: "third", dependsOn: [first, second, second] },
      { payload: "fourth", dependsOn: [first], delayMs: 300 },
    ]);
    expect(await queue.get(third as string)).toMatchObject({ state: "blocked" });
    const handler = ({ payload }: Work) => void order.push(payload);
    await working(redis, handler, async () => {
      await queue.wait(fourth as string, { waitMs: 5_000 });
      const late = await queue.push("late", { dependsOn: [first] });
      await queue.wait(late, { waitMs: 5_000 });
    });
    expect(order).toEqual(["first", "second", "third", "fourth", "late"]);
  });

  liveTest("are dead when one of those is, all the way down, and go again by hand", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    let broken = true;
    const first = await queue.push("first", { attempts: 1 });
    const second = await queue.push("second", { dependsOn: [first] });
    const third = await queue.push("third", { dependsOn: [second] });
    const handler = () => (broken ? Promise.reject(new Error("no")) : "fine");
    await working(redis, handler, async () => {
      expect(await queue.wait(third, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "dependency" });
      expect(await queue.get(second)).toMatchObject({ state: "dead", reason: "dependency", attemptsLeft: 3 });
      await expect(queue.push("late", { dependsOn: [first] })).rejects.toMatchObject({ code: "conflict" });
      broken = false;
      expect([...(await queue.redrive())].toSorted()).toEqual([first, second, third].toSorted());
      expect(await queue.wait(third, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    });
    expect(await queue.counts()).toMatchObject({ dead: 3, done: 3 });
  });

  liveTest("may be cancelled while they wait, and depend on no other tenant's", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const other = createQueue<string>(redis.scope("other"), { name: QUEUE });
    const first = await queue.push("first");
    const second = await queue.push("second", { dependsOn: [first] });
    const third = await queue.push("third", { dependsOn: [second] });
    await expect(other.push("spy", { dependsOn: [first] })).rejects.toMatchObject({ code: "conflict" });
    await expect(queue.push("lost", { dependsOn: ["nothing"] })).rejects.toMatchObject({ code: "conflict" });
    await expect(queue.push("wrong", { dependsOn: ["a b"] })).rejects.toThrow(/dependsOn\.0/);
    expect(await queue.cancel(second)).toBe("cancelled");
    expect(await queue.get(third)).toMatchObject({ state: "dead", reason: "dependency" });
  });
});

describe("a job that is blocked", () => {
  liveTest("is listed and counted as long as it is, for the tenant and the operator", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const other = createQueue<string>(redis.scope("other"), { name: QUEUE });
    const [first, theirs] = [await queue.push("first"), await other.push("theirs")];
    const ids: string[] = [];
    for (const payload of ["a", "b", "c"]) ids.push(await queue.push(payload, { dependsOn: [first] }));
    const late = await queue.push("late", { dependsOn: [ids[0] as string], delayMs: 60_000 });
    await other.push("spy", { dependsOn: [theirs] });
    const blocked = async () => (await queue.list({ state: "blocked" })).map(({ id }) => id);
    expect(await blocked()).toEqual([...ids, late]);
    expect(await queue.list({ state: "blocked", offset: 1, limit: 1 })).toMatchObject([
      { id: ids[1], state: "blocked" },
    ]);
    expect(await queue.counts()).toMatchObject({ waiting: 1, blocked: 4 });
    expect(await readQueueStats(redis, { name: QUEUE })).toMatchObject({ blocked: 5, waiting: 2 });
    await queue.cancel(ids[1] as string);
    await queue.remove(ids[2] as string);
    expect(await blocked()).toEqual([ids[0], late]);
    await working(
      redis,
      () => "done",
      async () => {
        await queue.wait(ids[0] as string, { waitMs: 5_000 });
      },
    );
    expect(await blocked()).toEqual([]);
    expect(await queue.counts()).toMatchObject({ blocked: 0 });
    expect((await queue.get(late))?.state).toBe("delayed");
    expect(await readQueueStats(redis, { name: QUEUE })).toMatchObject({ blocked: 0 });
  });

  liveTest("is listed again when it is redriven behind another, and not when it dies", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const first = await queue.push("first", { attempts: 1 });
    const second = await queue.push("second", { dependsOn: [first] });
    await working(
      redis,
      () => Promise.reject(new Error("no")),
      async () => {
        await queue.wait(second, { waitMs: 5_000 });
      },
    );
    expect(await queue.list({ state: "blocked" })).toEqual([]);
    await queue.redrive();
    expect(await queue.list({ state: "blocked" })).toMatchObject([{ id: second }]);
    expect(await queue.list({ state: "waiting" })).toMatchObject([{ id: first }]);
  });
});

describe("jobs of a queue", () => {
  liveTest("may bring an id of their own, which no other tenant can take or use", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const other = createQueue<string>(redis.scope("other"), { name: QUEUE });
    expect(await queue.push("mine", { id: "resp_1" })).toBe("resp_1");
    expect(await queue.push("again", { id: "resp_1" })).toBe("resp_1");
    expect(await queue.get("resp_1")).toMatchObject({ payload: "mine" });
    await expect(other.push("theirs", { id: "resp_1" })).rejects.toMatchObject({ code: "conflict" });
    await expect(queue.push("x", { id: "a/b" })).rejects.toThrow(/id must be/);
    await expect(queue.push("x", { kind: "Response" })).rejects.toThrow(/kind/);
  });

  liveTest("that waited too long are not begun: they are dead, and go again by hand", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const old = await queue.push("old", { waitTtlMs: 50 });
    const behind = await queue.push("behind", { dependsOn: [old] });
    const late = await queue.push("late", { waitTtlMs: 2_000, delayMs: 100 });
    await new Promise((resolve) => setTimeout(resolve, 80));
    const begun: unknown[] = [];
    await working(
      redis,
      ({ payload }: Work) => void begun.push(payload),
      async () => {
        expect(await queue.wait(old, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "expired" });
        expect(await queue.get(behind)).toMatchObject({ state: "dead", reason: "dependency" });
        expect(await queue.wait(late, { waitMs: 5_000 })).toMatchObject({ state: "done" });
        await queue.redrive({ ids: [old] });
        expect(await queue.wait(old, { waitMs: 5_000 })).toMatchObject({ state: "done" });
      },
    );
    expect(begun).toEqual(["late", "old"]);
    await expect(queue.push("x", { waitTtlMs: 0 })).rejects.toThrow(/waitTtlMs/);
  });

  liveTest("are listed by state, the tenant's own alone", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const other = createQueue<string>(redis.scope("other"), { name: QUEUE });
    await other.push("theirs", { delayMs: 50_000 });
    const ids = await queue.pushMany(Array.from({ length: 5 }, (_, n) => ({ payload: String(n) })));
    const delayed = await queue.push("later", { delayMs: 60_000 });
    const idsOf = async (state: "waiting" | "delayed" | "running" | "dead" | "ended", offset = 0, limit = 20) =>
      (await queue.list({ state, offset, limit })).map(({ id }) => id);
    expect(await idsOf("waiting", 1, 2)).toEqual(ids.slice(1, 3));
    expect(await idsOf("delayed")).toEqual([delayed]);
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const handler = async ({ payload }: Work) => {
      if (payload === "4") await held;
      if (payload === "3") throw new Error("no");
    };
    await queue.push("3", { attempts: 1, id: "dead_one" });
    await working(redis, handler, async () => {
      await expect.poll(() => idsOf("running"), { timeout: 5_000 }).toEqual([ids[4]]);
      expect(await idsOf("dead")).toEqual(["dead_one"]);
      expect([...(await idsOf("ended"))].toSorted()).toEqual([...ids.slice(0, 3), "dead_one"].toSorted());
      letGo();
      await queue.wait(ids[4] as string, { waitMs: 5_000 });
      expect((await idsOf("ended", 0, 1))[0]).toBe(ids[4]);
    });
    await expect(queue.list({ state: "lost" as "dead" })).rejects.toThrow(/state/);
  });

  liveTest("wait for a limit without using attempts, and settle what they used", async ({ redis, tenant }) => {
    const limiter = createLimiter(tenant, {
      name: "lane",
      onUnavailable: "refuse",
      rules: [{ id: "tokens", by: "model", unit: "tokens", limit: 100, windowMs: 400 }],
    });
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const refused: unknown[] = [];
    const admit = async () => {
      const decision = await limiter.take({ model: "m" }, { tokens: 60 }, { reserve: true });
      if (!decision.allowed) refused.push(decision);
      return decision;
    };
    const handler = ({ use }: Work) => use({ tokens: 100 });
    await working(
      redis,
      handler,
      async () => {
        const ids = await queue.pushMany([{ payload: "a" }, { payload: "b" }]);
        for (const id of ids)
          expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done", attemptsLeft: 3 });
      },
      { admit },
    );
    expect(refused.length).toBeGreaterThan(0);
  });

  liveTest("lie in as many slots as the queue has partitions, and are all done", async ({ redis }) => {
    const named = { name: QUEUE, partitions: 4 };
    const tenants = Array.from({ length: 12 }, (_, n) => createQueue<number>(redis.scope(`t${n}`), named));
    const ids = await Promise.all(tenants.map((queue, n) => queue.push(n)));
    const waiting = await Promise.all(
      [0, 1, 2, 3].map((at) => redis.send(["ZCARD", `{${redis.app}:queue:${QUEUE}:${at}}:queue:ring`])),
    );
    expect(waiting.filter((count) => Number(count) > 0).length).toBeGreaterThan(1);
    expect(waiting.reduce((sum: number, count) => sum + Number(count), 0)).toBe(12);
    const handler = ({ payload }: Work) => payload;
    await working(
      redis,
      handler,
      async () => {
        for (const [n, queue] of tenants.entries())
          expect(await queue.wait(ids[n] as string, { waitMs: 5_000 })).toMatchObject({ state: "done", result: n });
      },
      named,
    );
    expect(() => createQueue(redis.scope("a"), { name: QUEUE, partitions: 0 })).toThrow(/partitions/);
  });
});
