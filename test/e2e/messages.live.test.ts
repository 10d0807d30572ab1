import { afterEach, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

/** Any JSON, read as deep as a test looks. */
// oxlint-disable-next-line typescript/no-explicit-any
type Json = Record<string, any>;

let gateway: TestGateway;
afterEach(() => gateway?.close());

async function open(options: Partial<TestGatewayOptions> = {}): Promise<void> {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), ...options });
}

const base = { model: "scripted", max_tokens: 50, messages: [{ role: "user", content: "hi" }] };

async function post(body: object, { path = "/messages", headers = {} } = {}) {
  const answer = await fetch(`${gateway.baseURL}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key, ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.includes("json") === true;
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: isJson ? (JSON.parse(text) as Json) : {},
  };
}

/** The data of a stream's events. */
function eventsOf(text: string): Json[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => {
      const [name, data] = event.split("\n");
      const read = JSON.parse(data?.slice("data: ".length) ?? "null") as Json;
      expect(name).toBe(`event: ${read["type"]}`);
      return read;
    });
}

describe("POST /v1/messages", () => {
  it("answers a message with every field that clients require, and the chat's headers", async () => {
    await open();
    const { status, headers, body } = await post(base);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      type: "message",
      role: "assistant",
      model: "scripted",
      content: [{ type: "text", text: "You said: hi", citations: null }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
    });
    expect(body["id"]).toMatch(/^msg_/);
    expect(headers.get("x-marrow-cache")).toBe("miss");
    expect(headers.get("request-id")).toBe(headers.get("x-request-id"));
  });

  it("streams events in the order of the API, each block closed before the next", async () => {
    const call = (index: number) => ({
      index,
      id: `c${index}`,
      type: "function",
      function: { name: "f", arguments: '{"a":1}' },
    });
    const message = { role: "assistant", reasoning_content: "Hm.", content: "So.", tool_calls: [call(0), call(1)] };
    await open({ script: () => ({ message, finishReason: "tool_calls" }) });
    const { text, headers } = await post({ ...base, stream: true });
    expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = eventsOf(text);
    expect(
      events.map(({ type, index, content_block: block }) =>
        [type, index, block?.type].filter((one) => one !== undefined).join(" "),
      ),
    ).toEqual([
      "message_start",
      "ping",
      "content_block_start 0 thinking",
      "content_block_delta 0",
      "content_block_stop 0",
      "content_block_start 1 text",
      "content_block_delta 1",
      "content_block_stop 1",
      "content_block_start 2 tool_use",
      "content_block_delta 2",
      "content_block_stop 2",
      "content_block_start 3 tool_use",
      "content_block_delta 3",
      "content_block_stop 3",
      "message_delta",
      "message_stop",
    ]);
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: "tool_use" },
      usage: { input_tokens: 10, output_tokens: 5 },
    });
  });

  it("is the same question as the same chat: a stored answer serves both, whole and streamed", async () => {
    await open();
    const { client, model } = gateway;
    await client().chat.completions.create({
      model: "scripted",
      max_completion_tokens: 50,
      messages: [{ role: "user", content: "hi" }],
    });
    const whole = await post({ ...base, messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }] });
    const stream = await post({ ...base, stream: true });
    expect([whole.headers.get("x-marrow-cache"), stream.headers.get("x-marrow-cache")]).toEqual(["exact", "exact"]);
    expect(whole.body["usage"]).toMatchObject({ input_tokens: 0, cache_read_input_tokens: 10 });
    const said = eventsOf(stream.text)
      .map(({ delta }) => delta?.text ?? "")
      .join("");
    expect(said).toBe("You said: hi");
    expect(model.requests).toHaveLength(1);
  });

  it("keeps a session's turns as a chat does, once, also when its client resends them", async () => {
    await open();
    const headers = { "x-marrow-session": "s1" };
    const first = await post(base, { headers });
    const answered = { role: "assistant", content: first.body["content"] };
    await post({ ...base, messages: [{ role: "user", content: "more" }] }, { headers });
    await post(
      {
        ...base,
        messages: [
          ...base.messages,
          answered,
          { role: "user", content: "more" },
          { role: "assistant", content: "You said: more" },
          { role: "user", content: "last" },
        ],
      },
      { headers },
    );
    const told = gateway.model.requests.at(-1)?.body["messages"] as { role: string; content: string }[];
    expect(told.map(({ role, content }) => `${role}: ${content}`)).toEqual([
      "user: hi",
      "assistant: You said: hi",
      "user: more",
      "assistant: You said: more",
      "user: last",
    ]);
  });

  it("answers a limit's refusal, a wrong key and an unknown model in the API's shape", async () => {
    await open({ config: { limits: { userRequests: { limit: 1 } } } });
    await post(base);
    const limited = await post({ ...base, messages: [{ role: "user", content: "again" }] });
    expect([limited.status, limited.body["type"], limited.body["error"].type]).toEqual([
      429,
      "error",
      "rate_limit_error",
    ]);
    expect(limited.headers.get("retry-after")).toBeTruthy();
    expect(limited.body["request_id"]).toBe(limited.headers.get("request-id"));
    const stranger = await post(base, { headers: { "x-api-key": "mrw_nobody" } });
    expect([stranger.status, stranger.body["error"].type]).toEqual([401, "authentication_error"]);
    const nothing = await post({ ...base, model: "nothing" }, { path: "/messages/count_tokens" });
    expect(nothing.status).toBe(200);
  });

  it.each([
    [{ max_tokens: undefined }, "max_tokens"],
    [{ max_tokens: 0 }, "max_tokens"],
    [{ messages: [] }, "messages"],
    [{ messages: [{ role: "robot", content: "x" }] }, "messages.0.role"],
    [{ container: "c1" }, "container"],
    [{ mcp_servers: [{ name: "m" }] }, "mcp_servers"],
    [{ context_management: {} }, "context_management"],
    [{ speed: "fast" }, "speed"],
    [{ something_new: 1 }, "something_new"],
    [{ metadata: { session: "x" } }, "metadata.session"],
    [{ output_config: { task_budget: 5 } }, "output_config.task_budget"],
    [{ tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools.0.type"],
    [{ tools: [{ name: "f", input_schema: {}, defer_loading: true }] }, "tools.0.defer_loading"],
    [{ tools: [{ name: "f" }] }, "tools.0.input_schema"],
    [
      { messages: [{ role: "user", content: [{ type: "container_upload", file_id: "f" }] }] },
      "messages.0.content.0.type",
    ],
    [
      { messages: [{ role: "assistant", content: [{ type: "server_tool_use", id: "s" }] }] },
      "messages.0.content.0.type",
    ],
    [
      { messages: [{ role: "user", content: [{ type: "image", source: { type: "file", file_id: "f" } }] }] },
      "messages.0.content.0.source.type",
    ],
    [
      {
        messages: [
          {
            role: "user",
            content: [{ type: "document", source: { type: "text", data: "x" }, citations: { enabled: true } }],
          },
        ],
      },
      "messages.0.content.0.citations.enabled",
    ],
    [{ messages: [{ role: "user", content: [{ type: "text", text: "x", foo: 1 }] }] }, "messages.0.content.0.foo"],
    [{ tool_choice: { type: "any" } }, "tool_choice.type"],
  ])("refuses %j by name", async (more, path) => {
    await open();
    const { status, body } = await post({ ...base, ...more });
    expect([status, body["error"].type, body["error"].param]).toEqual([400, "invalid_request_error", path]);
    expect(gateway.model.requests).toHaveLength(0);
  });

  it("tells an overloaded upstream as such, and a break within a stream as an error event", async () => {
    await open({
      script: ({ body }) =>
        body["stream"] === true ? { content: "a b c d", cutAfter: 3, eventDelayMs: 30 } : { status: 503 },
    });
    const { status, body } = await post(base);
    expect([status, body["error"].type]).toEqual([529, "overloaded_error"]);
    const events = eventsOf((await post({ ...base, stream: true })).text);
    expect(events.at(-1)).toMatchObject({ type: "error", error: { type: "api_error" } });
    expect(events.map(({ type }) => type)).not.toContain("message_stop");
  });

  it("gives the same answer again under an idempotency key", async () => {
    await open({ config: { cache: { enabled: false } } });
    const headers = { "idempotency-key": "once" };
    const [first, again] = [await post(base, { headers }), await post(base, { headers })];
    expect(again.body).toEqual(first.body);
    expect(gateway.model.requests).toHaveLength(1);
  });

  it("is found under the paths that clients are known to use", async () => {
    await open();
    for (const path of ["/v1/messages?beta=true", "/../anthropic/v1/messages", "/../messages"])
      expect((await post(base, { path })).status).toBe(200);
  });
});

const weather = { name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } };
const thinking = { type: "thinking", thinking: "I should look.", signature: "sig==" };
const use = { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris" } };

describe("an upstream of kind anthropic behind /v1/messages", () => {
  const script: TestGatewayOptions["script"] = ({ body }) => {
    const last = JSON.stringify((body["messages"] as unknown[]).at(-1));
    const content = last.includes("tool_result") ? [{ type: "text", text: "Sunny." }] : [thinking, use];
    const more = last.includes("tool_result") ? {} : { stop_reason: "tool_use" };
    return {
      raw: body["stream"] === true ? toWire(messageEvents(content, more)) : JSON.stringify(messageOf(content, more)),
    };
  };

  it.each([false, true])("is told what the client said, thoughts with their signature (stream %s)", async (stream) => {
    await open({ kind: "anthropic", script, config: { cache: { enabled: false } } });
    const cache_control = { type: "ephemeral" };
    const asked = {
      ...base,
      stream,
      system: [{ type: "text", text: "Be brief.", cache_control }],
      tools: [{ ...weather, cache_control }],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 1_024 },
      stop_sequences: ["END"],
      top_k: 5,
      metadata: { user_id: "u-1" },
      max_tokens: 2_000,
    };
    const first = await post(asked);
    const events = stream ? eventsOf(first.text) : [];
    const thought = stream
      ? {
          type: "thinking",
          thinking: events.map(({ delta }) => delta?.thinking ?? "").join(""),
          signature: events.find(({ delta }) => delta?.signature)?.["delta"]?.signature,
        }
      : first.body["content"][0];
    expect(thought).toEqual(thinking);
    const messages = [
      ...base.messages,
      { role: "assistant", content: [thought, use] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "sunny", is_error: false }] },
    ];
    await post({ ...asked, messages });
    const told = gateway.model.requests.at(-1)?.body;
    expect(told).toEqual({
      ...asked,
      ...(!stream && { stream: undefined }),
      messages: [
        { role: "user", content: [{ type: "text", text: "hi" }] },
        { role: "assistant", content: [thinking, use] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "sunny" }] },
      ],
    });
  });
});

/** As long as the id that Claude Code sends. */
const LONG_USER = `user_${"a1b2".repeat(16)}_account_${"c3d4".repeat(9)}_session_${"e5f6".repeat(9)}`;

describe("a user's id of over 64 characters", () => {
  it("is sent as its SHA-256 where the upstream takes no longer one, always the same", async () => {
    await open({ config: { cache: { enabled: false } } });
    for (const user_id of [LONG_USER, LONG_USER, "short"]) await post({ ...base, metadata: { user_id } });
    const [first, again, short] = gateway.model.requests.map(({ body }) => body["safety_identifier"]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect([again, short]).toEqual([first, "short"]);
  });

  it("reaches an upstream of kind anthropic as it is", async () => {
    await open({ kind: "anthropic", script: () => ({ raw: JSON.stringify(messageOf([])) }) });
    await post({ ...base, metadata: { user_id: LONG_USER } });
    expect(gateway.model.requests.at(-1)?.body["metadata"]).toEqual({ user_id: LONG_USER });
  });
});

describe("a refusal that an upstream of kind anthropic explains", () => {
  const details = { type: "refusal", category: "cyber", explanation: "Not this." };
  it.each([false, true])("has the details as they came, and no text of them (stream %s)", async (stream) => {
    const more = { stop_reason: "refusal", stop_details: details };
    const events = messageEvents([], more).map((event) => {
      const { type, delta } = event as { readonly type: string; readonly delta?: object };
      return type === "message_delta" ? { ...event, delta: { ...delta, stop_details: details } } : event;
    });
    await open({
      kind: "anthropic",
      script: () => ({ raw: stream ? toWire(events) : JSON.stringify(messageOf([], more)) }),
    });
    const { body, text } = await post({ ...base, stream });
    const told = stream ? eventsOf(text) : [];
    const end = stream ? told.find(({ type }) => type === "message_delta")?.["delta"] : body;
    expect(end).toMatchObject({ stop_reason: "refusal", stop_details: details });
    expect(stream ? told.filter(({ type }) => type === "content_block_start") : body["content"]).toEqual([]);
  });
});

describe("an upstream of kind responses behind /v1/messages", () => {
  it("gets a limit of at least 16 tokens, which is the least that its API accepts", async () => {
    const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Yes." }] }];
    await open({ kind: "responses", script: () => ({ raw: JSON.stringify(responseOf(output)) }) });
    expect((await post({ ...base, max_tokens: 1 })).status).toBe(200);
    expect(gateway.model.requests.at(-1)?.body["max_output_tokens"]).toBe(16);
  });

  it.each([
    [{ type: "disabled" }, undefined],
    [{ type: "adaptive", display: "summarized" }, { summary: "auto" }],
  ])("answers without an effort where thinking is %j", async (asked, reasoning) => {
    const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Yes." }] }];
    await open({ kind: "responses", script: () => ({ raw: JSON.stringify(responseOf(output)) }) });
    expect((await post({ ...base, thinking: asked })).status).toBe(200);
    expect(gateway.model.requests.at(-1)?.body["reasoning"]).toEqual(reasoning);
  });

  it("goes on thinking where it was, through a client that knows nothing of its thoughts", async () => {
    const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "enc" };
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "get_weather", arguments: "{}" };
    const output = [reasoning, call];
    await open({
      kind: "responses",
      config: { cache: { enabled: false } },
      script: ({ body }) => ({
        raw: body["stream"] === true ? toWire(responseEvents(output)) : JSON.stringify(responseOf(output)),
      }),
    });
    const { body } = await post({ ...base, tools: [weather] });
    const results = [{ type: "tool_result", tool_use_id: "call_1", content: "sunny" }];
    await post({
      ...base,
      tools: [weather],
      messages: [...base.messages, { role: "assistant", content: body["content"] }, { role: "user", content: results }],
    });
    const input = gateway.model.requests.at(-1)?.body["input"] as object[] | undefined;
    expect(input?.slice(1)).toEqual([
      { type: "reasoning", summary: [], encrypted_content: "enc" },
      { type: "function_call", call_id: "call_1", name: "get_weather", arguments: "{}" },
      { type: "function_call_output", call_id: "call_1", output: "sunny" },
    ]);
  });
});
