import { toFile } from "openai";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";
import { gatewaysInBackground, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

const start = gatewaysInBackground();

/** Two integers that are one double, and one that a double cannot hold. */
const [ONE, OTHER] = ["9007199254740993", "9007199254740995"];
const LONG = "1234567890123456789";
/** Written in bodies as the text `"@"`; the digits take its place. */
const at = (body: object, digits: string) => JSON.stringify(body).replaceAll('"@"', digits);

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cache: string | null;
}

async function post({ baseURL, key }: TestGateway, path: string, body: string): Promise<Answer> {
  const response = await fetch(`${baseURL}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body,
  });
  return { status: response.status, text: await response.text(), cache: response.headers.get("x-marrow-cache") };
}

const tool = { type: "object", properties: { id: { type: "integer", maximum: "@" } } };
const words = "What is the capital of France?";
const BODIES = {
  "/chat/completions": { model: "scripted", messages: [{ role: "user", content: words }], seed: "@" },
  "/messages": {
    model: "scripted",
    max_tokens: 64,
    messages: [{ role: "user", content: words }],
    tools: [{ name: "find", input_schema: tool }],
  },
  "/responses": { model: "scripted", input: words, seed: "@" },
} as const;

/** Asks over one route, and waits until the upstream was asked. */
type Ask = (gateway: TestGateway, body: string) => Promise<unknown>;

const background: Ask = async (gateway, body) => {
  const { id } = JSON.parse((await post(gateway, "/responses", body)).text) as { id: string };
  const client = gateway.client();
  await expect.poll(async () => (await client.responses.retrieve(id)).status, { timeout: 10_000 }).toBe("completed");
};

const socket: Ask = async ({ baseURL, key }, body) => {
  const opened = new WebSocket(`${baseURL.replace("http", "ws")}/responses`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const heard: string[] = [];
  opened.on("message", (data: Buffer) => heard.push(data.toString("utf8")));
  await new Promise((resolve) => opened.once("open", resolve));
  opened.send(body);
  await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toContain("response.completed");
  opened.close();
};

const batched =
  (url: string): Ask =>
  async (gateway, body) => {
    const client = gateway.client();
    const line = `{"custom_id":"a","method":"POST","url":"/v1${url}","body":${body}}`;
    const file = await client.files.create({ file: await toFile(Buffer.from(line), "in.jsonl"), purpose: "batch" });
    const endpoint = `/v1${url}` as "/v1/responses";
    const { id } = await client.batches.create({ input_file_id: file.id, endpoint, completion_window: "24h" });
    await expect.poll(async () => (await client.batches.retrieve(id)).status, { timeout: 15_000 }).toBe("completed");
  };

const ROUTES: readonly (readonly [string, Ask, object])[] = [
  ...Object.entries(BODIES).map(
    ([path, body]) => [path, (gateway: TestGateway, text: string) => post(gateway, path, text), body] as const,
  ),
  [
    "/responses (a schema)",
    (gateway, text) => post(gateway, "/responses", text),
    { model: "scripted", input: words, text: { format: { type: "json_schema", name: "a", schema: tool } } },
  ],
  [
    "/responses (streamed)",
    (gateway, text) => post(gateway, "/responses", text),
    { ...BODIES["/responses"], stream: true },
  ],
  ["/responses (background)", background, { ...BODIES["/responses"], background: true }],
  ["/responses (WebSocket)", socket, { ...BODIES["/responses"], type: "response.create" }],
  ["/chat/completions (batch)", batched("/chat/completions"), BODIES["/chat/completions"]],
  ["/responses (batch)", batched("/responses"), BODIES["/responses"]],
];

describe("two questions that differ in an integer beyond 2^53", () => {
  it.each(ROUTES)("have an answer each, and upstreams get the digits: %s", async (_, ask, body) => {
    const gateway = await start(() => "Paris.");
    for (const digits of [ONE, OTHER, ONE]) await ask(gateway, at(body, digits));
    const told = gateway.model.requests.map(({ text }) => text);
    expect(told).toHaveLength(2);
    expect(told[0]).toContain(ONE);
    expect(told[1]).toContain(OTHER);
  });
});

/** The answer of an endpoint of a kind: a call with a long integer. */
function calling(kind: NonNullable<TestGatewayOptions["kind"]>) {
  const called = { name: "find", arguments: `{"id":${LONG}}` };
  return ({ body }: ScriptedRequest): ScriptedAnswer => {
    const isStream = body["stream"] === true;
    const raw = (whole: object, events: readonly object[]) =>
      (isStream ? toWire(events) : JSON.stringify(whole)).replaceAll('"@"', LONG).replaceAll('\\"@\\"', LONG);
    const contentType = isStream ? "text/event-stream" : "application/json";
    if (kind === "anthropic") {
      const blocks = [{ type: "tool_use", id: "toolu_1", name: "find", input: { id: "@" } }];
      const more = { stop_reason: "tool_use" };
      const events = messageEvents([{ type: "tool_use", id: "toolu_1", name: "find", input: { id: 77 } }], more);
      return { raw: raw(messageOf(blocks, more), events).replace("77", LONG), contentType };
    }
    if (kind === "responses") {
      const items = [{ type: "function_call", id: "fc_1", call_id: "call_1", status: "completed", ...called }];
      return { raw: raw(responseOf(items), responseEvents(items)), contentType };
    }
    const calls = [{ id: "call_1", type: "function", function: called }];
    const head = { id: "chatcmpl-1", created: 1, model: "m", system_fingerprint: "@" };
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const whole = {
      ...head,
      object: "chat.completion",
      choices: [
        { index: 0, finish_reason: "tool_calls", message: { role: "assistant", content: null, tool_calls: calls } },
      ],
      usage,
    };
    const delta = { role: "assistant", tool_calls: calls.map((call, index) => ({ index, ...call })) };
    const chunk = {
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: "tool_calls" }],
      usage,
    };
    const events = `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`;
    return { raw: isStream ? events : JSON.stringify(whole), contentType };
  };
}

const spec = { name: "find", parameters: tool };
const HISTORY = {
  "/chat/completions": {
    model: "scripted",
    max_completion_tokens: 99,
    messages: [
      { role: "user", content: "Find it." },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "find", arguments: `{"id":${LONG}}` } }],
      },
      { role: "tool", tool_call_id: "c1", content: "found" },
      { role: "user", content: "Again." },
    ],
    tools: [{ type: "function", function: spec }],
  },
  "/messages": {
    model: "scripted",
    max_tokens: 99,
    messages: [
      { role: "user", content: "Find it." },
      { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "find", input: { id: "@" } }] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "c1", content: "found" },
          { type: "text", text: "Again." },
        ],
      },
    ],
    tools: [{ name: "find", input_schema: tool }],
  },
  "/responses": {
    model: "scripted",
    input: [
      { role: "user", content: "Find it." },
      { type: "function_call", call_id: "c1", name: "find", arguments: `{"id":${LONG}}` },
      { type: "function_call_output", call_id: "c1", output: "found" },
      { role: "user", content: "Again." },
    ],
    tools: [{ type: "function", ...spec }],
  },
};
/** The pieces of a call's arguments in a stream, joined. */
function piecesOf(stream: string): string {
  const found = stream.matchAll(/"(?:partial_json|delta|arguments)":("(?:[^"\\]|\\.)*")/g);
  return [...found].map(([, piece = '""']) => JSON.parse(piece) as string).join("");
}

const KINDS = ["chat", "responses", "anthropic"] as const;

describe.each(KINDS)("an upstream of kind %s", (kind) => {
  it.each(Object.keys(HISTORY) as (keyof typeof HISTORY)[])("keeps the digits of long integers: %s", async (path) => {
    const gateway = await start(calling(kind), { kind });
    for (const stream of [false, true]) {
      const { status, text } = await post(gateway, path, at({ ...HISTORY[path], stream }, LONG));
      expect([status, text]).toEqual([200, expect.anything()]);
      const told = gateway.model.requests.at(-1)?.text ?? "";
      expect(told.replaceAll("\\", "")).toContain(`{"id":${LONG}}`);
      expect(told).toContain(`"maximum":${LONG}`);
      expect(stream ? piecesOf(text) : text.replaceAll("\\", "")).toContain(`"id":${LONG}`);
      expect(text).not.toContain("1234567890123456800");
    }
  });
});
