/** A slot that is being moved to a node which is lost meanwhile. */
import { randomUUID } from "node:crypto";
import { Cluster, Redis as Client } from "ioredis";
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished } from "vitest";
import { connect, fromIoredis, type Redis } from "../../src/index.ts";
import { cannotServe } from "../../src/redis/index.ts";
import { slotOf } from "../../src/redis/slots.ts";
import { startCluster, type Group, type OwnServer } from "../servers.ts";

const MASTERS = 3;
let group: Group;
beforeEach(async () => {
  group = await startCluster(inject("redisBinary"), { args: ["--cluster-require-full-coverage", "no"] });
});
afterEach(async () => {
  for (const node of group.nodes) node.thaw();
  await group.stop();
});

/** Begins to move a key's slot from the first node to the second one, which gets every command for keys that are not there. */
async function beginMove(): Promise<string> {
  let key = "";
  do key = `{${randomUUID()}}:x`;
  while (Math.floor((slotOf(key) * MASTERS) / 16_384) !== 0);
  const [from, to] = [0, 1].map((nth) => new Client(group.nodes[nth]?.port ?? 0, "127.0.0.1")) as [Client, Client];
  const [fromId, toId] = await Promise.all([from, to].map(async (node) => String(await node.call("CLUSTER", "MYID"))));
  const slot = String(slotOf(key));
  await to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId as string);
  await from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", toId as string);
  for (const node of [from, to]) node.disconnect();
  return key;
}

const borrowed = async (): Promise<Redis> => {
  const client = new Cluster(group.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return fromIoredis(client);
};

describe.each([
  ["is killed", (node: OwnServer) => node.kill()],
  ["freezes", async (node: OwnServer) => node.freeze()],
])("a cluster whose slot is being moved to a node that %s", (_, lose) => {
  it.each([
    ["Marrow's own client", () => connect(group.url)],
    ["a borrowed ioredis", borrowed],
  ])("fails what needs that node, and ends no process (%s)", async (__, dial) => {
    const unheard: unknown[] = [];
    const note = (error: unknown) => unheard.push(error);
    process.on("unhandledRejection", note);
    onTestFinished(() => void process.off("unhandledRejection", note));
    const redis = await dial();
    const key = await beginMove();
    expect(await redis.send(["GET", key])).toBe(null);
    await lose(group.nodes[1] as OwnServer);
    const replies = await Promise.allSettled(
      Array.from({ length: 20 }, () => redis.send(["GET", key], { timeoutMs: 1_000 })),
    );
    for (const reply of replies) expect(cannotServe((reply as PromiseRejectedResult).reason)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(unheard).toEqual([]);
    await redis.close();
  });
});
