import { describe, expect, it } from "vitest";
import { toMessages, withHistory } from "./context.ts";
import type { Turn } from "../memory/index.ts";

const turn = (fields: object): Turn => ({ role: "assistant", content: null, ...fields });
const [call, nowS] = [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }, Date.now() / 1_000];

describe("an assistant's turn goes back as an API takes it", () => {
  it.each<[string, object, object]>([
    ["nothing at all", { content: null }, { content: "" }],
    ["a refusal alone", { content: null, refusal: "no" }, { content: "", refusal: "no" }],
    ["an empty list of calls", { content: "Hi", tool_calls: [] }, { content: "Hi" }],
    ["an answer that was told without some of its parts", { content: "Hi", omitted: ["image"] }, { content: "Hi" }],
    ["no content and no calls", { content: null, tool_calls: null }, { content: "" }],
    ["an empty list of parts", { content: [] }, { content: "" }],
    [
      "a call without a name",
      { tool_calls: [{ id: "x", type: "function", function: { arguments: "{}" } }] },
      { content: "" },
    ],
    [
      "a call beside one without a name",
      { tool_calls: [call, { id: "x", function: {} }] },
      { content: null, tool_calls: [call] },
    ],
    ["calls", { content: null, tool_calls: [call] }, { content: null, tool_calls: [call] }],
    [
      "a call of before 2023",
      { content: null, function_call: call.function },
      { content: null, function_call: call.function },
    ],
    [
      "what was spoken",
      { content: null, audio: { id: "a", data: "UklG", transcript: "Hi", expires_at: nowS + 60 } },
      { content: null, audio: { id: "a" } },
    ],
    [
      "what was spoken long ago",
      { content: null, audio: { id: "a", data: "UklG", transcript: "Hi", expires_at: nowS - 60 } },
      { content: "Hi" },
    ],
  ])("of %s", (_, kept, sent) => {
    const expected = { role: "assistant", ...sent };
    expect(toMessages([turn(kept)])).toEqual([expected]);
    const [question, next] = [
      { role: "user", content: "q" },
      { role: "user", content: "next" },
    ];
    const results = [expected].flatMap((one: Readonly<Record<string, unknown>>) =>
      one["tool_calls"] === undefined ? [] : [{ role: "tool", tool_call_id: "c", content: "r" }],
    );
    const history = [question as Turn, turn(kept), ...results];
    expect(withHistory([next], history)).toEqual([question, expected, ...results, next]);
  });

  it("goes back without a call that its client gave up", () => {
    const [question, next] = [
      { role: "user", content: "q" },
      { role: "user", content: "next" },
    ];
    const other = { ...call, id: "d" };
    const result = { role: "tool", tool_call_id: "d", content: "r" };
    expect(withHistory([next], [question, turn({ tool_calls: [call] })])).toEqual([question, next]);
    expect(withHistory([next], [question, turn({ content: "I look", tool_calls: [call] })])).toEqual([
      question,
      { role: "assistant", content: "I look" },
      next,
    ]);
    const both = [question, turn({ tool_calls: [call, other] })];
    expect(withHistory([result, next], both)).toEqual([
      question,
      { role: "assistant", content: null, tool_calls: [other] },
      result,
      next,
    ]);
  });
});
