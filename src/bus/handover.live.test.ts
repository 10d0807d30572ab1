import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { runScript, type ScopedRedis } from "../redis/index.ts";
import { createTopic, type Message, type Topic } from "./index.ts";
import { topicKey } from "./keys.ts";
import { ackMessages, claimPartitions } from "./scripts.gen.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const open = (redis: ScopedRedis): Topic<number> => createTopic<number>(redis, "orders", { partitions: 1 });
const numbers = (count: number) => Array.from({ length: count }, (_, body) => ({ body, key: "k" }));

/** What a reader tells of itself, which then says no more. Answers the words for its partition, if it has it. */
async function claim(
  redis: ScopedRedis,
  reader: string,
  { leaseMs = 1, givenUp = [], leaving = 0 }: { leaseMs?: number; givenUp?: readonly string[]; leaving?: 0 | 1 } = {},
) {
  const values = { group: "g", reader, lease_ms: leaseMs, partitions: 1, from_start: 1, leaving, given_up: givenUp };
  const reply = (await runScript(redis, claimPartitions, { topic: `${topicKey(redis, "orders")}:topic` }, values)) as (
    | string
    | number
  )[];
  // Another one may follow once the lease is over.
  await pause(Math.min(leaseMs, 1) * 5);
  const [, , fence, cursor, last, tries, clean] = reply;
  return reply.length === 1
    ? undefined
    : { fence: String(fence), cursor: String(cursor), last: String(last), tries: Number(tries), clean: clean === 1 };
}

/** Has a reader at work until it has seen enough, and leave in order. */
async function readUntil(topic: Topic<number>, enough: (seen: readonly Message<number>[]) => boolean) {
  const seen: Message<number>[] = [];
  const finished = Promise.withResolvers<void>();
  const reader = topic.read(
    "g",
    (message) => {
      seen.push(message);
      if (enough(seen)) finished.resolve();
    },
    { from: "start" },
  );
  await Promise.race([finished.promise, pause(8_000)]);
  await reader.close();
  return seen;
}

describe("a partition that changes hands", () => {
  liveTest(
    "is marked as far as a reader that died may have been, by every reader that has it since",
    async ({ tenant }) => {
      const topic = open(tenant);
      await topic.publishMany(numbers(1_500));
      // It may have handled a thousand of them before it died.
      expect(await claim(tenant, "died")).toMatchObject({ cursor: "0-0", clean: true });
      // The next one leaves in order, after less than that.
      const first = await readUntil(topic, (seen) => seen.length >= 1);
      expect(first.length).toBeLessThan(1_024);
      const rest = await readUntil(topic, (seen) => first.length + seen.length >= 1_500);
      const all = [...first, ...rest];
      expect(new Set(all.map(({ body }) => body)).size).toBe(1_500);
      expect(
        all
          .slice(0, 1_024)
          .filter(({ redelivered }) => !redelivered)
          .map(({ body }) => body),
      ).toEqual([]);
    },
  );

  liveTest("is not marked after readers that left in order", async ({ tenant }) => {
    const topic = open(tenant);
    await topic.publishMany(numbers(300));
    const first = await readUntil(topic, (seen) => seen.length >= 1);
    await topic.publishMany(numbers(300));
    const rest = await readUntil(topic, (seen) => first.length + seen.length >= 600);
    expect([...first, ...rest].filter(({ redelivered }) => redelivered).map(({ body }) => body)).toEqual([]);
    expect(first.length + rest.length).toBe(600);
  });

  liveTest("was left in order only where its reader says so", async ({ tenant }) => {
    await open(tenant).publish(1);
    expect(await claim(tenant, "a", { leaseMs: 60_000 })).toMatchObject({ clean: true });
    // It leaves, and was not done.
    expect(await claim(tenant, "a", { leaseMs: 0, givenUp: ["0?"] })).toBeUndefined();
    expect(await claim(tenant, "b", { leaseMs: 60_000 })).toMatchObject({ clean: false });
    // It never heard that it had it.
    expect(await claim(tenant, "b", { leaseMs: 0 })).toBeUndefined();
    expect(await claim(tenant, "c", { leaseMs: 60_000 })).toMatchObject({ clean: false });
    expect(await claim(tenant, "c", { leaseMs: 0, givenUp: ["0"] })).toBeUndefined();
    // One that leaves takes none.
    expect(await claim(tenant, "d", { leaseMs: 60_000, leaving: 1 })).toBeUndefined();
    expect(await claim(tenant, "e", { leaseMs: 60_000 })).toMatchObject({ clean: true });
  });

  liveTest("was left in order only on the server that was told so", async ({ tenant }) => {
    await open(tenant).publish(1);
    await claim(tenant, "a", { leaseMs: 60_000 });
    await claim(tenant, "a", { leaseMs: 0, givenUp: ["0"] });
    // As a replica has it that took over before it heard who claimed the partition then.
    const field = [`${topicKey(tenant, "orders")}:topic:clean:g`, "0"];
    expect(await tenant.send(["HGET", ...field])).toMatch(/^[0-9a-f]{40}$/);
    await tenant.send(["HSET", ...field, "f".repeat(40)]);
    expect(await claim(tenant, "b", { leaseMs: 60_000 })).toMatchObject({ clean: false });
  });

  liveTest("has nothing put aside because of readers that died while it was empty", async ({ tenant }) => {
    const topic = open(tenant);
    for (let nth = 0; nth < 8; nth += 1) expect(await claim(tenant, `died ${nth}`)).toMatchObject({ tries: 0 });
    await topic.publish(1);
    const seen = await readUntil(topic, ({ length }) => length === 1);
    expect(seen.map(({ body }) => body)).toEqual([1]);
    expect(await topic.deadLetters("g")).toEqual([]);
  });

  liveTest("stays its reader's when that one stalled and no other took it: nothing comes again", async ({ tenant }) => {
    const topic = open(tenant);
    await topic.publishMany(numbers(20));
    const seen: Message<number>[] = [];
    const reader = topic.read(
      "g",
      async (message) => {
        seen.push(message);
        // Longer than its lease may be trusted, with all others waiting behind this one.
        const untilMs = performance.now() + (message.body === 3 ? 1_100 : 0);
        while (performance.now() < untilMs);
        await pause(0);
      },
      { from: "start", leaseMs: 1_000 },
    );
    await expect.poll(() => seen.length, { timeout: 8_000 }).toBe(20);
    await reader.close();
    expect(seen.map(({ body, redelivered }) => [body, redelivered])).toEqual(
      numbers(20).map(({ body }) => [body, false]),
    );
  });

  liveTest("stays its reader's while that one closes, however long its handlers take", async ({ tenant }) => {
    const topic = open(tenant);
    await topic.publishMany(numbers(5));
    const seen: Message<number>[] = [];
    const handler = async (message: Message<number>) => {
      seen.push(message);
      await pause(400);
    };
    const options = { from: "start", leaseMs: 1_000 } as const;
    const first = topic.read("g", handler, options);
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(1);
    const closing = first.close();
    const second = topic.read("g", handler, options);
    await closing;
    await expect.poll(() => second.partitions, { timeout: 5_000 }).toEqual([0]);
    await second.close();
    expect(seen.map(({ body, redelivered }) => [body, redelivered])).toEqual(
      numbers(5).map(({ body }) => [body, false]),
    );
  });

  liveTest("is read again, marked, from where a server stands that forgot its last messages", async ({ tenant }) => {
    const topic = open(tenant);
    const log = `${topicKey(tenant, "orders")}:topic:log:0`;
    const cursors = `${topicKey(tenant, "orders")}:topic:cursors`;
    await topic.publishMany(numbers(3));
    const [entries, before] = [
      (await tenant.send(["XRANGE", log, "-", "+"])) as [string, string[]][],
      (await tenant.send(["HGET", cursors, "g/0"])) as string | null,
    ];
    expect(before).toBeNull();
    const seen: Message<number>[] = [];
    const reader = topic.read("g", (message) => void seen.push(message), { from: "start", leaseMs: 1_000 });
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(3);
    await expect.poll(() => tenant.send(["HGET", cursors, "g/0"])).toBe(`${entries[2]?.[0]} 3`);
    // The first alone was kept, and what comes then has an earlier id than what is lost: the new server's clock is behind.
    const [[id, fields]] = entries as [[string, string[]]];
    await tenant.send(["DEL", log]);
    await tenant.send(["XADD", log, id, ...fields]);
    await tenant.send(["HSET", cursors, "g/0", `${id} 1`]);
    await expect.poll(() => reader.partitions, { timeout: 5_000 }).toEqual([0]);
    await pause(600);
    const [ms = "", seq = ""] = id.split("-");
    await tenant.send(["XADD", log, `${ms}-${Number(seq) + 1}`, ...fields]);
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(4);
    expect(seen[3]).toMatchObject({ at: `0/${ms}-${Number(seq) + 1}`, redelivered: true });
    await reader.close();
  });

  liveTest("is written down no further than its server knows, and not back", async ({ tenant }) => {
    const topic = open(tenant);
    const published = await topic.publishMany(numbers(3));
    const places = published.map((one) => (one.accepted ? one.at.slice(2) : ""));
    const { fence = "" } = (await claim(tenant, "a", { leaseMs: 60_000 })) ?? {};
    const key = `${topicKey(tenant, "orders")}:topic`;
    const ack = (from: string, to: string, count: number) =>
      runScript(
        tenant,
        ackMessages,
        { topic: key },
        { group: "g", reader: "a", partition: 0, fence, from, to, count, keep: 100, keep_ms: 60_000, dead: [] },
      );
    const cursor = () => tenant.send(["HGET", `${key}:cursors`, "g/0"]);
    expect(await ack("0-0", places[1] ?? "", 2)).toBe(1);
    expect(await cursor()).toBe(`${places[1]} 2`);
    // Said late, or twice.
    expect(await ack("0-0", places[0] ?? "", 1)).toBe(1);
    expect(await cursor()).toBe(`${places[1]} 2`);
    expect(await ack(places[1] ?? "", "99999999999999-0", 5)).toBe(0);
    expect(await cursor()).toBe(`${places[1]} 2`);
    expect(await ack(places[1] ?? "", places[2] ?? "", 1)).toBe(1);
    expect(await cursor()).toBe(`${places[2]} 3`);
  });
});
