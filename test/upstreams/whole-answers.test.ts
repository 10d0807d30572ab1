import { afterEach, describe, expect, it } from "vitest";
import { toStoredAnswer } from "../../src/flow/cacheable.ts";
import { openaiModel, type ChatCompletion, type ChatRequest } from "../../src/models/index.ts";
import { startScriptedModel, type ScriptedAnswer, type ScriptedModel } from "../../src/testing/index.ts";
import { gist, modelThat, recorded, request } from "./kind.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "./wire.ts";

let endpoint: ScriptedModel | undefined;
let model: ReturnType<typeof openaiModel> | undefined;
afterEach(close);

async function close(): Promise<void> {
  await model?.close();
  await endpoint?.close();
  [model, endpoint] = [undefined, undefined];
}

async function chatModel(answer: ScriptedAnswer): Promise<ReturnType<typeof openaiModel>> {
  endpoint = await startScriptedModel(() => answer);
  return (model = openaiModel({ baseUrl: endpoint.baseUrl }));
}

const tools = ["f", "g"].map((name) => ({ type: "function", function: { name } }));
const asked: ChatRequest = { ...request, tools };
const call = (id: string, name: string, more: object = {}) => ({
  id,
  type: "function",
  function: { name, arguments: "{}" },
  ...more,
});

async function whole(message: object, finish: string | null = "stop"): Promise<ChatCompletion> {
  const chat = await chatModel({
    raw: JSON.stringify({ id: "c", choices: [{ index: 0, message, finish_reason: finish }] }),
  });
  const { completion, text } = await chat.complete({ request: asked });
  expect(JSON.parse(text)).toEqual(completion);
  return completion;
}

async function streamedAnswer(deltas: readonly object[], finish: string | null): Promise<ChatCompletion> {
  const chunks = [
    ...deltas.map((delta) => ({ index: 0, delta, finish_reason: null })),
    ...(finish === null ? [] : [{ index: 0, delta: {}, finish_reason: finish }]),
  ].map((choice) => `data: ${JSON.stringify({ id: "c", created: 1, model: "m", choices: [choice] })}\n\n`);
  const raw = `${chunks.join("")}data: [DONE]\n\n`;
  return recorded(await chatModel({ raw, contentType: "text/event-stream" }), { ...asked, stream: true });
}

describe("a whole answer of kind chat", () => {
  it.each([{}, { role: null }, { role: "model" }])(
    "has the role of an assistant, whatever its own: %j",
    async (role) => {
      expect((await whole({ ...role, content: "hi" })).choices[0]?.message).toEqual({
        role: "assistant",
        content: "hi",
      });
    },
  );

  it("with parts as content has their text as content, and their reasoning as reasoning, as a stream has", async () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "a greeting" }] },
      { type: "text", text: "hi", unknown: 1 },
      { type: "reference", reference_ids: [1] },
      { type: "text", text: " there" },
    ];
    const said = gist(await whole({ role: "assistant", content })).said;
    expect(said).toEqual({
      role: "assistant",
      content: "hi there",
      reasoning_content: "a greeting",
      refusal: null,
    });
    await close();
    expect(gist(await streamedAnswer([{ content }], "stop")).said).toEqual(said);
  });

  it("has calls without an index, which belongs to streams, and none goes back to the endpoint", async () => {
    const { choices } = await whole({ role: "assistant", content: null, tool_calls: [call("a", "f", { index: 0 })] });
    expect(choices[0]?.message["tool_calls"]).toEqual([call("a", "f")]);
    const back = { role: "assistant", content: null, tool_calls: [call("a", "f", { index: 0 })] };
    const messages = [...request.messages, back, { role: "tool", tool_call_id: "a", content: "x" }];
    await model?.complete({ request: { ...asked, messages } });
    expect(endpoint?.requests[1]?.body["messages"]).toMatchObject([{}, { tool_calls: [call("a", "f")] }, {}]);
    expect(JSON.stringify(endpoint?.requests[1]?.body)).not.toContain("index");
  });
});

describe("two calls with one id in one answer", () => {
  const ids = ({ choices }: ChatCompletion) =>
    ((choices[0]?.message["tool_calls"] ?? []) as { id: string }[]).map(({ id }) => id);

  it("get an id each, whole and streamed, of every kind", async () => {
    expect(ids(await whole({ role: "assistant", tool_calls: [call("a", "f"), call("a", "g")] }))).toEqual(["a", "a_2"]);
    await close();
    const pieces = [
      { tool_calls: [call("a", "f", { index: 0 })] },
      { tool_calls: [call("a", "g", { index: 1, function: { name: "g", arguments: '{"x":' } })] },
      { tool_calls: [{ index: 1, id: "a", function: { arguments: "1}" } }] },
    ];
    const { choices } = await streamedAnswer(pieces, "tool_calls");
    expect(choices[0]?.message["tool_calls"]).toEqual([
      call("a", "f"),
      call("a_2", "g", { function: { name: "g", arguments: '{"x":1}' } }),
    ]);
    const blocks = ["f", "g"].map((name) => ({ type: "tool_use", id: "a", name, input: {} }));
    const items = ["f", "g"].map((name) => ({ type: "function_call", call_id: "a", name, arguments: "{}" }));
    for (const one of [
      await modelThat(
        "anthropic",
        { raw: JSON.stringify(messageOf(blocks)) },
        { raw: toWire(messageEvents(blocks)), contentType: "text/event-stream" },
      ),
      await modelThat(
        "responses",
        { raw: JSON.stringify(responseOf(items)) },
        { raw: toWire(responseEvents(items)), contentType: "text/event-stream" },
      ),
    ]) {
      expect(ids((await one.complete({ request: asked })).completion)).toEqual(["a", "a_2"]);
      expect(ids(await recorded(one))).toEqual(["a", "a_2"]);
    }
  });
});

describe("an answer with calls that ends like any other", () => {
  it("has the finish reason of calls, whole and streamed", async () => {
    const tool_calls = [call("a", "f")];
    expect((await whole({ role: "assistant", tool_calls })).choices[0]?.finish_reason).toBe("tool_calls");
    await close();
    const streamed = await streamedAnswer([{ tool_calls: [call("a", "f", { index: 0 })] }], "stop");
    expect(streamed.choices[0]?.finish_reason).toBe("tool_calls");
    const blocks = [{ type: "tool_use", id: "a", name: "f", input: {} }];
    const claude = await modelThat(
      "anthropic",
      { raw: JSON.stringify(messageOf(blocks)) },
      { raw: toWire(messageEvents(blocks)), contentType: "text/event-stream" },
    );
    expect(gist((await claude.complete({ request: asked })).completion).finish_reason).toBe("tool_calls");
    expect(gist(await recorded(claude)).finish_reason).toBe("tool_calls");
  });
});

describe("an answer whose endpoint did not say that it is complete", () => {
  const text = [{ type: "text", text: "hi" }];
  it.each([null, undefined, "", 7])("is not cached: a stop reason of %j", async (reason) => {
    const without = messageEvents(text).filter((event) => (event as { type: string }).type !== "message_delta");
    const claude = await modelThat(
      "anthropic",
      { raw: JSON.stringify(messageOf(text, { stop_reason: reason })) },
      { raw: toWire(without), contentType: "text/event-stream" },
    );
    for (const completion of [(await claude.complete({ request })).completion, await recorded(claude)]) {
      expect(gist(completion)).toMatchObject({ said: { content: "hi" }, finish_reason: "stop" });
      expect(toStoredAnswer(completion)).toBeUndefined();
    }
  });

  const item = { type: "message", role: "assistant", content: [{ type: "output_text", text: "hi", annotations: [] }] };
  it.each([
    ["content_filter", [item], { incomplete_details: { reason: "content_filter" } }],
    ["length", [{ ...item, status: "incomplete" }], {}],
  ])("is not told as complete: %s", async (finish, output, more) => {
    const gpt = await modelThat(
      "responses",
      { raw: JSON.stringify(responseOf(output, more)) },
      { raw: toWire(responseEvents(output, more)), contentType: "text/event-stream" },
    );
    for (const completion of [(await gpt.complete({ request })).completion, await recorded(gpt)]) {
      expect(gist(completion).finish_reason).toBe(finish);
      expect(toStoredAnswer(completion)).toBeUndefined();
    }
  });

  it("is told as cut where the arguments of a call have not ended", async () => {
    const cut = [
      { type: "message_start", message: messageOf([], { stop_reason: null }) },
      { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "a", name: "f", input: {} } },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"a":' } },
      { type: "message_stop" },
    ];
    const claude = await modelThat("anthropic", { raw: toWire(cut), contentType: "text/event-stream" });
    expect(gist(await recorded(claude)).finish_reason).toBe("length");
    const pieces = [{ tool_calls: [call("a", "f", { index: 0, function: { name: "f", arguments: '{"a":' } })] }];
    expect((await streamedAnswer(pieces, null)).choices[0]?.finish_reason).toBe("length");
  });
});

describe("the names of called tools that an endpoint would refuse", () => {
  const names = ["functions.f", "functions:f", "f<|channel|>json", "поиск", "f".repeat(200), "fine-name_1"];
  const messages = names.flatMap((name, nth) => [
    ...request.messages,
    { role: "assistant", content: null, tool_calls: [call(`c${nth}`, name)] },
    { role: "tool", tool_call_id: `c${nth}`, content: "x" },
  ]);

  it.each([
    ["anthropic", 128, { raw: JSON.stringify(messageOf([{ type: "text", text: "x" }])) }],
    ["responses", 64, { raw: JSON.stringify(responseOf([])) }],
  ] as const)("are replaced by others, each by one of its own, for kind %s", async (kind, charsMax, answer) => {
    const one = await modelThat(kind, answer);
    await one.complete({ request: { ...request, messages } });
    const body = JSON.stringify(one.endpoint.requests[0]?.body);
    const sent = [...body.matchAll(/"name":"([^"]*)"/g)].map(([, name]) => name ?? "");
    expect(sent).toHaveLength(names.length);
    expect(new Set(sent).size).toBe(names.length);
    for (const name of sent) expect(name).toMatch(new RegExp(`^[a-zA-Z0-9_-]{1,${charsMax}}$`));
    expect(sent.at(-1)).toBe("fine-name_1");
  });
});

it("the mark of a prompt cache that a whole request has is left out for kind responses, as those of blocks are", async () => {
  const one = await modelThat("responses", { raw: JSON.stringify(responseOf([])) });
  await one.complete({ request: { ...request, cache_control: { type: "ephemeral" } } });
  expect(one.endpoint.requests[0]?.body).not.toHaveProperty("cache_control");
});

it("a refusal of another field beside the effort reaches the caller", async () => {
  const message =
    "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false";
  const refusal = { type: "error", error: { type: "invalid_request_error", message } };
  const one = await modelThat("anthropic", { status: 400, raw: JSON.stringify(refusal) });
  const format = { type: "json_schema", json_schema: { name: "a", schema: { type: "object" } } };
  const told = { ...request, reasoning_effort: "low", max_completion_tokens: 500, response_format: format };
  await expect(one.complete({ request: told })).rejects.toMatchObject({
    code: "model_failed",
    details: { status: 400, error: { message, param: "response_format.json_schema.schema" } },
  });
  expect(one.endpoint.requests).toHaveLength(1);
});
