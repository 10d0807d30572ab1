import { afterEach, describe, expect, inject, it } from "vitest";
import type { UpstreamKind } from "../../src/models/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** A field that an upstream refuses has the name of the caller's own API, where its place is known. */
let gateway: TestGateway;
afterEach(() => gateway?.close());

async function refusedBy(kind: UpstreamKind, error: object, path: string, body: object): Promise<unknown> {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    kind,
    script: () => ({ status: 400, raw: JSON.stringify({ error }) }),
  });
  const answer = await gateway.app.inject({
    method: "POST",
    url: path,
    headers: { authorization: `Bearer ${gateway.key}` },
    payload: { model: "scripted", ...body },
  });
  const { error: told } = answer.json();
  expect(answer.statusCode).toBe(400);
  // The words are the upstream's own.
  expect(told.message).toBe((error as { message: string }).message);
  return told.param ?? null;
}

const openai = (param: string) => ({ message: "Invalid value.", type: "invalid_request_error", param, code: null });
const anthropic = (message: string) => ({ type: "invalid_request_error", message });
const user = { role: "user", content: "q" };
const picture = { type: "image", source: { type: "url", url: "https://h/a.png" } };
const use = { type: "tool_use", id: "f", name: "f", input: {} };
const result = { type: "tool_result", tool_use_id: "f", content: [{ type: "text", text: "a" }, picture] };
const tool = { name: "f", input_schema: { type: "object" } };

/** A conversation of every kind of block. */
const LOOP = {
  messages: [
    { role: "user", content: [{ type: "text", text: "q" }, picture] },
    { role: "assistant", content: [{ type: "text", text: "let me see" }, use] },
    { role: "user", content: [result, { type: "text", text: "and" }, { type: "text", text: "so" }] },
    { role: "user", content: "go on" },
  ],
};
/** What an endpoint of kind anthropic names there, and what the caller calls it. Turns of one role are one. */
const FIELDS_OF_BLOCKS: readonly (readonly [named: string, param: string])[] = [
  ["messages.0.content.0.text", "messages.0.content.0.text"],
  ["messages.0.content.1.image.source.url", "messages.0.content.1.source"],
  ["messages.0.content.1", "messages.0.content.1"],
  ["messages.1.content.0.text.text", "messages.1.content.0.text"],
  ["messages.1.content.1.tool_use.input", "messages.1.content.1.input"],
  ["messages.1.content.1.name", "messages.1.content.1.name"],
  ["messages.1.content.1.tool_use.id", "messages.1.content.1.id"],
  ["messages.2.content.0.tool_result.tool_use_id", "messages.2.content.0.tool_use_id"],
  ["messages.2.content.0.content.1.source.url", "messages.2.content.0.content.1.source"],
  ["messages.2.content.2.text", "messages.2.content.2.text"],
  ["messages.2.content.3.text", "messages.3.content"],
  ["messages.2", "messages.2.content.0"],
];
/** The same for an endpoint of kind responses; `input[0]` has the instructions. */
const FIELDS_OF_ITEMS: readonly (readonly [named: string, param: string])[] = [
  ["input[1].content[0].text", "messages.0.content.0.text"],
  ["input[1].content[1].image_url", "messages.0.content.1.source"],
  ["input[2].content[0].text", "messages.1.content.0.text"],
  ["input[3].arguments", "messages.1.content.1.input"],
  ["input[3].call_id", "messages.1.content.1.id"],
  ["input[4].output[1].image_url", "messages.2.content.0.content.1.source"],
  ["input[5].content[1].text", "messages.2.content.2.text"],
  ["input[6].foo", "messages.3"],
];

describe("a field of /v1/messages", () => {
  const asked = { max_tokens: 20, messages: [user], stop_sequences: ["END"], tools: [tool], system: "be brief" };
  it.each<[UpstreamKind, object, string | null, object?]>([
    ["chat", openai("stop"), "stop_sequences"],
    ["chat", openai("tools[0].function.name"), "tools.0.name"],
    ["chat", openai("stream_options"), null],
    [
      "chat",
      openai("messages[3].content[1].type"),
      "messages.2.content.0.content.1.type",
      { messages: [user, { role: "assistant", content: [use] }, { role: "user", content: [result] }] },
    ],
    ["responses", openai("max_output_tokens"), "max_tokens"],
    ["responses", openai("tools[0].name"), "tools.0.name"],
    ["responses", openai("input[1].content"), "messages.0.content"],
    ["responses", openai("input[0].content"), "system"],
    ["responses", openai("input[7].content"), null],
    ["responses", openai("include[0]"), null],
    ["anthropic", anthropic("stop_sequences: each must contain non-whitespace"), "stop_sequences"],
    ["anthropic", anthropic("stop_sequences.0: each must contain non-whitespace"), "stop_sequences.0"],
    ["anthropic", anthropic("metadata.user_id: too long"), "metadata.user_id", { metadata: { user_id: "u" } }],
    ["anthropic", anthropic("system.0.text: too long"), "system"],
    ["anthropic", anthropic("system.0.text: too long"), "system.0.text", { system: [{ type: "text", text: "a" }] }],
    [
      "anthropic",
      anthropic("system.1.cache_control.ttl: must be longer"),
      "system.1.cache_control.ttl",
      {
        system: [
          { type: "text", text: "a" },
          { type: "text", text: "b", cache_control: { type: "ephemeral", ttl: "5m" } },
        ],
      },
    ],
    ...FIELDS_OF_BLOCKS.map(([named, param]): [UpstreamKind, object, string, object] => [
      "anthropic",
      anthropic(`${named}: is wrong`),
      param,
      LOOP,
    ]),
    ...FIELDS_OF_ITEMS.map(([named, param]): [UpstreamKind, object, string, object] => [
      "responses",
      openai(named),
      param,
      LOOP,
    ]),
    ["anthropic", anthropic("tools.0.custom.input_schema.type: Field required"), "tools.0.input_schema.type"],
    ["anthropic", anthropic("messages.0: all messages must have content"), "messages.0"],
    ["anthropic", anthropic("prompt: is too long"), null],
    ["anthropic", anthropic("messages: roles must alternate"), "messages"],
    ["anthropic", anthropic("system: too long"), "system"],
  ])("that an upstream of kind %s refuses as %j is %s", async (kind, error, param, more = {}) => {
    const stops = kind === "responses" ? { stop_sequences: [] } : {};
    expect(await refusedBy(kind, error, "/v1/messages", { ...asked, ...stops, ...more })).toBe(param);
  });
});

describe("a field of /v1/responses", () => {
  const file = { type: "input_file", file_data: "data:application/pdf;base64,AA==" };
  const text = { type: "input_text", text: "q" };
  const asked = { input: [{ role: "user", content: [text, file] }], max_output_tokens: 20, instructions: "be brief" };
  const call = { type: "function_call", call_id: "f", name: "f", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "f", output: [text, { ...file, filename: "a.pdf" }] };
  const loop = { ...asked, input: [{ role: "user", content: "q" }, call, output, { role: "assistant", content: "a" }] };
  it.each<[UpstreamKind, object, string | null, object?]>([
    ["responses", openai("input[1].content[1].file_data"), "input.0.content.1.file_data"],
    ["responses", openai("input[1].foo"), "input.0.foo"],
    ["responses", openai("input[0].content"), "instructions"],
    ["responses", openai("input[2].name"), "input.1.name", loop],
    ["responses", openai("input[3].output[1].filename"), "input.2.output.1.filename", loop],
    ["responses", openai("input[4].content[0].text"), "input.3.content.0.text", loop],
    ["responses", openai("input[4]"), "input.3", loop],
    ["anthropic", anthropic("messages.0.content.0.text: too long"), "input.0.content", loop],
    ["anthropic", anthropic("messages.1.content.0.tool_use.input: wrong"), "input.1.arguments", loop],
    ["anthropic", anthropic("messages.2.content.0.content.1.source.data: wrong"), "input.2.output.1.file_data", loop],
    ["anthropic", anthropic("messages.2.content.0.tool_use_id: wrong"), "input.2.call_id", loop],
    ["anthropic", anthropic("metadata.user_id: too long"), "safety_identifier", { ...asked, safety_identifier: "u" }],
    ["anthropic", anthropic("metadata.user_id: too long"), "user", { ...asked, user: "u" }],
    ["chat", openai("max_completion_tokens"), "max_output_tokens"],
    ["chat", openai("messages[1].content[1].file.filename"), "input.0.content.1.file_data"],
    ["responses", openai("max_output_tokens"), "max_output_tokens"],
    ["anthropic", anthropic("max_tokens: too large"), "max_output_tokens"],
  ])("that an upstream of kind %s refuses as %j is %s", async (kind, error, param, body = asked) => {
    expect(await refusedBy(kind, error, "/v1/responses", body)).toBe(param);
  });
});

describe("a field of a chat", () => {
  it.each<[UpstreamKind, object, string | null, object?]>([
    ["chat", openai("messages[0].content[0].type"), "messages[0].content[0].type"],
    ["responses", openai("max_output_tokens"), "max_completion_tokens"],
    ["responses", openai("input[3].content[0].text"), "messages.3.content"],
    ["responses", openai("input[2].content"), "messages.2.content"],
    ["anthropic", anthropic("stop_sequences.0: must contain text"), "stop.0"],
    ["anthropic", anthropic("stop_sequences.0: must contain text"), "stop", { stop: "END" }],
    ["anthropic", anthropic("metadata.user_id: too long"), "user", { user: "u" }],
    ["anthropic", anthropic("messages.0.content.1.text: must be shorter"), "messages.2.content"],
    ["anthropic", anthropic("messages.1: all messages must have content"), "messages.3"],
    ["anthropic", anthropic("system.0.text: must be shorter"), "messages.0.content"],
    ["anthropic", anthropic("messages.7: there is none"), null],
    ["anthropic", anthropic("messages: roles must alternate"), "messages"],
    ["anthropic", anthropic("system: too long"), "messages.0"],
    ["anthropic", anthropic("max_tokens: too large"), "max_tokens", { max_completion_tokens: null, max_tokens: 20 }],
    ["responses", openai("max_output_tokens"), "max_tokens", { max_completion_tokens: null, max_tokens: 20 }],
  ])("that an upstream of kind %s refuses as %j is %s", async (kind, error, param, more = {}) => {
    const said = { role: "assistant", content: "a" };
    const asked = {
      messages: [{ role: "system", content: "be brief" }, user, user, said],
      max_completion_tokens: 20,
      stop: kind === "responses" ? [] : ["END"],
      ...more,
    };
    expect(await refusedBy(kind, error, "/v1/chat/completions", asked)).toBe(param);
  });

  it("that only names an effort is that effort, where Anthropic's API refuses the thinking that it became", async () => {
    const error = anthropic("thinking.budget_tokens: Input should be greater than 1024");
    const asked = { messages: [user], reasoning_effort: "high" };
    expect(await refusedBy("anthropic", error, "/v1/chat/completions", asked)).toBe("reasoning_effort");
  });

  it("that FastAPI's list of errors names is named", async () => {
    const detail = [{ type: "less_than_equal", loc: ["body", "temperature"], msg: "Input should be at most 2" }];
    gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      script: () => ({ status: 422, raw: JSON.stringify({ detail }) }),
    });
    const { error } = await send("/v1/chat/completions", { messages: [user], temperature: 3 });
    expect(error).toMatchObject({ param: "temperature" });
  });

  it("that vLLM names in a list as Python prints it is named", async () => {
    const entry = "'type': 'extra_forbidden', 'loc': ('body', 'messages', 0, 'foo'), 'msg': 'Extra inputs', 'input': 1";
    const told = { object: "error", message: `[{${entry}}]`, type: "BadRequestError", param: null, code: 400 };
    gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      script: () => ({ status: 400, raw: JSON.stringify(told) }),
    });
    const { error } = await send("/v1/responses", { input: [{ ...user, foo: 1 }] });
    expect(error).toMatchObject({ param: "input.0.foo" });
  });

  it("that names no possible session is the header", async () => {
    gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    const headers = { "x-marrow-session": "s".repeat(2_000) };
    for (const path of ["/v1/chat/completions", "/v1/messages", "/v1/responses"]) {
      const asked = path === "/v1/responses" ? { input: "q" } : { messages: [user], max_tokens: 20 };
      const { error } = await send(path, asked, headers);
      expect(error).toMatchObject({ param: "x-marrow-session" });
      expect(error.message).toContain("x-marrow-session");
    }
  });
});

/** Sends a request that fails, and returns its error. */
async function send(url: string, body: object, headers: Record<string, string> = {}) {
  const { app, key } = gateway;
  const payload = { model: "scripted", ...body };
  const answer = await app.inject({
    method: "POST",
    url,
    headers: { authorization: `Bearer ${key}`, ...headers },
    payload,
  });
  return answer.json<{ error: { param?: string; message: string } }>();
}

describe("an error that no route of /v1/messages made", () => {
  it("has the shape of Anthropic's API at its paths, and for clients that send its version", async () => {
    gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    const get = async (method: "GET" | "POST", url: string, more: object = {}) => {
      const headers = { authorization: `Bearer ${gateway.key}`, ...more };
      const answer = await gateway.app.inject({ method, url, headers });
      return [answer.statusCode, answer.json<{ type?: string; error: { type: string } }>()] as const;
    };
    const version = { "anthropic-version": "2023-06-01" };
    const notFound = { type: "error", error: { type: "not_found_error" } };
    expect(await get("POST", "/v1/messages/batches")).toEqual([404, expect.objectContaining({ type: "error" })]);
    expect((await get("POST", "/v1/messages/batches"))[1]).toMatchObject(notFound);
    expect((await get("GET", "/v1/messages"))[0]).toBe(405);
    expect((await get("GET", "/v1/messages"))[1]).toMatchObject({ type: "error" });
    expect((await get("GET", "/v1/models/none", version))[1]).toMatchObject(notFound);
    expect((await get("GET", "/v1/nothing", version))[1]).toMatchObject(notFound);
    expect((await get("GET", "/v1/models/none"))[1]).not.toHaveProperty("type");
  });
});
