import { HumanMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { expect } from "vitest";
import { z } from "zod";
import type { TestGateway } from "../gateway.ts";
import { PIXEL, toldLast, trialsOf, type Trial } from "./trial.ts";

const weather = tool(async () => "sunny", {
  name: "get_weather",
  description: "The weather in a city",
  schema: z.object({ city: z.string() }),
});

function trials(name: string, useResponsesApi: boolean): Trial[] {
  const open = ({ baseURL, key }: TestGateway) =>
    new ChatOpenAI({ model: "scripted", apiKey: key, configuration: { baseURL }, useResponsesApi, maxRetries: 0 });

  /** Runs the loop of a tool until the model says something. */
  async function agent(gateway: TestGateway, messages: BaseMessage[]): Promise<string> {
    for (let step = 0; step < 3; step += 1) {
      const answer = await open(gateway).bindTools([weather]).invoke(messages);
      messages.push(answer);
      if (!answer.tool_calls?.length) return answer.text;
      for (const call of answer.tool_calls)
        messages.push(
          new ToolMessage({
            content: await weather.invoke(call.args as { city: string }),
            tool_call_id: call.id ?? "",
          }),
        );
    }
    throw new Error("no end");
  }

  return trialsOf(name, {
    async chat(gateway) {
      const answer = await open(gateway).invoke("hi");
      expect([answer.text, (answer.usage_metadata as { total_tokens: number } | undefined)?.total_tokens]).toEqual([
        "You said: hi (1)",
        15,
      ]);
    },
    async "chat stream"(gateway) {
      let text = "";
      for await (const piece of await open(gateway).stream("hi there")) text += piece.text;
      expect(text).toBe("You said: hi there (1)");
    },
    async tools(gateway) {
      expect(await agent(gateway, [new HumanMessage("the weather?")])).toBe("In Paris it is sunny.");
    },
    async "conversation of three turns with tools"(gateway) {
      const messages: BaseMessage[] = [];
      for (const said of ["the weather?", "thanks", "bye"]) {
        messages.push(new HumanMessage(said));
        await agent(gateway, messages);
      }
      expect(toldLast(gateway)).toEqual(["user", "assistant+calls", "tool", "assistant", "user", "assistant", "user"]);
    },
    async "structured output"(gateway) {
      const shaped = open(gateway).withStructuredOutput(z.object({ name: z.string(), age: z.number() }), {
        method: "jsonSchema",
      });
      expect(await shaped.invoke("who?")).toEqual({ name: "Ada", age: 36 });
    },
    async images(gateway) {
      const content = [{ type: "image_url", image_url: { url: PIXEL } }];
      expect((await open(gateway).invoke([new HumanMessage({ content })])).text).toBe("I see a picture.");
    },
  });
}

/** LangChain with both of OpenAI's APIs. */
export const langchainTrials: readonly Trial[] = [
  ...trials("@langchain/openai chat", false),
  ...trials("@langchain/openai responses", true),
  ...trialsOf("@langchain/openai chat", {
    async embeddings({ baseURL, key }) {
      const embeddings = new OpenAIEmbeddings({ model: "static-256", apiKey: key, configuration: { baseURL } });
      expect(await embeddings.embedDocuments(["a", "b"])).toHaveLength(2);
    },
  }),
];
