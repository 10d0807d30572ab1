import { createHash } from "node:crypto";
import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, inject, it } from "vitest";
import { startProxy, type RespProxy } from "../../test/resp-proxy.ts";
import { until } from "../../test/servers.ts";
import { cannotServe, connect, fromIoredis, fromNodeRedis, runScript, type Redis, type Script } from "./index.ts";

const SECRET = "a prompt of a tenant";
type Dial = (url: string, told: (line: string | undefined) => void) => Promise<readonly [Redis, () => unknown]>;

const own: Dial = async (url, told) => {
  const redis = await connect(url, { onConnection: told });
  return [redis, () => redis.close()];
};
const borrowedIoredis: Dial = async (url) => {
  const client = new Ioredis(url, { maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => 20 });
  client.on("error", () => {});
  await new Promise((resolve) => client.once("ready", resolve));
  return [fromIoredis(client), () => client.disconnect()];
};
const borrowedNodeRedis: Dial = async (url) => {
  const client = createClient({ url, disableOfflineQueue: true });
  client.on("error", () => {});
  await client.connect();
  return [fromNodeRedis(client), () => client.destroy()];
};
const borrowedAndLast: Dial = async (url) => {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } });
  client.on("error", () => {});
  await client.connect();
  return [fromNodeRedis(client), () => client.destroy()];
};
const CLIENTS = [
  ["Marrow's own", own],
  ["a borrowed ioredis", borrowedIoredis],
] as const;
const ALL = [
  ...CLIENTS,
  ["a borrowed node-redis", borrowedNodeRedis],
  ["one that does not dial again", borrowedAndLast],
] as const;

async function through(
  dial: Dial,
  run: (proxy: RespProxy, redis: Redis, lines: string[]) => Promise<void>,
): Promise<void> {
  const proxy = await startProxy(inject("redisUrl"));
  const lines: string[] = [];
  const [redis, end] = await dial(proxy.url, (line) => line !== undefined && lines.push(line));
  try {
    await run(proxy, redis, lines);
  } finally {
    await redis.close();
    await end();
    await proxy.close();
  }
}

let asked = 0;
/** Whether the answer to a question of its own is the one that comes. */
const echoes = async (redis: Redis) => {
  const word = `mine ${(asked += 1)}`;
  return (await redis.send(["ECHO", word], { timeoutMs: 500 }).catch(() => "")) === word;
};
const idOf = (redis: Redis) => redis.send(["CLIENT", "ID"]);
/** Whether the connection is another one. What is no id, and the number that is made up here, is the answer to another question. */
const isAnother = async (redis: Redis, before: unknown) => {
  const id = await idOf(redis).catch(() => before);
  return typeof id === "number" && id !== 7 && id !== before;
};
const fails = (sent: Promise<unknown>) =>
  sent.then(
    () => undefined,
    (error: unknown) => error,
  );

const SURPLUS = [
  ["null", "$-1\r\n"],
  ["null of RESP3", "_\r\n"],
  ["text", `+${SECRET}\r\n`],
  ["number", ":7\r\n"],
  ["error", `-ERR ${SECRET}\r\n`],
  ["list", "*2\r\n$-1\r\n$-1\r\n"],
] as const;

describe.concurrent("an unsolicited reply", () => {
  it.each(CLIENTS.flatMap(([name, dial]) => SURPLUS.map(([kind, bytes]) => [kind, name, bytes, dial] as const)))(
    "(%s, %s) ends its connection, which is dialled again, and never the process; no line repeats it",
    (_, __, bytes, dial) =>
      through(dial, async (proxy, redis, lines) => {
        const before = await idOf(redis);
        proxy.say(bytes);
        proxy.say(bytes);
        await until(() => isAnother(redis, before), "another connection");
        // Its id is told before the client may send other commands.
        await until(() => echoes(redis), "its own answers");
        expect(lines.length).toBeLessThanOrEqual(1);
        expect(lines.join("\n")).not.toContain(SECRET);
      }),
  );

  it("(each twice) is never read as the answer to another command for long", () =>
    through(own, async (proxy, redis) => {
      proxy.spoil((bytes) => Buffer.concat([bytes, bytes]));
      await Promise.all([1, 2, 3, 4, 5].map(() => echoes(redis)));
      await until(async () => cannotServe(await fails(idOf(redis))), "the end of the connection");
      proxy.spoil(undefined);
      await until(() => echoes(redis), "its own answers");
      expect(await Promise.all([1, 2, 3, 4, 5].map(() => echoes(redis)))).not.toContain(false);
    }));

  it.each(["_\r\n", ":1\r\n", ">2\r\n_\r\n_\r\n", ">1\r\n+message\r\n", "*1\r\n$-1\r\n"])(
    "on a subscription (%j) ends that connection alone, which subscribes again",
    (bytes) =>
      through(own, async (proxy, redis) => {
        const channel = `step ${Math.random()}`;
        let heard = 0;
        const subscription = await redis.subscribe([channel], () => (heard += 1));
        proxy.say(bytes);
        proxy.say(bytes);
        const hears = async () => {
          await redis.send(["PUBLISH", channel, "hello"]).catch(() => {});
          return heard > 0;
        };
        await until(hears, "the subscription");
        await until(() => echoes(redis), "its own answers");
        expect(heard).toBeGreaterThan(0);
        await subscription.close();
      }),
  );

  it("(null) on a connection of node-redis ends no process either", () =>
    through(borrowedNodeRedis, async (proxy, redis) => {
      proxy.say("_\r\n");
      await until(() => echoes(redis), "its own answers");
      expect(await echoes(redis)).toBe(true);
    }));
});

describe.concurrent("one reply in place of several", () => {
  it.each(ALL)("(%s) ends its connection within moments, while commands are sent all the time and after", (_, dial) =>
    through(dial, async (proxy, redis) => {
      expect(await echoes(redis)).toBe(true);
      const before = await idOf(redis);
      let swallowed = false;
      proxy.spoil(() => {
        proxy.spoil(undefined);
        swallowed = true;
        return `-WEIRDERR ${SECRET}\r\n`;
      });
      let busy = true;
      const traffic = [1, 2, 3].map(async () => {
        while (busy) await echoes(redis);
      });
      await until(() => Promise.resolve(swallowed), "the error");
      await until(() => isAnother(redis, before), "another connection");
      busy = false;
      await Promise.all(traffic);
      expect(await Promise.all([1, 2, 3, 4, 5].map(() => echoes(redis)))).not.toContain(false);
    }),
  );

  it("is noticed without more commands, which fail as what cannot be served now", () =>
    through(own, async (proxy, redis) => {
      proxy.spoil(() => {
        proxy.spoil(undefined);
        return "-WEIRDERR nothing\r\n";
      });
      const startMs = performance.now();
      const [first, second, third] = await Promise.all(
        ["a", "b", "c"].map((key) => fails(redis.send(["SETNX", `step ${key}`, "1"]))),
      );
      expect(first).toMatchObject({ code: "redis_rejected" });
      expect([cannotServe(second), cannotServe(third)]).toEqual([true, true]);
      // Sooner than their deadlines, which would find it out too.
      expect(performance.now() - startMs).toBeLessThan(1_900);
    }));
});

describe.concurrent("a reply of a shape that its command cannot have", () => {
  const accepts = (reply: unknown) => typeof reply === "string";

  it.each(ALL)("(%s) is Redis that cannot serve, and ends the connection of those that follow", (name, dial) =>
    through(dial, async (proxy, redis) => {
      const before = await idOf(redis);
      proxy.spoil((bytes) => {
        proxy.spoil(undefined);
        // A client of node-redis passes over what is too many.
        return name.includes("ioredis") || dial === own ? `:7\r\n${bytes.toString("latin1")}` : ":7\r\n";
      });
      const error = await fails(redis.send(["SET", "step", "1"], { accepts }));
      expect(cannotServe(error)).toBe(true);
      expect(error).toMatchObject({ details: { mayHaveRun: true } });
      await until(() => isAnother(redis, before), "another connection");
      expect(await redis.send(["SET", "step", "1"], { accepts })).toBe("OK");
    }),
  );

  it("is asked for again where that is safe", () =>
    through(own, async (proxy, redis) => {
      expect(await redis.send(["SET", "step again", "1"])).toBe("OK");
      proxy.spoil((bytes) => {
        proxy.spoil(undefined);
        return `:7\r\n${bytes.toString("latin1")}`;
      });
      expect(await redis.send(["GET", "step again"], { accepts })).toBe("1");
    }));
});

describe.concurrent("every command and script", () => {
  const script: Script<"key", never> = {
    name: "test",
    keys: ["key"],
    values: [],
    rest: false,
    idempotent: false,
    shape: '["lead" | "follow", text]',
    lua: 'return { "lead", KEYS[1] }',
    sha1: createHash("sha1").update('return { "lead", KEYS[1] }').digest("hex"),
  };

  it.each([
    ["GET", (redis: Redis) => redis.send(["GET", "step none"]), null],
    ["MGET", (redis: Redis) => redis.send(["MGET", "step none", "step nothing"]), [null, null]],
    ["HGETALL", (redis: Redis) => redis.send(["HGETALL", "step none"]), []],
    ["HLEN", (redis: Redis) => redis.send(["HLEN", "step none"]), 0],
    ["a script", (redis: Redis) => runScript(redis, { ...script, idempotent: true }, { key: "k" }, {}), ["lead", "k"]],
  ])("(%s) gets its own answer where a reply of another shape came, from a new connection", (_, ask, own_) =>
    through(own, async (proxy, redis) => {
      await runScript(redis, script, { key: "k" }, {});
      const before = await idOf(redis);
      proxy.spoil((bytes) => {
        proxy.spoil(undefined);
        return `*3\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n${bytes.toString("latin1")}`;
      });
      expect(await ask(redis)).toEqual(own_);
      expect(await idOf(redis)).not.toBe(before);
    }),
  );
});

describe.concurrent("a reply of a shape that its command cannot have, in its own place", () => {
  it.each(CLIENTS)("(%s) is damage: its connection stays, and all others get their own answers", (_, dial) =>
    through(dial, async (proxy, redis) => {
      const before = await idOf(redis);
      let busy = true;
      let mine = 0;
      let others = 0;
      const traffic = Array.from({ length: 20 }, async () => {
        while (busy) {
          if (await echoes(redis)) mine += 1;
          else others += 1;
        }
      });
      const script: Script<"key", never> = {
        name: "test",
        keys: ["key"],
        values: [],
        rest: false,
        idempotent: true,
        shape: "text",
        lua: "return 1",
        sha1: createHash("sha1").update("return 1").digest("hex"),
      };
      const damaged = await Promise.all([
        ...Array.from({ length: 20 }, () => fails(redis.send(["GET", "{a:b}:memory:x"], { accepts: () => false }))),
        fails(runScript(redis, script, { key: "{a:b}:memory:x" }, {})),
      ]);
      for (const error of damaged)
        expect(error).toMatchObject({ code: "corrupt_record", details: { family: "memory" } });
      expect(damaged.at(-1)).toMatchObject({ details: { script: "test" } });
      busy = false;
      await Promise.all(traffic);
      expect({ others, some: mine > 20, id: await idOf(redis) }).toEqual({ others: 0, some: true, id: before });
      // The same for one that a proxy made, amid answers that are on their way.
      proxy.spoil(() => {
        proxy.spoil(undefined);
        return ":7\r\n";
      });
      expect(await fails(redis.send(["SETNX", "step", "1"], { accepts: (reply) => reply === 1 }))).toMatchObject({
        code: "corrupt_record",
      });
      expect(await idOf(redis)).toBe(before);
    }),
  );

  it("is believed to be so by nobody while a reply too many came before", () =>
    through(own, async (proxy, redis) => {
      await Promise.all([1, 2, 3].map(() => echoes(redis)));
      const before = await idOf(redis);
      let spoiled = 0;
      proxy.spoil((bytes) => ((spoiled += 1) === 1 ? `:7\r\n${bytes.toString("latin1")}` : bytes));
      const sent = Array.from({ length: 50 }, (_, at) => redis.send(["ECHO", `own ${at}`], { accepts: isText }));
      const replies = await Promise.allSettled(sent);
      for (const [at, reply] of replies.entries())
        if (reply.status === "fulfilled") expect(reply.value).toBe(`own ${at}`);
        else expect(cannotServe(reply.reason)).toBe(true);
      expect(await idOf(redis)).not.toBe(before);
    }));
});

const isText = (reply: unknown) => typeof reply === "string";

describe.concurrent("bytes that are no reply", () => {
  it.each([
    ["a first byte that no reply has", (bytes: Buffer) => Buffer.concat([Buffer.from("?"), bytes.subarray(1)])],
    ["garbage", () => `\u0007\u0001${SECRET}\r\n$-99\r\n`],
    ["half of each", (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
  ])("(%s) are Redis that cannot serve, and are told of without them", (_, how) =>
    through(own, async (proxy, redis, lines) => {
      expect(await echoes(redis)).toBe(true);
      proxy.spoil(how);
      for (let at = 0; at < 5; at += 1)
        expect(cannotServe(await fails(redis.send(["SET", "step", "1"], { timeoutMs: 100 })))).toBe(true);
      proxy.spoil(undefined);
      await until(() => echoes(redis), "its own answers");
      expect(lines.join("\n")).not.toContain(SECRET);
    }),
  );
});

describe.concurrent("a server that accepts connections", () => {
  const stateOf = async (redis: Redis) =>
    (
      (await fails(redis.send(["SET", "step", "1"], { timeoutMs: 100 }))) as
        | { details?: { state?: string } }
        | undefined
    )?.details?.state;

  it.each([
    ["answers nothing", () => ""],
    ["brings its answers byte by byte", (bytes: Buffer) => bytes.subarray(0, 1)],
  ])("and %s gives no answer: it is neither loading nor unreachable", (_, how) =>
    through(own, async (proxy, redis) => {
      proxy.spoil(how);
      await fails(redis.send(["GET", "step"], { timeoutMs: 100 }));
      const states = new Set<unknown>();
      // Until it was hung up on, dialled again, and did not answer the handshake.
      for (const endMs = performance.now() + 5_000; performance.now() < endMs;) {
        states.add(await stateOf(redis));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect([...states]).toEqual(["no_answer"]);
      proxy.spoil(undefined);
      const startMs = performance.now();
      await until(() => echoes(redis), "its own answers");
      expect(performance.now() - startMs).toBeLessThan(3_000);
    }),
  );
});
