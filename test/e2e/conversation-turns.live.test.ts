import { Agent, OpenAIConversationsSession, OpenAIProvider, Runner, setTracingDisabled } from "@openai/agents";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

setTracingDisabled(true);

let gateway: TestGateway;
let client: OpenAI;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), script: answer });
  client = gateway.client();
});
afterAll(() => gateway.close());

const CITED = { type: "url_citation", url: "https://example.com", title: "An example", start_index: 0, end_index: 5 };
const CALLS = [
  { id: "c1", type: "function", function: { name: "look", arguments: "{}" } },
  { id: "c2", type: "custom", custom: { name: "run", input: "ls" } },
];

/** Answers by the word that a user said last. */
function answer({ body }: ScriptedRequest): ScriptedAnswer {
  const { content } = (body["messages"] as { role: string; content: unknown }[]).at(-1) ?? {};
  const fields = {
    refuse: { content: null, refusal: "I cannot help with that." },
    cite: { content: "Cited.", annotations: [{ type: "url_citation", url_citation: { ...CITED, type: undefined } }] },
    think: { content: "Thought.", reasoning_content: "Hm." },
    call: { content: "Let me look.", tool_calls: CALLS },
  }[String(content)];
  if (fields === undefined) return "Fine.";
  return { message: { role: "assistant", ...fields }, ...("tool_calls" in fields && { finishReason: "tool_calls" }) };
}

type Items = readonly Readonly<Record<string, unknown>>[];

const say = (conversation: string, input: unknown, more: object = {}) =>
  client.responses.create({
    model: "scripted",
    conversation,
    input,
    ...more,
  } as never) as Promise<OpenAI.Responses.Response>;
const itemsOf = async (conversation: string) =>
  (await client.conversations.items.list(conversation, { order: "asc", limit: 100 })).data as unknown as Items;
const toldLast = () => gateway.model.requests.at(-1)?.body["messages"] as Items;

const PDF = `data:application/pdf;base64,${Buffer.from("%PDF-1.4").toString("base64")}`;
const LARGE = `data:image/png;base64,${Buffer.alloc(400_000, 7).toString("base64")}`;

describe("what a response adds to its conversation reads back as it was said", () => {
  it("a file, a picture and texts are the parts that they were, and the next model gets them", async () => {
    const { id } = await client.conversations.create();
    const file = await client.files.create({ file: await toFile(Buffer.from("hello"), "a.txt"), purpose: "user_data" });
    const content = [
      { type: "input_file", filename: "a.pdf", file_data: PDF },
      { type: "input_file", file_id: file.id },
      { type: "input_image", image_url: LARGE, detail: "low" },
      { type: "input_text", text: "What is it?" },
      { type: "input_text", text: "In a word." },
    ];
    await say(id, [{ role: "user", content }]);
    expect((await itemsOf(id))[0]).toMatchObject({ type: "message", role: "user", content });
    await say(id, "And now?");
    expect(toldLast()[0]?.["content"]).toMatchObject([
      { type: "file", file: { filename: "a.pdf", file_data: PDF } },
      { type: "file", file: { filename: "a.txt", file_data: expect.stringMatching(/^data:text/) as string } },
      { type: "image_url", image_url: { url: LARGE } },
      { type: "text" },
      { type: "text" },
    ]);
  });

  it("a picture given by the id of its file shows its bytes to who asks for them", async () => {
    const { id } = await client.conversations.create();
    const png = Buffer.from("\x89PNG\r\n\x1a\n picture", "latin1");
    const file = await client.files.create({ file: await toFile(png, "a.png"), purpose: "vision" });
    const part = { type: "input_image", file_id: file.id, detail: "low" };
    const { id: response } = await say(id, [{ role: "user", content: [part] }]);
    const seen = { ...part, image_url: `data:image/png;base64,${png.toString("base64")}` };
    const asked = { include: ["message.input_image.image_url" as const], order: "asc" as const };
    const contents = async (query: { readonly order: "asc" }) => [
      ((await client.responses.inputItems.list(response, query)).data as unknown as Items)[0]?.["content"],
      ((await client.conversations.items.list(id, query)).data as unknown as Items)[0]?.["content"],
    ];
    expect(await contents({ order: "asc" })).toEqual([[part], [part]]);
    expect(await contents(asked)).toEqual([[seen], [seen]]);
    await client.files.delete(file.id);
    expect(await contents(asked)).toEqual([[part], [part]]);
  });

  it("outputs of tools keep their kind and their parts", async () => {
    const { id } = await client.conversations.create();
    const { output } = await say(id, "call");
    expect(output.map(({ type }) => type)).toEqual(["message", "function_call", "custom_tool_call"]);
    const parts = [
      { type: "input_text", text: "seen" },
      { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
    ];
    const results = [
      { type: "function_call_output", call_id: "c1", output: parts },
      { type: "custom_tool_call_output", call_id: "c2", output: "done" },
    ];
    await say(id, results);
    const items = await itemsOf(id);
    expect(items.slice(1, 6)).toMatchObject([
      { type: "message", content: [{ type: "output_text", text: "Let me look." }] },
      { type: "function_call", call_id: "c1", name: "look" },
      { type: "custom_tool_call", call_id: "c2", input: "ls" },
      ...results,
    ]);
    expect(items[5]?.["id"]).toMatch(/^ctco_/);
    // OpenAI's API takes such a list back.
    await client.responses.create({ model: "scripted", input: items as never });
  });

  it.each([false, true])(
    "refusals, citations and thoughts are items under the ids of the response (stream: %s)",
    async (stream) => {
      const { id } = await client.conversations.create();
      const outputs: Items[] = [];
      for (const word of ["refuse", "cite", "think"]) {
        const body = { model: "scripted", conversation: id, input: word };
        const made = stream
          ? await client.responses.stream(body).finalResponse()
          : await client.responses.create({ ...body, stream: false });
        outputs.push(made.output as unknown as Items);
      }
      const items = await itemsOf(id);
      expect(items.map(({ type }) => type)).toEqual([
        "message",
        "message",
        "message",
        "message",
        "message",
        "reasoning",
        "message",
      ]);
      expect(items[1]).toMatchObject({ content: [{ type: "refusal", refusal: "I cannot help with that." }] });
      expect(items[3]).toMatchObject({ content: [{ text: "Cited.", annotations: [CITED] }] });
      expect(items[5]).toMatchObject({ summary: [{ type: "summary_text", text: "Hm." }] });
      const made = outputs.flat();
      expect([1, 3, 5, 6].map((at) => items[at]?.["id"])).toEqual(made.map((item) => item["id"]));
      for (const item of items)
        expect(await client.conversations.items.retrieve(String(item["id"]), { conversation_id: id })).toEqual(item);
      const after = await client.conversations.items.list(id, { order: "asc", after: String(items[3]?.["id"]) });
      expect(after.data).toEqual(items.slice(4));
      const other = (await client.conversations.create()).id;
      const of = { conversation_id: other };
      await expect(client.conversations.items.retrieve(String(items[1]?.["id"]), of)).rejects.toMatchObject({
        status: 404,
      });
    },
  );

  it("instructions among the items are kept in their place, and the next model gets them", async () => {
    const { id } = await client.conversations.create();
    const told = { role: "developer", content: "Always answer in French." };
    await say(id, [told, { role: "user", content: "hi" }], { instructions: "Be brief." });
    expect((await itemsOf(id)).map(({ role }) => role)).toEqual(["developer", "user", "assistant"]);
    await say(id, "And now?");
    expect(toldLast().map(({ role }) => role)).toEqual(["developer", "user", "assistant", "user"]);
    const seen = (await itemsOf(id)).map(({ content }) => content);
    // A client that sends it all again is found out: nothing is there twice.
    const again = (await itemsOf(id)).map(({ role, content }) => ({ type: "message", role, content }));
    await say(id, [...again, told, { role: "user", content: "the last" }]);
    const items = await itemsOf(id);
    expect(items.map(({ content }) => content).slice(0, seen.length)).toEqual(seen);
    expect(items.slice(seen.length).map(({ role }) => role)).toEqual(["developer", "user", "assistant"]);
  });
});

describe("a chat that names a conversation", () => {
  it("leaves items in the words of the Responses API", async () => {
    const { id } = await client.conversations.create();
    const content = [
      { type: "text", text: "What is it?" },
      { type: "file", file: { filename: "a.pdf", file_data: PDF } },
    ];
    const chat = (messages: unknown) =>
      client.chat.completions.create({ model: "scripted", conversation: id, messages } as never);
    await chat([{ role: "user", content }]);
    for (const word of ["refuse", "cite"]) await chat([{ role: "user", content: word }]);
    const items = await itemsOf(id);
    expect(items[0]?.["content"]).toEqual([
      { type: "input_text", text: "What is it?" },
      { type: "input_file", filename: "a.pdf", file_data: PDF },
    ]);
    expect(items[3]?.["content"]).toEqual([{ type: "refusal", refusal: "I cannot help with that." }]);
    expect(items[5]?.["content"]).toMatchObject([{ annotations: [CITED] }]);
  });
});

describe("@openai/agents with a conversation", () => {
  it("reads a file back from its session, and the next run's model gets it", async () => {
    const { id } = await client.conversations.create();
    const openAIClient = new OpenAI({ baseURL: gateway.baseURL, apiKey: gateway.key, maxRetries: 0 }) as never;
    const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses: true }) });
    const agent = new Agent({ name: "reader", model: "scripted" });
    const content = [
      { type: "input_file", file: PDF, filename: "a.pdf" },
      { type: "input_text", text: "What is it?" },
    ];
    await runner.run(agent, [{ role: "user", content }] as never, { conversationId: id });
    const session = new OpenAIConversationsSession({ client: openAIClient, conversationId: id });
    const [first] = (await session.getItems()) as unknown as Items;
    expect(first?.["content"]).toMatchObject([{ type: "input_file", filename: "a.pdf" }, { type: "input_text" }]);
    await runner.run(agent, "And now?", { session });
    expect(JSON.stringify(toldLast())).toContain(PDF);
  });
});
