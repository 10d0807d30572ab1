import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, describe, expect, inject, it } from "vitest";
import { serve } from "../../src/gateway/index.ts";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { ask } from "../gateway.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-serve-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const surroundings = () => ({
  dataDirectory: mkdtempSync(join(home, "data-")),
  cacheDirectory: ".cache",
  path: process.env["PATH"] ?? "",
  say: () => {},
});

describe("a gateway that is served", () => {
  it("finds a Redis, prints a key once, and answers; two of one directory share it all", async () => {
    const around = surroundings();
    const config = { port: 0, demo: { firstTokenMs: 0 }, logLevel: "silent" } as const;
    const first = await serve({ ...around, config });
    const second = await serve({ ...around, config });
    expect([first.firstKey, second.firstKey]).toEqual([expect.stringMatching(/^mrw_/), undefined]);
    const [one, two] = [first, second].map(({ url }) => new OpenAI({ apiKey: first.firstKey, baseURL: `${url}/v1` }));
    expect((await ask(one as OpenAI, "What is Redis?", { model: "demo" })).cache).toBe("miss");
    expect((await ask(two as OpenAI, "What is Redis?", { model: "demo" })).cache).toBe("exact");
    await second.close();
    await first.close();
  });

  it("embeds through an endpoint when it is told to, each text once", async () => {
    const embedder = hashEmbedder({ dimensions: 32 });
    const asked: string[] = [];
    const endpoint = createServer((request, response) => {
      let text = "";
      request.on("data", (piece) => (text += piece));
      request.on("end", () => {
        const { input } = JSON.parse(text) as { input: string[] };
        asked.push(...input);
        void embedder.embed(input).then((vectors) => {
          response.end(JSON.stringify({ data: vectors.map((vector, index) => ({ index, embedding: [...vector] })) }));
        });
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`;
    const app = `serve${Date.now()}`;
    const served = await serve({
      ...surroundings(),
      redisUrl: inject("redisUrl"),
      config: {
        port: 0,
        app,
        demo: { firstTokenMs: 0 },
        logLevel: "silent",
        embedder: { kind: "openai", baseUrl, model: "m", dimensions: 32 },
      },
    });
    const client = new OpenAI({ apiKey: served.firstKey, baseURL: `${served.url}/v1` });
    for (const temperature of [0, 1]) await ask(client, "Why is the sky blue?", { model: "demo", temperature });
    const made = await client.embeddings.create({ model: "m", input: "Why is the sky blue?" });
    expect(made.data[0]?.embedding).toHaveLength(32);
    expect(asked).toEqual(["Why is the sky blue?"]);
    await served.close();
    endpoint.close();
  });

  it("says what to do when there is no Redis, and when the port is taken", async () => {
    const nothing = { ...surroundings(), cacheDirectory: "/nowhere", path: "/nowhere" };
    await expect(serve({ ...nothing, config: { port: 0 } })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/MARROW_REDIS_URL=.*apt install redis-server/s) as string,
    });
    const blocker = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => blocker.once("listening", resolve));
    const { port } = blocker.address() as AddressInfo;
    const taken = serve({ ...surroundings(), redisUrl: inject("redisUrl"), config: { port, logLevel: "silent" } });
    await expect(taken).rejects.toMatchObject({ code: "invalid_option", details: { path: "port" } });
    blocker.close();
  });
});
