/** A gateway on a cluster of which a part is not served: what `/readyz` says, and what chats pay. */
import { randomUUID } from "node:crypto";
import { Redis as Client } from "ioredis";
import { createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, fromNodeRedis } from "../../src/index.ts";
import { keyTag, type Redis } from "../../src/redis/index.ts";
import { slotOf } from "../../src/redis/slots.ts";
import { ask, startTestGateway, type TestGateway } from "../gateway.ts";
import { startCluster, until, type Group, type OwnServer } from "../servers.ts";

const MASTERS = 3;
const appName = `c${randomUUID().slice(0, 8)}`;
let group: Group;
let gateway: TestGateway;
beforeAll(async () => {
  group = await startCluster(inject("redisBinary"), { args: ["--cluster-require-full-coverage", "no"] });
  gateway = await startTestGateway({ redisUrl: group.url, appName, config: { cache: { semantic: false } } });
});
afterAll(async () => {
  for (const node of group.nodes) node.thaw();
  await gateway.close();
  await group.stop();
});

const nodeOf = (key: string) => Math.floor((slotOf(key) * MASTERS) / 16_384);
const scopeKey = () => `${keyTag({ app: appName, scope: "acme" })}:x`;

async function ready(): Promise<readonly [number, string | undefined]> {
  const answer = await gateway.app.inject("/readyz");
  const { state } = answer.json<{ state?: string }>();
  return [answer.statusCode, state];
}

/** Asks something new, and returns what the cache did and how long it took, in milliseconds. */
async function chat(): Promise<{ readonly cache: string | null; readonly ms: number }> {
  const startMs = performance.now();
  const { cache } = await ask(gateway.client(), `What is ${randomUUID()}?`);
  return { cache, ms: Math.round(performance.now() - startMs) };
}

const medianOf = (chats: readonly { readonly ms: number }[]) =>
  chats.map(({ ms }) => ms).toSorted((a, b) => a - b)[Math.floor(chats.length / 2)];

/** Begins to move a slot to the next master. */
async function beginMove(slot: number) {
  const at = Math.floor((slot * MASTERS) / 16_384);
  const [from, to] = [at, (at + 1) % MASTERS].map((nth) => new Client(group.nodes[nth]?.port ?? 0, "127.0.0.1")) as [
    Client,
    Client,
  ];
  const [fromId, toId] = await Promise.all([from, to].map(async (node) => String(await node.call("CLUSTER", "MYID"))));
  const move = async (chosen: (keys: readonly string[]) => readonly string[]) => {
    const keys = chosen((await from.call("CLUSTER", "GETKEYSINSLOT", String(slot), "1000")) as string[]);
    if (keys.length > 0)
      await from.call("MIGRATE", "127.0.0.1", String(to.options.port), "", "0", "5000", "KEYS", ...keys);
  };
  await to.call("CLUSTER", "SETSLOT", String(slot), "IMPORTING", fromId as string);
  await from.call("CLUSTER", "SETSLOT", String(slot), "MIGRATING", toId as string);
  return {
    move,
    async end() {
      await move((keys) => keys);
      for (const node of [to, from]) await node.call("CLUSTER", "SETSLOT", String(slot), "NODE", toId as string);
      for (const node of [from, to]) node.disconnect();
    },
  };
}

const isWell = async () => (await ready())[0] === 200 && (await chat()).cache === "miss";

describe("a gateway on a cluster", () => {
  it.each(Array.from({ length: MASTERS }, (_, at) => at))(
    "says that master %i is frozen, and chats do not wait for it again and again",
    async (at) => {
      await until(isWell, "a good beginning");
      const node = group.nodes[at] as OwnServer;
      node.freeze();
      try {
        await expect.poll(ready, { timeout: 5_000 }).toEqual([503, "cluster_down"]);
        const chats = [];
        for (let nth = 0; nth < 8; nth += 1) chats.push(await chat());
        expect(await ready()).toEqual([503, "cluster_down"]);
        // One try now and then waits for a deadline of 250 ms.
        expect(chats.toSorted((a, b) => a.ms - b.ms)[3]?.ms).toBeLessThan(200);
      } finally {
        node.thaw();
      }
      await until(isWell, "the cluster to be well");
    },
  );

  it("says that the slot of a scope is being moved, for as long as it is", async () => {
    await until(isWell, "a good beginning");
    const moving = await beginMove(slotOf(scopeKey()));
    await moving.move((keys) => keys.slice(0, Math.ceil(keys.length / 2)));
    try {
      const chats = [];
      for (const startMs = performance.now(); performance.now() - startMs < 3_000;) chats.push(await chat());
      expect(chats.every(({ cache }) => cache === "bypass")).toBe(true);
      // The first ones wait for the slot, less than their deadline; after two seconds nobody waits any more.
      expect(medianOf(chats.slice(0, 5))).toBeLessThan(230);
      expect(medianOf(chats.slice(-5))).toBeLessThan(100);
      expect(await ready()).toEqual([503, "cluster_down"]);
      // Nobody asks any more, as behind a balancer.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(await ready()).toEqual([503, "cluster_down"]);
    } finally {
      await moving.end();
    }
    await expect.poll(ready, { timeout: 5_000 }).toEqual([200, undefined]);
    expect((await chat()).cache).toBe("miss");
  });
});

async function connectBy(name: "ioredis" | "node-redis"): Promise<Redis> {
  const options = { app: appName, commandTimeoutMs: 200 };
  if (name === "ioredis") return connect(group.url, options);
  const client = createCluster({
    rootNodes: group.nodes.map(({ port }) => ({ socket: { host: "127.0.0.1", port } })),
  });
  client.on("error", () => {});
  await client.connect();
  const redis = fromNodeRedis(client, options);
  return {
    ...redis,
    async close() {
      await redis.close();
      client.destroy();
    },
  };
}

describe("a connection to a cluster with a frozen node", () => {
  it.each(["ioredis", "node-redis"] as const)(
    "(%s) refuses commands for it at once, and serves the others as ever",
    async (name) => {
      const redis = await connectBy(name);
      const keys = Array.from({ length: MASTERS }, (_, at) => {
        for (let nth = 0; ; nth += 1) if (nodeOf(`k${nth}`) === at) return `k${nth}`;
      });
      const [frozen = "", ...served] = keys;
      await Promise.all(keys.map((key) => redis.send(["GET", key])));
      group.nodes[0]?.freeze();
      try {
        const failed = [];
        for (let nth = 0; nth < 20; nth += 1) {
          const startMs = performance.now();
          const error = await redis.send(["GET", frozen]).catch((reason: { code: string }) => reason.code);
          failed.push({ error, ms: performance.now() - startMs });
          for (const key of served) expect(await redis.send(["GET", key])).toBeNull();
        }
        expect(failed.filter(({ ms }) => ms < 50).length).toBeGreaterThan(12);
      } finally {
        group.nodes[0]?.thaw();
      }
      await until(async () => (await redis.send(["GET", frozen]).catch(() => "")) === null, "the thawed node");
      await redis.close();
    },
  );
});

describe("a connection to a cluster whose slot is being moved", () => {
  it.each(["ioredis", "node-redis"] as const)(
    "(%s) follows each key, and commands with several keys wait for two seconds in all, and not by the client's own delays",
    async (name) => {
      const redis = await connectBy(name);
      const [here, there] = [`{${name}}a`, `{${name}}b`];
      for (const key of [here, there]) await redis.send(["SET", key, key]);
      const moving = await beginMove(slotOf(here));
      await moving.move((keys) => keys.filter((key) => key === there));
      const refused = [];
      try {
        for (const key of [here, there]) {
          expect(await redis.send(["GET", key])).toBe(key);
          expect(await redis.send(["SET", key, key])).toBe("OK");
        }
        for (const startMs = performance.now(); performance.now() - startMs < 2_500;) {
          const beganMs = performance.now();
          await expect(redis.send(["MGET", here, there], { timeoutMs: 250 })).rejects.toMatchObject({
            code: "unavailable",
            details: { state: "cluster_down", mayHaveRun: false },
          });
          refused.push({ ms: performance.now() - beganMs });
        }
        expect(medianOf(refused.slice(0, 5))).toBeLessThan(230);
        expect(medianOf(refused.slice(-5))).toBeLessThan(20);
      } finally {
        await moving.end();
      }
      await until(
        async () => String(await redis.send(["MGET", here, there]).catch(String)) === `${here},${there}`,
        "the moved slot",
      );
      await redis.close();
    },
  );
});
