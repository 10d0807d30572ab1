import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  embed,
  generateText,
  jsonSchema,
  Output,
  stepCountIs,
  streamText,
  tool,
  type LanguageModel,
  type ModelMessage,
} from "ai";
import { expect } from "vitest";
import type { TestGateway } from "../gateway.ts";
import { PIXEL, toldLast, trialsOf, type Trial } from "./trial.ts";

const tools = {
  get_weather: tool({
    description: "The weather in a city",
    inputSchema: jsonSchema<{ city: string }>({
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    }),
    execute: async () => "sunny",
  }),
};

function trials(name: string, open: (gateway: TestGateway) => LanguageModel): Trial[] {
  return trialsOf(name, {
    async chat(gateway) {
      const { text, usage } = await generateText({ model: open(gateway), prompt: "hi", maxOutputTokens: 50 });
      expect([text, usage.totalTokens]).toEqual(["You said: hi (1)", 15]);
    },
    async "chat stream"(gateway) {
      const { textStream } = streamText({ model: open(gateway), prompt: "hi there" });
      let text = "";
      for await (const piece of textStream) text += piece;
      expect(text).toBe("You said: hi there (1)");
    },
    async tools(gateway) {
      const { text } = await generateText({
        model: open(gateway),
        prompt: "the weather?",
        tools,
        stopWhen: stepCountIs(3),
      });
      expect(text).toBe("In Paris it is sunny.");
    },
    // What was lost without an error: earlier turns of the assistant, which the Responses model sends as references.
    async "conversation of three turns with tools"(gateway) {
      const messages: ModelMessage[] = [];
      for (const content of ["the weather?", "thanks", "bye"]) {
        messages.push({ role: "user", content });
        const { responseMessages } = await generateText({
          model: open(gateway),
          messages,
          tools,
          stopWhen: stepCountIs(3),
        });
        messages.push(...responseMessages);
      }
      expect(toldLast(gateway)).toEqual(["user", "assistant+calls", "tool", "assistant", "user", "assistant", "user"]);
    },
    async "structured output"(gateway) {
      const schema = jsonSchema<{ name: string }>({ type: "object", properties: { name: { type: "string" } } });
      const { output } = await generateText({
        model: open(gateway),
        prompt: "who?",
        output: Output.object({ schema }),
      });
      expect(output.name).toBe("Ada");
    },
    async images(gateway) {
      const content = [{ type: "image" as const, image: new URL(PIXEL) }];
      const { text } = await generateText({ model: open(gateway), messages: [{ role: "user", content }] });
      expect(text).toBe("I see a picture.");
    },
    async reasoning(gateway) {
      const { reasoningText, text } = await generateText({ model: open(gateway), prompt: "think" });
      expect([text, reasoningText]).toEqual(["Thought.", name.endsWith("chat") ? undefined : "Hm."]);
    },
  });
}

/** The AI SDK with its providers. */
export const aiSdkTrials: readonly Trial[] = [
  ...trials("@ai-sdk/openai responses", ({ baseURL, key }) => createOpenAI({ baseURL, apiKey: key })("scripted")),
  ...trials("@ai-sdk/openai chat", ({ baseURL, key }) => createOpenAI({ baseURL, apiKey: key }).chat("scripted")),
  ...trials("@ai-sdk/openai-compatible", ({ baseURL, key }) =>
    createOpenAICompatible({
      name: "marrow",
      baseURL,
      apiKey: key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })("scripted"),
  ),
  ...trialsOf("@ai-sdk/openai-compatible", {
    async embeddings({ baseURL, key }) {
      const model = createOpenAICompatible({ name: "marrow", baseURL, apiKey: key }).embeddingModel("static-256");
      expect((await embed({ model, value: "a" })).embedding).toHaveLength(256);
    },
  }),
];
