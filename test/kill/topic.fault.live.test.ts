import { spawn, type ChildProcess } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { createTopic } from "../../src/bus/index.ts";
import { connect } from "../../src/index.ts";
import { ownServer, replicated, startCluster, startSentinel, takenOver, type OwnServer } from "../servers.ts";
import { chanceOf } from "./chance.ts";

const READER = fileURLToPath(new URL("topic-reader.ts", import.meta.url));
/** Messages of a round; `MARROW_KILL_MESSAGES=1000000` makes it a long one. */
const MESSAGES = Number(process.env["MARROW_KILL_MESSAGES"] ?? 20_000);
const SEED = Number(process.env["MARROW_KILL_SEED"] ?? randomInt(1, 2 ** 31));
const KEYS = 50;
const BATCH = 200;

/** One call of a handler. */
interface Delivery {
  readonly key: string;
  readonly n: number;
  readonly redelivered: boolean;
  readonly atNs: number;
}

interface Seen {
  readonly deliveries: Delivery[];
  readonly all: Set<number>;
}

function startReader(url: string, app: string, seen: Seen): ChildProcess {
  const child = spawn(process.execPath, ["--conditions=@marrow/source", READER, url, app], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [atNs, key = "", number, redelivered] = line.split(" ");
    // Its first line, or one that the kill cut off.
    if (redelivered === undefined) return;
    seen.all.add(Number(number));
    seen.deliveries.push({ key, n: Number(number), redelivered: redelivered === "1", atNs: Number(atNs) });
  });
  return child;
}

/**
 * Judges deliveries in the order in which they began, by the clock of the machine: lines of several processes can be read here in another one.
 */
function judge({ deliveries }: Seen): { readonly duplicates: number; unmarked: Delivery[]; disordered: Delivery[] } {
  const all = new Set<number>();
  /** The last new message of each key. */
  const last = new Map<string, number>();
  const unmarked: Delivery[] = [];
  const disordered: Delivery[] = [];
  for (const delivery of deliveries.toSorted((a, b) => a.atNs - b.atNs)) {
    const { key, n, redelivered } = delivery;
    if (all.has(n)) {
      if (!redelivered) unmarked.push(delivery);
      continue;
    }
    all.add(n);
    if (n < (last.get(key) ?? -1)) disordered.push(delivery);
    last.set(key, n);
  }
  return { duplicates: deliveries.length - all.size, unmarked, disordered };
}

/** Publishes messages while readers, and whatever the round breaks, are killed. Answers what was seen of them. */
async function playRound(url: string, breaks: () => Promise<void>): Promise<ReturnType<typeof judge>> {
  const chance = chanceOf(SEED);
  const app = `k${randomUUID().slice(0, 8)}`;
  const seen: Seen = { deliveries: [], all: new Set() };
  const readers = [0, 1, 2, 3].map(() => startReader(url, app, seen));
  const redis = await connect(url, { app });
  const topic = createTopic<number>(redis.scope("acme"), "kill", { partitions: 8, messagesMax: 10_000_000 });
  for (let from = 0; from < MESSAGES; from += BATCH) {
    if (from === Math.floor(MESSAGES / 2 / BATCH) * BATCH) await breaks();
    const messages = Array.from({ length: Math.min(BATCH, MESSAGES - from) }, (_, at) => ({
      body: from + at,
      key: `k${(from + at) % KEYS}`,
      id: String(from + at),
    }));
    // Not acknowledged means said again: ids keep it from being there twice.
    while (
      !(await topic.publishMany(messages).then(
        () => true,
        () => false,
      ))
    )
      await new Promise((resolve) => setTimeout(resolve, 100));
    if (chance() < Math.max(0.03, (3 * BATCH) / MESSAGES) && chance() < 0.5) {
      const at = Math.floor(chance() * readers.length);
      readers[at]?.kill("SIGKILL");
      readers[at] = startReader(url, app, seen);
    }
    if (MESSAGES <= 20_000) await new Promise((resolve) => setTimeout(resolve, 15));
  }
  await expect.poll(() => seen.all.size, { timeout: 60_000, interval: 100 }).toBe(MESSAGES);
  for (const reader of readers) reader.kill("SIGKILL");
  await redis.close();
  return judge(seen);
}

const whole = { unmarked: [], disordered: [] };

async function busiestOf(masters: readonly OwnServer[]): Promise<number> {
  const sizes = await Promise.all(
    masters.map(async ({ url }) => {
      const redis = await connect(url, { app: "any" });
      const size = Number(await redis.send(["DBSIZE"]));
      await redis.close();
      return size;
    }),
  );
  return sizes.indexOf(Math.max(...sizes));
}

describe("messages whose readers and Redis are killed", () => {
  it(`are all handled, in the order of their keys, again only when marked so (seed ${SEED})`, async () => {
    const server = await ownServer(inject("redisBinary"), ["--appendonly", "yes", "--appendfsync", "always"]);
    await server.start();
    const seen = await playRound(server.url, async () => {
      await server.kill();
      await server.start();
    });
    expect(seen).toMatchObject(whole);
    await server.stop();
  }, 900_000);

  it(`stay so when a Sentinel's master is killed (seed ${SEED})`, async () => {
    const group = await startSentinel(inject("redisBinary"));
    const seen = await playRound(group.url, async () => {
      await replicated(group.nodes.slice(0, 1), 2);
      await group.nodes[0]?.kill();
      await takenOver(group.nodes.slice(1));
    });
    expect(seen).toMatchObject(whole);
    await group.stop();
  }, 900_000);

  it(`stay so when a cluster's master is killed (seed ${SEED})`, async () => {
    const group = await startCluster(inject("redisBinary"), { replicas: true });
    const seen = await playRound(group.url, async () => {
      const at = await busiestOf(group.nodes.slice(0, 3));
      await replicated(group.nodes.slice(at, at + 1), 1);
      await group.nodes[at]?.kill();
      await takenOver(group.nodes.slice(3 + at, 4 + at));
    });
    expect(seen).toMatchObject(whole);
    await group.stop();
  }, 900_000);
});
