import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { FakeListChatModel, FakeLLM } from "@langchain/core/utils/testing";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createCache } from "../cache/index.ts";
import { staticEmbedder } from "../embedders/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { MarrowCache, type MarrowCacheOptions } from "./index.ts";

const open = (tenant: ScopedRedis, options: MarrowCacheOptions = {}) =>
  new MarrowCache(createCache(tenant, { name: "lc", embedder: staticEmbedder(), timeoutMs: 5_000 }), options);

describe("a cache as LangChain's", () => {
  liveTest("serves the same messages without the model, and nothing else", async ({ tenant }) => {
    const model = new FakeListChatModel({ responses: ["first", "second", "third"], cache: open(tenant) });
    const asked = "What is the capital of France?";
    expect((await model.invoke(asked)).content).toBe("first");
    expect((await model.invoke(asked)).content).toBe("first");
    expect((await model.invoke("What's the capital of France?")).content).toBe("second");
  });

  liveTest("never serves the answer about one picture to another one", async ({ tenant }) => {
    const model = new FakeListChatModel({ responses: ["a cat", "a dog"], cache: open(tenant) });
    const about = (url: string) => [
      new HumanMessage({
        content: [
          { type: "text", text: "What is it?" },
          { type: "image_url", image_url: { url } },
        ],
      }),
    ];
    expect((await model.invoke(about("https://a/1"))).content).toBe("a cat");
    expect((await model.invoke(about("https://a/2"))).content).toBe("a dog");
  });

  liveTest("compares by meaning where that is wanted", async ({ tenant }) => {
    const cache = open(tenant, { semantic: true });
    const model = new FakeLLM({ response: "Paris", cache });
    await model.invoke("What is the capital of France?");
    expect(await cache.lookup("What's the capital of France?", "another model")).toBeNull();
    const stored = new FakeLLM({ response: "never asked", cache });
    expect(await stored.invoke("What's the capital of France?")).toBe("Paris");
  });

  liveTest("keeps no tool call and nothing that was cut off, and keeps messages as messages", async ({ tenant }) => {
    const cache = open(tenant);
    const call = { name: "f", args: {}, id: "c", type: "tool_call" as const };
    const message = new AIMessage({ content: "x", tool_calls: [call] });
    await cache.update("a", "m", [{ text: "x", message } as never]);
    await cache.update("b", "m", [{ text: "x", generationInfo: { finish_reason: "length" } }]);
    await cache.update("c", "m", [{ text: "x", message: new AIMessage("x") } as never]);
    expect([await cache.lookup("a", "m"), await cache.lookup("b", "m")]).toEqual([null, null]);
    const [found] = (await cache.lookup("c", "m")) as unknown as { message: AIMessage }[];
    expect(found?.message).toBeInstanceOf(AIMessage);
  });

  liveTest("keeps nothing that a provider cut off or refused, wherever the provider says so", async ({ tenant }) => {
    const cache = open(tenant);
    const of = (more: object, generationInfo = {}) => ({
      text: "x",
      generationInfo,
      message: new AIMessage({ content: "x", ...more }),
    });
    const cut = [
      of({ response_metadata: { stop_reason: "max_tokens" } }),
      of({ response_metadata: { finishReason: "MAX_TOKENS" } }),
      of({ response_metadata: { finishReason: "SAFETY" } }),
      of({ response_metadata: { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } } }),
      of({ response_metadata: { stopReason: "guardrail_intervened" } }),
      of({ response_metadata: { done_reason: "length" } }),
      of({ additional_kwargs: { refusal: "I cannot" } }),
      of({ additional_kwargs: { function_call: { name: "f", arguments: "{}" } } }),
      of({ additional_kwargs: { stop_reason: "tool_use" } }),
      of({ invalid_tool_calls: [{ name: "f", args: "{", id: "c", error: "e", type: "invalid_tool_call" }] }),
      of({ content: [{ type: "refusal", refusal: "no" }] }),
      of({ response_metadata: { finish_reason: "stop" } }, { finish_reason: "length" }),
      of({ response_metadata: { finish_reason: "a_new_reason" } }),
    ];
    for (const [at, generation] of cut.entries()) await cache.update(`cut ${at}`, "m", [generation]);
    for (const at of cut.keys()) expect([at, await cache.lookup(`cut ${at}`, "m")]).toEqual([at, null]);
    const whole = [
      of({}),
      of({ response_metadata: { stop_reason: "end_turn" } }),
      of({ response_metadata: { finishReason: "STOP" } }),
      of({ response_metadata: { status: "completed", incomplete_details: null } }),
      of({ response_metadata: { finish_reason: "stop" }, additional_kwargs: { refusal: null } }),
    ];
    for (const [at, generation] of whole.entries()) await cache.update(`whole ${at}`, "m", [generation]);
    for (const at of whole.keys()) expect(await cache.lookup(`whole ${at}`, "m")).toHaveLength(1);
  });

  liveTest("is a miss while it is away, and says so", async ({ tenant }) => {
    const away: unknown[] = [];
    const cache = open(losing(tenant, 1, "before"), { onUnavailable: (error) => void away.push(error) });
    expect(await cache.lookup("a", "m")).toBeNull();
    expect(away).toHaveLength(1);
  });
});
