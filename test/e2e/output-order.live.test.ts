import Anthropic from "@anthropic-ai/sdk";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, streamText, type ModelMessage, type ToolResultPart, type ToolSet } from "ai";
import type OpenAI from "openai";
import { afterEach, describe, expect, inject, it, vi } from "vitest";
import { textOr, type Fields } from "../../src/internal/fields.ts";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

let gateway: TestGateway;
let client: OpenAI;
afterEach(() => gateway?.close());

type Kind = "responses" | "anthropic";
const part = (text: string) => ({ type: "output_text", text, annotations: [] });
const message = (...content: object[]) => ({ type: "message", id: "msg_u", role: "assistant", content });
const thought = (data: string, ...summary: string[]) => ({
  type: "reasoning",
  id: `rs_${data}`,
  summary: summary.map((text) => ({ type: "summary_text", text })),
  encrypted_content: data,
});
const call = (name: string) => ({ type: "function_call", id: `fc_${name}`, call_id: name, name: "f", arguments: "{}" });
const thinking = (words: string) => ({ type: "thinking", thinking: words, signature: `sig-${words}` });
const text = (said: string) => ({ type: "text", text: said });
const use = (id: string) => ({ type: "tool_use", id, name: "f", input: {} });

/** What an upstream says: with calls and refusals, and what a cache may keep. */
const SAYS: Record<Kind, { readonly mixed: readonly object[]; readonly words: readonly object[] }> = {
  responses: {
    mixed: [
      thought("A", "First", "then"),
      message(part("One."), { type: "refusal", refusal: "No." }, part("Two.")),
      call("a"),
      thought("B", "Second"),
      thought("C"),
      call("b"),
      message({ type: "refusal", refusal: "Nor this." }),
      message(part("Three.")),
    ],
    words: [
      thought("A", "First"),
      message(part("One."), part("Two.")),
      thought("B", "Second"),
      message(part("Three.")),
    ],
  },
  anthropic: {
    mixed: [
      thinking("A"),
      text("One."),
      use("a"),
      thinking("B"),
      { type: "redacted_thinking", data: "R" },
      text("Two."),
      use("b"),
    ],
    words: [thinking("A"), text("One."), thinking("B"), text("Two.")],
  },
};
/** The same as a client is to see it. */
const SHOWN: Record<Kind, { readonly mixed: readonly string[]; readonly words: readonly string[] }> = {
  responses: {
    mixed: [
      "reasoning First|then",
      "message One.|No.|Two.",
      "function_call a",
      "reasoning Second",
      "reasoning ",
      "function_call b",
      "message Nor this.",
      "message Three.",
    ],
    words: ["reasoning First", "message One.|Two.", "reasoning Second", "message Three."],
  },
  anthropic: {
    mixed: [
      "reasoning A",
      "message One.",
      "function_call a",
      "reasoning B",
      "reasoning ",
      "message Two.",
      "function_call b",
    ],
    words: ["reasoning A", "message One.", "reasoning B", "message Two."],
  },
};

async function open(kind: Kind, says: readonly object[]): Promise<void> {
  const isCalling = says.some((one) => (one as Fields)["type"] === "tool_use");
  const end = { stop_reason: isCalling ? "tool_use" : "end_turn" };
  const events = kind === "responses" ? responseEvents(says) : messageEvents(says, end);
  const whole = kind === "responses" ? responseOf(says) : messageOf(says, end);
  const answer = (isStream: boolean): ScriptedAnswer =>
    isStream
      ? { raw: toWire(events), contentType: "text/event-stream" }
      : { raw: JSON.stringify(whole), contentType: "application/json" };
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    background: true,
    kind,
    script: ({ body }) => answer(body["stream"] === true),
  });
  client = gateway.client();
}

/** Items as they are told, without ids. */
const told = (items: readonly object[]) =>
  (items as readonly Fields[]).map(({ type, content, summary, call_id: id }) => {
    const parts = (content ?? summary ?? []) as readonly Fields[];
    return `${String(type)} ${textOr(id) || parts.map(({ text: said, refusal }) => said ?? refusal).join("|")}`;
  });
/** Which item each id names in its response. */
const places = (items: readonly object[]) =>
  (items as readonly Fields[]).map(({ id }) => /^([a-z]+)_[0-9a-f]{48}(o\d+)$/.exec(String(id))?.slice(1).join(" "));
const TOOLS = [{ type: "function", name: "f", parameters: { type: "object" }, strict: false }] as const;
const ask = (input: string, more: object = {}) =>
  client.responses.create({
    model: "scripted",
    tools: TOOLS,
    input,
    ...more,
  } as never) as Promise<OpenAI.Responses.Response>;
const streamed = (input: string, more: object = {}) =>
  client.responses.stream({ model: "scripted", tools: TOOLS, input, ...more } as never).finalResponse();
const WAIT = { timeout: 10_000, interval: 20 };

/** The output of one answer by every way that leads to it. */
async function ways(next: () => string): Promise<Record<string, readonly object[]>> {
  const made = await ask(next());
  const stream = await streamed(next());
  const { id } = await client.conversations.create();
  const inTalk = await ask(next(), { conversation: id });
  const { data } = await client.conversations.items.list(id, { order: "asc" });
  const { id: other } = await client.conversations.create();
  const streamTalk = await streamed(next(), { conversation: other });
  const { data: streamItems } = await client.conversations.items.list(other, { order: "asc" });
  const begun = await ask(next(), { background: true });
  await vi.waitFor(async () => expect((await client.responses.retrieve(begun.id)).status).toBe("completed"), WAIT);
  const behind: object[] = [];
  for await (const event of await client.responses.retrieve(begun.id, { stream: true }))
    if (event.type === "response.output_item.done") behind.push(event.item);
  expect(data.slice(1).map((item) => item.id)).toEqual(inTalk.output.map((item) => item.id));
  expect(streamItems.slice(1).map((item) => item.id)).toEqual(streamTalk.output.map((item) => item.id));
  return {
    made: made.output,
    "made, fetched": (await client.responses.retrieve(made.id)).output,
    streamed: stream.output,
    "streamed, fetched": (await client.responses.retrieve(stream.id)).output,
    "in a conversation": inTalk.output,
    "of a conversation": data.slice(1),
    "streamed in a conversation": streamTalk.output,
    "of a conversation that was streamed": streamItems.slice(1),
    "in the background": (await client.responses.retrieve(begun.id)).output,
    "events of the background": behind,
  };
}

describe.each(["responses", "anthropic"] as const)("what an upstream of kind %s says in turns", (kind) => {
  it("is the same items, in its order and by the same ids, however it is asked for and fetched", async () => {
    await open(kind, SAYS[kind].mixed);
    let nth = 0;
    const all = await ways(() => `q${(nth += 1)}`);
    for (const [way, items] of Object.entries(all)) {
      expect([way, told(items)]).toEqual([way, SHOWN[kind].mixed]);
      expect([way, places(items)]).toEqual([way, places(all["made"] ?? [])]);
    }
    expect(places(all["made"] ?? [])).not.toContain(undefined);
  });

  it("is the same from the cache", async () => {
    await open(kind, SAYS[kind].words);
    await ask("Which dog is this?");
    const all = await ways(() => "Which dog is this?");
    expect(gateway.model.requests.length).toBeLessThanOrEqual(3);
    for (const [way, items] of Object.entries(all)) {
      expect([way, told(items)]).toEqual([way, SHOWN[kind].words]);
      expect([way, places(items)]).toEqual([way, places(all["made"] ?? [])]);
    }
  });

  it("goes back in its order, from every place where it is kept", async () => {
    await open(kind, SAYS[kind].mixed);
    const results = ["a", "b"].map((id) => ({ type: "function_call_output", call_id: id, output: "4" }));
    const made = await ask("q");
    await ask("again", { previous_response_id: made.id, input: results });
    const first = lastTold();
    const { id } = await client.conversations.create();
    await ask("q", { conversation: id });
    await ask("again", { conversation: id, input: results });
    expect(lastTold()).toEqual(first);
    const plain = await ask("q", { store: false, include: ["reasoning.encrypted_content"] });
    const input = [{ role: "user", content: "q" }, ...plain.output.map(({ id: _, ...item }) => item), ...results];
    await ask("again", { store: false, input });
    expect(lastTold()).toEqual(first);
    expect(first).toEqual(BACK[kind]);
  });
});

/** What the upstream was told of its own answer. */
function lastTold(): readonly string[] {
  const { input, messages } = gateway.model.requests.at(-1)?.body ?? {};
  const items = (input ?? messages) as readonly Fields[];
  const blocks = items.flatMap((item) =>
    item["role"] === "assistant" && messages !== undefined ? (item["content"] as readonly Fields[]) : [item],
  );
  return blocks.flatMap(
    ({ type, role, encrypted_content: sealed, signature, data, text: said, call_id, id, content }) => {
      if (role === "user" || String(type).endsWith("_output")) return [];
      const parts = Array.isArray(content)
        ? (content as Fields[]).map((one) => one["text"] ?? one["refusal"]).join("|")
        : "";
      return [
        `${String(type)} ${String(sealed ?? signature ?? data ?? said ?? call_id ?? (messages === undefined ? parts : id))}`,
      ];
    },
  );
}

const BACK: Record<Kind, readonly string[]> = {
  responses: [
    "reasoning A",
    "message One.|No.|Two.",
    "function_call a",
    "reasoning B",
    "reasoning C",
    "function_call b",
    "message Nor this.",
    "message Three.",
  ],
  anthropic: [
    "thinking sig-A",
    "text One.",
    "tool_use a",
    "thinking sig-B",
    "redacted_thinking R",
    "text Two.",
    "tool_use b",
  ],
};

describe("a message of Anthropic's API", () => {
  it.each(["responses", "anthropic"] as const)(
    "has the blocks of an upstream of kind %s in its order, streamed or not",
    async (kind) => {
      await open(kind, SAYS[kind].words);
      const anthropic = new Anthropic({
        baseURL: gateway.baseURL.replace(/\/v1$/, ""),
        apiKey: gateway.key,
        maxRetries: 0,
      });
      const asked = (content: string) => ({
        model: "scripted",
        max_tokens: 99,
        messages: [{ role: "user" as const, content }],
      });
      const whole = await anthropic.messages.create(asked("Which dog is this?"));
      const hit = await anthropic.messages.stream(asked("Which dog is this?")).finalMessage();
      const stream = await anthropic.messages.stream(asked("And which cat?")).finalMessage();
      const said = (blocks: Anthropic.ContentBlock[]) =>
        blocks.flatMap((one) => (one.type === "text" ? [one.text] : one.type === "thinking" ? [one.thinking] : []));
      expect(said(whole.content)).toEqual(
        kind === "anthropic" ? ["A", "One.", "B", "Two."] : ["First", "One.Two.", "Second", "Three."],
      );
      expect(said(hit.content)).toEqual(said(whole.content));
      expect(said(stream.content)).toEqual(said(whole.content));
      expect(gateway.model.requests).toHaveLength(2);
      const messages = [
        ...asked("q").messages,
        { role: "assistant" as const, content: whole.content },
        ...asked("q2").messages,
      ];
      await anthropic.messages.create({ ...asked(""), messages });
      const back = lastTold().map((one) => one.split(" ")[0]);
      if (kind === "anthropic") expect(back).toEqual(["thinking", "text", "thinking", "text"]);
    },
  );
});

describe("the AI SDK over /v1/responses", () => {
  it.each(["responses", "anthropic"] as const)(
    "sees and gives back the parts of an upstream of kind %s in its order, streamed or not",
    async (kind) => {
      await open(kind, SAYS[kind].mixed);
      const provider = createOpenAI({ baseURL: gateway.baseURL, apiKey: gateway.key });
      const model = provider.responses("scripted");
      const tools: ToolSet = { f: { inputSchema: jsonSchema({ type: "object" }) } };
      const messages: ModelMessage[] = [{ role: "user", content: "q" }];
      const results = (content: readonly { readonly type: string }[]): ModelMessage => ({
        role: "tool",
        content: content.flatMap((said) =>
          said.type === "tool-call"
            ? [
                {
                  type: "tool-result",
                  toolName: "f",
                  toolCallId: (said as unknown as ToolResultPart).toolCallId,
                  output: { type: "text", value: "4" },
                },
              ]
            : [],
        ),
      });
      const whole = await generateText({ model, tools, messages });
      const stream = streamText({ model, tools, messages });
      for (const made of [whole, { response: await stream.response, content: await stream.content }]) {
        expect(runs(made.content.map(({ type }) => type))).toEqual(PARTS(kind));
        await generateText({ model, tools, messages: [...messages, ...made.response.messages, results(made.content)] });
        expect(lastTold().map((one) => one.split(" ")[0])).toEqual(BACK[kind].map((one) => one.split(" ")[0]));
      }
    },
  );
});

/** Words without those that repeat the one before. */
const runs = (words: readonly (string | undefined)[]) => words.filter((word, at) => word !== words[at - 1]);
const PART: Readonly<Record<string, string>> = { reasoning: "reasoning", message: "text", function_call: "tool-call" };
const PARTS = (kind: Kind) => runs(SHOWN[kind].mixed.map((one) => PART[one.split(" ")[0] ?? ""]));
