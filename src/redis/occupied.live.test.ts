/** Connections that their owners use for something else while Marrow borrows them. */
import { randomUUID } from "node:crypto";
import { Cluster, Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { afterEach, describe, expect, inject, it } from "vitest";
import { startCluster } from "../../test/servers.ts";
import { fromIoredis, fromNodeRedis, type Redis } from "./index.ts";

/** A borrowed connection, and what its owner does with it. */
interface Borrowed {
  readonly redis: Redis;
  readonly owner: (...words: string[]) => Promise<unknown>;
  readonly subscribe: () => Promise<unknown>;
  readonly end: () => unknown;
}

let borrowed: Borrowed;
afterEach(() => borrowed?.end());

async function ioredis(protocol: 2 | 3): Promise<Borrowed> {
  const client = new Ioredis(inject("redisUrl"), { protocol });
  const end = () => client.disconnect();
  return {
    redis: fromIoredis(client),
    owner: (verb = "", ...words) => client.call(verb, ...words),
    subscribe: () => client.subscribe("news"),
    end,
  };
}

async function nodeRedis(RESP: 2 | 3): Promise<Borrowed> {
  const client = createClient({ url: inject("redisUrl"), RESP });
  client.on("error", () => {});
  await client.connect();
  return {
    redis: fromNodeRedis(client),
    owner: (...words) => client.sendCommand(words),
    subscribe: () => client.subscribe("news", () => {}),
    end: () => client.destroy(),
  };
}

const CLIENTS = [
  ["ioredis, RESP2", () => ioredis(2)],
  ["ioredis, RESP3", () => ioredis(3)],
  ["node-redis, RESP2", () => nodeRedis(2)],
  ["node-redis, RESP3", () => nodeRedis(3)],
] as const;

const refused = (occupation: string) => ({ code: "redis_rejected", details: { occupation } });

describe.each(CLIENTS)("a borrowed connection (%s)", (_, borrow) => {
  it("inside its owner's transaction fails Marrow's commands, and never answers QUEUED for a value", async () => {
    borrowed = await borrow();
    const { redis, owner } = borrowed;
    const [count, text] = [`count:${randomUUID()}`, `text:${randomUUID()}`];
    await redis.send(["SET", text, "before"]);
    // Sent together: the server's answer to MULTI is not known yet.
    const open = owner("MULTI");
    const early = redis.send(["INCR", count]);
    await expect(early).rejects.toMatchObject(refused("transaction"));
    await open;
    for (const command of [
      ["INCR", count],
      ["GET", text],
      ["SET", text, "x"],
      ["SMEMBERS", "s"],
      ["TTL", text],
    ])
      await expect(redis.send(command)).rejects.toMatchObject(refused("transaction"));
    const accepts = (reply: unknown) => typeof reply === "number";
    const script = redis.send(["EVAL", "return 1", "0"], { accepts });
    await expect(script).rejects.toMatchObject(refused("transaction"));
    await expect(redis.send(["GET", text], { reply: "bytes" })).rejects.toMatchObject(refused("transaction"));
    const replies = await redis.pipeline([["LRANGE", "l", "0", "-1"]]);
    expect(replies[0]).toMatchObject(refused("transaction"));
    // The owner's transaction is not lost, and the connection serves again.
    expect(await owner("DISCARD")).toSatisfy((reply) => String(reply) === "OK");
    expect(await redis.send(["GET", text])).toBe("before");
    expect(await redis.send(["INCR", count])).toBe(1);
  });

  it("gives stored texts that look like a queued command's status, and transactions of Marrow's caller", async () => {
    borrowed = await borrow();
    const { redis } = borrowed;
    const key = randomUUID();
    expect(await redis.send(["SET", key, "QUEUED"])).toBe("OK");
    expect(await redis.send(["GET", key])).toBe("QUEUED");
    expect(await redis.send(["GET", key], { reply: "bytes" })).toEqual(Buffer.from("QUEUED"));
    expect(await redis.send(["MGET", key])).toEqual(["QUEUED"]);
    expect(await redis.send(["EVAL", "return {redis.status_reply('QUEUED'), 'QUEUED'}", "0"])).toEqual([
      "QUEUED",
      "QUEUED",
    ]);
    expect(await redis.pipeline([["MULTI"], ["STRLEN", key], ["GET", key], ["EXEC"]])).toEqual([
      "OK",
      "QUEUED",
      "QUEUED",
      [6, "QUEUED"],
    ]);
    expect(await redis.send(["GET", key])).toBe("QUEUED");
  });

  it("whose owner watches keys serves, and a write to such a key ends the owner's transaction, as any write does", async () => {
    borrowed = await borrow();
    const { redis, owner } = borrowed;
    const key = randomUUID();
    await owner("WATCH", key);
    expect(await redis.send(["INCR", key])).toBe(1);
    await owner("MULTI");
    await owner("INCR", key);
    expect(await owner("EXEC")).toBeNull();
    expect(await redis.send(["GET", key])).toBe("1");
  });

  it("in monitor mode fails commands at once", async () => {
    borrowed = await borrow();
    await borrowed.owner("MONITOR");
    await expect(borrowed.redis.send(["INCR", "count"])).rejects.toMatchObject(refused("monitor"));
  });
});

describe.each([2, 3] as const)("an ioredis client that is lent while it is open (RESP%i)", (protocol) => {
  it.each([
    ["an integer", ["INCR", randomUUID()]],
    ["a text", ["GET", randomUUID()]],
    ["anything", ["EVAL", "return 1", "0"]],
  ])("within its owner's transaction fails commands, also the first one, which answers %s", async (_, command) => {
    const client = new Ioredis(inject("redisUrl"), { protocol });
    await client.multi({ pipeline: false });
    const redis = fromIoredis(client);
    await expect(redis.send(command)).rejects.toMatchObject({
      code: "redis_rejected",
      details: { occupation: "transaction", mayHaveRun: true },
    });
    await expect(redis.send(command)).rejects.toMatchObject({
      code: "redis_rejected",
      details: { occupation: "transaction", mayHaveRun: false },
    });
    expect(await client.call("EXEC")).toHaveLength(1);
    expect(await redis.send(["PING"])).toBe("PONG");
    client.disconnect();
  });

  it("gives a stored text like a queued command's status", async () => {
    const client = new Ioredis(inject("redisUrl"), { protocol });
    const key = randomUUID();
    await client.set(key, "QUEUED");
    const redis = fromIoredis(client);
    expect(await redis.send(["GET", key])).toBe("QUEUED");
    expect(await redis.send(["INCR", randomUUID()])).toBe(1);
    client.disconnect();
  });

  it("follows a transaction whose MULTI was not answered yet", async () => {
    const client = new Ioredis(inject("redisUrl"), { protocol });
    await client.ping();
    const opened = client.call("MULTI");
    const redis = fromIoredis(client);
    await opened;
    await expect(redis.send(["GET", "text"])).rejects.toMatchObject(refused("transaction"));
    expect(await client.call("DISCARD")).toBe("OK");
    expect(await redis.send(["PING"])).toBe("PONG");
    client.disconnect();
  });
});

describe.each([CLIENTS[0], CLIENTS[2]])("a borrowed connection (%s)", (_, borrow) => {
  it("in subscriber mode fails commands at once", async () => {
    borrowed = await borrow();
    await borrowed.redis.send(["PING"]);
    await borrowed.subscribe();
    await expect(borrowed.redis.send(["INCR", "count"])).rejects.toMatchObject(refused("subscriber"));
    await expect(borrowed.redis.send(["GET", "count"])).rejects.toMatchObject(refused("subscriber"));
  });
});

it("an ioredis cluster whose nodes are within their owner's transactions fails commands, opened before it was lent or after", async () => {
  const group = await startCluster(inject("redisBinary"));
  const client = new Cluster(group.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
  try {
    await client.set("{a}text", "QUEUED");
    const owner = (verb: string) => Promise.all(client.nodes("master").map((node) => node.call(verb)));
    await owner("MULTI");
    const redis = fromIoredis(client);
    const queued = { code: "redis_rejected", details: { occupation: "transaction", mayHaveRun: true } };
    await expect(redis.send(["INCR", "{a}count"])).rejects.toMatchObject(queued);
    await expect(redis.send(["GET", "{a}text"])).rejects.toMatchObject(queued);
    expect(await owner("EXEC")).toContainEqual([1, "QUEUED"]);
    expect(await redis.send(["GET", "{a}text"])).toBe("QUEUED");
    await owner("MULTI");
    await expect(redis.send(["GET", "{a}text"])).rejects.toMatchObject(queued);
    await owner("DISCARD");
    expect(await redis.send(["INCR", "{a}count"])).toBe(2);
  } finally {
    client.disconnect();
    await group.stop();
  }
}, 30_000);

it("a monitor of ioredis that is lent out fails commands at once", async () => {
  const client = new Ioredis(inject("redisUrl"));
  const monitor = await client.monitor();
  monitor.on("error", () => {});
  await expect(fromIoredis(monitor).send(["INCR", "count"])).rejects.toMatchObject(refused("monitor"));
  monitor.disconnect();
  client.disconnect();
});
