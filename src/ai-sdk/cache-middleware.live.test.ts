import { generateText, simulateReadableStream, streamText, wrapLanguageModel } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createCache } from "../cache/index.ts";
import { staticEmbedder } from "../embedders/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import type { Part } from "./generation.ts";
import { cacheMiddleware, type StoredGeneration } from "./index.ts";

const ASKED = "What is the capital of France?";
const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 3, text: 3, reasoning: 0 },
};
const stop = { unified: "stop", raw: "stop" } as const;
const pieces = ["Pa", "ris", "."];
const streamed: Part[] = [
  { type: "stream-start", warnings: [] },
  { type: "reasoning-start", id: "r" },
  { type: "reasoning-delta", id: "r", delta: "Hm." },
  { type: "reasoning-end", id: "r" },
  { type: "text-start", id: "t" },
  ...pieces.map((delta): Part => ({ type: "text-delta", id: "t", delta })),
  { type: "text-end", id: "t" },
  { type: "finish", finishReason: stop, usage },
];

function setUp(
  tenant: ScopedRedis,
  {
    finishReason = stop,
    parts = streamed,
  }: { finishReason?: { unified: "stop" | "length"; raw: string }; parts?: Part[] } = {},
) {
  const model = new MockLanguageModelV4({
    doGenerate: async () => ({ content: [{ type: "text", text: "Paris." }], finishReason, usage, warnings: [] }),
    doStream: async () => ({ stream: simulateReadableStream({ chunks: [...parts] }) }),
  });
  const cache = createCache<StoredGeneration>(tenant, { name: "ai", embedder: staticEmbedder(), timeoutMs: 5_000 });
  const wrapped = wrapLanguageModel({ model, middleware: cacheMiddleware(cache) });
  return { model, wrapped, calls: () => model.doGenerateCalls.length + model.doStreamCalls.length };
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

describe("the AI SDK over a cache", () => {
  liveTest("never serves one answer to two prompts that differ in more than their text", async ({ tenant }) => {
    const { wrapped, calls } = setUp(tenant);
    const part = { type: "text" as const, text: ASKED };
    const contents = [
      [part],
      [{ ...part, providerOptions: { house: { cited: "a" } } }],
      [{ ...part, providerOptions: { house: { cited: "b" } } }],
      [
        { type: "text" as const, text: "What is the capital" },
        { type: "text" as const, text: "of France?" },
      ],
      [
        { type: "text" as const, text: "What is" },
        { type: "text" as const, text: "the capital of France?" },
      ],
    ];
    for (const content of contents) await generateText({ model: wrapped, messages: [{ role: "user", content }] });
    for (const as of ["a", "b"])
      await generateText({
        model: wrapped,
        messages: [{ role: "user", content: ASKED, providerOptions: { house: { as } } }],
      });
    expect(calls()).toBe(contents.length + 2);
  });

  liveTest("generates once, then serves the same and rephrased prompts", async ({ tenant }) => {
    const { wrapped, calls } = setUp(tenant);
    expect((await generateText({ model: wrapped, prompt: ASKED })).text).toBe("Paris.");
    const again = await generateText({ model: wrapped, prompt: ASKED });
    expect(again).toMatchObject({ text: "Paris.", finishReason: "stop" });
    expect(again.providerMetadata?.["marrow"]).toMatchObject({ cache: "exact" });
    const near = await generateText({ model: wrapped, prompt: "What's the capital of France?" });
    expect(near.providerMetadata?.["marrow"]).toMatchObject({ cache: "similar" });
    expect(calls()).toBe(1);
    for (const other of [{ system: "Be brief." }, { temperature: 0.9 }])
      await generateText({ model: wrapped, prompt: ASKED, ...other });
    expect(calls()).toBe(3);
  });

  liveTest(
    "streams a stored answer in the pieces in which it came, under new ids; whole answers serve streams and the other way round",
    async ({ tenant }) => {
      const { wrapped, calls } = setUp(tenant);
      const first = streamText({ model: wrapped, prompt: ASKED });
      expect(await all(first.textStream)).toEqual(pieces);
      const second = streamText({ model: wrapped, prompt: ASKED });
      const parts = await all(second.stream);
      expect(parts.flatMap((part) => (part.type === "text-delta" ? [part.text] : []))).toEqual(pieces);
      expect(parts.flatMap((part) => (part.type === "reasoning-delta" ? [part.text] : []))).toEqual(["Hm."]);
      const start = parts.find((part) => part.type === "text-start");
      expect(start).not.toMatchObject({ id: "t" });
      expect(await second.finishReason).toBe("stop");
      expect((await generateText({ model: wrapped, prompt: ASKED })).text).toBe("Paris.");
      expect(calls()).toBe(1);
    },
  );

  liveTest("keeps nothing that was cut off, holds a tool call, or was aborted at any piece", async ({ tenant }) => {
    const cut = setUp(tenant, { finishReason: { unified: "length", raw: "length" } });
    for (let at = 0; at < 2; at += 1) await generateText({ model: cut.wrapped, prompt: ASKED });
    expect(cut.calls()).toBe(2);
    const call: Part = { type: "tool-call", toolCallId: "c", toolName: "f", input: "{}" };
    const tool = setUp(tenant, { parts: [...streamed.slice(0, -1), call, ...streamed.slice(-1)] });
    for (let at = 0; at < 2; at += 1)
      await streamText({ model: tool.wrapped, prompt: ASKED, onError() {} }).consumeStream();
    expect(tool.calls()).toBe(2);
    for (let stopAt = 1; stopAt < streamed.length; stopAt += 1) {
      const { wrapped, model } = setUp(tenant);
      const { stream } = await wrapped.doStream({
        prompt: [{ role: "user", content: [{ type: "text", text: "How tall is the Colosseum?" }] }],
      });
      const reader = stream.getReader();
      for (let at = 0; at < stopAt; at += 1) await reader.read();
      await reader.cancel();
      expect(model.doStreamCalls).toHaveLength(1);
    }
  });

  liveTest("asks the model when the cache is away, and tells of it", async ({ tenant }) => {
    const { model } = setUp(tenant);
    const away: unknown[] = [];
    const cache = createCache<StoredGeneration>(losing(tenant, 1, "before"), { name: "ai" });
    const wrapped = wrapLanguageModel({
      model,
      middleware: cacheMiddleware(cache, { onUnavailable: (error) => void away.push(error) }),
    });
    expect((await generateText({ model: wrapped, prompt: ASKED })).text).toBe("Paris.");
    expect(away).toHaveLength(1);
  });
});
