import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { compactionSchema, eventSchema, faultsOf, responseSchema } from "./responses-schemas.ts";

/** Open Responses 2026-04-24, kind by kind of what its public suite asks, for the demo model and for a scripted upstream. */
type Fields = Record<string, unknown>;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    script,
    config: { cache: { enabled: false }, limits: { enabled: false } },
  });
});
afterAll(() => gateway.close());

/** The upstream calls the first tool it is given, else repeats what was said to it; words of the prompt choose what else it does. */
function script({ body }: ScriptedRequest): ScriptedAnswer {
  const messages = body["messages"] as { role: string; content: unknown }[];
  const said = JSON.stringify(messages);
  const tools = body["tools"] as { function?: { name: string }; custom?: { name: string } }[] | undefined;
  if (said.includes("THINK"))
    return { message: { role: "assistant", reasoning_content: "Let me see.", content: "Seen." } };
  if (said.includes("REFUSE")) return { message: { role: "assistant", content: null, refusal: "I will not." } };
  if (said.includes("SILENT")) return { message: { role: "assistant", content: "" } };
  if (said.includes("CUT")) return { content: "one two", finishReason: "length" };
  if (said.includes("BREAK")) return { content: "one two three", cutAfter: 3, eventDelayMs: 20 };
  if (said.includes("FAIL")) return { status: 500 };
  if (tools !== undefined && messages.at(-1)?.role === "user") {
    const call = tools[0]?.custom
      ? { id: "call_1", type: "custom", custom: { name: tools[0].custom.name, input: "raw" } }
      : {
          id: "call_1",
          type: "function",
          function: { name: tools[0]?.function?.name, arguments: '{"location":"SF"}' },
        };
    return {
      message: { role: "assistant", content: null, tool_calls: [{ index: 0, ...call }] },
      finishReason: "tool_calls",
    };
  }
  return `I was told: ${said.slice(0, 400)}`;
}

const headers = () => ({ authorization: `Bearer ${gateway.key}`, "content-type": "application/json" });
const post = (path: string, body: unknown) =>
  fetch(`${gateway.baseURL}${path}`, { method: "POST", headers: headers(), body: JSON.stringify(body) });

/** A response, held to its schema. */
async function create(body: Fields): Promise<Fields & { id: string; output: readonly Fields[] }> {
  const answer = await post("/responses", body);
  const made = (await answer.json()) as Fields;
  expect([answer.status, made["error"] ?? null]).toEqual([200, null]);
  return responseSchema.parse(made);
}

type Event = { type: string; sequence_number: number } & Fields;

/** A stream, each event held to its schema and all to their order. */
async function stream(body: Fields): Promise<readonly Event[]> {
  const answer = await post("/responses", { ...body, stream: true });
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  const blocks = (await answer.text()).split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  expect(blocks.pop()).toBe("data: [DONE]");
  const events = blocks.map((block) => {
    const [, type, data = ""] = /^event: (.+)\ndata: (.+)$/.exec(block) ?? [];
    const event = eventSchema.parse(JSON.parse(data));
    expect(event.type).toBe(type);
    return event;
  });
  expect(
    faultsOf(events.filter(({ type }) => type !== "error").map((event, at) => ({ ...event, sequence_number: at }))),
  ).toEqual([]);
  return events;
}

/** A WebSocket; `turn` sends one message and answers its events up to the last. */
async function connect() {
  const socket = new WebSocket(`${gateway.baseURL.replace("http", "ws")}/responses`, { headers: headers() });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return {
    close: () => socket.close(),
    turn: (body: Fields): Promise<readonly Event[]> =>
      new Promise((resolve) => {
        const events: Event[] = [];
        const hear = (data: Buffer) => {
          const event = JSON.parse(data.toString("utf8")) as Event;
          events.push(event.type === "error" ? event : eventSchema.parse(event));
          // What breaks within a turn has a number, and `response.failed` behind it; what is refused before has neither.
          const isRefused = event.type === "error" && event.sequence_number === undefined;
          if (!isRefused && !/^response\.(completed|incomplete|failed)$/.test(event.type)) return;
          socket.off("message", hear);
          resolve(events);
        };
        socket.on("message", hear);
        socket.send(JSON.stringify({ type: "response.create", ...body }));
      }),
  };
}
const last = (events: readonly Event[]) => events.at(-1)?.["response"] as Fields & { id: string };
const codeOf = (events: readonly Event[]) => (events.at(-1)?.["error"] as Fields | undefined)?.["code"];

const message = (role: string, content: unknown, more: Fields = {}) => ({ type: "message", role, content, ...more });
const weather = {
  type: "function",
  name: "get_weather",
  description: "Get the current weather for a location",
  parameters: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
};
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe.each(["demo", "scripted"])("a response of %s", (model) => {
  it("to a text, a system prompt, several turns, labelled turns and a picture is a whole resource", async () => {
    const inputs: unknown[] = [
      [message("user", "Say hello in exactly 3 words.")],
      "What is Marrow?",
      [message("system", "You are a pirate."), message("user", "Say hello.")],
      [message("user", "My name is Alice."), message("assistant", "Hello Alice!"), message("user", "What is my name?")],
      [message("user", "Hi."), message("assistant", "Looking.", { phase: "commentary" }), message("user", "And?")],
      [
        message("user", [
          { type: "input_text", text: "What is it?" },
          { type: "input_image", image_url: PIXEL },
        ]),
      ],
    ];
    for (const input of inputs) {
      const made = await create({ model, input });
      expect([made["status"], made.output.length]).toEqual(["completed", 1]);
    }
  });

  it("is streamed as its events say", async () => {
    const events = await stream({ model, input: [message("user", "Count from 1 to 5.")] });
    expect(last(events)).toMatchObject({ status: "completed" });
    const [created, running] = events;
    for (const event of [created, running])
      expect(event?.["response"]).toMatchObject({ status: "in_progress", completed_at: null, output: [] });
  });

  it("calls a tool, whole and streamed", async () => {
    const body = { model, input: [message("user", "What's the weather like in San Francisco?")], tools: [weather] };
    const made = await create(body);
    expect(made.output).toMatchObject([{ type: "function_call", name: "get_weather", status: "completed" }]);
    const types = (await stream(body)).map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(["response.function_call_arguments.delta", "response.function_call_arguments.done"]),
    );
    const [call] = made.output;
    const result = { type: "function_call_output", call_id: call?.["call_id"], output: "18 degrees" };
    const after = await create({ model, previous_response_id: made.id, input: [result], tools: [weather] });
    expect(JSON.stringify(after.output)).toContain("18 degrees");
  });

  it("bounds the values and the depth of a message over the WebSocket as those of a body", async () => {
    const socket = await connect();
    const deep = JSON.parse(`${"[".repeat(150)}${"]".repeat(150)}`) as unknown;
    for (const x of [Array.from({ length: 12_000 }, () => 1), deep]) {
      const events = await socket.turn({ model: "demo", input: "hi", metadata: { x } });
      expect([events.length, codeOf(events)]).toEqual([1, "too_large"]);
    }
    socket.close();
  });

  it("is compacted, and goes on from what was compacted, over a WebSocket too", async () => {
    const input = [message("user", "The launch is on Tuesday."), message("assistant", "Understood.")];
    const answer = await post("/responses/compact", { model, input, prompt_cache_key: "k" });
    const { output } = compactionSchema.parse(await answer.json());
    expect(output.map(({ type }) => type)).toEqual(["message", "compaction"]);
    const socket = await connect();
    const next = [...output, message("user", "Continue from here.")];
    expect(last(await socket.turn({ model, store: false, input: next, tools: [] }))).toMatchObject({
      status: "completed",
    });
    socket.close();
    expect((await post("/responses/compact", { input })).status).toBe(400);
  });

  it("is made turn by turn over a WebSocket, and gone on from within it alone where it is not stored", async () => {
    const [one, other] = [await connect(), await connect()];
    const first = await one.turn({ model, store: false, input: "The code word is cobalt." });
    expect(faultsOf(first)).toEqual([]);
    const { id } = last(first);
    expect(last(await one.turn({ model, store: false, previous_response_id: id, input: "Which?" }))).toMatchObject({
      status: "completed",
      previous_response_id: id,
    });
    expect(codeOf(await other.turn({ model, store: false, previous_response_id: id, input: "Which?" }))).toBe(
      "previous_response_not_found",
    );
    expect(last(await other.turn({ model, store: false, input: "Afresh." }))).toMatchObject({ status: "completed" });
    const orphan = { type: "function_call_output", call_id: "call_missing", output: "x" };
    const failed = await one.turn({ model, store: false, previous_response_id: id, input: [orphan] });
    expect(failed.at(-1)).toMatchObject({ type: "error", status: 400 });
    expect(codeOf(await one.turn({ model, store: false, previous_response_id: id, input: "Stale?" }))).toBe(
      "previous_response_not_found",
    );
    one.close();
    other.close();
  });
});

describe("a response of an upstream", () => {
  it.each([
    ["THINK", ["reasoning", "message"], "completed"],
    ["REFUSE", ["message"], "completed"],
    ["CUT", ["message"], "incomplete"],
  ])("that says %s has its items and events", async (word, types, status) => {
    const events = await stream({ model: "scripted", input: word });
    expect(last(events)).toMatchObject({ status, output: types.map((type) => ({ type })) });
    const whole = await create({ model: "scripted", input: word });
    expect(whole.output.map(({ id: _, ...item }) => item)).toEqual(
      (last(events)["output"] as Fields[]).map(({ id: _, ...item }) => item),
    );
  });

  it("that breaks off within the stream ends as failed, and is kept so", async () => {
    const events = await stream({ model: "scripted", input: "BREAK" });
    expect(events.map(({ type }) => type).slice(-2)).toEqual(["error", "response.failed"]);
    const kept = await fetch(`${gateway.baseURL}/responses/${last(events).id}`, { headers: headers() });
    expect(responseSchema.parse(await kept.json())).toMatchObject({ status: "failed" });
    expect((await post("/responses", { model: "scripted", input: "FAIL" })).status).toBe(502);
  });

  it("calls a custom tool by its own items and events", async () => {
    const body = { model: "scripted", input: "Write.", tools: [{ type: "custom", name: "write" }] };
    const events = await stream(body);
    expect(events.map(({ type }) => type)).toContain("response.custom_tool_call_input.done");
    expect(last(events)["output"]).toMatchObject([{ type: "custom_tool_call", name: "write", input: "raw" }]);
  });
});

describe("a turn over a WebSocket", () => {
  it("whose upstream breaks has the events that it has over HTTP", async () => {
    const socket = await connect();
    const body = { model: "scripted", input: "BREAK" };
    const [here, there] = [await socket.turn(body), await stream(body)];
    const shapeOf = (events: readonly Event[]) =>
      events.map(({ type, sequence_number: number, error }) => [type, number, error]);
    expect(shapeOf(here)).toEqual(shapeOf(there));
    expect(here.map(({ type }) => type).slice(-2)).toEqual(["error", "response.failed"]);
    expect(last(await socket.turn({ model: "scripted", input: "Hi." }))).toMatchObject({ status: "completed" });
    socket.close();
  });

  it.each([true, false])("with generate: false asks no model and may be gone on from (store: %s)", async (store) => {
    const socket = await connect();
    const asked = gateway.model.requests.length;
    const input = `The code word is cobalt (${store}).`;
    const events = await socket.turn({ model: "scripted", store, generate: false, input });
    expect(events.map(({ type }) => type)).toEqual(["response.created", "response.in_progress", "response.completed"]);
    const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
    expect(last(events)).toMatchObject({ status: "completed", output: [], usage });
    expect(gateway.model.requests).toHaveLength(asked);
    const { id } = last(events);
    const next = await socket.turn({ model: "scripted", store, generate: true, previous_response_id: id, input: "?" });
    expect(last(next)).toMatchObject({ status: "completed", output: [{ type: "message" }] });
    const told = gateway.model.requests.at(-1)?.body ?? {};
    expect(told["messages"]).toMatchObject([{ content: input }, { content: "?" }]);
    expect(told).not.toHaveProperty("generate");
    const empty = last(await socket.turn({ model: "scripted", store, generate: false, input: [] }));
    expect(empty).toMatchObject({ status: "completed", output: [] });
    for (const wrong of [{ generate: "no" }, { generate: false, conversation: "c" }]) {
      const [refusal] = await socket.turn({ model: "scripted", input: "x", ...wrong });
      expect(refusal).toMatchObject({ type: "error", status: 400, error: { param: "generate" } });
    }
    const [unknown] = await socket.turn({ model: "nobody", input: "x", generate: false });
    expect(unknown).toMatchObject({ type: "error", status: 404 });
    expect((await post("/responses", { model: "scripted", input: "x", generate: false })).status).toBe(400);
    socket.close();
  });
});

describe("what a request restricts or leaves open", () => {
  const other = { ...weather, name: "get_time" };
  it.each([
    ["none", "none"],
    ["allowed tools", { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "get_time" }] }],
  ])("holds a model to its choice (%s) that calls what it must not, whole and streamed", async (_, choice) => {
    const body = { model: "scripted", input: "What's the weather?", tools: [weather, other], tool_choice: choice };
    const whole = await create(body);
    expect(whole).toMatchObject({ status: "completed", output: [{ type: "message", content: [{ text: "" }] }] });
    const events = await stream(body);
    expect(JSON.stringify(events.map(({ type }) => type))).not.toContain("function_call");
    expect(last(events)).toMatchObject({ output: [{ type: "message" }] });
  });

  it("goes to the model without the nulls that clients send for what they leave open", async () => {
    const format = { type: "json_schema", name: "n", schema: { type: "object" }, description: null, strict: null };
    const parts = [
      { type: "input_image", image_url: PIXEL, detail: null },
      { type: "input_file", file_url: "https://a/b.pdf", filename: null, file_data: null },
      { type: "input_video", video_url: "https://a/b.mp4" },
    ];
    await create({ model: "scripted", input: [message("user", parts, { id: null, status: null })], text: { format } });
    const sent = gateway.model.requests.at(-1)?.body;
    expect(sent?.["messages"]).toEqual([
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: PIXEL } },
          { type: "file", file: { file_url: "https://a/b.pdf" } },
          { type: "video_url", video_url: { url: "https://a/b.mp4" } },
        ],
      },
    ]);
    expect(sent?.["response_format"]).toEqual({
      type: "json_schema",
      json_schema: { name: "n", schema: { type: "object" } },
    });
  });

  it("has a message though the model said nothing", async () => {
    expect(await create({ model: "scripted", input: "SILENT" })).toMatchObject({
      output: [{ content: [{ text: "" }] }],
    });
    expect(last(await stream({ model: "scripted", input: "SILENT" }))).toMatchObject({ output: [{ type: "message" }] });
  });
});

describe("what cannot be served", () => {
  it.each([
    [{ input: [{ type: "computer_call", call_id: "c" }] }, "input.0.type"],
    [{ input: [message("user", [{ type: "input_hologram" }])] }, "input.0.content.0.type"],
    [{ input: "x", tools: [{ type: "web_search" }] }, "tools.0.type"],
    [{ input: "x", tools: [{ type: "mcp", server_label: "a" }] }, "tools.0.type"],
    [{ input: "x", tools: [{ type: "function" }] }, "tools.0.name"],
    [{ input: "x", tool_choice: { type: "mcp" } }, "tool_choice.type"],
    [{ input: "x", prompt: { id: "pmpt_1" } }, "prompt"],
    [{ input: "x", include: ["web_search_call.action.sources"] }, "include.0"],
    [{ input: [{ type: "function_call_output", call_id: "nobody", output: "x" }] }, "input.0.call_id"],
    [{ input: [{ type: "compaction", encrypted_content: "gAAA" }] }, "input.0.encrypted_content"],
    [{ input: [message("robot", "x")] }, "input.0.role"],
    [{ input: [message("user", [{ type: "input_video" }])] }, "input.0.content.0.video_url"],
    [{ input: "x", tools: [weather], tool_choice: "sometimes" }, "tool_choice"],
    [{ input: "x", tools: [weather], tool_choice: { type: "function", name: "other" } }, "tool_choice.name"],
    [
      {
        input: "x",
        tools: [weather],
        tool_choice: { type: "allowed_tools", tools: [{ type: "function", name: "other" }] },
      },
      "tool_choice.tools.0.name",
    ],
    [{ input: "x", metadata: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, "v"])) }, "metadata"],
  ])("is refused by name: %j", async (body, param) => {
    const answer = await post("/responses", { model: "scripted", ...body });
    const { error } = (await answer.json()) as { error: { param: string } };
    expect([answer.status, error.param]).toEqual([400, param]);
  });

  it("is sent with its bytes where it is a file of the gateway's, in both APIs", async () => {
    const client = gateway.client();
    const file = await client.files.create({ file: new File(["%PDF-1.7"], "a.pdf"), purpose: "user_data" });
    const sent = { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0xLjc=" };
    await create({ model: "scripted", input: [message("user", [{ type: "input_file", file_id: file.id }])] });
    const upstream = () => {
      const told = gateway.model.requests.at(-1)?.body["messages"] as readonly Fields[] | undefined;
      return told?.[0]?.["content"];
    };
    expect(upstream()).toEqual([{ type: "file", file: sent }]);
    const content = [
      { type: "file" as const, file: { file_id: file.id } },
      { type: "file" as const, file: { file_id: "file-theirs" } },
    ];
    await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content }] });
    expect(upstream()).toEqual([{ type: "file", file: sent }, content[1]]);
    const missing = await post("/responses", {
      model: "scripted",
      input: [message("user", [{ type: "input_file", file_id: "file-theirs" }])],
    });
    expect(missing.status).toBe(404);
  });

  it("is not found by its reference, nor another user's", async () => {
    const mine = await create({ model: "scripted", input: "Hello." });
    const [item] = mine.output;
    const refer = (id: unknown, more = {}) =>
      fetch(`${gateway.baseURL}/responses`, {
        method: "POST",
        headers: { ...headers(), ...more },
        body: JSON.stringify({ model: "scripted", input: [{ type: "item_reference", id }, message("user", "And?")] }),
      });
    const found = await refer(item?.["id"]);
    expect(JSON.stringify(await found.json())).toContain("I was told");
    expect(gateway.model.requests.at(-1)?.body["messages"]).toMatchObject([{ role: "assistant" }, { role: "user" }]);
    expect((await refer("msg_unknown")).status).toBe(404);
    const other = await gateway.keys.create({ scope: "acme", user: "u2", name: "other" });
    expect((await refer(item?.["id"], { authorization: `Bearer ${other}` })).status).toBe(404);
    const gone = await post("/responses", { model: "scripted", previous_response_id: "resp_none", input: "x" });
    expect(((await gone.json()) as { error: Fields }).error).toMatchObject({
      code: "previous_response_not_found",
      param: "previous_response_id",
    });
  });
});
