import { afterEach, describe, expect, inject, it } from "vitest";
import { textOr } from "../../src/internal/fields.ts";
import type { UpstreamKind } from "../../src/models/index.ts";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

let gateway: TestGateway;
afterEach(() => gateway?.close());

type Body = Readonly<Record<string, unknown>>;

async function start(kind: UpstreamKind, script: (body: Body) => ScriptedAnswer): Promise<Body[]> {
  const seen: Body[] = [];
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    kind,
    script({ body }) {
      seen.push(body);
      return script(body);
    },
  });
  return seen;
}

async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const { app, key } = gateway;
  const payload = { model: "scripted", ...body };
  const all = { authorization: `Bearer ${key}`, ...headers };
  const answer = await app.inject({ method: "POST", url, headers: all, payload });
  return { status: answer.statusCode, text: answer.body };
}

/** A chat's answer with these calls, whole or as a stream that cuts them after their heads. */
function withCalls(calls: readonly Body[], { stream }: Body): ScriptedAnswer {
  const shell = { id: "c", created: 1, model: "m" };
  const message = { role: "assistant", content: null, tool_calls: calls };
  if (stream !== true)
    return {
      raw: JSON.stringify({
        ...shell,
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "tool_calls" }],
      }),
    };
  const event = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({ ...shell, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
  const pieces = calls.flatMap((call, index) => {
    const [field = "", of = ""] = call["custom"] === undefined ? ["function", "arguments"] : ["custom", "input"];
    const { [of]: text, ...named } = (call[field] ?? {}) as Body;
    const head = event({ tool_calls: [{ index, ...call, [field]: { ...named, [of]: "" } }] }, null);
    const rest = Array.from(textOr(text), (piece) =>
      event({ tool_calls: [{ index, [field]: { [of]: piece } }] }, null),
    );
    return [head, ...rest];
  });
  return { raw: [...pieces, event({}, "tool_calls"), "data: [DONE]\n\n"].join("") };
}

/** The inputs of the blocks `tool_use` of a message, whole or as a stream. */
function usesOf(text: string): readonly unknown[] {
  if (text.startsWith("{"))
    return (JSON.parse(text) as { content: Body[] }).content.map(({ name, input }) => [name, input]);
  const events = text.split("\n").filter((line) => line.startsWith("data: {"));
  const uses: [unknown, string][] = [];
  for (const line of events) {
    const { content_block: block, delta } = JSON.parse(line.slice("data: ".length)) as Readonly<Record<string, Body>>;
    if (block?.["type"] === "tool_use") uses.push([block["name"], ""]);
    const last = uses.at(-1);
    if (last !== undefined) last[1] += textOr(delta?.["partial_json"]);
  }
  return uses.map(([name, json]) => [name, JSON.parse(json === "" ? "{}" : json)]);
}

const asked = {
  max_tokens: 50,
  messages: [{ role: "user", content: "q" }],
  tools: [{ name: "f", input_schema: { type: "object" } }],
};
const custom = (name: string, input: string, id: string) => ({ id, type: "custom", custom: { name, input } });
const called = (name: string, id: string) => ({ id, type: "function", function: { name, arguments: '{"a":1}' } });

describe("a call of a custom tool", () => {
  it.each([
    ["a text", [custom("sh", 'ls "-l"\n😀 {', "c1")], [["sh", { input: 'ls "-l"\n😀 {' }]]],
    ["an empty one", [custom("sh", "", "c1")], [["sh", { input: "" }]]],
    ["white space", [custom("sh", " \n", "c1")], [["sh", { input: " \n" }]]],
    ["a JSON object", [custom("sh", '{"a":1}', "c1")], [["sh", { input: '{"a":1}' }]]],
    [
      "several among others",
      [called("f", "c0"), custom("sh", "ls", "c1"), custom("py", "1+1", "c2"), called("g", "c3")],
      [
        ["f", { a: 1 }],
        ["sh", { input: "ls" }],
        ["py", { input: "1+1" }],
        ["g", { a: 1 }],
      ],
    ],
  ])("is a block with its name and text in /v1/messages, whole and streamed: %s", async (_, calls, uses) => {
    await start("chat", (body) => withCalls(calls, body));
    for (const stream of [false, true]) {
      const { status, text } = await post("/v1/messages", { ...asked, stream });
      expect([status, usesOf(text)]).toEqual([200, uses]);
    }
  });

  it("beside a null function, or a function beside a null custom tool, is what it is", async () => {
    const calls = [
      { ...custom("sh", "ls", "c1"), function: null },
      { ...called("f", "c2"), custom: null },
    ];
    await start("chat", ({ stream }) => {
      const answer = withCalls(calls, { stream: false }) as { readonly raw: string };
      const { choices, ...shell } = JSON.parse(answer.raw) as { choices: { message: Body }[] };
      const [choice] = choices;
      if (stream !== true) return answer;
      const delta = { tool_calls: calls.map((call, index) => ({ index, ...call })) };
      const chunks = [
        { ...choice, message: undefined, delta, finish_reason: null },
        { index: 0, delta: {}, finish_reason: "tool_calls" },
      ];
      return {
        raw: `${chunks.map((one) => `data: ${JSON.stringify({ ...shell, choices: [one] })}\n\n`).join("")}data: [DONE]\n\n`,
      };
    });
    for (const whole of [true, false]) {
      const message = await post("/v1/messages", { ...asked, stream: !whole });
      expect(usesOf(message.text)).toEqual([
        ["sh", { input: "ls" }],
        ["f", { a: 1 }],
      ]);
      const { text } = await post("/v1/responses", {
        input: "q",
        stream: !whole,
        tools: [{ type: "custom", name: "sh" }],
      });
      expect([...new Set(text.match(/"type":"(?:custom_tool_call|function_call)"/g))]).toEqual([
        '"type":"custom_tool_call"',
        '"type":"function_call"',
      ]);
    }
  });

  it("that a session holds is a call to an upstream of kind anthropic, also behind /v1/messages", async () => {
    const seen = await start("anthropic", ({ stream }) => {
      const blocks = [{ type: "text", text: "Done." }];
      return { raw: stream === true ? toWire(messageEvents(blocks)) : JSON.stringify(messageOf(blocks)) };
    });
    const history = [
      { role: "user", content: "q" },
      { role: "assistant", content: null, tool_calls: [custom("sh", "ls -l", "c1")] },
      { role: "tool", tool_call_id: "c1", content: "a.txt" },
    ];
    const session = { "x-marrow-session": "custom" };
    expect((await post("/v1/chat/completions", { messages: history }, session)).status).toBe(200);
    const { status } = await post(
      "/v1/messages",
      { max_tokens: 50, messages: [{ role: "user", content: "and?" }] },
      session,
    );
    expect(status).toBe(200);
    const response = await post("/v1/responses", {
      input: [
        { role: "user", content: "q" },
        { type: "custom_tool_call", call_id: "c1", name: "sh", input: "ls -l" },
        { type: "custom_tool_call_output", call_id: "c1", output: "a.txt" },
      ],
    });
    expect(response.status).toBe(200);
    for (const { messages } of seen)
      expect(messages).toMatchObject([
        { role: "user" },
        { content: [{ type: "tool_use", id: "c1", name: "sh", input: { input: "ls -l" } }] },
        { content: [{ type: "tool_result", tool_use_id: "c1" }] },
        ...(messages as unknown[]).slice(3),
      ]);
    expect(seen).toHaveLength(3);
  });
});

describe("a call without a name", () => {
  const NAMELESS: readonly (readonly [string, UpstreamKind, (body: Body) => ScriptedAnswer])[] = [
    ...[{ name: "", arguments: "{}" }, { name: null, arguments: "{}" }, { arguments: "{}" }].map(
      (named) =>
        [
          JSON.stringify(named),
          "chat",
          (body: Body) => withCalls([{ id: "c1", type: "function", function: named }], body),
        ] as const,
    ),
    ["no function", "chat", (body) => withCalls([{ id: "c1", type: "function" }], body)],
    ["a custom tool", "chat", (body) => withCalls([custom("", "ls", "c1")], body)],
    ...["tool_use", "no name"].map((type): readonly [string, UpstreamKind, (body: Body) => ScriptedAnswer] => [
      type,
      "anthropic",
      ({ stream }) => {
        const blocks = [{ type: "tool_use", id: "t1", ...(type === "tool_use" && { name: "" }), input: {} }];
        return { raw: stream === true ? toWire(messageEvents(blocks)) : JSON.stringify(messageOf(blocks)) };
      },
    ]),
    [
      "function_call",
      "responses",
      ({ stream }) => {
        const output = [{ type: "function_call", call_id: "c1", name: "", arguments: "{}", status: "completed" }];
        return { raw: stream === true ? toWire(responseEvents(output)) : JSON.stringify(responseOf(output)) };
      },
    ],
  ];

  it.each(NAMELESS)(
    "is a failure of its upstream, on every route, whole and streamed: %s of kind %s",
    async (_, kind, script) => {
      await start(kind, script);
      const tools = {
        chat: [{ type: "function", function: { name: "f" } }],
        responses: [{ type: "function", name: "f" }],
      };
      for (const stream of [false, true])
        for (const [url, body] of [
          ["/v1/chat/completions", { messages: asked.messages, tools: tools.chat }],
          ["/v1/responses", { input: "q", tools: tools.responses }],
          ["/v1/messages", asked],
        ] as const) {
          const { status, text } = await post(url, { ...body, stream });
          if (!stream) expect([url, status]).toEqual([url, 502]);
          expect(text).toContain("model_failed");
        }
    },
  );

  it("that a stream names only at its end is told with its name", async () => {
    const call = { type: "function_call", id: "fc", call_id: "c1", arguments: '{"a":1}', status: "completed" };
    const named = { ...call, name: "f" };
    await start("responses", () => ({
      raw: toWire([
        { type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } },
        { type: "response.function_call_arguments.delta", output_index: 0, item_id: "fc", delta: '{"a":1}' },
        { type: "response.output_item.done", output_index: 0, item: named },
        { type: "response.completed", response: responseOf([named]) },
      ]),
    }));
    expect(usesOf((await post("/v1/messages", { ...asked, stream: true })).text)).toEqual([["f", { a: 1 }]]);
  });

  const outputOf = (type: string) => ({ type: `${type}_output`, call_id: "c", output: "a" });
  const chatTool = (name: unknown) => ({ messages: asked.messages, tools: [{ type: "function", function: { name } }] });
  it.each<readonly [UpstreamKind, string, string, object]>([
    ["anthropic", "tools.0.function.name", "/v1/chat/completions", chatTool("")],
    ["anthropic", "tools.0.function.name", "/v1/chat/completions", chatTool(undefined)],
    ["responses", "tools.0.function.name", "/v1/chat/completions", chatTool("")],
    [
      "responses",
      "tools.0.custom.name",
      "/v1/chat/completions",
      { messages: asked.messages, tools: [{ type: "custom", custom: { name: "" } }] },
    ],
    ...(["anthropic", "responses"] as const).map(
      (kind) =>
        [
          kind,
          "tool_choice.function.name",
          "/v1/chat/completions",
          { ...chatTool("f"), tool_choice: { type: "function", function: { name: "" } } },
        ] as const,
    ),
    ...(["chat", "anthropic", "responses"] as const).flatMap((kind) => [
      [kind, "tools.0.name", "/v1/messages", { ...asked, tools: [{ name: "", input_schema: {} }] }] as const,
      [kind, "tool_choice.name", "/v1/messages", { ...asked, tool_choice: { type: "tool", name: "" } }] as const,
      [
        kind,
        "input.0.name",
        "/v1/responses",
        { input: [{ type: "function_call", call_id: "c", name: "", arguments: "{}" }, outputOf("function_call")] },
      ] as const,
      [
        kind,
        "input.0.name",
        "/v1/responses",
        { input: [{ type: "custom_tool_call", call_id: "c", name: "", input: "" }, outputOf("custom_tool_call")] },
      ] as const,
    ]),
  ])("in a request is refused by name before an upstream of kind %s is asked: %s", async (kind, param, url, body) => {
    const seen = await start(kind, () => ({ content: "a" }));
    const { status, text } = await post(url, body);
    const { error } = JSON.parse(text) as { error: { param: string; message: string } };
    expect([status, error.param, seen.length]).toEqual([400, param, 0]);
    expect(error.message.startsWith(param)).toBe(true);
  });
});
