import { generateText, isStepCount } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { createMemory } from "../memory/index.ts";
import { memoryTools } from "./index.ts";

const usage = {
  inputTokens: { total: 9, noCache: 9, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 2, text: 2, reasoning: 0 },
};

/** A model that makes these calls, one a step, and then says the result of the last. */
function calling(...calls: readonly (readonly [name: string, input: object])[]): MockLanguageModelV4 {
  let step = 0;
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const next = calls[step++];
      const call = next && {
        type: "tool-call" as const,
        toolCallId: `c${step}`,
        toolName: next[0],
        input: JSON.stringify(next[1]),
      };
      return {
        content: [call ?? { type: "text" as const, text: JSON.stringify(prompt.at(-1)?.content) }],
        finishReason: call ? { unified: "tool-calls", raw: "tool_calls" } : { unified: "stop", raw: "stop" },
        usage,
        warnings: [],
      };
    },
  });
}

describe("a user's facts as tools of the AI SDK", () => {
  liveTest("let a model remember in one conversation and recall in another", async ({ tenant }) => {
    const memory = createMemory(tenant, { name: "m", facts: { embedder: staticEmbedder() } });
    const tools = { ...memoryTools(memory.facts("ada")) };
    await generateText({
      model: calling(["remember", { text: "The user lives in Oslo", key: "home" }]),
      tools,
      stopWhen: isStepCount(3),
      prompt: "I live in Oslo.",
    });
    const { text } = await generateText({
      model: calling(["recall", { about: "where does the user live?" }]),
      tools,
      stopWhen: isStepCount(3),
      prompt: "Where do I live?",
    });
    expect(text).toContain("The user lives in Oslo");
    const [fact] = await memory.facts("ada").list();
    expect(fact).toMatchObject({ trust: "derived", source: { role: "assistant" } });
  });

  liveTest("act for one user alone, and forget by id", async ({ tenant }) => {
    const memory = createMemory(tenant, { name: "m", facts: { embedder: staticEmbedder() } });
    const { fact } = await memory.facts("bob").remember({ text: "Bob's alarm code is 4711" });
    const { text } = await generateText({
      model: calling(["recall", { about: "alarm code", limit: 50 }]),
      tools: { ...memoryTools(memory.facts("eve")) },
      stopWhen: isStepCount(3),
      prompt: "What is the code?",
    });
    expect(text).not.toContain("4711");
    await generateText({
      model: calling(["forget", { ids: [fact.id] }]),
      tools: { ...memoryTools(memory.facts("eve")) },
      stopWhen: isStepCount(3),
      prompt: "Forget it.",
    });
    expect(await memory.facts("bob").list()).toHaveLength(1);
  });

  liveTest("refuse more than a call may ask for", async ({ tenant }) => {
    const { recall, forget } = memoryTools(
      createMemory(tenant, { name: "m", facts: { embedder: staticEmbedder() } }).facts("ada"),
    );
    const options = { toolCallId: "c1", messages: [], context: {} } as never;
    await expect(recall.execute?.({ about: "all", limit: 51 }, options)).rejects.toMatchObject({
      code: "invalid_input",
    });
    const ids = Array.from({ length: 101 }, (_, at) => `f${at}`);
    await expect(forget.execute?.({ ids }, options)).rejects.toMatchObject({ code: "invalid_input" });
  });
});
