import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createBus } from "./index.ts";

describe("the list of a scope's topics", () => {
  liveTest("tells messages, bytes, groups with their lag, and dead letters", async ({ tenant }) => {
    const bus = createBus(tenant);
    const orders = bus.topic<number>("orders: new", { partitions: 2, messagesMax: 50 });
    await orders.publishMany(Array.from({ length: 10 }, (_, n) => ({ body: n, key: `k${n % 3}` })));
    await orders.seek("behind", "start");
    await orders.seek("at the end", "end");
    const seen: number[] = [];
    const handler = ({ body }: { readonly body: number }) => {
      if (body === 7) throw new Error("no");
      seen.push(body);
    };
    const reader = orders.read("reads", handler, { from: "start", deliveriesMax: 1, leaseMs: 1_000 });
    await expect.poll(async () => (await orders.deadLetters("reads")).length, { timeout: 8_000 }).toBe(1);
    await expect.poll(async () => (await orders.stats())?.groups[2]?.lag, { timeout: 8_000 }).toBe(0);
    const { data, cursor } = await bus.topics();
    expect(cursor).toBeUndefined();
    expect(data).toMatchObject([
      {
        name: "orders: new",
        partitions: 2,
        messages: 10,
        messagesMax: 50,
        groupsCount: 3,
        deadLetters: 1,
        groups: [
          { group: "at the end", lag: 0, readers: 0, deadLetters: 0 },
          { group: "behind", lag: 10, readers: 0, deadLetters: 0 },
          { group: "reads", lag: 0, readers: 1, deadLetters: 1 },
        ],
      },
    ]);
    expect(data[0]?.bytes).toBeGreaterThan(500);
    expect(Math.abs((data[0]?.groups[1]?.seenAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    await reader.close();
    await orders.publish(11);
    expect((await orders.stats())?.groups).toMatchObject([{ lag: 1 }, { lag: 11 }, { lag: 1, readers: 0 }]);
    expect((await bus.topics({ groups: 1 })).data[0]).toMatchObject({ groupsCount: 3, deadLetters: 1, groups: [{}] });
  });

  liveTest("goes on by a cursor, each topic once, and shows no other scope's", async ({ tenant, redis }) => {
    const bus = createBus(tenant);
    const names = Array.from({ length: 7 }, (_, n) => `topic ${n}/é`);
    for (const name of names) await bus.topic(name, { partitions: 1 }).publish(1);
    const found: string[] = [];
    let after: string | undefined;
    do {
      const { data, cursor } = await bus.topics({ after, limit: 3 });
      found.push(...data.map(({ name }) => name));
      after = cursor;
    } while (after !== undefined);
    expect(found).toEqual(names);
    expect((await createBus(redis.scope("other")).topics()).data).toEqual([]);
    expect(await bus.topic("nobody's").stats()).toBeUndefined();
    await expect(bus.topics({ limit: 0 })).rejects.toMatchObject({ code: "invalid_input", details: { path: "limit" } });
  });

  liveTest("names a topic that only a reader opened, and is no command more for each message", async ({ counted }) => {
    const bus = createBus(counted.scope("acme"));
    const reader = bus.topic("read first", { partitions: 1 }).read("g", () => {});
    await expect.poll(async () => (await bus.topics()).data.length, { timeout: 5_000 }).toBe(1);
    await reader.close();
    const sent: string[] = [];
    const scoped = counted.scope("acme");
    const watched = {
      ...scoped,
      send: (command, options) => (sent.push(String(command[0])), scoped.send(command, options)),
    } as typeof scoped;
    const topic = createBus(watched).topic("written", { partitions: 1 });
    for (let n = 0; n < 20; n += 1) await topic.publish(n);
    expect(sent.length).toBeLessThanOrEqual(21);
  });
});
