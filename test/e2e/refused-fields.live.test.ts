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
    ["responses", openai("input[1].content"), null],
    ["anthropic", anthropic("stop_sequences: each must contain non-whitespace"), "stop_sequences"],
    ["anthropic", anthropic("tools.0.custom.input_schema.type: Field required"), "tools.0.input_schema.type"],
    ["anthropic", anthropic("messages.0: all messages must have content"), "messages.0"],
    ["anthropic", anthropic("prompt: is too long"), null],
  ])("that an upstream of kind %s refuses as %j is %s", async (kind, error, param, more = {}) => {
    const stops = kind === "responses" ? { stop_sequences: [] } : {};
    expect(await refusedBy(kind, error, "/v1/messages", { ...asked, ...stops, ...more })).toBe(param);
  });
});

describe("a field of /v1/responses", () => {
  const file = { type: "input_file", file_data: "data:application/pdf;base64,AA==" };
  const text = { type: "input_text", text: "q" };
  const asked = { input: [{ role: "user", content: [text, file] }], max_output_tokens: 20, instructions: "be brief" };
  it.each<[UpstreamKind, object, string | null]>([
    ["chat", openai("max_completion_tokens"), "max_output_tokens"],
    ["chat", openai("messages[1].content[1].file.filename"), "input.0.content.1.file_data"],
    ["responses", openai("max_output_tokens"), "max_output_tokens"],
    ["anthropic", anthropic("max_tokens: too large"), "max_output_tokens"],
  ])("that an upstream of kind %s refuses as %j is %s", async (kind, error, param) => {
    expect(await refusedBy(kind, error, "/v1/responses", asked)).toBe(param);
  });
});

describe("a field of a chat", () => {
  it.each<[UpstreamKind, object, string | null]>([
    ["chat", openai("messages[0].content[0].type"), "messages[0].content[0].type"],
    ["responses", openai("max_output_tokens"), "max_completion_tokens"],
    ["anthropic", anthropic("stop_sequences.0: must contain text"), "stop"],
    ["anthropic", anthropic("messages.0.content.1.text: must be shorter"), "messages.2"],
    ["anthropic", anthropic("messages.1: all messages must have content"), "messages.3"],
    ["anthropic", anthropic("system.0.text: must be shorter"), "messages.0"],
    ["anthropic", anthropic("messages.7: there is none"), null],
  ])("that an upstream of kind %s refuses as %j is %s", async (kind, error, param) => {
    const said = { role: "assistant", content: "a" };
    const asked = {
      messages: [{ role: "system", content: "be brief" }, user, user, said],
      max_completion_tokens: 20,
      stop: kind === "responses" ? [] : ["END"],
    };
    expect(await refusedBy(kind, error, "/v1/chat/completions", asked)).toBe(param);
  });
});
