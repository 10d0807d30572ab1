// Long-term memory as tools of the AI SDK. The model here is a stand-in that calls one tool; any of the SDK's takes its place.
import { generateText, isStepCount } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { connect } from "marrow";
import { memoryTools } from "marrow/ai-sdk";
import { staticEmbedder } from "marrow/embedders";
import { createMemory } from "marrow/memory";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const memory = createMemory(redis.scope("acme"), { name: "support", facts: { embedder: staticEmbedder() } });
const usage = {
  inputTokens: { total: 9, noCache: 9, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 2, text: 2, reasoning: 0 },
};
/** A stand-in that calls a tool, and then repeats what the tool answered. */
const calling = (toolName: string, input: object) =>
  new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const last = prompt.at(-1);
      const content =
        last?.role === "tool"
          ? ({ type: "text", text: JSON.stringify(last.content[0]) } as const)
          : ({ type: "tool-call", toolCallId: "c1", toolName, input: JSON.stringify(input) } as const);
      return { content: [content], finishReason: { unified: "tool-calls", raw: "tool_calls" }, usage, warnings: [] };
    },
  });

const tools = { ...memoryTools(memory.facts("42")) };
const stopWhen = isStepCount(2);
const fact = { text: "The user is allergic to nuts", kind: "preference" };
await generateText({ model: calling("remember", fact), tools, stopWhen, prompt: "I am allergic to nuts." });

const about = { about: "is the user allergic to something?" };
const { text } = await generateText({ model: calling("recall", about), tools, stopWhen, prompt: "What may I eat?" });
console.log(
  text.includes("allergic to nuts"),
  (await memory.facts("42").list()).map(({ trust }) => trust),
);
// Output:
// true [ 'derived' ]
