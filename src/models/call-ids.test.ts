import { expect, it } from "vitest";
import { startScriptedModel } from "../testing/index.ts";
import { shortCallId } from "./call-ids.ts";
import { openaiModel } from "./openai-compatible.ts";
import { toResponsesBody } from "./responses/request.ts";

const call = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });
const long = (end: string) => `functions.look_up_the_weather_of_a_city_in_the_world_by_its_name:${end}`;
const messages = [
  { role: "user", content: "q" },
  { role: "assistant", content: null, tool_calls: [call(long("0")), call(long("1")), call("call_1")] },
  { role: "tool", tool_call_id: long("0"), content: "a" },
  { role: "tool", tool_call_id: long("1"), content: "b" },
  { role: "tool", tool_call_id: "call_1", content: "c" },
];

it("an id is kept within its bound, and otherwise always becomes the same", () => {
  expect(shortCallId("a".repeat(40), 40)).toBe("a".repeat(40));
  expect(shortCallId(long("0"), 40)).toHaveLength(40);
  expect(shortCallId(long("0"), 40)).toBe(shortCallId(long("0"), 40));
  expect(shortCallId(long("0"), 40)).not.toBe(shortCallId(long("1"), 40));
});

it("an upstream of kind responses gets long ids of calls short, those of results like those of their calls", () => {
  const { input } = toResponsesBody({ model: "m", messages }) as { input: { type: string; call_id?: string }[] };
  const ids = input.flatMap(({ call_id: id }) => (id === undefined ? [] : [id]));
  expect(ids).toHaveLength(6);
  expect(ids.slice(0, 3)).toEqual(ids.slice(3));
  expect(new Set(ids).size).toBe(3);
  expect(ids.every((id) => id.length <= 64 && /^[\w.:-]+$/.test(id))).toBe(true);
  expect(ids[2]).toBe("call_1");
});

it("an upstream of kind chat gets long ids short only after it refused them, and no lesson remains", async () => {
  const words =
    "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a string with length 66 instead.";
  const error = { message: words, param: "messages[1].tool_calls[0].id", code: "string_above_max_length" };
  const endpoint = await startScriptedModel(({ body }) =>
    JSON.stringify(body).includes("in_the_world") ? { status: 400, raw: JSON.stringify({ error }) } : "fine",
  );
  const model = openaiModel({ baseUrl: endpoint.baseUrl });
  await model.complete({ request: { model: "m", messages } });
  await model.complete({ request: { model: "m", messages } });
  const ids = endpoint.requests.map(({ body }) =>
    (body["messages"] as { tool_calls?: { id: string }[]; tool_call_id?: string }[]).flatMap((message) => [
      ...(message.tool_calls ?? []).map(({ id }) => id),
      ...(message.tool_call_id === undefined ? [] : [message.tool_call_id]),
    ]),
  );
  expect(ids.map(([id = ""]) => id.length)).toEqual([66, 40, 66, 40]);
  expect(ids[1]?.slice(0, 3)).toEqual(ids[1]?.slice(3));
  await model.close();
  await endpoint.close();
});
