import { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageOf } from "../upstreams/wire.ts";

/** What an upstream of kind anthropic cannot carry is refused by the name that the caller's own API has for it. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    kind: "anthropic",
    script: () => ({ raw: JSON.stringify(messageOf([{ type: "text", text: "Answer." }])) }),
    config: { cache: { enabled: false } },
  });
});
afterAll(() => gateway.close());

async function post(path: string, body: object, headers: Record<string, string> = {}) {
  const answer = await gateway.app.inject({
    method: "POST",
    url: path,
    headers: { authorization: `Bearer ${gateway.key}`, ...headers },
    payload: { model: "scripted", ...body },
  });
  return { status: answer.statusCode, body: answer.json() };
}

const docx = "data:application/vnd.openxmlformats-officedocument.wordprocessingml.document;base64,UEs=";
const audio = { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } };
const file = { type: "input_file", filename: "a.docx", file_data: docx };
const text = { type: "input_text", text: "look" };
const asking = (...content: object[]) => [{ role: "user", content }];
const call = (name: string, args: string) => ({ type: "function_call", call_id: name, name, arguments: args });
const output = (id: string, said: unknown) => ({ type: "function_call_output", call_id: id, output: said });
const user = { role: "user", content: "q" };
const tool = { type: "function", name: "f", parameters: { type: "object" } };

describe("a refusal through /v1/responses", () => {
  it.each<[string, object]>([
    ["input.0.content.1.file_data", { input: asking(text, file) }],
    ["input.0.content.1.file_url", { input: asking(text, { type: "input_file", file_url: "https://h/a.docx" }) }],
    ["input.0.content.1.image_url", { input: asking(text, { type: "input_image", image_url: "ftp://h/a" }) }],
    ["input.0.content.0.type", { input: asking(audio, text) }],
    ["input.1.content.0.type", { instructions: "be brief", input: [user, ...asking(audio)] }],
    [
      "input.4.output.1.type",
      { input: [user, call("f", "{}"), output("f", "1"), call("g", "{}"), output("g", [text, audio])] },
    ],
    ["input", { instructions: "be brief", input: [{ role: "system", content: "only" }] }],
    ["text.format.type", { input: "q", text: { format: { type: "json_object" } } }],
    ["text.format.schema", { input: "q", text: { format: { type: "json_schema", name: "x" } } }],
    ["text.verbosity", { input: "q", text: { verbosity: "low" } }],
    ["text", { input: "q", text: { novel: true } }],
    ["reasoning.effort", { input: "q", reasoning: { effort: "enormous" } }],
    ["include", { input: "q", include: ["message.output_text.logprobs"] }],
    ["top_logprobs", { input: "q", top_logprobs: 2 }],
    ["tools.1.format.type", { input: "q", tools: [tool, { type: "custom", name: "c", format: { type: "novel" } }] }],
  ])("names %s", async (param, body) => {
    const answer = await post("/v1/responses", body);
    expect([answer.status, answer.body.error?.param]).toEqual([400, param]);
    expect(answer.body.error.message).toMatch(new RegExp(`^${param.replaceAll(".", "\\.")}\\b`));
    expect(answer.body.error.message).not.toMatch(/messages\.|response_format|reasoning_effort/);
  });

  it("names the id of a file that the client sent, not the bytes that the gateway sends for it", async () => {
    const stored = await gateway.client().files.create({
      file: await toFile(Buffer.from('{"a":1}'), "a.json"),
      purpose: "user_data",
    });
    const answer = await post("/v1/responses", {
      input: [user, ...asking(text, { type: "input_file", file_id: stored.id })],
    });
    expect([answer.status, answer.body.error.param]).toEqual([400, "input.1.content.1.file_id"]);
    expect(answer.body.error.message).toMatch(/^input\.1\.content\.1\.file_id\b/);
  });

  it("names a field of the request's own items behind a previous response", async () => {
    const first = await post("/v1/responses", { input: "q" });
    const answer = await post("/v1/responses", { previous_response_id: first.body.id, input: asking(text, audio) });
    expect(answer.body.error.param).toBe("input.0.content.1.type");
  });
});

describe("a refusal through /v1/messages", () => {
  const document = { type: "document", source: { type: "base64", media_type: "application/zip", data: "UEs=" } };
  const result = (content: unknown) => ({ type: "tool_result", tool_use_id: "f", content });
  const use = { type: "tool_use", id: "f", name: "f", input: {} };
  it.each<[string, object]>([
    ["messages.0.content.1.source", { messages: asking({ type: "text", text: "q" }, document) }],
    [
      "messages.2.content.1.source",
      {
        system: "be brief",
        messages: [user, { role: "assistant", content: [use] }, ...asking(result("1"), document)],
      },
    ],
    [
      "messages.2.content.0.content.1.source",
      {
        messages: [
          user,
          { role: "assistant", content: [use] },
          ...asking(result([{ type: "text", text: "a" }, document])),
        ],
      },
    ],
  ])("names %s", async (param, body) => {
    const answer = await post("/v1/messages", { max_tokens: 100, ...body });
    expect([answer.status, answer.body.error?.param]).toEqual([400, param]);
    expect(answer.body.error.message.startsWith(param)).toBe(true);
  });
});

describe("a refusal in a session", () => {
  it("names a message by its place in the request, not behind the session's turns", async () => {
    const headers = { "x-marrow-session": "s1" };
    await post("/v1/chat/completions", { messages: [user] }, headers);
    const chat = { messages: asking({ type: "text", text: "q" }, audio) };
    const answer = await post("/v1/chat/completions", chat, headers);
    expect(answer.body.error.param).toBe("messages.0.content.1.type");
    const response = await post("/v1/responses", { input: asking(text, audio) }, headers);
    expect(response.body.error.param).toBe("input.0.content.1.type");
  });
});
