import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, stepCountIs, tool } from "ai";
import type OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { z } from "zod";
import type { UpstreamKind } from "../../src/models/index.ts";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

let gateway: TestGateway;
let client: OpenAI;
afterAll(() => gateway?.close());

type Items = readonly Record<string, unknown>[];
const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } };
const tools: OpenAI.Responses.Tool[] = [
  { type: "function", name: "look", parameters: { type: "object" }, strict: false },
];
const result = { type: "function_call_output", call_id: "call_1", output: "a dog" } as const;
const question = { role: "user", content: "Look" } as const;

/** What an endpoint of each kind thinks before it calls a tool, in its own words. */
const THINKING: Record<UpstreamKind, readonly object[]> = {
  anthropic: [
    { type: "thinking", thinking: "deep", signature: "SIG" },
    { type: "tool_use", id: "call_1", name: "look", input: {} },
  ],
  responses: [
    { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "SIG" },
    { type: "function_call", id: "fc_1", call_id: "call_1", name: "look", arguments: "{}" },
  ],
  chat: [
    {
      role: "assistant",
      content: null,
      reasoning_details: [{ type: "reasoning.encrypted", data: "SIG", format: "google-gemini-v1", id: "call_1" }],
      tool_calls: [call],
    },
  ],
};

/** A chat completion, whole or as a stream of one chunk. */
function chatOf(message: Record<string, unknown>, isStream: boolean): ScriptedAnswer {
  const base = { id: "chatcmpl-1", created: 1, model: "m" };
  const finish_reason = message["tool_calls"] === undefined ? "stop" : "tool_calls";
  if (!isStream)
    return {
      raw: JSON.stringify({ ...base, object: "chat.completion", choices: [{ index: 0, message, finish_reason }] }),
    };
  const calls = message["tool_calls"] as readonly object[] | undefined;
  const said = {
    ...message,
    ...(calls !== undefined && { tool_calls: calls.map((one, index) => ({ index, ...one })) }),
  };
  const chunk = (delta: object, finish: string | null) => ({
    ...base,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const events = [chunk(said, null), chunk({}, finish_reason)].map((one) => `data: ${JSON.stringify(one)}\n\n`);
  return { raw: `${events.join("")}data: [DONE]\n\n`, contentType: "text/event-stream" };
}

/** What an endpoint answers: it calls a tool, and says a word once it has the result. */
function answerOf(kind: UpstreamKind, said: readonly object[], isStream: boolean): ScriptedAnswer {
  if (kind === "chat") return chatOf(said[0] as Record<string, unknown>, isStream);
  const [whole, events] = kind === "anthropic" ? [messageOf, messageEvents] : [responseOf, responseEvents];
  return isStream
    ? { raw: toWire(events(said)), contentType: "text/event-stream" }
    : { raw: JSON.stringify(whole(said)), contentType: "application/json" };
}

const SAID: Record<UpstreamKind, readonly object[]> = {
  anthropic: [{ type: "text", text: "A dog." }],
  responses: [
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      content: [{ type: "output_text", text: "A dog.", annotations: [] }],
    },
  ],
  chat: [{ role: "assistant", content: "A dog." }],
};

/** A gateway before an endpoint that calls a tool in each turn of a user, and refuses what it is told to. */
async function open(
  kind: UpstreamKind,
  calling = THINKING[kind],
  refuse: (body: object) => ScriptedAnswer | undefined = () => undefined,
): Promise<void> {
  await gateway?.close();
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    kind,
    background: true,
    config: { cache: { enabled: false } },
    script: ({ body }) => {
      const refused = refuse(body);
      if (refused !== undefined) return refused;
      const last = ((body["messages"] ?? body["input"]) as Items).at(-1) ?? {};
      const { type, role, content } = last as { type?: string; role?: string; content?: unknown };
      const isResult =
        role === "tool" || type === "function_call_output" || JSON.stringify(content ?? "").includes("tool_result");
      return answerOf(kind, isResult ? SAID[kind] : calling, body["stream"] === true);
    },
  });
  client = gateway.client();
}

/** What the endpoint was told at last. */
const told = (): Items => {
  const body = gateway.model.requests.at(-1)?.body ?? {};
  return (body["messages"] ?? body["input"]) as Items;
};

type Asked = Pick<
  OpenAI.Responses.ResponseCreateParamsNonStreaming,
  "input" | "previous_response_id" | "conversation" | "background" | "include" | "store"
>;

async function respond(
  asked: Asked,
  { isStream = false, client: by = client }: { readonly isStream?: boolean; readonly client?: OpenAI } = {},
): Promise<OpenAI.Responses.Response> {
  const request = { model: "scripted", tools, reasoning: { effort: "low" as const }, ...asked };
  return isStream ? by.responses.stream(request).finalResponse() : by.responses.create(request);
}

describe.each(["anthropic", "responses", "chat"] as const)("signed thoughts of an upstream of kind %s", (kind) => {
  beforeAll(() => open(kind));

  it.each([false, true])(
    "go back by the response before, which does not show them unasked (streamed: %s)",
    async (isStream) => {
      const first = await respond({ input: [question] }, { isStream });
      expect(JSON.stringify(first)).not.toContain("encrypted_content");
      expect(JSON.stringify(await client.responses.retrieve(first.id))).not.toContain("encrypted_content");
      await respond({ previous_response_id: first.id, input: [result] }, { isStream });
      expect(JSON.stringify(told())).toContain("SIG");
    },
  );

  it("go back with items that their client returns as it was shown them, or names", async () => {
    const { output } = await respond({ input: [question] });
    const input = [question, ...output, result] as OpenAI.Responses.ResponseInput;
    const again = await respond({ input });
    expect(JSON.stringify(told())).toContain("SIG");
    await respond({ previous_response_id: again.id, input: [question] });
    expect(JSON.stringify(told())).toContain("SIG");
    const named = output.map(({ id }) => ({ type: "item_reference" as const, id: String(id) }));
    await respond({ input: [question, ...named, result] });
    expect(JSON.stringify(told())).toContain("SIG");
  });

  it("go back of a response that was made in the background", async () => {
    let made = await respond({ input: [question], background: true });
    await vi.waitFor(async () => expect((made = await client.responses.retrieve(made.id)).status).toBe("completed"), {
      timeout: 10_000,
      interval: 20,
    });
    expect(JSON.stringify(made)).not.toContain("encrypted_content");
    for (const background of [false, true]) {
      const next = await respond({ previous_response_id: made.id, input: [result], background });
      const isDone = async () => expect((await client.responses.retrieve(next.id)).status).toBe("completed");
      await vi.waitFor(isDone, { timeout: 10_000, interval: 20 });
      expect(JSON.stringify(told())).toContain("SIG");
    }
    const include = ["reasoning.encrypted_content" as const];
    expect(JSON.stringify(await client.responses.retrieve(made.id, { include }))).toContain("encrypted_content");
  });

  it("are shown among the items that a client sent back only when it asks for them", async () => {
    const { output } = await respond({ input: [question] });
    const { id } = await respond({ input: [question, ...output, result] as OpenAI.Responses.ResponseInput });
    const include = ["reasoning.encrypted_content" as const];
    expect(JSON.stringify((await client.responses.inputItems.list(id)).data)).not.toContain("encrypted_content");
    expect(JSON.stringify((await client.responses.inputItems.list(id, { include })).data)).toContain(
      "encrypted_content",
    );
  });

  it("go back by a conversation and a session", async () => {
    const { id: conversation } = await client.conversations.create();
    await respond({ conversation, input: [question] });
    await respond({ conversation, input: [result] });
    expect(JSON.stringify(told())).toContain("SIG");
    const inSession = { client: gateway.client({ headers: { "x-marrow-session": "s1" } }) };
    await respond({ input: [question] }, inSession);
    await respond({ input: [result] }, inSession);
    expect(JSON.stringify(told())).toContain("SIG");
  });

  it("are not told of another user's response", async () => {
    const { output } = await respond({ input: [question] });
    const key = await gateway.keys.create({ scope: "acme", user: "u2", name: "other", actsFor: "own" });
    const input = [question, ...output, result] as OpenAI.Responses.ResponseInput;
    await respond({ input }, { client: gateway.client({ apiKey: key }) });
    expect(JSON.stringify(told())).not.toContain("SIG");
  });
});

/** A turn of a tool loop over each way by which a client may come back, whole and streamed: what the endpoint is told at its second turn. */
const WAYS: Record<string, (isStream: boolean) => Promise<unknown>> = {
  async "the response before"(isStream) {
    const { id } = await respond({ input: [question] }, { isStream });
    await respond({ previous_response_id: id, input: [result] }, { isStream });
  },
  async "items that the client returns as it was shown them"(isStream) {
    const { output } = await respond({ input: [question] }, { isStream });
    await respond({ input: [question, ...output, result] as OpenAI.Responses.ResponseInput }, { isStream });
  },
  async "items of a client that stores nothing"(isStream) {
    const plain = { store: false, include: ["reasoning.encrypted_content" as const] };
    const { output } = await respond({ ...plain, input: [question] }, { isStream });
    const input = [question, ...output.map(({ id: _, ...item }) => item), result] as OpenAI.Responses.ResponseInput;
    await respond({ ...plain, input }, { isStream });
  },
  async "encrypted content alone, of a client that stores nothing"(isStream) {
    const plain = { store: false, include: ["reasoning.encrypted_content" as const] };
    const { output } = await respond({ ...plain, input: [question] }, { isStream });
    const bare = output.map((item) =>
      item.type === "reasoning"
        ? { type: item.type, summary: [], encrypted_content: item.encrypted_content ?? "none" }
        : item,
    );
    expect(JSON.stringify(bare)).not.toContain('"none"');
    await respond({ ...plain, input: [question, ...bare, result] as OpenAI.Responses.ResponseInput }, { isStream });
  },
  async "a conversation"(isStream) {
    const { id: conversation } = await client.conversations.create();
    await respond({ conversation, input: [question] }, { isStream });
    await respond({ conversation, input: [result] }, { isStream });
  },
  async "a session"(isStream) {
    const inSession = { isStream, client: gateway.client({ headers: { "x-marrow-session": `s${isStream}` } }) };
    await respond({ input: [question] }, inSession);
    await respond({ input: [result] }, inSession);
  },
  async "the messages API"(isStream) {
    const anthropic = new Anthropic({ baseURL: gateway.baseURL.replace(/\/v1$/, ""), apiKey: gateway.key });
    const asked = {
      model: "scripted",
      max_tokens: 99,
      tools: [{ name: "look", input_schema: { type: "object" as const } }],
    };
    const ask = (messages: Anthropic.MessageParam[]) =>
      isStream
        ? anthropic.messages.stream({ ...asked, messages }).finalMessage()
        : anthropic.messages.create({ ...asked, messages });
    const { content } = await ask([question]);
    const results = [{ type: "tool_result" as const, tool_use_id: "call_1", content: "a dog" }];
    await ask([question, { role: "assistant", content }, { role: "user", content: results }]);
  },
  async "a WebSocket that stores nothing"() {
    const socket = new ResponsesWS(client);
    try {
      let previous: string | undefined;
      for (const input of [[question], [result]]) {
        const ended = new Promise<OpenAI.Responses.Response>((resolve, reject) => {
          socket.once("response.completed", ({ response }) => resolve(response));
          socket.once("error", reject);
        });
        const before = previous === undefined ? {} : { previous_response_id: previous };
        socket.send({ type: "response.create", model: "scripted", tools, store: false, input, ...before });
        previous = (await ended).id;
      }
    } finally {
      socket.close();
    }
  },
  async "the AI SDK's Responses model"() {
    const model = createOpenAI({ baseURL: gateway.baseURL, apiKey: gateway.key }).responses("scripted");
    const look = tool({ inputSchema: z.object({}), execute: async () => "a dog" });
    await generateText({ model, prompt: "Look", tools: { look }, stopWhen: stepCountIs(3) });
  },
};

const ways = Object.keys(WAYS).flatMap((way) => [false, true].map((isStream) => ({ way, isStream })));

describe("what a chat upstream says of a call beyond the call", () => {
  const extra_content = { google: { thought_signature: "SIGG" } };
  const message = `Unknown name "bad" at 'messages[1].tool_calls[0].extra_content.google': Cannot find field.`;
  const refusal = { status: 400, raw: JSON.stringify({ error: { message } }) };
  beforeAll(() =>
    open("chat", [{ role: "assistant", content: null, tool_calls: [{ ...call, extra_content }] }], (body) =>
      JSON.stringify(body).includes('"bad"') ? refusal : undefined,
    ),
  );

  it.each(ways)("goes back with the call by $way (streamed: $isStream)", async ({ way, isStream }) => {
    await WAYS[way]?.(isStream);
    expect(told().find(({ role }) => role === "assistant")?.["tool_calls"]).toEqual([{ ...call, extra_content }]);
    expect(told().at(-1)).toMatchObject({ role: "tool", tool_call_id: "call_1" });
    expect(JSON.stringify(told())).not.toContain("marrow");
  });

  it("goes back for all others after a client forged it in a block of thoughts, and the endpoint refused that", async () => {
    const anthropic = new Anthropic({ baseURL: gateway.baseURL.replace(/\/v1$/, ""), apiKey: gateway.key });
    const forged = { google: { bad: 1 } };
    const detail = { type: "reasoning.encrypted", format: "marrow-call-v1", id: "call_1" };
    const carried = JSON.stringify({ ...detail, data: JSON.stringify({ extra_content: forged }) });
    const before = gateway.model.requests.length;
    await anthropic.messages.create({
      model: "scripted",
      max_tokens: 99,
      messages: [
        question,
        {
          role: "assistant",
          content: [
            { type: "redacted_thinking", data: `marrow1.${Buffer.from(carried).toString("base64url")}` },
            { type: "tool_use", id: "call_1", name: "look", input: {} },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "a dog" }] },
      ],
    });
    expect(gateway.model.requests.slice(before).map(({ body }) => JSON.stringify(body).includes('"bad"'))).toEqual([
      true,
      false,
    ]);
    await WAYS["the messages API"]?.(false);
    expect(told().find(({ role }) => role === "assistant")?.["tool_calls"]).toEqual([{ ...call, extra_content }]);
  });
});

describe("what a chat upstream thinks before it calls a tool", () => {
  beforeAll(() =>
    open("chat", [{ role: "assistant", content: "I look", reasoning_content: "deep thought", tool_calls: [call] }]),
  );

  it("has encrypted_content where a client asks for it, at once and later, and else not", async () => {
    const include = ["reasoning.encrypted_content" as const];
    const sealed = expect.stringMatching(/^marrow1\./) as string;
    const thoughts = { type: "reasoning", encrypted_content: sealed };
    for (const isStream of [false, true])
      expect((await respond({ input: [question], include }, { isStream })).output[0]).toMatchObject(thoughts);
    const unasked = await respond({ input: [question] });
    expect(JSON.stringify(unasked)).not.toContain("encrypted_content");
    expect((await client.responses.retrieve(unasked.id, { include })).output[0]).toMatchObject(thoughts);
    expect(JSON.stringify(await client.responses.retrieve(unasked.id))).not.toContain("encrypted_content");
  });

  it.each(ways)("goes back in its field by $way (streamed: $isStream)", async ({ way, isStream }) => {
    await WAYS[way]?.(isStream);
    expect(told().find(({ role }) => role === "assistant")).toEqual({
      role: "assistant",
      content: "I look",
      reasoning_content: "deep thought",
      tool_calls: [call],
    });
  });

  it("goes back no more once the user says something new", async () => {
    const { id } = await respond({ input: [question] });
    const { id: next } = await respond({ previous_response_id: id, input: [result] });
    await respond({ previous_response_id: next, input: [question] });
    expect(JSON.stringify(told())).not.toContain("deep thought");
  });
});
