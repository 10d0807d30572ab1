import { randomUUID } from "node:crypto";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { connect, type Redis } from "../../src/index.ts";
import { createPrices } from "../../src/models/index.ts";
import { replay } from "../../src/replay/index.ts";
import { startTestGateway } from "../gateway.ts";
import { inVectorSets } from "../live.ts";
import { generateStream, withQuestions, type Generated } from "./stream.ts";

/** How many requests go through both, and a file of questions (`{ "text" }` a line) in place of generated ones. */
const REQUESTS = Number(process.env["MARROW_REPLAY_REQUESTS"] ?? 500);
const QUESTIONS = process.env["MARROW_REPLAY_QUESTIONS"];
/** How far the two may be apart. */
const APART = 0.02;
const PRICES = { scripted: { input: 1, output: 4 } };
/** In a test of this length a life is never over, neither by the gateway's time nor by the log's. */
const TTL_MS = 7 * 86_400_000;

interface Found {
  readonly hits: number;
  readonly similar: number;
  readonly saved: number;
  readonly bytes: number;
}

const bodyOf = ({ model, prompt }: Generated) => ({ model, messages: [{ role: "user", content: prompt }] });
const responseOf = ({ model, answer, usage }: Generated) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_764_000_000,
  model,
  choices: [{ index: 0, message: { role: "assistant", content: answer }, finish_reason: "stop" }],
  usage,
});

/** Bytes of all keys that a gateway's cache has. */
async function cacheBytes(redis: Redis): Promise<number> {
  let bytes = 0;
  let cursor = "0";
  do {
    const match = ["MATCH", `{${redis.app}:acme}:cache:chat:*`, "COUNT", "1000"];
    const [next, keys] = (await redis.send(["SCAN", cursor, ...match])) as [string, string[]];
    const used = await Promise.all(keys.map((key) => redis.send(["MEMORY", "USAGE", key, "SAMPLES", "0"])));
    bytes += used.reduce<number>((sum, one) => sum + Number(one ?? 0), 0);
    cursor = next;
  } while (cursor !== "0");
  return bytes;
}

/** Asks a gateway everything, one after the other, and reads what it saved. */
async function throughGateway(requests: readonly Generated[]): Promise<Found> {
  let current = requests[0] as Generated;
  const gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { prices: PRICES, limits: { enabled: false }, cache: { ttlMs: TTL_MS }, accessLog: { sample: 0 } },
    script: () => ({ raw: JSON.stringify(responseOf(current)), contentType: "application/json" }),
  });
  try {
    for (current of requests) {
      const answer = await fetch(`${gateway.baseURL}/chat/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${gateway.key}`,
          "content-type": "application/json",
          "x-marrow-user": current.user,
        },
        body: JSON.stringify(bodyOf(current)),
      });
      expect(answer.status).toBe(200);
      await answer.arrayBuffer();
    }
    const admin = await gateway.keys.create({ scope: "acme", user: "root", name: "root", role: "admin" });
    const told = await fetch(`${gateway.baseURL}/admin/savings`, { headers: { authorization: `Bearer ${admin}` } });
    const { total } = (await told.json()) as {
      total: { hits: number; by_tier: { similar: number }; saved: { cost: number } };
    };
    return {
      hits: total.hits,
      similar: total.by_tier.similar,
      saved: total.saved.cost,
      bytes: await cacheBytes(gateway.redis),
    };
  } finally {
    await gateway.close();
  }
}

/** Writes the same requests as a log, and plays it. */
async function throughReplay(requests: readonly Generated[]): Promise<Found> {
  const directory = mkdtempSync(join(tmpdir(), "marrow-agreement-"));
  const log = join(directory, "log.jsonl");
  const redis = await connect(inject("redisUrl"), { app: `a${randomUUID().slice(0, 8)}` });
  try {
    const file = createWriteStream(log);
    for (const one of requests)
      file.write(
        `${JSON.stringify({ timestamp: one.time, user: one.user, request: bodyOf(one), response: responseOf(one), latency_ms: 3 })}\n`,
      );
    await new Promise<void>((resolve) => file.end(resolve));
    const replayed = await replay({
      log,
      redis,
      name: log,
      presets: ["strict"],
      ttlsMs: [TTL_MS],
      embedder: staticEmbedder(),
      sharing: { per: "scope", personal: "user" },
      prices: createPrices(PRICES),
    });
    if (replayed.kind !== "done") throw new Error("it was stopped");
    const [setting] = replayed.report.settings;
    if (setting === undefined) throw new Error("no setting was played");
    expect(setting.memory.has_vectors).toBe(true);
    const { hits, similar, saved, memory } = setting;
    return { hits, similar, saved: saved.cost, bytes: memory.bytes };
  } finally {
    await redis.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("a replay of a gateway's requests", () => {
  it.runIf(inVectorSets)(
    `tells the hits, the money and the memory that the gateway had (${REQUESTS} requests)`,
    async () => {
      const generated = generateStream(REQUESTS);
      const requests = QUESTIONS === undefined ? generated : withQuestions(generated, readFileSync(QUESTIONS, "utf8"));
      const [gateway, replayed] = [await throughGateway(requests), await throughReplay(requests)];
      if (REQUESTS > 500) process.stdout.write(`${JSON.stringify({ gateway, replayed })}\n`);
      expect(gateway.hits).toBeGreaterThan(0);
      for (const what of ["hits", "similar", "saved", "bytes"] as const) {
        const apart = Math.abs(gateway[what] - replayed[what]) / Math.max(1e-9, gateway[what]);
        expect([what, gateway[what], replayed[what], apart <= APART || gateway[what] === replayed[what]]).toEqual([
          what,
          gateway[what],
          replayed[what],
          true,
        ]);
      }
    },
    20_000 + REQUESTS * 100,
  );
});
