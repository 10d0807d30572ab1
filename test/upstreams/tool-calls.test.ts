import { ChatCompletionStream } from "openai/lib/ChatCompletionStream";
import { afterEach, describe, expect, it } from "vitest";
import { createMessageEvents } from "../../src/gateway/anthropic/stream.ts";
import { createRecorder } from "../../src/models/recorder.ts";
import { createCallReader, openaiModel, type ChatChunk } from "../../src/models/index.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";

let endpoint: ScriptedModel;
afterEach(() => endpoint?.close());

const request = {
  model: "m",
  messages: [{ role: "user", content: "hi" }],
  stream: true,
  tools: ["get_weather", "get_time", "get"].map((name) => ({ type: "function", function: { name } })),
};
const WEATHER = '{"city":"Paris"}';
const TIME = '{"zone":"CET"}';
const delta = (calls: object[], finish: string | null = null) => ({
  id: "c",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  choices: [{ index: 0, delta: { tool_calls: calls }, finish_reason: finish }],
});
const end = (finish: string) => ({ ...delta([]), choices: [{ index: 0, delta: {}, finish_reason: finish }] });
const fn = (name: string | undefined, given: unknown) => ({
  function: { ...(name !== undefined && { name }), arguments: given },
});

/** Two calls as each maker streams them, in the shape it is known for; not recorded. */
const STREAMS: Readonly<Record<string, { readonly events: readonly object[]; readonly hasIds?: false }>> = {
  "OpenAI: a head, then pieces by index": {
    events: [
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", "") }]),
      delta([{ index: 0, ...fn(undefined, '{"city"') }]),
      delta([{ index: 0, ...fn(undefined, ':"Paris"}') }]),
      delta([{ index: 1, id: "call_b", type: "function", ...fn("get_time", "") }]),
      delta([{ index: 1, ...fn(undefined, TIME) }]),
      end("tool_calls"),
    ],
  },
  "Azure: filters first, an empty id and a null name on later pieces": {
    events: [
      { id: "", object: "", created: 0, model: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", "") }]),
      delta([{ index: 0, id: "", type: null, function: { name: null, arguments: WEATHER } }]),
      delta([{ index: 1, id: "call_b", type: "function", ...fn("get_time", "") }]),
      delta([{ index: 1, id: "", function: { name: null, arguments: TIME } }]),
      end("tool_calls"),
    ],
  },
  "Mistral: whole calls in one chunk, with the reason beside them": {
    events: [
      delta(
        [
          { index: 0, id: "call_a", ...fn("get_weather", WEATHER) },
          { index: 1, id: "call_b", ...fn("get_time", TIME) },
        ],
        "tool_calls",
      ),
    ],
  },
  "Gemini's OpenAI endpoint: whole calls at one index, without ids, and a reason of stop": {
    hasIds: false,
    events: [
      delta([{ index: 0, id: "", type: "function", ...fn("get_weather", WEATHER) }]),
      delta([{ index: 0, id: "", type: "function", ...fn("get_time", TIME) }]),
      end("stop"),
    ],
  },
  "Groq: whole calls, each with its id at its index": {
    events: [
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", WEATHER) }]),
      delta([{ index: 1, id: "call_b", type: "function", ...fn("get_time", TIME) }]),
      { ...end("tool_calls"), x_groq: { id: "req" } },
    ],
  },
  "vLLM: two ids at the same index, the id and name again on each piece": {
    events: [
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", '{"city"') }]),
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", ':"Paris"}') }]),
      delta([{ index: 0, id: "call_b", type: "function", ...fn("get_time", TIME) }]),
      end("stop"),
    ],
  },
  "Ollama: no index, arguments as an object, a reason of stop": {
    events: [
      delta([{ id: "call_a", type: "function", ...fn("get_weather", { city: "Paris" }) }]),
      delta([{ id: "call_b", type: "function", ...fn("get_time", { zone: "CET" }) }]),
      end("stop"),
    ],
  },
  "names in pieces, and a null where nothing is said": {
    events: [
      delta([{ index: 0, id: "call_a", type: "function", function: { name: "get" } }]),
      delta([{ index: 0, id: null, type: null, function: { name: "_weather", arguments: null } }]),
      delta([{ index: 0, id: "call_a", type: null, ...fn("get_weather", WEATHER) }]),
      delta([{ index: 1, id: "call_b", function: { name: "get_" } }]),
      delta([{ index: 1, function: { name: "time" } }]),
      delta([{ index: 1, ...fn(undefined, TIME) }]),
      end("tool_calls"),
    ],
  },
  "an id that comes after the name, and calls one after the other in one list": {
    events: [
      delta([{ type: "function", function: { name: "get_" } }]),
      delta([{ id: "call_a", function: { name: "weather", arguments: WEATHER } }]),
      delta([{ index: 7, id: "call_b", ...fn("get_time", { zone: "CET" }) }], "tool_calls"),
    ],
  },
};
/** One call in the words of before 2023, from a server that was given tools. */
const LEGACY = [
  {
    ...delta([]),
    choices: [{ index: 0, delta: { role: "assistant", function_call: { name: "get_weather", arguments: "" } } }],
  },
  { ...delta([]), choices: [{ index: 0, delta: { function_call: { arguments: '{"city"' } } }] },
  { ...delta([]), choices: [{ index: 0, delta: { function_call: { arguments: ':"Paris"}' } } }] },
  { ...end("function_call") },
];

/** The turn that all of them say; an id that nobody gave is any that begins as ids do. */
function expected(hasIds = true) {
  const call = (id: string, name: string, given: string) => ({
    id: hasIds ? id : (expect.stringMatching(/^call_\w{24}$/) as string),
    type: "function",
    function: { name, arguments: given },
  });
  return [call("call_a", "get_weather", WEATHER), call("call_b", "get_time", TIME)];
}

/** The calls that OpenAI's own client reads of a stream's bytes. */
async function readByClient(bytes: readonly Uint8Array[]): Promise<unknown> {
  const text = Buffer.concat(bytes).toString("utf8");
  const lines = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => `${json}\n`);
  // The fixtures leave out the first delta, which names the role.
  const head = `${JSON.stringify({ ...delta([]), choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }] })}\n`;
  const stream = ChatCompletionStream.fromReadableStream(new Blob([head, ...lines]).stream());
  const calls = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls;
  return calls?.map((call) => ({
    id: call.id,
    type: call.type,
    function: "function" in call ? { name: call.function.name, arguments: call.function.arguments } : null,
  }));
}

const wire = (events: readonly object[]) =>
  `${events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("")}data: [DONE]\n\n`;

describe.each(Object.entries(STREAMS))("%s", (_, { events, hasIds }) => {
  it("is recorded as the same turn, and is the same to OpenAI's client", async () => {
    endpoint = await startScriptedModel(() => ({ raw: wire(events) }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    const recorder = createRecorder("m");
    const told: Uint8Array[] = [];
    for await (const { chunks, bytes } of await model.stream({ request })) {
      recorder.add(chunks);
      told.push(bytes);
    }
    const calls = recorder.completion().choices[0]?.message["tool_calls"] as { readonly id: string }[];
    expect(calls.map((call) => ({ type: "function", ...call }))).toEqual(expected(hasIds));
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    expect(await readByClient(told)).toEqual(calls);
    await model.close();
  });

  it("is told as the same blocks to Anthropic's clients", () => {
    const [made, read] = [createMessageEvents("m"), createCallReader()];
    const told = events.flatMap((event) => made.add(read(event as ChatChunk)));
    const inputs = new Map<unknown, string>();
    for (const { index, delta: piece } of told as readonly {
      readonly index?: unknown;
      readonly delta?: { type: string; partial_json: string };
    }[])
      if (piece?.type === "input_json_delta") inputs.set(index, (inputs.get(index) ?? "") + piece.partial_json);
    const names = told.flatMap(({ content_block: block }) =>
      block === undefined ? [] : [(block as { name: string }).name],
    );
    expect(names).toEqual(["get_weather", "get_time"]);
    expect([...inputs.values()].map((text) => JSON.parse(text) as unknown)).toEqual([
      { city: "Paris" },
      { zone: "CET" },
    ]);
    expect(made.end().at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" } });
  });
});

const named = (name: string, more: object = {}) => delta([{ function: { name }, ...more }]);

/** Calls as they are told, with what they are given, and the reason of the end. */
const ODD_STREAMS: readonly (readonly [string, readonly object[], readonly (readonly [string, string])[]])[] = [
  [
    "whose name begins another tool's, without a reason",
    [delta([{ index: 0, id: "call_a", type: "function", ...fn("get", "") }])],
    [["get", "{}"]],
  ],
  [
    "that was given nothing",
    [delta([{ index: 0, id: "call_a", type: "function", ...fn("get_time", "") }]), end("tool_calls")],
    [["get_time", "{}"]],
  ],
  ["that was given nothing, twice ended", [named("get"), end("tool_calls"), end("tool_calls")], [["get", "{}"]]],
  [
    "without a place that is gone back to by its id",
    [
      delta([{ id: "call_a", ...fn("get_weather", '{"city"') }]),
      delta([{ id: "call_b", ...fn("get_time", '{"zone"') }]),
      delta([{ id: "call_a", ...fn(undefined, ':"Paris"}') }]),
      delta([{ id: "call_b", ...fn(undefined, ':"CET"}') }]),
      end("tool_calls"),
    ],
    [
      ["get_weather", WEATHER],
      ["get_time", TIME],
    ],
  ],
  [
    "by its name alone, behind another",
    [named("get_weather"), named("get_time"), end("tool_calls")],
    [
      ["get_weather", "{}"],
      ["get_time", "{}"],
    ],
  ],
];

it.each(ODD_STREAMS)("a call %s is told to clients and to the session", async (_, events, calls) => {
  endpoint = await startScriptedModel(() => ({ raw: wire(events) }));
  const model = openaiModel({ baseUrl: endpoint.baseUrl });
  const recorder = createRecorder("m");
  const told: Uint8Array[] = [];
  for await (const { chunks, bytes } of await model.stream({ request })) {
    recorder.add(chunks);
    told.push(bytes);
  }
  await model.close();
  const [choice] = recorder.completion().choices;
  expect(choice).toMatchObject({
    finish_reason: "tool_calls",
    message: { tool_calls: calls.map(([name, given]) => ({ function: { name, arguments: given } })) },
  });
  expect(await readByClient(told)).toEqual(choice?.message["tool_calls"]);
});

it.each([
  ["whole", { message: { role: "assistant", tool_calls: [{ id: "c", type: "function", function: "get" }] } }],
  ["streamed", { delta: { tool_calls: [{ index: 0, id: "c", type: "function", function: "get" }] } }],
  ["of before 2023", { delta: { function_call: "get" } }],
])("a call whose function is a text fails its model: %s", async (_, choice) => {
  const raw = JSON.stringify({ choices: [{ index: 0, ...choice, finish_reason: "tool_calls" }] });
  const isStream = "delta" in choice;
  endpoint = await startScriptedModel(() => ({ raw: isStream ? `data: ${raw}\n\n` : raw }));
  const model = openaiModel({ baseUrl: endpoint.baseUrl });
  const asked = isStream
    ? (await model.stream({ request }))[Symbol.asyncIterator]().next()
    : model.complete({ request: { ...request, stream: false } });
  await expect(asked).rejects.toMatchObject({ code: "model_failed", details: { status: 502 } });
  await model.close();
});

it("a stream in the usual shape is passed on as it came", async () => {
  const [events] = Object.values(STREAMS).map((one) => one.events);
  endpoint = await startScriptedModel(() => ({ raw: wire(events ?? []) }));
  const model = openaiModel({ baseUrl: endpoint.baseUrl });
  const told: Uint8Array[] = [];
  for await (const { bytes } of await model.stream({ request })) told.push(bytes);
  expect(Buffer.concat(told).toString("utf8")).toBe(wire(events ?? []));
  await model.close();
});

describe("a call in the words of functions", () => {
  const legacy = { role: "assistant", content: null, function_call: { name: "get_weather", arguments: WEATHER } };
  const whole = { id: "c", choices: [{ index: 0, message: legacy, finish_reason: "function_call" }] };
  const [, ...functions] = [request.tools, ...request.tools.map((tool) => tool.function)];
  const { tools: _, ...untooled } = request;

  it.each(["whole", "streamed"])("is one of tools for whoever sent tools: %s", async (form) => {
    endpoint = await startScriptedModel(() => ({ raw: form === "whole" ? JSON.stringify(whole) : wire(LEGACY) }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    const told = { tool_calls: [expected(false)[0]] };
    if (form === "whole") {
      const { completion, text } = await model.complete({ request });
      expect(completion.choices[0]).toMatchObject({ message: told, finish_reason: "tool_calls" });
      expect(JSON.parse(text)).toEqual(completion);
    } else {
      const bytes: Uint8Array[] = [];
      for await (const part of await model.stream({ request })) bytes.push(part.bytes);
      expect(await readByClient(bytes)).toEqual(told.tool_calls);
      expect(Buffer.concat(bytes).toString("utf8")).toContain('"finish_reason":"tool_calls"');
    }
    await model.close();
  });

  it("stays as it came for whoever sent functions", async () => {
    endpoint = await startScriptedModel(({ body }) => ({
      raw: body["stream"] === true ? wire(LEGACY) : JSON.stringify(whole),
    }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    const asked = { ...untooled, functions };
    expect((await model.complete({ request: { ...asked, stream: false } })).text).toBe(JSON.stringify(whole));
    const bytes: Uint8Array[] = [];
    for await (const part of await model.stream({ request: asked })) bytes.push(part.bytes);
    expect(Buffer.concat(bytes).toString("utf8")).toBe(wire(LEGACY));
    await model.close();
  });
});

describe("a whole answer", () => {
  it.each<[string, object, object]>([
    [
      "arguments as an object",
      { id: "call_a", type: "function", ...fn("get_weather", { city: "Paris" }) },
      { id: "call_a" },
    ],
    ["no id", { type: "function", ...fn("get_weather", WEATHER) }, {}],
    ["an empty id and no type", { id: "", ...fn("get_weather", WEATHER) }, {}],
    [
      "no arguments",
      { id: "call_a", type: "function", ...fn("get_weather", undefined) },
      { id: "call_a", ...fn("get_weather", "{}") },
    ],
  ])("with %s is recorded as a call that clients read", async (_, call, told) => {
    const choice = { index: 0, message: { role: "assistant", content: "", tool_calls: [call] }, finish_reason: "stop" };
    endpoint = await startScriptedModel(() => ({ raw: JSON.stringify({ id: "c", choices: [choice] }) }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    const { completion, text } = await model.complete({
      request: { model: "m", messages: [{ role: "user", content: "x" }] },
    });
    expect(completion.choices[0]?.message["tool_calls"]).toEqual([{ ...expected(false)[0], ...told }]);
    expect(JSON.parse(text)).toEqual(completion);
    await model.close();
  });
});

describe("a field of a call that a stream says before the call's id", () => {
  it("is told with the id", () => {
    const read = createCallReader({ names: new Set(["look"]), isModern: true });
    const beside = { extra_content: { google: { thought_signature: "SIG" } } };
    const head = { id: "c1", type: "function", function: { name: "look", arguments: "{}" } };
    const calls = [beside, head].flatMap((piece) => {
      const [choice] = read({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...piece }] } }] }).choices ?? [];
      return choice?.delta?.["tool_calls"] ?? [];
    });
    expect(calls).toEqual([{ index: 0, ...head, ...beside }]);
  });
});
