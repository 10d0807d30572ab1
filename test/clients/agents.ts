import { Agent as MastraAgent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { createOpenAI } from "@ai-sdk/openai";
import { openai as llamaOpenai, OpenAIEmbedding } from "@llamaindex/openai";
import { Agent, OpenAIConversationsSession, OpenAIProvider, Runner, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { expect } from "vitest";
import { z } from "zod";
import type { TestGateway } from "../gateway.ts";
import { toldLast, trialsOf, type Trial } from "./trial.ts";

setTracingDisabled(true);

const weather = tool({
  name: "get_weather",
  description: "The weather in a city",
  parameters: z.object({ city: z.string() }),
  execute: async () => "sunny",
});

function agentTrials(name: string, useResponses: boolean): Trial[] {
  const client = ({ baseURL, key }: TestGateway) => new OpenAI({ baseURL, apiKey: key, maxRetries: 0 });
  const runner = (gateway: TestGateway) =>
    new Runner({ modelProvider: new OpenAIProvider({ openAIClient: client(gateway) as never, useResponses }) });
  const agent = (more: object = {}) => new Agent({ name: "helper", model: "scripted", instructions: "Help.", ...more });
  return trialsOf(name, {
    async chat(gateway) {
      const { finalOutput, rawResponses } = await runner(gateway).run(agent(), "hi");
      expect([finalOutput, rawResponses[0]?.usage.totalTokens]).toEqual(["You said: hi (1)", 15]);
    },
    async "chat stream"(gateway) {
      const stream = await runner(gateway).run(agent(), "hi there", { stream: true });
      let text = "";
      for await (const piece of stream.toTextStream()) text += piece;
      await stream.completed;
      expect(text).toBe("You said: hi there (1)");
    },
    async tools(gateway) {
      const { finalOutput } = await runner(gateway).run(agent({ tools: [weather] }), "the weather?");
      expect(finalOutput).toBe("In Paris it is sunny.");
    },
    async "conversation of three turns with tools"(gateway) {
      let history: never[] = [];
      for (const content of ["the weather?", "thanks", "bye"]) {
        const result = await runner(gateway).run(agent({ tools: [weather] }), [
          ...history,
          { role: "user", content },
        ] as never);
        history = result.history as never[];
      }
      expect(toldLast(gateway)).toEqual(["user", "assistant+calls", "tool", "assistant", "user", "assistant", "user"]);
    },
    async "handoff between agents"(gateway) {
      const math = new Agent({ name: "math", model: "scripted", instructions: "Count." });
      const result = await runner(gateway).run(agent({ handoffs: [math] }), "some math please");
      expect(result.lastAgent?.name).toBe("math");
    },
    async "structured output"(gateway) {
      const shaped = agent({ outputType: z.object({ name: z.string(), age: z.number() }) });
      expect((await runner(gateway).run(shaped, "who?")).finalOutput).toEqual({ name: "Ada", age: 36 });
    },
    ...(useResponses && {
      async conversations(gateway: TestGateway) {
        const session = new OpenAIConversationsSession({ client: client(gateway) as never });
        await runner(gateway).run(agent({ tools: [weather] }), "the weather?", { session });
        await runner(gateway).run(agent({ tools: [weather] }), "thanks", { session });
        expect(toldLast(gateway)).toEqual(["user", "assistant+calls", "tool", "assistant", "user"]);
      },
    }),
  });
}

/** OpenAI's Agents, Mastra and LlamaIndex. */
export const agentsTrials: readonly Trial[] = [
  ...agentTrials("@openai/agents responses", true),
  ...agentTrials("@openai/agents chat", false),
  ...trialsOf("@mastra/core", {
    async chat({ baseURL, key }) {
      const model = createOpenAI({ baseURL, apiKey: key })("scripted") as never;
      const agent = new MastraAgent({ id: "a", name: "a", instructions: "Help.", model });
      expect((await agent.generate("hi")).text).toBe("You said: hi (1)");
    },
    async "chat stream"({ baseURL, key }) {
      const model = createOpenAI({ baseURL, apiKey: key })("scripted") as never;
      const stream = await new MastraAgent({ id: "a", name: "a", instructions: "Help.", model }).stream("hi there");
      let text = "";
      for await (const piece of stream.textStream) text += piece;
      expect(text).toBe("You said: hi there (1)");
    },
    async tools({ baseURL, key }) {
      const get_weather = createTool({
        id: "get_weather",
        description: "The weather in a city",
        inputSchema: z.object({ city: z.string() }),
        execute: async () => "sunny",
      });
      const model = createOpenAI({ baseURL, apiKey: key })("scripted") as never;
      const agent = new MastraAgent({ id: "a", name: "a", instructions: "Help.", model, tools: { get_weather } });
      expect((await agent.generate("the weather?")).text).toContain("In Paris it is");
    },
  }),
  ...trialsOf("llamaindex", {
    async chat({ baseURL, key }) {
      const { message } = await llamaOpenai({ model: "scripted", apiKey: key, baseURL }).chat({
        messages: [{ role: "user", content: "hi" }],
      });
      expect(message.content).toBe("You said: hi (1)");
    },
    async "chat stream"({ baseURL, key }) {
      let text = "";
      const llm = llamaOpenai({ model: "scripted", apiKey: key, baseURL });
      for await (const { delta } of await llm.chat({ messages: [{ role: "user", content: "hi there" }], stream: true }))
        text += delta;
      expect(text).toBe("You said: hi there (1)");
    },
    async embeddings({ baseURL, key }) {
      const embedding = new OpenAIEmbedding({ model: "static-256", apiKey: key, baseURL });
      expect(await embedding.getTextEmbedding("a")).toHaveLength(256);
    },
  }),
];
