import { setTimeout as sleep } from "node:timers/promises";
import type OpenAI from "openai";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";
import { ask, startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

let gateway: TestGateway;
afterEach(() => gateway?.close());

type Kind = "anthropic" | "responses";

/** What an endpoint of a kind answers with: one text, whole or as a stream. */
function answerWith(kind: Kind, text: string, isStream: boolean): ScriptedAnswer {
  const parts =
    kind === "anthropic"
      ? [{ type: "text", text }]
      : [
          {
            type: "message",
            id: "msg_1",
            role: "assistant",
            content: [{ type: "output_text", text, annotations: [] }],
          },
        ];
  const [whole, events] = kind === "anthropic" ? [messageOf, messageEvents] : [responseOf, responseEvents];
  return isStream
    ? { raw: toWire(events(parts)), contentType: "text/event-stream" }
    : { raw: JSON.stringify(whole(parts)), contentType: "application/json" };
}

/** All words that a request tells the model, in the shape of its kind. */
function told({ body }: ScriptedRequest): string {
  return JSON.stringify(body["messages"] ?? body["input"]);
}

async function open(kind: Kind, options: Partial<TestGatewayOptions> = {}): Promise<void> {
  let nth = 0;
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    kind,
    script: ({ body }) => answerWith(kind, `Answer ${(nth += 1)}.`, body["stream"] === true),
    ...options,
  });
}

describe.each(["anthropic", "responses"] as const)("an upstream of kind %s", (kind) => {
  it("is cached as any other: exactly, in other words, and as a stream", async () => {
    await open(kind);
    const client = gateway.client();
    const first = await ask(client, "What is the capital of France?");
    expect([first.text, first.cache]).toEqual(["Answer 1.", "miss"]);
    const second = await ask(client, "What is the capital of France?");
    expect([second.text, second.cache]).toEqual(["Answer 1.", "exact"]);
    const third = await ask(client, "What's the capital of France?");
    expect([third.text, third.cache]).toEqual(["Answer 1.", "similar"]);
    const stream = await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: "What is the capital of France?" }],
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("Answer 1.");
    expect(gateway.model.requests).toHaveLength(1);
  });

  it("hears a session's turns, streamed ones too", async () => {
    await open(kind, { config: { cache: { enabled: false } } });
    const client = gateway.client({ headers: { "x-marrow-session": "s1" } });
    await ask(client, "My name is Ada.");
    const stream = await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: "Streamed question." }],
      stream: true,
    });
    for await (const _ of stream);
    await ask(client, "What is my name?");
    const last = gateway.model.requests.at(-1) as ScriptedRequest;
    for (const words of ["My name is Ada.", "Answer 1.", "Streamed question.", "Answer 2.", "What is my name?"])
      expect(told(last)).toContain(words);
  });

  it("is limited by the tokens that it says it used", async () => {
    await open(kind, {
      config: { cache: { enabled: false }, limits: { userTokens: { limit: 40, windowMs: 60_000 } } },
    });
    const client = gateway.client();
    const most = { max_completion_tokens: 5 };
    for (const word of ["hi", "ho", "hu"]) await ask(client, word, most);
    await expect(ask(client, "ha", most)).rejects.toMatchObject({ status: 429 });
    expect(gateway.model.requests).toHaveLength(3);
  });

  it("does responses in the background", async () => {
    await open(kind, { background: true });
    const client = gateway.client();
    let response = await client.responses.create({ model: "scripted", input: "Later, please.", background: true });
    for (let turn = 0; turn < 200 && response.status !== "completed"; turn += 1) {
      await sleep(25);
      response = await client.responses.retrieve(response.id);
    }
    expect([response.status, response.output_text]).toEqual(["completed", "Answer 1."]);
  });
});

const SEALED: OpenAI.Responses.ResponseIncludable[] = ["reasoning.encrypted_content"];

describe("thoughts behind an upstream of kind responses", () => {
  const thoughts = (id: string, sealed: string, ...parts: string[]) => ({
    type: "reasoning",
    id,
    summary: parts.map((text) => ({ type: "summary_text", text })),
    encrypted_content: sealed,
  });
  const output = [
    thoughts("rs_1", "sealed one", "First this.", "Then that."),
    thoughts("rs_2", "sealed two", "At last."),
    { type: "function_call", id: "fc_1", call_id: "call_1", name: "look", arguments: "{}" },
  ];
  const tools: OpenAI.Responses.Tool[] = [
    { type: "function", name: "look", parameters: { type: "object" }, strict: false },
  ];
  const asked = {
    model: "scripted",
    tools,
    include: SEALED,
    store: false,
  };
  const wishes = { reasoning: { effort: "low", summary: "detailed" } } as const;
  const question = { role: "user", content: "Look outside, please" } as const;

  const opened = async () => {
    await open("responses", {
      script: ({ body }) => {
        const said = body["input"] as readonly { type: string }[];
        const items = said.some(({ type }) => type === "function_call_output") ? [] : output;
        const parts =
          items.length > 0
            ? items
            : [{ type: "message", id: "m", content: [{ type: "output_text", text: "Rain.", annotations: [] }] }];
        return body["stream"] === true
          ? { raw: toWire(responseEvents(parts)), contentType: "text/event-stream" }
          : { raw: JSON.stringify(responseOf(parts)), contentType: "application/json" };
      },
    });
    return gateway.client();
  };
  const gist = (items: readonly object[]) =>
    (items as readonly { type: string; summary?: readonly { text: string }[]; encrypted_content?: string }[])
      .filter(({ type }) => type === "reasoning")
      .map(({ summary, encrypted_content: sealed }) => [summary?.map(({ text }) => text), sealed]);
  const shown = [
    [["First this.", "Then that."], "sealed one"],
    [["At last."], "sealed two"],
  ];

  it.each([false, true])(
    "go through as they are, part by part (streamed: %s), and back on the next turn",
    async (isStream) => {
      const client = await opened();
      const events: { type: string; [field: string]: unknown }[] = [];
      let items: readonly object[] = [];
      if (isStream) {
        const stream = await client.responses.create({ ...asked, ...wishes, input: [question], stream: true });
        for await (const event of stream) {
          events.push(event as unknown as (typeof events)[number]);
          if (event.type === "response.completed") items = event.response.output;
        }
        const parts = events.filter(({ type }) => type === "response.reasoning_summary_part.added");
        expect(parts.map(({ output_index: at, summary_index: part }) => [at, part])).toEqual([
          [0, 0],
          [0, 1],
          [1, 0],
        ]);
        const texts = events.filter(({ type }) => type === "response.reasoning_summary_text.done");
        expect(texts.map(({ text }) => text)).toEqual(["First this.", "Then that.", "At last."]);
        const done = events
          .filter(({ type }) => type === "response.output_item.done")
          .map(({ item }) => item as object);
        expect(gist(done)).toEqual(shown);
      } else items = (await client.responses.create({ ...asked, ...wishes, input: [question] })).output;
      expect(gist(items)).toEqual(shown);
      expect(gateway.model.requests.at(-1)?.body["reasoning"]).toEqual({ effort: "low", summary: "detailed" });

      const result = { type: "function_call_output", call_id: "call_1", output: "wet" } as const;
      const next = await client.responses.create({ ...asked, input: [question, ...(items as []), result] });
      expect(next.output_text).toBe("Rain.");
      const given = gateway.model.requests.at(-1)?.body["input"] as readonly { type: string }[];
      expect(given.map(({ type }) => type)).toEqual([
        "message",
        "reasoning",
        "reasoning",
        "function_call",
        "function_call_output",
      ]);
      expect(gist(given).map(([, sealed]) => sealed)).toEqual(["sealed one", "sealed two"]);
    },
  );

  it("have nothing sealed where nobody asked for it, and are found again in a kept response", async () => {
    const client = await opened();
    const { include: _, store: __, ...plain } = asked;
    const { id, output: items } = await client.responses.create({ ...plain, input: [question] });
    expect(gist(items)).toEqual(shown.map(([parts]) => [parts, undefined]));
    const result = { type: "function_call_output", call_id: "call_1", output: "wet" } as const;
    const next = await client.responses.create({ ...plain, previous_response_id: id, input: [result] });
    expect(next.output_text).toBe("Rain.");
  });
});

describe("a response behind an upstream of kind responses", () => {
  const parts = [
    { type: "image_generation_call", id: "ig_1", status: "completed", result: "aaaa" },
    { type: "message", id: "m", content: [{ type: "output_text", text: "Done.", annotations: [] }] },
  ];
  const beside = { moderation: { input: { results: [] } }, novel: 7, temperature: 0.3 };

  it.each([false, true])("sends and tells what the gateway has no words for (streamed: %s)", async (stream) => {
    await open("responses", {
      script: ({ body }) =>
        body["stream"] === true
          ? { raw: toWire(responseEvents(parts, beside)), contentType: "text/event-stream" }
          : { raw: JSON.stringify(responseOf(parts, beside)), contentType: "application/json" },
    });
    const client = gateway.client();
    const asked = {
      model: "scripted",
      input: "Draw",
      reasoning: { effort: "high", mode: "pro", context: "all_turns" },
      text: { verbosity: "low", novel: 1 },
    } as object as { model: string; input: string };
    const made = stream ? await client.responses.stream(asked).finalResponse() : await client.responses.create(asked);
    expect(gateway.model.requests.at(-1)?.body).toMatchObject({
      reasoning: { effort: "high", mode: "pro", context: "all_turns" },
      text: { verbosity: "low", novel: 1 },
    });
    expect(made).toMatchObject({ output_text: "Done.", omitted: ["image_generation_call"], temperature: 1 });
    expect(made).toMatchObject({ moderation: beside.moderation, novel: 7 });
    expect(made.reasoning).toEqual({ effort: "high", summary: null });
    expect(made.text).toEqual({ format: { type: "text" }, verbosity: "low" });
    expect(await client.responses.retrieve(made.id)).toMatchObject({ omitted: ["image_generation_call"], novel: 7 });
    const chat = await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: "Go" }],
    });
    expect(chat).toMatchObject({ moderation: beside.moderation, novel: 7 });
    expect(chat).not.toHaveProperty("temperature");
  });
});

describe("signed thoughts behind an upstream of kind anthropic", () => {
  it("go through a response as encrypted_content, and back on the next turn", async () => {
    const block = { type: "thinking", thinking: "hm", signature: "signed" };
    await open("anthropic", {
      script: () => ({
        raw: JSON.stringify(messageOf([block, { type: "text", text: "Yes." }])),
        contentType: "application/json",
      }),
    });
    const client = gateway.client();
    const asked = { model: "scripted", include: SEALED, store: false };
    const { output } = await client.responses.create({ ...asked, input: "Is it so?" });
    expect(output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
    const next = { role: "user", content: "And now, then?" } as const;
    await client.responses.create({
      ...asked,
      input: [{ role: "user", content: "Is it so?" }, ...(output as []), next],
    });
    const messages = gateway.model.requests.at(-1)?.body["messages"] as readonly { role: string; content: unknown }[];
    expect(messages[1]).toMatchObject({ role: "assistant", content: [block, { type: "text", text: "Yes." }] });
  });
});
