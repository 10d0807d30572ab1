import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, inject, it } from "vitest";
import { startProxy, type RespProxy } from "../../test/resp-proxy.ts";
import { ownServer, until, type OwnServer } from "../../test/servers.ts";
import type { MarrowError } from "../errors.ts";
import { connect, fromIoredis, fromNodeRedis, type Redis } from "./index.ts";

const TIMEOUT_MS = 100;
type Later = (end: () => unknown) => void;
type Dial = (url: string, later: Later) => Promise<Redis>;

const own: Dial = (url) => connect(url, { commandTimeoutMs: TIMEOUT_MS });
const borrowedIoredis: Dial = async (url, later) => {
  const client = new Ioredis(url, { maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => 20 });
  client.on("error", () => {});
  later(() => client.disconnect());
  await new Promise((resolve) => client.once("ready", resolve));
  return fromIoredis(client, { commandTimeoutMs: TIMEOUT_MS });
};
const borrowedNodeRedis: Dial = async (url, later) => {
  const client = createClient({ url, disableOfflineQueue: true });
  client.on("error", () => {});
  await client.connect();
  later(() => client.destroy());
  return fromNodeRedis(client, { commandTimeoutMs: TIMEOUT_MS });
};

/** Runs a test with a connection through a proxy, and ends all that it opened. */
async function through(
  dial: Dial,
  run: (proxy: RespProxy, redis: Redis, later: Later) => Promise<void>,
  url: string = inject("redisUrl"),
): Promise<void> {
  const ends: (() => unknown)[] = [];
  const later: Later = (end) => ends.push(end);
  try {
    const proxy = await startProxy(url);
    later(() => proxy.close());
    const redis = await dial(proxy.url, later);
    later(() => redis.close());
    await run(proxy, redis, later);
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

const answers = (sent: Promise<unknown>) =>
  sent.then(
    () => true,
    () => false,
  );
const works = (redis: Redis) => answers(redis.send(["GET", "a"]));

const CLIENTS = [
  ["Marrow's own", own],
  ["a borrowed ioredis", borrowedIoredis],
  ["a borrowed node-redis", borrowedNodeRedis],
] as const;

describe.concurrent("a connection whose peer vanished without a word", () => {
  it.each(CLIENTS)(
    "(%s) is dropped after its deadlines and dialled again, with its subscriptions and blocking connections",
    (_, dial) =>
      through(dial, async (proxy, redis, later) => {
        const publisher = await connect(inject("redisUrl"));
        later(() => publisher.close());
        const heard: string[] = [];
        const channel = `half-open ${Math.random()}`;
        const subscription = await redis.subscribe([channel], (__, message) => heard.push(message));
        later(() => subscription.close());
        const line = await redis.dedicate();
        later(() => line.close());
        const blocks = () => answers(line.send(["BLPOP", "nothing", "0.05"], { timeoutMs: 300 }));
        const hears = async () => {
          await publisher.send(["PUBLISH", channel, "hello"]);
          return heard.length > 0;
        };
        expect([await works(redis), await blocks()]).toEqual([true, true]);
        proxy.halfOpen();
        expect(await works(redis)).toBe(false);
        await until(() => works(redis), "commands");
        await until(blocks, "the blocking connection");
        await until(hears, "the subscription");
      }),
    40_000,
  );

  it.each(CLIENTS)("(%s), or that is out of step, answering nothing that was asked, is dialled again too", (_, dial) =>
    through(dial, async (proxy, redis) => {
      expect(await works(redis)).toBe(true);
      proxy.say("$99999\r\nxx\r\n*3\r\n+OK\r\n-ERR nonsense\r\n");
      const isRight = async () => (await redis.send(["ECHO", "mine"]).catch(() => "")) === "mine";
      await until(isRight, "the right answer");
    }),
  );

  it("within its handshake is dialled again too", () =>
    through(own, async (proxy, redis) => {
      proxy.mute(true);
      proxy.cut();
      await until(async () => !(await works(redis)), "the silence");
      await new Promise((resolve) => setTimeout(resolve, 200));
      proxy.halfOpen();
      proxy.mute(false);
      await until(() => works(redis), "commands");
      expect(await works(redis)).toBe(true);
    }));
});

describe("a connection to a master that became a replica, without an end of the connection", () => {
  it.each(CLIENTS)("(%s) is dialled again, and finds the new master where the address leads now", async (_, dial) => {
    const servers = await Promise.all([0, 1].map(() => ownServer(inject("redisBinary"))));
    try {
      await Promise.all(servers.map((server) => server.start()));
      const [old, next] = servers as [OwnServer, OwnServer];
      await through(
        dial,
        async (proxy, redis, later) => {
          expect(await redis.send(["SET", "a", "1"])).toBe("OK");
          const admin = await connect(old.url);
          later(() => admin.close());
          await admin.send(["REPLICAOF", "127.0.0.1", String(next.port)]);
          proxy.lead(next.url);
          await until(() => answers(redis.send(["SET", "a", "2"])), "a master");
          expect(await redis.send(["GET", "a"])).toBe("2");
        },
        old.url,
      );
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });

  it("says why it is not let in, while a password is rotated", async () => {
    const server = await ownServer(inject("redisBinary"));
    try {
      await server.start();
      const redis = await connect(server.url);
      const admin = await connect(server.url);
      await admin.send(["CONFIG", "SET", "requirepass", "new"]);
      await admin.send(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
      const state = () =>
        redis.send(["GET", "a"]).then(
          () => "served",
          (error: MarrowError) => error.details?.["state"],
        );
      await until(async () => (await state()) === "credentials", "the refusal");
      await admin.send(["CONFIG", "SET", "requirepass", ""]);
      await until(async () => (await state()) === "served", "the connection");
      expect(await state()).toBe("served");
      await Promise.all([redis.close(), admin.close()]);
    } finally {
      await server.stop();
    }
  });
});
