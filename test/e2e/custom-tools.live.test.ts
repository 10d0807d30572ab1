/** Custom tools, whose input is a text and no JSON, with an upstream of Anthropic's API: as Codex uses `apply_patch`. */
import { afterEach, describe, expect, inject, it } from "vitest";
import { textOr } from "../../src/internal/fields.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageEvents, messageOf, toWire } from "../upstreams/wire.ts";

type Body = Readonly<Record<string, unknown>>;

let gateway: TestGateway;
afterEach(() => gateway?.close());

const PATCH = '*** Begin Patch\n*** Update File: a.ts\n-"a"\n+"é😀\\n"\n*** End Patch';
const USES = [
  { type: "text", text: "I patch." },
  { type: "tool_use", id: "u1", name: "apply_patch", input: { input: PATCH } },
  { type: "tool_use", id: "u2", name: "look", input: { path: "a.ts" } },
];
const grammar = { syntax: "lark", definition: "start: begin_patch hunk+ end_patch" } as const;

async function start(): Promise<Body[]> {
  const seen: Body[] = [];
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    kind: "anthropic",
    script({ body }) {
      seen.push(body);
      const more = { stop_reason: "tool_use" };
      return {
        raw: body["stream"] === true ? toWire(messageEvents(USES, more)) : JSON.stringify(messageOf(USES, more)),
      };
    },
  });
  return seen;
}

const LOOK = { name: "look", parameters: { type: "object" } };
const asTool = {
  name: "apply_patch",
  description: expect.stringMatching(/^Patches files\.[\s\S]*lark[\s\S]*begin_patch hunk/) as string,
  input_schema: { type: "object", properties: { input: { type: "string" } }, required: ["input"] },
};

describe.each([false, true])("a custom tool of a model of Anthropic's (streamed: %s)", (stream) => {
  it("is called in a chat", async () => {
    const seen = await start();
    const client = gateway.client();
    const tools = [
      {
        type: "custom",
        custom: { name: "apply_patch", description: "Patches files.", format: { type: "grammar", grammar } },
      },
      { type: "function", function: LOOK },
    ] as const;
    const question = { role: "user", content: "patch it" } as const;
    const choice = { tool_choice: { type: "custom", custom: { name: "apply_patch" } } } as const;
    const asked = { model: "scripted", messages: [question], tools: [...tools], ...choice };
    const calls = stream
      ? await piecesOf(asked)
      : (await client.chat.completions.create(asked)).choices[0]?.message.tool_calls;
    expect(calls).toEqual([
      { id: "u1", type: "custom", custom: { name: "apply_patch", input: PATCH } },
      { id: "u2", type: "function", function: { name: "look", arguments: '{"path":"a.ts"}' } },
    ]);
    expect(seen[0]).toMatchObject({
      tools: [asTool, { name: "look" }],
      tool_choice: { type: "tool", name: "apply_patch" },
    });
    const back = { role: "assistant", content: null, tool_calls: calls };
    const result = { role: "tool", tool_call_id: "u1", content: "done" };
    const other = { role: "tool", tool_call_id: "u2", content: "x" };
    await post("/v1/chat/completions", { ...asked, messages: [question, back, result, other] });
    expect(seen.at(-1)?.["messages"]).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [{ type: "tool_use", id: "u1", input: { input: PATCH } }, { id: "u2" }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "u1" }, { tool_use_id: "u2" }] },
    ]);
  });

  it("is called in a response, as Codex asks for it", async () => {
    const seen = await start();
    const format = { type: "grammar", ...grammar };
    const tools = [
      { type: "custom", name: "apply_patch", description: "Patches files.", format },
      { type: "function", ...LOOK, strict: false },
    ];
    const { status, text } = await post("/v1/responses", { input: "patch it", tools, stream, store: false });
    expect([status, text]).toEqual([200, expect.stringContaining("custom_tool_call")]);
    const response = stream ? lastResponse(text) : (JSON.parse(text) as Body);
    const output = response["output"] as readonly Body[];
    expect(output).toMatchObject([
      { type: "message" },
      { type: "custom_tool_call", call_id: "u1", name: "apply_patch", input: PATCH },
      { type: "function_call", call_id: "u2", name: "look", arguments: '{"path":"a.ts"}' },
    ]);
    if (stream) expect(text).toContain("response.custom_tool_call_input.delta");
    expect(seen[0]?.["tools"]).toMatchObject([asTool, { name: "look" }]);
    const results = [
      { type: "custom_tool_call_output", call_id: "u1", output: "done" },
      { type: "function_call_output", call_id: "u2", output: "x" },
    ];
    const input = [{ role: "user", content: "patch it" }, ...output, ...results];
    expect((await post("/v1/responses", { input, tools, stream, store: false })).status).toBe(200);
    expect(seen.at(-1)?.["messages"]).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [{ type: "text" }, { type: "tool_use", input: { input: PATCH } }, { id: "u2" }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "u1" }, { tool_use_id: "u2" }] },
    ]);
  });
});

async function post(url: string, body: object): Promise<{ readonly status: number; readonly text: string }> {
  const { app, key } = gateway;
  const headers = { authorization: `Bearer ${key}` };
  const answer = await app.inject({ method: "POST", url, headers, payload: { model: "scripted", ...body } });
  return { status: answer.statusCode, text: answer.body };
}

/** The calls of a streamed chat, put together as a client does. */
async function piecesOf(asked: object): Promise<readonly Body[]> {
  const { text } = await post("/v1/chat/completions", { ...asked, stream: true });
  const calls: { id?: string; type?: string; custom?: Body; function?: Body }[] = [];
  for (const [, data = ""] of text.matchAll(/^data: (\{.*)$/gm)) {
    const { choices } = JSON.parse(data) as { choices: readonly { delta: { tool_calls?: readonly Body[] } }[] };
    for (const { index, ...piece } of choices[0]?.delta.tool_calls ?? []) {
      const call = (calls[index as number] ??= {});
      const { custom, function: named, ...rest } = piece as { custom?: Body; function?: Body };
      Object.assign(call, rest);
      if (custom !== undefined) call.custom = grown(call.custom, custom, "input");
      if (named !== undefined) call.function = grown(call.function, named, "arguments");
    }
  }
  return calls;
}

function grown(before: Body = {}, piece: Body, field: string): Body {
  return { ...before, ...piece, [field]: textOr(before[field]) + textOr(piece[field]) };
}

function lastResponse(text: string): Body {
  const [, data = "{}"] = /^data: (\{"type":"response\.completed".*)$/m.exec(text) ?? [];
  return (JSON.parse(data) as { response?: Body }).response ?? {};
}
