import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getGlobalDispatcher, MockAgent, setGlobalDispatcher } from "undici";
import {
  cosine,
  hashEmbedder,
  minilmEmbedder,
  openaiEmbedder,
  sharedEmbedder,
  staticEmbedder,
  type Embedder,
} from "./index.ts";

async function similarity(embedder: Embedder, a: string, b: string): Promise<number> {
  const [left, right] = await embedder.embed([a, b]);
  return cosine(left as Float32Array, right as Float32Array);
}

const unitLength = (vector: Float32Array) => Math.hypot(...vector);

describe.each([
  ["static", staticEmbedder()],
  ["hash", hashEmbedder()],
])("the %s embedder", (_, embedder) => {
  it("makes vectors of its length, unit long, the same every time", async () => {
    const [first, again] = await embedder.embed(["How do I bake bread?", "How do I bake bread?"]);
    expect(first).toEqual(again);
    expect(first).toHaveLength(embedder.dimensions);
    expect(unitLength(first as Float32Array)).toBeCloseTo(1, 5);
  });

  it("makes a zero vector of a text without words, and never a NaN", async () => {
    for (const text of ["", "   ", "\u200b"]) {
      const [vector] = await embedder.embed([text]);
      expect(vector?.every((value) => value === 0)).toBe(true);
    }
  });

  it("refuses what is no text, naming its place", async () => {
    await expect(embedder.embed(["a", 7 as unknown as string])).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "texts[1]" },
    });
  });
});

describe("the static embedder", () => {
  it("puts a rephrased question nearer than another one", async () => {
    const embedder = staticEmbedder();
    const asked = "What is the capital of France?";
    expect(await similarity(embedder, asked, "What's the capital of France?")).toBeGreaterThan(0.95);
    expect(await similarity(embedder, asked, "What is the capital of Spain?")).toBeLessThan(0.8);
    expect(await similarity(embedder, asked, "How do I bake bread?")).toBeLessThan(0.3);
  });

  it("has a fingerprint that differs from any other embedder's", () => {
    expect(
      new Set([staticEmbedder().fingerprint, hashEmbedder().fingerprint, hashEmbedder({ dimensions: 64 }).fingerprint])
        .size,
    ).toBe(3);
  });
});

describe("an OpenAI-compatible embedder", () => {
  let server: Server;
  let answer: (body: { input: string[]; model: string }) => { status?: number; body: unknown };
  const requests: { input: string[] }[] = [];
  const embedderOf = (more = {}) =>
    openaiEmbedder({
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
      model: "m",
      dimensions: 2,
      ...more,
    });
  const good = ({ input }: { input: string[] }) => ({
    body: { data: input.map((text, index) => ({ index, embedding: [text.length, 0] })).toReversed() },
  });

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (piece) => (text += piece));
      request.on("end", () => {
        const body = JSON.parse(text) as { input: string[]; model: string };
        requests.push(body);
        const { status = 200, body: said } = answer(body);
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => void server.close());

  it.each([
    ["100 Continue", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["103 Early Hints", "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"],
  ])("bears %s before an answer, for which it did not ask", async (_, interim) => {
    const eager = createServer((request, response) => {
      request.resume();
      request.once("end", () => {
        request.socket.write(interim);
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ data: [{ index: 0, embedding: [3, 4] }] }));
      });
    });
    await new Promise<void>((resolve) => eager.listen(0, "127.0.0.1", resolve));
    try {
      const one = embedderOf({ baseUrl: `http://127.0.0.1:${(eager.address() as AddressInfo).port}/v1` });
      for (let nth = 0; nth < 3; nth += 1)
        expect([...((await one.embed(["a"]))[0] as Float32Array)]).toEqual([expect.closeTo(0.6), expect.closeTo(0.8)]);
    } finally {
      eager.closeAllConnections();
      eager.close();
    }
  });

  it("sends through the program's own dispatcher where there is one, such as that of a proxy", async () => {
    const before = getGlobalDispatcher();
    const mock = new MockAgent();
    mock.disableNetConnect();
    const body = JSON.stringify({ data: [{ index: 0, embedding: [1, 0] }] });
    mock.get("http://proxied.test").intercept({ path: "/v1/embeddings", method: "POST" }).reply(200, body);
    setGlobalDispatcher(mock);
    try {
      expect(await embedderOf({ baseUrl: "http://proxied.test/v1" }).embed(["a"])).toHaveLength(1);
    } finally {
      setGlobalDispatcher(before);
      await mock.close();
    }
  });

  it("puts vectors in the order of their texts, over as many requests as it takes", async () => {
    answer = good;
    requests.length = 0;
    const vectors = await embedderOf({ batchSize: 2 }).embed(["a", "bb", "ccc"]);
    expect(vectors.map(([first]) => first)).toEqual([1, 1, 1]);
    expect(requests.map(({ input }) => input.length)).toEqual([2, 1]);
  });

  it.each([
    ["an error", { status: 500, body: {} }],
    ["too few vectors", { body: { data: [] } }],
    ["vectors of another length", { body: { data: [{ index: 0, embedding: [1, 2, 3] }] } }],
    ["text for numbers", { body: { data: [{ index: 0, embedding: ["1", "2"] }] } }],
    ["nothing", { body: null }],
  ])("fails with its own code when the endpoint answers %s", async (_, said) => {
    answer = () => said;
    await expect(embedderOf().embed(["secret text"])).rejects.toMatchObject({ code: "embedder_failed" });
    const error: unknown = await embedderOf()
      .embed(["secret text"])
      .catch((reason: unknown) => reason);
    expect(String(error)).not.toContain("secret text");
  });

  it("fails as aborted by the caller's signal", async () => {
    answer = good;
    await expect(embedderOf().embed(["a"], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("a shared embedder", () => {
  function counting() {
    const inner = hashEmbedder({ dimensions: 16 });
    const batches: string[][] = [];
    const embedder: Embedder = {
      ...inner,
      async embed(texts) {
        batches.push([...texts]);
        await new Promise((resolve) => setTimeout(resolve, 10));
        return inner.embed(texts);
      },
    };
    return { embedder, batches, inner };
  }

  it("embeds the texts of one moment as one batch, and each text once", async () => {
    const { embedder, batches, inner } = counting();
    const shared = sharedEmbedder(embedder);
    const results = await Promise.all([shared.embed(["a", "b"]), shared.embed(["b"]), shared.embed(["a"])]);
    expect(batches).toEqual([["a", "b"]]);
    expect(results[1]).toEqual(await inner.embed(["b"]));
  });

  it("reads what its store keeps and writes what it made; a failing store costs nothing but work", async () => {
    const { embedder, batches } = counting();
    const kept = new Map<string, Float32Array>();
    const store = {
      get: async (_: string, texts: readonly string[]) => texts.map((text) => kept.get(text)),
      set: async (_: string, entries: readonly { text: string; vector: Float32Array }[]) =>
        entries.forEach(({ text, vector }) => kept.set(text, vector)),
    };
    await sharedEmbedder(embedder, { store }).embed(["x"]);
    await sharedEmbedder(embedder, { store }).embed(["x", "y"]);
    expect(batches).toEqual([["x"], ["y"]]);
    const heard: unknown[] = [];
    const broken = { get: () => Promise.reject(new Error("away")), set: () => Promise.reject(new Error("away")) };
    await expect(
      sharedEmbedder(embedder, { store: broken, onStoreError: (error) => heard.push(error) }).embed(["z"]),
    ).resolves.toHaveLength(1);
    expect(heard.length).toBeGreaterThan(0);
  });

  it("ends one caller's wait by its signal, and no other's", async () => {
    const shared = sharedEmbedder(counting().embedder);
    const control = new AbortController();
    const given = shared.embed(["a"], { signal: control.signal });
    const other = shared.embed(["a"]);
    control.abort();
    await expect(given).rejects.toMatchObject({ code: "aborted" });
    await expect(other).resolves.toHaveLength(1);
  });
});

describe("the MiniLM embedder", () => {
  const directory =
    process.env["MARROW_MINILM_DIR"] ?? ".cache/teacher/package/model/onnx-community/all-MiniLM-L6-v2-ONNX";

  it.skipIf(!existsSync(`${directory}/vocab.txt`))(
    "puts a rephrased question near, when a model is at hand",
    async () => {
      const embedder = minilmEmbedder({ directory });
      expect(
        await similarity(embedder, "How can I reset my password?", "I forgot my password, how do I set a new one?"),
      ).toBeGreaterThan(0.6);
      expect(await similarity(embedder, "How can I reset my password?", "The weather is nice today")).toBeLessThan(0.3);
    },
  );

  it("says what is missing when the directory holds no model", async () => {
    await expect(minilmEmbedder({ directory: "/nowhere" }).embed(["a"])).rejects.toMatchObject({
      code: "invalid_option",
      details: { path: "directory" },
    });
  });
});
