import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import OpenAI6 from "openai-6";
import { expect } from "vitest";
import { trialsOf, toldLast, PIXEL, type Trial } from "./trial.ts";
import type { TestGateway } from "../gateway.ts";

const weather = {
  type: "function" as const,
  function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};
const model = "scripted";

/** Both majors speak alike; the older one's types are a subset. */
function trials(name: string, open: (gateway: TestGateway) => OpenAI): Trial[] {
  return trialsOf(name, {
    async chat(gateway) {
      const { choices, usage } = await open(gateway).chat.completions.create({
        model,
        messages: [{ role: "user", content: "hi" }],
      });
      expect([choices[0]?.message.content, usage?.total_tokens]).toEqual(["You said: hi (1)", 15]);
    },
    async "chat stream"(gateway) {
      const stream = open(gateway).chat.completions.stream({
        model,
        messages: [{ role: "user", content: "hi there" }],
      });
      expect(await stream.finalContent()).toBe("You said: hi there (1)");
    },
    async tools(gateway) {
      const runner = open(gateway).chat.completions.runTools({
        model,
        messages: [{ role: "user", content: "the weather?" }],
        tools: [
          {
            ...weather,
            function: { ...weather.function, description: "", parse: JSON.parse, function: () => "sunny" },
          },
        ] as never,
      });
      expect(await runner.finalContent()).toBe("In Paris it is sunny.");
    },
    async "structured output"(gateway) {
      const { choices } = await open(gateway).chat.completions.parse({
        model,
        messages: [{ role: "user", content: "who?" }],
        response_format: { type: "json_schema", json_schema: { name: "p", schema: { type: "object" }, strict: true } },
      });
      expect(choices[0]?.message.parsed).toEqual({ name: "Ada", age: 36 });
    },
    async images(gateway) {
      const content = [{ type: "image_url" as const, image_url: { url: PIXEL } }];
      const { choices } = await open(gateway).chat.completions.create({ model, messages: [{ role: "user", content }] });
      expect(choices[0]?.message.content).toBe("I see a picture.");
    },
    async embeddings(gateway) {
      const { data } = await open(gateway).embeddings.create({ model: "static-256", input: ["a", "b"] });
      expect(data.map(({ embedding }) => embedding.length)).toEqual([256, 256]);
    },
    async responses(gateway) {
      const client = open(gateway);
      const first = await client.responses.create({ model, input: "hi" });
      const second = await client.responses.create({ model, input: "again", previous_response_id: first.id });
      expect([first.output_text, second.output_text]).toEqual(["You said: hi (1)", "You said: again (3)"]);
      expect((await client.responses.retrieve(second.id)).output_text).toBe(second.output_text);
      await client.responses.delete(first.id);
    },
    async "responses stream"(gateway) {
      const stream = open(gateway).responses.stream({ model, input: "think now" });
      const types = new Set<string>();
      for await (const { type } of stream) types.add(type);
      expect((await stream.finalResponse()).output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
      expect(types.has("response.reasoning_summary_text.delta")).toBe(true);
    },
    async "background responses"(gateway) {
      const client = open(gateway);
      const begun = await client.responses.create({ model, input: "take your time", background: true });
      expect(begun.status).toBe("queued");
      expect((await client.responses.cancel(begun.id)).status).toBe("cancelled");
    },
    async conversations(gateway) {
      const client = open(gateway);
      const { id } = await client.conversations.create({
        items: [{ type: "message", role: "user", content: "I am Ada." }],
      });
      await client.responses.create({ model, input: "hi", conversation: id });
      expect(toldLast(gateway)).toEqual(["user", "user"]);
      const items = await client.conversations.items.list(id);
      expect(items.data).toHaveLength(3);
      await client.conversations.delete(id);
    },
    async "files and vector stores"(gateway) {
      const client = open(gateway);
      const store = await client.vectorStores.create({ name: "v" });
      const text = new File(["The lighthouse is 61 metres tall."], "facts.txt");
      await client.vectorStores.files.uploadAndPoll(store.id, text);
      const tools = [{ type: "file_search" as const, vector_store_ids: [store.id] }];
      const include = ["file_search_call.results" as const];
      const { output } = await client.responses.create({ model, input: "How tall is the lighthouse?", tools, include });
      expect(output.map(({ type }) => type)).toEqual(["file_search_call", "message"]);
      expect(JSON.stringify(gateway.model.requests.at(-1)?.body)).toContain("61 metres");
      await client.vectorStores.delete(store.id);
    },
  });
}

/** `openai` for Node, both majors. */
export const openaiTrials: readonly Trial[] = [
  ...trials("openai 7", ({ baseURL, key }) => new OpenAI({ baseURL, apiKey: key, maxRetries: 0 })),
  ...trials(
    "openai 6",
    ({ baseURL, key }) => new OpenAI6({ baseURL, apiKey: key, maxRetries: 0 }) as unknown as OpenAI,
  ),
  ...trialsOf("openai 7", {
    async "responses WebSocket"({ baseURL, key }) {
      const socket = new ResponsesWS(new OpenAI({ baseURL, apiKey: key }));
      const types: string[] = [];
      await new Promise<void>((resolve, reject) => {
        socket.on("error", reject);
        socket.on("event", (event) => {
          types.push(event.type);
          if (event.type === "response.completed") resolve();
        });
        socket.send({ type: "response.create", model, input: "hi" });
      });
      socket.close();
      expect(types.slice(0, 2)).toEqual(["response.created", "response.in_progress"]);
    },
  }),
];
