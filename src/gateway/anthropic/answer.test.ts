import { describe, expect, it } from "vitest";
import type { ChatCompletion } from "../../models/index.ts";
import { toMessage } from "./answer.ts";
import { toChatMessages } from "./blocks.ts";

function messageThat(message: object) {
  const choice = { index: 0, message: { role: "assistant", ...message }, finish_reason: "stop" };
  return toMessage({ id: "c", model: "m", choices: [choice] } as unknown as ChatCompletion);
}

describe("a message that calls a tool", () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ["", {}],
    [null, {}],
    [undefined, {}],
    ['{"a":', { INVALID_JSON: '{"a":' }],
    ["[1]", { INVALID_JSON: "[1]" }],
    ['"text"', { INVALID_JSON: '"text"' }],
    ["7", { INVALID_JSON: "7" }],
    [{ a: 1 }, { a: 1 }],
    [[1], { INVALID_JSON: [1] }],
  ])("gives it an object: %j", (given, input) => {
    const told = messageThat({ tool_calls: [{ id: "call_a", function: { name: "f", arguments: given } }] });
    expect(told["content"]).toMatchObject([{ type: "tool_use", input }]);
  });

  it.each(["text", 5, [1]])("is refused by name where a client sends no object: %j", (input) => {
    const turn = { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input }] };
    expect(() => toChatMessages([turn])).toThrow("messages.0.content.0.input must be an object");
  });
});

it("a message says what of an answer has no place in it", () => {
  expect(messageThat({ content: "hi", omitted: ["web_search_call"] })).toMatchObject({ omitted: ["web_search_call"] });
  expect(messageThat({ content: "hi" })).not.toHaveProperty("omitted");
});
