import { describe } from "vitest";
import { onBus } from "../../test/bus.ts";
import { liveTest } from "../../test/live.ts";
import { createBus, type PresenceEvent } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.concurrent("presence", () => {
  liveTest(
    "tells each change of state once, and finds agents by skill, tags and words, the least loaded first",
    async ({ tenant, expect }) => {
      const embed = async (text: string) => ["write", "search", "sum"].map((word) => (text.includes(word) ? 1 : 0));
      await onBus(
        tenant,
        async (bus, keep) => {
          const events: PresenceEvent[] = [];
          const watching = await bus.watch((event) => events.push(event));
          const writer = await keep(
            bus.register(
              { name: "writer", skills: [{ id: "write", description: "writes text", tags: ["en", "de"] }] },
              () => pause(500),
              { concurrency: 1 },
            ),
          );
          await keep(bus.register({ name: "scribe", skills: [{ id: "write", tags: ["en"] }] }, () => {}));
          await keep(
            bus.register({ name: "finder", description: "can search the web", skills: [{ id: "look" }] }, () => {}),
          );
          const first = await bus.agents({ limit: 1 });
          const rest = await bus.agents({ after: first.cursor });
          expect([...first.data, ...rest.data].map(({ card }) => card.name).toSorted()).toEqual(
            (await bus.find()).map(({ card }) => card.name).toSorted(),
          );
          expect(first).toMatchObject({ data: [{ state: "online" }], cursor: 1 });
          expect(rest).not.toHaveProperty("cursor");
          await expect(bus.agents({ limit: 0 })).rejects.toMatchObject({ code: "invalid_input" });
          const names = async (options: object) => (await bus.find(options)).map(({ card }) => card.name).toSorted();
          expect(await names({})).toEqual(["finder", "scribe", "writer"]);
          expect(await names({ skill: "write" })).toEqual(["scribe", "writer"]);
          expect(await names({ name: "writer" })).toEqual(["writer"]);
          expect(await names({ name: "writer", skill: "look" })).toEqual([]);
          expect(await names({ name: "nobody" })).toEqual([]);
          await expect(bus.find({ name: "" })).rejects.toMatchObject({ code: "invalid_input" });
          expect(await names({ tags: ["de", "en"] })).toEqual(["writer"]);
          expect((await bus.find({ like: "search something" }))[0]).toMatchObject({
            card: { name: "finder" },
            similarity: 1,
          });
          await bus.send("writer", 1);
          await expect.poll(async () => (await bus.pick({ skill: "write" }))?.card.name).toBe("scribe");
          await writer.drain();
          expect(await names({ states: ["draining"] })).toEqual(["writer"]);
          await writer.close();
          expect(await names({})).toEqual(["finder", "scribe"]);
          await expect
            .poll(() => events.filter(({ agent }) => agent === "writer").map(({ state }) => state))
            .toEqual(["online", "draining", "gone"]);
          await watching.close();
          expect(await createBus(tenant).pick({ skill: "nothing" })).toBeUndefined();
          await expect(createBus(tenant).find({ like: "x" })).rejects.toMatchObject({ code: "unsupported" });
        },
        { embed },
      );
    },
  );

  liveTest(
    "says that an agent cannot be reached, then that it is gone; one that comes back is told",
    async ({ redis, tenant, expect }) => {
      await onBus(
        tenant,
        async (bus, keep) => {
          const start = `{${redis.app}:acme:bus}`;
          const events: string[] = [];
          const watching = await bus.watch(({ agent, state }) => events.push(`${agent} ${state}`));
          let revived = 0;
          await keep(bus.register({ name: "a" }, () => {}, { leaseMs: 1_500, onRevived: () => (revived += 1) }));
          const [instance = ""] = (await redis.send(["ZRANGE", `${start}:instances:a`, "0", "0"])) as string[];
          // As if it had been silent for its lease.
          await redis.send(["ZADD", `${start}:instances:a`, "1", instance]);
          await redis.send(["ZADD", `${start}:agents`, "1", "a"]);
          expect(await bus.find({ states: ["unreachable"] })).toHaveLength(1);
          await expect.poll(() => revived, { timeout: 3_000 }).toBe(1);
          expect(await bus.find()).toHaveLength(1);
          expect(events).toEqual(["a online", "a unreachable", "a online"]);
          await watching.close();
        },
        { graceMs: 10_000 },
      );
    },
  );
});

describe.concurrent("messages of the moment", () => {
  liveTest("reach whoever listens, by name and by pattern, of this scope alone", async ({ redis, tenant, expect }) => {
    const bus = createBus<{ "orders.new": { n: number }; "orders.eu.new": { n: number }; other: string }>(tenant);
    const elsewhere = createBus(redis.scope("other"));
    const [named, some, all]: [unknown[], unknown[], unknown[]] = [[], [], []];
    const subscriptions = await Promise.all([
      bus.subscribe(["orders.new"], ({ body }) => named.push(body)),
      bus.subscribe(["orders.*"], ({ topic }) => some.push(topic)),
      bus.subscribe(["orders.>", "other"], ({ topic }) => all.push(topic)),
    ]);
    expect(await bus.publish("orders.new", { n: 1 })).toBe(3);
    await bus.publish("orders.eu.new", { n: 2 });
    await bus.publish("other", "ä");
    await elsewhere.publish("orders.new", { n: 3 });
    await expect.poll(() => all.length).toBe(3);
    expect(named).toEqual([{ n: 1 }]);
    expect(some).toEqual(["orders.new"]);
    expect(all).toEqual(["orders.new", "orders.eu.new", "other"]);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    await expect(bus.publish("a.*" as "other", "x")).rejects.toThrow(/topic/);
    await expect(bus.subscribe([], () => {})).rejects.toThrow(/topics/);
  });

  liveTest("say what a listener missed while its connection was broken", async ({ redis, counted, proxy, expect }) => {
    const bus = createBus(counted.scope("acme"));
    const direct = createBus(redis.scope("acme"));
    const heard: unknown[] = [];
    const missed: unknown[] = [];
    const subscription = await bus.subscribe(["t", "u"], ({ body }) => heard.push(body), {
      onMissed: (what) => missed.push(what),
    });
    await direct.publish("t", 1);
    await direct.publish("u", 1);
    await expect.poll(() => heard.length).toBe(2);
    proxy.cut();
    for (const n of [2, 3, 4]) await direct.publish("t", n);
    await direct.publish("u", 2);
    await pause(500);
    await direct.publish("t", 5);
    await expect.poll(() => missed, { timeout: 8_000 }).toHaveLength(2);
    expect(missed).toContainEqual({ topic: "t", count: 3 });
    expect(missed).toContainEqual({ topic: "u", count: 1 });
    expect(heard.at(-1)).toBe(5);
    await subscription.close();
  });
});

describe.concurrent("what agents share", () => {
  liveTest("is locked by one at a time, with a fence that grows", async ({ redis, tenant, expect }) => {
    const bus = createBus(tenant);
    const first = await bus.lock("plan", { ttlMs: 1_500 });
    expect(await bus.lock("plan")).toBeUndefined();
    expect(await createBus(redis.scope("other")).lock("plan")).toBeDefined();
    await pause(2_000);
    // It is extended while its holder lives.
    expect(await bus.lock("plan")).toBeUndefined();
    const waiting = bus.lock("plan", { waitMs: 5_000, ttlMs: 300 });
    await pause(50);
    expect(await first?.release()).toBe(true);
    const second = await waiting;
    expect(second?.fence).toBeGreaterThan(first?.fence ?? 0);
    expect(await first?.release()).toBe(false);
    // Taken away under its holder.
    await redis.send(["HSET", `{${redis.app}:acme:lock:plan}:lock`, "holder", "thief"]);
    await expect.poll(() => second?.signal.aborted, { timeout: 2_000 }).toBe(true);
    let most = 0;
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const held = await bus.lock("many", { waitMs: 20_000 });
        inside += 1;
        most = Math.max(most, inside);
        await pause(2);
        inside -= 1;
        await held?.release();
      }),
    );
    expect(most).toBe(1);
    const last = await bus.lock("last");
    await expect(bus.lock("last", { waitMs: 5_000, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      code: "aborted",
    });
    await last?.release();
  });

  liveTest("is written on a board, at the version that one knows", async ({ redis, tenant, expect }) => {
    const board = createBus(tenant).board<{ n: number }>("plan");
    expect(await board.get("a")).toBeUndefined();
    expect(await board.put("a", { n: 1 }, { version: 0 })).toEqual({ done: true, version: 1 });
    expect(await board.put("a", { n: 9 }, { version: 0 })).toEqual({ done: false, reason: "version", version: 1 });
    expect(await board.put("a", { n: 2 }, { version: 1 })).toEqual({ done: true, version: 2 });
    await board.put("b", { n: 3 });
    expect(await board.all()).toEqual({ a: { value: { n: 2 }, version: 2 }, b: { value: { n: 3 }, version: 3 } });
    expect(await board.remove("b", { version: 1 })).toMatchObject({ done: false });
    expect(await board.remove("b")).toMatchObject({ done: true });
    // An entry that is put anew is another one.
    expect(await board.put("b", { n: 4 }, { version: 0 })).toEqual({ done: true, version: 4 });
    const counts = await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let tries = 1; ; tries += 1) {
          const { value, version } = (await board.get("a")) as { value: { n: number }; version: number };
          if ((await board.put("a", { n: value.n + 1 }, { version })).done) return tries;
        }
      }),
    );
    expect(counts).toHaveLength(10);
    expect((await board.get("a"))?.value).toEqual({ n: 12 });
    expect(await createBus(redis.scope("other")).board("plan").all()).toEqual({});
  });
});
