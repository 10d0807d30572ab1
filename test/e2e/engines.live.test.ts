/** The README's first minute on every kind of server: the third question is answered by the second's, in other words. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import OpenAI from "openai";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { serve } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { ask } from "../gateway.ts";
import { startProxy } from "../resp-proxy.ts";
import { startSearchServer } from "../search-server.ts";

/** The questions of the README with what the answer's header says. */
const MINUTE = [...readFileSync("README.md", "utf8").matchAll(/^ask ['"](.*?)['"] +# x-marrow-cache: (\w+)/gm)].map(
  ([, question = "", cache = ""]) => ({ question, cache }),
);

async function askAll(redisUrl: string, app: string): Promise<{ said: string[]; caches: (string | null)[] }> {
  const said: string[] = [];
  const served = await serve({
    redisUrl,
    dataDirectory: ".cache",
    cacheDirectory: ".cache",
    path: "",
    say: (line) => void said.push(line),
    config: { port: 0, app, demo: { firstTokenMs: 0 }, logLevel: "silent" },
  });
  onTestFinished(async () => void (await served.close()));
  const client = new OpenAI({ apiKey: served.firstKey, baseURL: `${served.url}/v1`, maxRetries: 0 });
  const caches: (string | null)[] = [];
  for (const { question } of MINUTE) caches.push((await ask(client, question, { model: "demo" })).cache);
  return { said, caches };
}

describe("the first minute of the README", () => {
  it("asks three questions: a miss, the same, and the same in other words", () => {
    expect(MINUTE.map(({ cache }) => cache)).toEqual(["miss", "exact", "similar"]);
  });

  it("comes out so on this server, by the engine that it has", async () => {
    const { said, caches } = await askAll(inject("redisUrl"), `m${randomUUID().slice(0, 8)}`);
    expect(caches).toEqual(["miss", "exact", "similar"]);
    expect(said.join("\n")).toContain(inject("redisKind") === "redis8" ? "engine vectorset" : "engine local");
  });

  it("comes out so on a server with search commands", async () => {
    const server = await startSearchServer(inject("redisUrl"), "valkey", { indexesMax: 10, fieldsMax: 10 });
    onTestFinished(() => server.close());
    const app = `m${randomUUID().slice(0, 8)}`;
    const redis = await connect(server.url, { app });
    onTestFinished(() => redis.close());
    // The Redis behind the stand-in has vector sets, which such servers lack.
    await redis.send(["SET", `{${app}}:vectors:engine`, "search"]);
    const { said, caches } = await askAll(server.url, app);
    expect(caches).toEqual(["miss", "exact", "similar"]);
    expect(said.join("\n")).toContain("engine search");
  });

  it("comes out so for a user who may use neither vector sets nor search, as on a server without them", async () => {
    const app = `m${randomUUID().slice(0, 8)}`;
    const admin = await connect(inject("redisUrl"));
    const lines = [...readFileSync("docs/operations.md", "utf8").matchAll(/^ACL SETUSER marrow (.*)$/gm)];
    const words = String(lines[1]?.[1]).replaceAll("marrow", app).replace("PASSWORD", "secret").split(" ");
    await admin.send(["ACL", "SETUSER", app, ...words]);
    onTestFinished(async () => {
      await admin.send(["ACL", "DELUSER", app]);
      await admin.close();
    });
    const proxy = await startProxy(inject("redisUrl"));
    onTestFinished(() => proxy.close());
    const { said, caches } = await askAll(proxy.url.replace("redis://", `redis://${app}:secret@`), app);
    expect(caches).toEqual(["miss", "exact", "similar"]);
    expect(said.join("\n")).toContain("engine local");
  });
});
