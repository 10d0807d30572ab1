import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { createApiKeys } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { createVectors } from "../../src/vectors/index.ts";
import { createCli } from "../cli.ts";
import { startSearchServer } from "../search-server.ts";

const directory = mkdtempSync(join(tmpdir(), "marrow-cli-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const marrow = createCli(directory);

describe("the marrow command", () => {
  it("prints the configuration in force, with defaults, secrets masked", async () => {
    writeFileSync(
      join(directory, "marrow.config.json"),
      JSON.stringify({
        cache: { ttlMs: 5_000 },
        background: { concurrency: 7 },
        upstreams: [{ baseUrl: "http://h/v1", apiKey: "sk-secret" }],
      }),
    );
    const given = { MARROW_PORT: "9001", MARROW_BACKGROUND: "false", MARROW_DRAIN_DELAY_MS: "5000" };
    const { code, out } = await marrow(["config"], given);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ port: 9001, host: "127.0.0.1", cache: { ttlMs: 5_000, preset: "strict" } });
    expect(JSON.parse(out)).toMatchObject({ background: { enabled: false, concurrency: 7 }, drainDelayMs: 5_000 });
    expect(out).not.toContain("sk-secret");
    const wrong = await marrow(["config"], { MARROW_BACKGROUND: "no" });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("background.enabled")]);
  });

  it("refuses a wrong file with the field and the nearest name", async () => {
    writeFileSync(join(directory, "marrow.config.json"), JSON.stringify({ cahce: {} }));
    const { code, err } = await marrow(["config"]);
    expect(code).toBe(1);
    expect(err).toContain("did you mean cache?");
    rmSync(join(directory, "marrow.config.json"));
  });

  it("evaluates, tunes and fits the cache by labelled pairs", async () => {
    const file = join(directory, "pairs.jsonl");
    const topics = ["bread", "cake", "pasta", "soup", "salad", "pizza", "rice", "fish", "tea", "jam"];
    const pairs = topics.flatMap((topic, at) => [
      { a: `How do I make ${topic}?`, b: `How can I make ${topic}?`, label: 1 },
      { a: `How do I make ${topic}?`, b: `How do I make ${topics[(at + 3) % topics.length]}?`, label: 0 },
    ]);
    writeFileSync(file, pairs.map((pair) => JSON.stringify(pair)).join("\n"));
    const evaluated = JSON.parse((await marrow(["cache", "evaluate", "--pairs", file])).out) as { pairs: number };
    const proven = { precision: 1, recall: 1, hitRate: 0.5, byScore: { positives: 10 } };
    expect(evaluated).toMatchObject({ pairs: 20, strict: proven, balanced: proven });
    expect(JSON.parse((await marrow(["cache", "tune", "--target", "0.9", "--pairs", file])).out)).toMatchObject({
      target: 0.9,
    });
    const out = join(directory, "weights.json");
    expect((await marrow(["cache", "fit", "--pairs", file, "--out", out])).code).toBe(0);
    const refitted = await marrow(["cache", "evaluate", "--pairs", file, "--weights", out]);
    expect(JSON.parse(refitted.out)).toMatchObject({ strict: proven });
    writeFileSync(file, '{"a": 1}');
    expect(await marrow(["cache", "evaluate", "--pairs", file])).toMatchObject({
      code: 1,
      err: expect.stringContaining("line 1") as string,
    });
    expect((await marrow(["cache", "guess"])).code).toBe(64);
  }, 30_000);

  it("makes and ends API keys", async () => {
    const app = `cli${Date.now()}`;
    const env = { MARROW_REDIS_URL: inject("redisUrl"), MARROW_APP: app };
    const key = (await marrow(["key", "create", "--scope", "acme", "--user", "ada"], env)).out.trim();
    const redis = await connect(inject("redisUrl"), { app });
    expect(await createApiKeys(redis).identify(key)).toMatchObject({ scope: "acme", user: "ada" });
    expect((await marrow(["key", "revoke", key], env)).out.trim()).toBe("revoked");
    await expect(createApiKeys(redis).identify(key)).rejects.toMatchObject({ code: "unauthorized" });
    await redis.close();
  });

  it("says what it can do, and what was meant", async () => {
    expect(await marrow(["--help"])).toMatchObject({ code: 0, out: expect.stringContaining("marrow serve") as string });
    expect(await marrow(["sreve"])).toMatchObject({
      code: 64,
      err: expect.stringContaining("did you mean serve?") as string,
    });
    expect((await marrow(["key"])).code).toBe(64);
  });

  it("examines Redis: what it is, what it can do, and what should be mended", async () => {
    const { code, out } = await marrow(["doctor"], { MARROW_REDIS_URL: inject("redisUrl") });
    for (const part of ["engine", "role              master", "maxmemory-policy  noeviction", "append-only file"])
      expect(out).toContain(part);
    expect(code).toBe(out.includes("Warning") ? 1 : 0);
    // The roles' engine and why; without search there are no indexes.
    expect(out).toMatch(/vectors, by role {2}cache, facts, vector stores, graphs: (?:vectorset|local) \(/);
    expect(out).toContain("search indexes    0 of 8");
    const away = await marrow(["doctor"], { MARROW_REDIS_URL: "redis://u:secret-word@127.0.0.1:1" });
    expect([away.code, away.out]).toEqual([1, expect.stringMatching(/127\.0\.0\.1:1.*ECONNREFUSED/)]);
    expect(away.out + away.err).not.toContain("secret-word");
  }, 30_000);

  it("says which search indexes there are of those that may be, and which engine each role uses", async () => {
    const server = await startSearchServer(inject("redisUrl"));
    const app = `d${randomUUID().slice(0, 8)}`;
    const redis = await connect(server.url, { app });
    onTestFinished(async () => {
      await redis.close();
      await server.close();
    });
    const env = { MARROW_REDIS_URL: server.url, MARROW_APP: app };
    for (const dimensions of [2, 3]) {
      const docs = createVectors(redis.scope("t"), {
        name: `d${dimensions}`,
        dimensions,
        metric: "cosine",
        index: "flat",
        engine: "search",
      });
      await docs.upsert([{ id: "a", vector: Array.from({ length: dimensions }, () => 1) }]);
    }
    await redis.send(["SET", `{${app}}:vectors:engine`, "search"]);
    const { out } = await marrow(["doctor"], env);
    expect(out).toContain("cache, facts, vector stores, graphs: search (recorded when the installation began)");
    expect(out).toContain(
      `search indexes    2 of 8, ${app}:vectors:float32.2.cosine.flat, ${app}:vectors:float32.3.cosine.flat`,
    );
    expect(out).not.toMatch(/Warning: .*index/);
    await redis.send(["FT.DROPINDEX", `${app}:vectors:float32.3.cosine.flat`]);
    const dropped = await marrow(["doctor"], env);
    expect(dropped.out).toContain("float32.3.cosine.flat (not there)");
    expect(dropped).toMatchObject({
      code: 1,
      out: expect.stringMatching(/Warning: a search index was dropped/) as string,
    });
    // The same installation at a server without search.
    const elsewhere = await marrow(["doctor"], { MARROW_REDIS_URL: inject("redisUrl"), MARROW_APP: app });
    expect(elsewhere.out).toMatch(/Warning: vectors are kept by the engine search, which this server lacks/);
  }, 60_000);
});
