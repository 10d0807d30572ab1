import { afterEach, describe, expect, it } from "vitest";
import { createMessageEvents } from "../../src/gateway/anthropic/stream.ts";
import { createRecorder } from "../../src/flow/recorder.ts";
import { createCallReader, openaiModel, type ChatChunk } from "../../src/models/index.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";

let endpoint: ScriptedModel;
afterEach(() => endpoint?.close());

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
const STREAMS: Readonly<Record<string, { readonly events: readonly object[]; readonly hasIds: boolean }>> = {
  "OpenAI: a head, then pieces by index": {
    hasIds: true,
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
    hasIds: true,
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
    hasIds: true,
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
    hasIds: true,
    events: [
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", WEATHER) }]),
      delta([{ index: 1, id: "call_b", type: "function", ...fn("get_time", TIME) }]),
      { ...end("tool_calls"), x_groq: { id: "req" } },
    ],
  },
  "vLLM: two ids at the same index, the id and name again on each piece": {
    hasIds: true,
    events: [
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", '{"city"') }]),
      delta([{ index: 0, id: "call_a", type: "function", ...fn("get_weather", ':"Paris"}') }]),
      delta([{ index: 0, id: "call_b", type: "function", ...fn("get_time", TIME) }]),
      end("stop"),
    ],
  },
  "Ollama: no index, arguments as an object, a reason of stop": {
    hasIds: true,
    events: [
      delta([{ id: "call_a", type: "function", ...fn("get_weather", { city: "Paris" }) }]),
      delta([{ id: "call_b", type: "function", ...fn("get_time", { zone: "CET" }) }]),
      end("stop"),
    ],
  },
};

function expected(hasIds: boolean) {
  const call = (id: string, name: string, given: string) => ({
    ...(hasIds && { id }),
    type: "function",
    function: { name, arguments: given },
  });
  return [call("call_a", "get_weather", WEATHER), call("call_b", "get_time", TIME)];
}

const wire = (events: readonly object[]) =>
  `${events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("")}data: [DONE]\n\n`;

describe.each(Object.entries(STREAMS))("%s", (_, { events, hasIds }) => {
  it("is recorded as the same turn", async () => {
    endpoint = await startScriptedModel(() => ({ raw: wire(events) }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    const recorder = createRecorder("m");
    const request = { model: "m", messages: [{ role: "user", content: "hi" }], stream: true };
    for await (const { chunks } of await model.stream({ request })) recorder.add(chunks);
    const calls = recorder.completion().choices[0]?.message["tool_calls"] as object[];
    expect(calls.map((call) => ({ type: "function", ...call }))).toEqual(expected(hasIds));
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

describe("a whole answer with arguments as an object", () => {
  it("is recorded with its arguments as text", async () => {
    const call = { id: "call_a", type: "function", ...fn("get_weather", { city: "Paris" }) };
    const choice = { index: 0, message: { role: "assistant", content: "", tool_calls: [call] }, finish_reason: "stop" };
    endpoint = await startScriptedModel(() => ({ raw: JSON.stringify({ id: "c", choices: [choice] }) }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    const { completion } = await model.complete({
      request: { model: "m", messages: [{ role: "user", content: "x" }] },
    });
    expect(completion.choices[0]?.message["tool_calls"]).toEqual([
      { ...call, function: { name: "get_weather", arguments: WEATHER } },
    ]);
    await model.close();
  });
});
