import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, type Redis } from "../../src/index.ts";
import { planSize, sampleSize, type Load } from "../../src/size/index.ts";
import { ownServer, type OwnServer } from "../servers.ts";
import {
  loadEntries,
  loadFacts,
  loadIdentities,
  loadJobs,
  loadMessages,
  loadSessions,
  loadVectors,
  textOf,
} from "./loads.ts";

/** `MARROW_SIZE=10` loads ten times as much. */
const TIMES = Number(process.env["MARROW_SIZE"] ?? 1);

let server: OwnServer;
beforeAll(async () => {
  server = await ownServer(inject("redisBinary"), ["--slowlog-max-len", "0"]);
  await server.start();
});
afterAll(() => server.stop());

async function loadAs(redis: Redis, load: Load): Promise<void> {
  if (load.entries !== undefined) await loadEntries(redis, load.entries);
  if (load.sessions !== undefined) await loadSessions(redis, load.sessions);
  if (load.facts !== undefined) await loadFacts(redis, load.facts);
  if (load.jobs !== undefined) await loadJobs(redis, load.jobs);
  if (load.identities !== undefined) await loadIdentities(redis, load.identities);
  if (load.vectors !== undefined) await loadVectors(redis, load.vectors);
  if (load.messages !== undefined) await loadMessages(redis, load.messages);
}

/** Each step has a connection of its own: the server counts the buffers of one late, and gives them back late. */
async function onConnection<T>(app: string, step: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = await connect(server.url, { app, commandTimeoutMs: 60_000 });
  try {
    return await step(redis);
  } finally {
    await redis.close();
  }
}

async function readUsedBytes(redis: Redis): Promise<number> {
  const told = String(await redis.send(["INFO", "memory"]));
  const of = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, "m").exec(told)?.[1] ?? 0);
  return of("used_memory") - of("mem_clients_normal");
}

/** What a load takes, beyond what its first few took: they bring scripts and tables. */
async function measure(load: Load): Promise<number> {
  const [[role, asked] = ["entries", { count: 0 }]] = Object.entries(load) as [string, { count: number }][];
  await onConnection("size", (redis) => redis.send(["FLUSHALL", "SYNC"]));
  await onConnection("first", (redis) => loadAs(redis, { [role]: { ...asked, count: 50 } }));
  const before = await onConnection("size", readUsedBytes);
  await onConnection("size", (redis) => loadAs(redis, load));
  const after = await onConnection("size", readUsedBytes);
  return (after - before) / asked.count;
}

const entries = {
  count: 1_000 * TIMES,
  questionBytes: 60,
  answerBytes: 2_000,
  dimensions: 256,
  compact: false,
  bounded: false,
};

const LOADS: readonly (readonly [string, Load])[] = [
  ["answers of 2 KB, 256 numbers", { entries }],
  ["answers of 500 bytes, exact only", { entries: { ...entries, answerBytes: 500, dimensions: 0 } }],
  [
    "answers of 4 KB, 1,536 numbers, bounded",
    { entries: { ...entries, answerBytes: 4_000, dimensions: 1_536, bounded: true } },
  ],
  ["compact answers, 1,536 numbers", { entries: { ...entries, count: 500 * TIMES, dimensions: 1_536, compact: true } }],
  ["short sessions", { sessions: { count: 1_000 * TIMES, turns: 4, turnBytes: 150 } }],
  ["long sessions", { sessions: { count: 300 * TIMES, turns: 30, turnBytes: 600 } }],
  ["sessions of long turns", { sessions: { count: 300 * TIMES, turns: 10, turnBytes: 3_000 } }],
  ["facts", { facts: { count: 2_000 * TIMES, factBytes: 100, dimensions: 256 } }],
  ["jobs of 300 bytes", { jobs: { count: 3_000 * TIMES, payloadBytes: 300 } }],
  ["jobs of 5 KB", { jobs: { count: 2_000 * TIMES, payloadBytes: 5_000 } }],
  ["identities of 2 rules", { identities: { count: 4_000 * TIMES, rules: 2 } }],
  ["identities of 6 rules", { identities: { count: 4_000 * TIMES, rules: 6 } }],
  ["vectors in 8 bits", { vectors: { count: 1_000 * TIMES, dimensions: 768, payloadBytes: 400, quantisation: "q8" } }],
  [
    "vectors of 32 bits",
    { vectors: { count: 1_000 * TIMES, dimensions: 1_536, payloadBytes: 1_500, quantisation: "none" } },
  ],
  [
    "vectors in 1 bit",
    { vectors: { count: 1_000 * TIMES, dimensions: 1_024, payloadBytes: 200, quantisation: "binary" } },
  ],
  ["messages of 300 bytes", { messages: { count: 5_000 * TIMES, messageBytes: 300 } }],
];

describe.runIf(inject("redisKind") === "redis8")("a plan of memory, beside what Redis uses", () => {
  it.each(LOADS)("is within a tenth for %s", { timeout: 120_000 * TIMES }, async (_, load) => {
    const sample = textOf(7, 2_500);
    const compressedShare = zstdCompressSync(sample).length / sample.length;
    const planned = planSize(load, { compressedShare }).roles[0]?.bytesEach ?? 0;
    const measured = await measure(load);
    expect(planned / measured).toBeGreaterThan(0.9);
    expect(planned / measured).toBeLessThan(1.1);
  });
});

describe("a sample of a running installation", () => {
  it("says what each role holds, without a scan", async () => {
    const redis = await connect(server.url, { app: "size", commandTimeoutMs: 60_000 });
    try {
      await redis.send(["FLUSHALL", "SYNC"]);
      await redis.send(["SET", "a-key-of-another", "x".repeat(1_000)]);
      await loadEntries(redis, { ...entries, count: 600, dimensions: 0 });
      await loadJobs(redis, { count: 200, payloadBytes: 900 });
      await redis.send(["CONFIG", "RESETSTAT"]);
      const { keys, sampled, roles, usedBytes, unexplainedBytes } = await sampleSize(redis, { samples: 2_000 });
      expect(sampled).toBe(2_000);
      expect(keys).toBeGreaterThan(1_000);
      const bytesOf = (role: string) => roles.find((one) => one.role === role)?.bytes ?? 0;
      expect(bytesOf("cache") / (600 * 1_150)).toBeCloseTo(1, 0);
      expect(bytesOf("queue")).toBeGreaterThan(100_000);
      expect(unexplainedBytes).toBeLessThan(usedBytes);
      const commands = String(await redis.send(["INFO", "commandstats"]));
      expect(commands).not.toMatch(/cmdstat_(?:scan|keys)/);
    } finally {
      await redis.close();
    }
  });
});
