import { createOpenAI } from "@ai-sdk/openai";
import { generateText, type ModelMessage } from "ai";
import type OpenAI from "openai";
import { afterEach, describe, expect, inject, it, vi } from "vitest";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

let gateway: TestGateway;
let client: OpenAI;
afterEach(() => gateway?.close());

type Items = readonly Readonly<Record<string, unknown>>[];

const message = (text: string, phase?: string) => ({
  type: "message",
  id: `msg_${text.length}`,
  role: "assistant",
  ...(phase !== undefined && { phase }),
  content: [{ type: "output_text", text, annotations: [] }],
});
const PHASED = [message("I look first.", "commentary"), message("It is a dog.", "final_answer")];

/** A gateway before an upstream that answers in two messages, each of its phase. */
async function open(
  kind: "responses" | "chat" = "responses",
  output: readonly object[] = PHASED,
  more: Partial<TestGatewayOptions> = {},
): Promise<void> {
  const answer = (isStream: boolean) =>
    isStream
      ? { raw: toWire(responseEvents(output)), contentType: "text/event-stream" }
      : { raw: JSON.stringify(responseOf(output)), contentType: "application/json" };
  gateway = await startTestGateway({
    ...more,
    redisUrl: inject("redisUrl"),
    kind,
    script: ({ body }) => (kind === "chat" ? "Fine." : answer(body["stream"] === true)),
  });
  client = gateway.client();
}

const ask = (input: unknown, more: object = {}) =>
  client.responses.create({ model: "scripted", input, ...more } as never) as Promise<OpenAI.Responses.Response>;
const asked = () => gateway.model.requests.at(-1)?.body ?? {};
const bodies = (items: unknown) =>
  (items as Items).map(({ role, phase, content }) => ({
    role,
    phase,
    text: typeof content === "string" ? content : ((content as Items)[0]?.["text"] ?? ""),
  }));
const WAIT = { timeout: 10_000, interval: 20 };
const SAID = [
  { role: "assistant", phase: "commentary", text: "I look first." },
  { role: "assistant", phase: "final_answer", text: "It is a dog." },
];

describe("what an upstream of kind responses says and is told in phases", () => {
  it.each([false, true])("comes as the messages that it was said in, and goes back so (stream: %s)", async (stream) => {
    await open();
    const made = stream
      ? await client.responses.stream({ model: "scripted", input: "q1" }).finalResponse()
      : await ask("q1");
    expect(bodies(made.output)).toEqual(SAID);
    expect(made.output_text).toBe("I look first.It is a dog.");
    const again = await ask("q1");
    expect(bodies(again.output)).toEqual(SAID);
    await ask("q2", { previous_response_id: made.id });
    expect(bodies(asked()["input"])).toMatchObject([{ text: "q1" }, ...SAID, { text: "q2" }]);
    await ask([{ role: "user", content: "q3" }, ...made.output, { role: "user", content: "q4" }]);
    expect(bodies(asked()["input"])).toMatchObject([{ text: "q3" }, ...SAID, { text: "q4" }]);
    const { id } = await client.conversations.create();
    for (const input of ["q5", "q6"]) await ask(input, { conversation: id, stream: false });
    expect(bodies(asked()["input"])).toMatchObject([{ text: "q5" }, ...SAID, { text: "q6" }]);
    const { data } = await client.conversations.items.list(id, { order: "asc" });
    expect(bodies(data).slice(1, 3)).toEqual(SAID);
  });

  it.each([
    ["two phases", PHASED, SAID],
    [
      "no phases",
      [message("I look first."), message("It is a dog.")],
      SAID.map((said) => ({ ...said, phase: undefined })),
    ],
  ])("is the same messages from the cache, streamed, in the background and in a conversation (%s)", async (...row) => {
    const [, output, said] = row;
    await open("responses", output, { background: true });
    const first = await ask("q1");
    const hit = await client.responses.stream({ model: "scripted", input: "q1" }).finalResponse();
    expect(bodies(hit.output)).toEqual(said);
    expect(gateway.model.requests).toHaveLength(1);
    const { id } = await client.conversations.create();
    const talk = { model: "scripted", input: "q1", conversation: id };
    const inTalk = await client.responses.stream(talk).finalResponse();
    const { data } = await client.conversations.items.list(id, { order: "asc" });
    expect(data.slice(1).map((item) => item.id)).toEqual(inTalk.output.map((item) => item.id));
    let made = await ask("q1", { background: true });
    await vi.waitFor(
      async () => expect((made = await client.responses.retrieve(made.id)).status).toBe("completed"),
      WAIT,
    );
    expect(bodies(made.output)).toEqual(said);
    for (const { id: previous } of [first, hit, made]) {
      await ask("q2", { previous_response_id: previous });
      expect(bodies(asked()["input"])).toMatchObject([{ text: "q1" }, ...said.map(({ text }) => ({ text })), {}]);
    }
    expect(gateway.model.requests).toHaveLength(2);
  });

  it("says in a chat's stream from the cache which phase begins, beside the text that it begins with", async () => {
    await open();
    const chat = { model: "scripted", messages: [{ role: "user" as const, content: "q1" }] };
    await client.chat.completions.create(chat);
    let text = "";
    const begun: unknown[] = [];
    for await (const { choices } of await client.chat.completions.create({ ...chat, stream: true })) {
      const { content, phases = [] } = (choices[0]?.delta ?? {}) as { content?: string; phases?: Items };
      begun.push(...phases.map((phase) => [phase, text.length]));
      text += content ?? "";
    }
    expect(text).toBe("I look first.It is a dog.");
    expect(begun).toEqual([
      [{ start: 0, phase: "commentary" }, 0],
      [{ start: 13, phase: "final_answer" }, 13],
    ]);
    expect(gateway.model.requests).toHaveLength(1);
  });

  it("reaches a chat's client, and comes back by its session", async () => {
    await open();
    const chat = (content: string) =>
      client.chat.completions.create(
        { model: "scripted", messages: [{ role: "user", content }] },
        { headers: { "x-marrow-session": "s1" } },
      );
    const made = await chat("q1");
    expect(made.choices[0]?.message).toMatchObject({
      content: "I look first.It is a dog.",
      phases: [
        { start: 0, phase: "commentary" },
        { start: 13, phase: "final_answer" },
      ],
    });
    await chat("q2");
    expect(bodies(asked()["input"])).toMatchObject([{ text: "q1" }, ...SAID, { text: "q2" }]);
  });

  it("is kept by the AI SDK over three turns", async () => {
    await open();
    const model = createOpenAI({ baseURL: gateway.baseURL, apiKey: gateway.key }).responses("scripted");
    const messages: ModelMessage[] = [];
    for (const content of ["q1", "q2", "q3"]) {
      messages.push({ role: "user", content });
      messages.push(...(await generateText({ model, messages, maxRetries: 0 })).response.messages);
    }
    const told = bodies(asked()["input"]);
    expect(told.filter(({ role }) => role === "assistant")).toEqual([...SAID, ...SAID]);
  });
});

describe("what an upstream of kind responses cites", () => {
  const cited = (text: string, start: number, url: string) => ({
    type: "output_text",
    text,
    annotations: [{ type: "url_citation", url, title: "t", start_index: start, end_index: start + 5 }],
  });
  const told = (content: readonly object[]) => ({ type: "message", id: "m", role: "assistant", content });
  const [first, second, third] = [
    cited("Looking now. ", 0, "https://a"),
    cited("Paris it is. ", 0, "https://b"),
    cited("It is Paris.", 6, "https://c"),
  ];
  const PLACES = ["Looki", "Paris", "Paris"];
  /** Which text each citation of a chat is of. */
  const textsOf = (content: string, annotations: unknown) =>
    (annotations as { url_citation: { start_index: number; end_index: number } }[]).map(({ url_citation: one }) =>
      content.slice(one.start_index, one.end_index),
    );

  it.each([
    ["parts of one message", [told([first, second, third])]],
    ["messages", [told([first]), told([second]), told([third])]],
    ["messages of parts", [told([first, second]), told([third])]],
  ])("is of the same text in every API, whole, streamed and from the cache (%s)", async (_, output) => {
    await open("responses", output);
    const contents = (items: unknown) =>
      (items as Items).map(({ content }) =>
        (content as Items).map(({ type, text, annotations }) => ({ type, text, annotations })),
      );
    const said = output.map(({ content }) => content);
    const streamed = (input: string) => client.responses.stream({ model: "scripted", input }).finalResponse();
    const made = [await ask("q1"), await ask("q1"), await streamed("q1"), await streamed("q2"), await ask("q2")];
    for (const { output: items } of made) expect(contents(items)).toEqual(said);
    await ask("q3", { previous_response_id: made[3]?.id });
    expect(contents((asked()["input"] as Items).slice(1, -1))).toEqual(said);
    for (const content of ["q1", "q1", "q4", "q4"]) {
      const chat = { model: "scripted", messages: [{ role: "user" as const, content }] };
      const whole = (await client.chat.completions.create(chat)).choices[0]?.message;
      expect(textsOf(whole?.content ?? "", whole?.annotations)).toEqual(PLACES);
      const annotations: unknown[] = [];
      let text = "";
      for await (const { choices } of await client.chat.completions.create({ ...chat, stream: true })) {
        const delta = (choices[0]?.delta ?? {}) as { content?: string; annotations?: unknown[] };
        text += delta.content ?? "";
        annotations.push(...(delta.annotations ?? []));
      }
      expect(textsOf(text, annotations)).toEqual(PLACES);
    }
  });
});

const MARK = { prompt_cache_breakpoint: { type: "ephemeral" } };
const PDF = "data:application/pdf;base64,JVBERi0xLjQ=";

describe("what an item says beside its text", () => {
  const content = [
    { type: "input_text", text: "one", ...MARK },
    { type: "input_text", text: "two" },
    { type: "input_image", image_url: "https://example.com/a.png", detail: "low", ...MARK },
    { type: "input_file", filename: "a.pdf", file_data: PDF, detail: "high", ...MARK },
  ];
  const call = {
    type: "function_call",
    call_id: "c1",
    name: "f",
    arguments: "{}",
    namespace: "n",
    caller: { type: "direct" },
  };
  const output = {
    type: "function_call_output",
    call_id: "c1",
    output: [{ type: "input_text", text: "seen", ...MARK }],
  };

  it("reaches an upstream of kind responses as it was said, without the gateway's ids", async () => {
    await open();
    const first = await ask([{ role: "user", content }, call, output]);
    const told = [{ type: "message", role: "user", content }, call, output];
    expect(asked()["input"]).toEqual(told);
    await ask("and now?", { previous_response_id: first.id });
    expect((asked()["input"] as Items).slice(0, 3)).toEqual(told);
  });

  it("reaches an upstream of kind chat where a chat has a place for it", async () => {
    await open("chat");
    await ask([{ role: "user", content }, call, output]);
    expect(asked()["messages"]).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "one", ...MARK },
          { type: "text", text: "two" },
          { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" }, ...MARK },
          { type: "file", file: { filename: "a.pdf", file_data: PDF }, ...MARK },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c1", content: [{ type: "text", text: "seen", ...MARK }] },
    ]);
  });

  it("of a chat's parts reaches an upstream of kind responses, but for marks in Anthropic's words", async () => {
    await open();
    const parts = [
      { type: "text", text: "one", ...MARK, cache_control: { type: "ephemeral" } },
      { type: "file", file: { filename: "a.pdf", file_data: PDF }, ...MARK },
    ];
    await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: parts }] } as never);
    expect((asked()["input"] as Items)[0]?.["content"]).toEqual([
      { type: "input_text", text: "one", ...MARK },
      { type: "input_file", filename: "a.pdf", file_data: PDF, ...MARK },
    ]);
  });

  it("is told again: a status that is not whole, and a file without anything in it is refused by name", async () => {
    await open();
    const { id } = await ask([
      { ...message("I was"), status: "incomplete" },
      { role: "user", content: "go on" },
    ]);
    const { data } = await client.responses.inputItems.list(id, { order: "asc" });
    expect(data.map((item) => "status" in item && item.status)).toEqual(["incomplete", "completed"]);
    await expect(ask([{ role: "user", content: [{ type: "input_file" }] }])).rejects.toMatchObject({
      status: 400,
      param: "input.0.content.0",
    });
  });
});

describe("a function that a client of the Responses API declares", () => {
  it.each([
    [{}, {}],
    [{ strict: null }, {}],
    [{ strict: true }, { strict: true }],
    [{ strict: false }, { strict: false }],
  ])("is as strict for an upstream of its API as the client said: %j", async (said, told) => {
    await open();
    const named = { type: "function", name: "look", parameters: { type: "object" } };
    await ask("hi", { tools: [{ ...named, ...said }] });
    expect(asked()["tools"]).toEqual([{ ...named, ...told }]);
  });
});
