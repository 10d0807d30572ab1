import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { MarrowError } from "../errors.ts";
import type { ScopedRedis } from "../redis/index.ts";
import {
  createTopic,
  type Message,
  type MessageHandler,
  type Published,
  type ReadOptions,
  type Topic,
} from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function reading<T>(
  topic: Topic<T>,
  handler: MessageHandler<T>,
  run: () => Promise<void>,
  options: ReadOptions & { readonly group?: string } = {},
): Promise<void> {
  const { group = "g", ...rest } = options;
  const reader = topic.read(group, handler, { from: "start", leaseMs: 1_000, ...rest });
  try {
    await run();
  } finally {
    await reader.close();
  }
}

async function until(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { timeout: 8_000 }).toBe(true);
}
const open = <T>(redis: ScopedRedis, options = {}) => createTopic<T>(redis, "orders", { partitions: 4, ...options });

describe("a durable topic", () => {
  liveTest(
    "gives every message to each group, to one of its readers, those of a key in their order",
    async ({ tenant }) => {
      const topic = open<number>(tenant);
      const published = await topic.publishMany(Array.from({ length: 500 }, (_, n) => ({ body: n, key: `k${n % 7}` })));
      expect(published.every((one) => one.accepted && !one.duplicate)).toBe(true);
      const seen: Record<string, Message<number>[]> = { a: [], b: [] };
      const take = (group: string) => async (message: Message<number>) => {
        await pause(Math.random() * 2);
        seen[group]?.push(message);
      };
      const [one, two] = [topic.read("a", take("a"), { from: "start" }), topic.read("a", take("a"), { from: "start" })];
      await reading(
        topic,
        take("b"),
        async () => {
          await until(() => (seen["a"]?.length ?? 0) === 500 && (seen["b"]?.length ?? 0) === 500);
          // Live ones as well, and both of a group's readers have partitions by now.
          await expect.poll(() => [one.partitions.length, two.partitions.length], { timeout: 5_000 }).toEqual([2, 2]);
          for (let n = 500; n < 700; n += 1) await topic.publish(n, { key: `k${n % 7}` });
          await until(() => (seen["a"]?.length ?? 0) === 700 && (seen["b"]?.length ?? 0) === 700);
        },
        { group: "b" },
      );
      await Promise.all([one.close(), two.close()]);
      for (const messages of Object.values(seen)) {
        expect(new Set(messages.map(({ body }) => body)).size).toBe(700);
        expect(messages.some(({ redelivered }) => redelivered)).toBe(false);
        for (let key = 0; key < 7; key += 1) {
          const own = messages.filter((message) => message.key === `k${key}`).map(({ body }) => body);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }
    },
  );

  liveTest("goes on where a group was, and is read again from any point", async ({ tenant }) => {
    const topic = open<string>(tenant);
    const seen: Message<string>[] = [];
    const handler = (message: Message<string>) => void seen.push(message);
    const first = await topic.publish("a", { key: "k" });
    await reading(topic, handler, () => until(() => seen.length === 1));
    await topic.publish("b", { key: "k" });
    await pause(5);
    const fromMs = Date.now();
    await topic.publish("c", { key: "k" });
    await reading(topic, handler, () => until(() => seen.length === 3));
    expect(seen.map(({ body }) => body)).toEqual(["a", "b", "c"]);
    await reading(topic, handler, async () => {
      await topic.seek("g", { after: first.accepted ? first.at : "" });
      await until(() => seen.length === 5);
      await topic.seek("g", { fromMs });
      await until(() => seen.length === 6);
      await topic.seek("g", "start");
      await until(() => seen.length === 9);
      await topic.seek("g", "end");
      await topic.publish("d", { key: "k" });
      await until(() => seen.length === 10);
    });
    expect(seen.slice(3).map(({ body }) => body)).toEqual(["b", "c", "c", "a", "b", "c", "d"]);
    const late: unknown[] = [];
    await reading(
      topic,
      ({ body }) => void late.push(body),
      async () => {
        await pause(300);
        await topic.publish("e");
        await until(() => late.length === 1);
      },
      { group: "late", from: "end" },
    );
    expect(late).toEqual(["e"]);
  });

  liveTest(
    "adds a message once for its id, and refuses when it is full: nothing unread is dropped",
    async ({ tenant }) => {
      const topic = open<number>(tenant, { partitions: 1, messagesMax: 10, keepMessages: 4 });
      const seen: number[] = [];
      await reading(
        topic,
        ({ body }) => void seen.push(body),
        async () => {
          await topic.publish(0, { id: "same" });
          const again = await topic.publish(99, { id: "same" });
          expect(again).toMatchObject({ accepted: true, duplicate: true });
          await until(() => seen.length === 1);
        },
      );
      const full = await topic.publishMany(Array.from({ length: 9 }, (_, n) => ({ body: n + 1 })));
      expect(full.every(({ accepted }) => accepted)).toBe(true);
      // The one that was read goes for it; the next finds only what is unread.
      expect(await topic.publish(10)).toMatchObject({ accepted: true });
      expect(await topic.publish(11)).toEqual({ accepted: false, reason: "full" });
      expect(await topic.size()).toBe(10);
      await reading(
        topic,
        ({ body }) => void seen.push(body),
        () => until(() => seen.length === 11),
      );
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      // What all have read is kept as far as it may be.
      expect(await topic.size()).toBe(4);
      await expect(open<number>(tenant, { partitions: 2 }).publish(1)).rejects.toMatchObject({ code: "conflict" });
    },
  );

  liveTest("has a thousand groups and no more, until one of them is forgotten", async ({ redis, tenant }) => {
    const topic = open<number>(tenant, { partitions: 1 });
    await topic.seek("g0", "start");
    const [groups] = (await redis.send(["KEYS", `*${redis.app}*:groups`])) as string[];
    const others = Array.from({ length: 999 }, (_, nth) => [`g${nth + 1}`, String(Date.now())]).flat();
    await redis.send(["HSET", groups as string, ...others]);
    const full = { code: "invalid_input", details: { path: "group" } };
    await expect(topic.seek("one-more", "start")).rejects.toMatchObject(full);
    const heard: unknown[] = [];
    const reader = topic.read("one-more", () => {}, { onError: (error) => void heard.push(error) });
    await expect.poll(() => heard[0], { timeout: 5_000 }).toMatchObject(full);
    await topic.seek("g7", "end");
    expect(await topic.forgetGroup("g7")).toBe(true);
    await expect.poll(() => reader.partitions.length, { timeout: 10_000 }).toBe(1);
    await reader.close();
  });

  liveTest("holds to the message what it may, however its partitions are filled", async ({ tenant }) => {
    const topic = open<number>(tenant, { messagesMax: 12, keepMessages: 100 });
    await topic.seek("g", "start");
    const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
    const accepted: Published[] = [];
    for (const key of keys) accepted.push(await topic.publish(0, { key }));
    expect(accepted.filter((one) => one.accepted)).toHaveLength(12);
    expect((await Promise.all(keys.map((key) => topic.publish(0, { key })))).some((one) => one.accepted)).toBe(false);
    expect(await topic.size()).toBe(12);
  });

  liveTest("makes room of what was read, also after a seek, and of nothing else", async ({ tenant }) => {
    const topic = open<number>(tenant, { partitions: 1, messagesMax: 20, keepMessages: 100 });
    const seen: number[] = [];
    const handler = ({ body }: Message<number>) => void seen.push(body);
    const places = await topic.publishMany(Array.from({ length: 20 }, (_, n) => ({ body: n })));
    await reading(topic, handler, () => until(() => seen.length === 20));
    const tenth = places[9];
    await topic.seek("g", { after: tenth?.accepted === true ? tenth.at : "" });
    // Ten were read, though nobody counted them; the others will be read again.
    for (let n = 20; n < 30; n += 1) expect(await topic.publish(n)).toMatchObject({ accepted: true });
    expect(await topic.publish(30)).toEqual({ accepted: false, reason: "full" });
    await reading(topic, handler, () => until(() => seen.length === 40));
    expect(seen.slice(20)).toEqual(Array.from({ length: 20 }, (_, n) => n + 10));
    expect(
      (await topic.publishMany(Array.from({ length: 20 }, (_, n) => ({ body: n })))).every((one) => one.accepted),
    ).toBe(true);
    expect(await topic.publish(30)).toEqual({ accepted: false, reason: "full" });
  });

  liveTest("hands on in their order what comes alone, in bulk, and with ids", async ({ tenant }) => {
    const topic = open<number>(tenant, { partitions: 1, messagesMax: 1_000_000 });
    const seen: number[] = [];
    await reading(
      topic,
      ({ body }) => void seen.push(body),
      async () => {
        for (let n = 0; n < 400; n += 4) {
          await topic.publish(n);
          await topic.publish(n + 1, { id: `id ${n}` });
          await topic.publishMany([{ body: n + 2 }, { body: n + 3 }]);
        }
        await until(() => seen.length === 400);
      },
    );
    expect(seen).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(await topic.size()).toBe(400);
  });

  liveTest("waits for whatever can be waited for, such as a query that begins only then", async ({ tenant }) => {
    const topic = open<number>(tenant);
    const done: number[] = [];
    let fails = true;
    // As the queries of database clients are: no promise, and nothing happens before `then`.
    const query = (body: number): PromiseLike<unknown> => ({
      // oxlint-disable-next-line unicorn/no-thenable
      then(onDone, onFailed) {
        const failing = body === 3 && fails;
        if (failing) fails = false;
        const ran = failing ? Promise.reject(new Error("deadlock")) : pause(1).then(() => void done.push(body));
        return ran.then(onDone, onFailed);
      },
    });
    await topic.publishMany([1, 2, 3, 4].map((body) => ({ body })));
    await reading(
      topic,
      ({ body }) => query(body) as unknown as Promise<void>,
      () => until(() => done.length === 4),
    );
    expect(new Set(done)).toEqual(new Set([1, 2, 3, 4]));
  });

  liveTest("tries a message again, then puts it aside with its reason, for its group alone", async ({ tenant }) => {
    const topic = open<string>(tenant);
    const seen: [string, boolean][] = [];
    const other: string[] = [];
    let broken = true;
    const handler = ({ body, redelivered }: Message<string>) => {
      seen.push([body, redelivered]);
      if (body === "bad" && broken) throw new MarrowError("timeout", "slow");
    };
    await reading(
      topic,
      ({ body }) => void other.push(body),
      () =>
        reading(
          topic,
          handler,
          async () => {
            await topic.publish("bad", { key: "k" });
            await topic.publish("good", { key: "k" });
            await until(() => seen.length === 4);
            await expect
              .poll(() => topic.deadLetters("g"))
              .toMatchObject([{ body: "bad", key: "k", reason: "timeout" }]);
            broken = false;
            expect(await topic.redrive("g")).toHaveLength(1);
            await until(() => seen.length === 5);
          },
          { deliveriesMax: 3 },
        ),
      { group: "other" },
    );
    expect(seen).toEqual([
      ["bad", false],
      ["bad", true],
      ["bad", true],
      ["good", false],
      ["bad", true],
    ]);
    expect(await topic.deadLetters("g")).toEqual([]);
    expect(other.toSorted()).toEqual(["bad", "good"]);
  });

  liveTest("costs one round trip a message, and hands large and small ones over alike", async ({ counted, proxy }) => {
    const topic = createTopic<{ text: string }>(counted.scope("acme"), "sized", { partitions: 1 });
    await topic.publish({ text: "warm" });
    proxy.reset();
    await topic.publish({ text: "one" });
    expect(proxy.roundTrips()).toBe(1);
    const sizes = [10, 900, 1_100, 100_000];
    const seen: number[] = [];
    await reading(
      topic,
      ({ body }) => void seen.push(body.text.length),
      async () => {
        await until(() => seen.length === 2);
        for (const size of sizes) await topic.publish({ text: "ä".repeat(size) }, { key: "ключ 1" });
        await until(() => seen.length === 6);
      },
    );
    expect(seen.slice(2)).toEqual(sizes);
  });

  liveTest("is kept apart from other tenants', and names what is wrong", async ({ redis, tenant }) => {
    const topic = open<string>(tenant);
    const other = open<string>(redis.scope("other"));
    const seen: string[] = [];
    await reading(
      other,
      ({ body }) => void seen.push(body),
      async () => {
        await topic.publish("secret");
        await other.publish("own");
        await until(() => seen.length > 0);
      },
    );
    expect(seen).toEqual(["own"]);
    await expect(topic.publish(undefined as never)).rejects.toThrow(/body/);
    for (const after of ["rubbish", "0/18446744073709551616-0", "0/99999999999999999999999-1", "0/1-"])
      await expect(topic.seek("g", { after })).rejects.toMatchObject({
        code: "invalid_input",
        details: { path: "after" },
      });
    for (const id of ["rubbish", "", "-", "+", "*", "18446744073709551616-0", null, 1])
      await expect(topic.redrive("g", { ids: ["1-1", id as string] })).rejects.toMatchObject({
        code: "invalid_input",
        details: { path: "ids.1" },
      });
    await expect(topic.redrive("g", { ids: "1-1" as never })).rejects.toMatchObject({ code: "invalid_input" });
    expect(await topic.redrive("g", { ids: ["1-1", "18446744073709551615-0"] })).toEqual([]);
    expect(() => createTopic(tenant, "x", { partitions: 65 })).toThrow(/partitions/);
    expect(() => topic.read("g", () => {}, { concurrency: 0 })).toThrow(/concurrency/);
    expect(() => topic.read("", () => {})).toThrow(/group/);
  });

  liveTest("is not closed by a group that nobody reads any more, once that group is forgotten", async ({ tenant }) => {
    const topic = open<number>(tenant, { messagesMax: 50, keepMessages: 0 });
    await reading(
      topic,
      () => {},
      async () => {},
      { group: "old-deploy" },
    );
    for (let n = 0; n < 50; n++) await topic.publish(n);
    expect(await topic.publish(50)).toEqual({ accepted: false, reason: "full" });
    expect((await topic.groups()).map(({ group }) => group)).toEqual(["old-deploy"]);
    expect(await topic.forgetGroup("old-deploy")).toBe(true);
    expect(await topic.forgetGroup("old-deploy")).toBe(false);
    for (let n = 50; n < 80; n++) expect(await topic.publish(n)).toMatchObject({ accepted: true });
    expect(await topic.groups()).toEqual([]);
  });

  liveTest("forgets groups that were not read for long when it has no room, and no other", async ({ tenant }) => {
    const topic = open<number>(tenant, { messagesMax: 50, keepMessages: 0, groupIdleMs: 1_500 });
    const seen: number[] = [];
    await reading(
      topic,
      () => {},
      async () => {},
      { group: "old-deploy" },
    );
    await reading(
      topic,
      ({ body }) => {
        seen.push(body);
      },
      async () => {
        for (let n = 0; n < 120; n++) {
          await until(() => seen.length >= n - 20);
          for (let published = await topic.publish(n); !published.accepted; published = await topic.publish(n))
            await pause(100);
        }
        await until(() => seen.length === 120);
      },
    );
    expect((await topic.groups()).map(({ group }) => group)).toEqual(["g"]);
  });

  liveTest("does not forget a group that is read", async ({ tenant }) => {
    const topic = open<number>(tenant);
    await reading(
      topic,
      () => {},
      async () => {
        await pause(200);
        await expect(topic.forgetGroup("g")).rejects.toMatchObject({ code: "conflict" });
      },
    );
  });

  liveTest("keeps what the error said with what is put aside, without secrets", async ({ tenant }) => {
    const topic = open<number>(tenant);
    const heard: unknown[] = [];
    await reading(
      topic,
      () => {
        throw new Error("the provider refused sk-proj-1234567890");
      },
      async () => {
        await topic.publish(1);
        await expect.poll(async () => (await topic.deadLetters("g")).length, { timeout: 8_000 }).toBe(1);
      },
      { deliveriesMax: 1, onError: (error) => void heard.push(error) },
    );
    expect(await topic.deadLetters("g")).toMatchObject([{ reason: "failed", message: "the provider refused ***" }]);
    expect(heard).toHaveLength(1);
  });
});
