import { describe, expect, it } from "vitest";
import { textOfInput, toTextTool } from "./custom-tools.ts";
import { toChatPath } from "./refused-field.ts";
import { toAnthropicBody } from "./request.ts";

describe("the text of a custom tool's input", () => {
  it.each([
    [{ input: "a" }, "a"],
    [{ other: 1 }, '{"other":1}'],
    [{}, ""],
    [undefined, ""],
  ])("of the whole input %j is %s", (input, text) => {
    expect(textOfInput(input)).toBe(text);
  });
});

it("a grammar is told in the description of its tool", () => {
  const grammar = { syntax: "lark", definition: 'start: "a"' };
  const custom = { name: "f", description: "Patches.", format: { type: "grammar", grammar } };
  expect(toTextTool(custom, "t")["description"]).toBe(
    'Patches.\n\nThe input must match this grammar (lark):\nstart: "a"',
  );
  expect(toTextTool({ name: "f", format: { type: "text" } }, "t")).not.toHaveProperty("description");
  expect(() => toTextTool({ name: "f", format: { type: "grammar" } }, "t")).toThrow("t.format.grammar");
});

it.each([
  ["tools.0.custom.name", "tools.0.custom.name"],
  ["tools.0.custom.description", "tools.0.custom.description"],
  ["tools.0.custom.input_schema.type", "tools.0"],
  ["tools.0.defer_loading", "tools.0.defer_loading"],
])("a refusal of %s of its tool names %s", (own, chat) => {
  const messages = [{ role: "user", content: "q" }];
  const request = { model: "m", messages, tools: [{ type: "custom", custom: { name: "f" } }] };
  const body = toAnthropicBody(request, { outputTokens: 100, effort: "none" });
  expect(toChatPath(`${own}: is wrong`, body, request)).toBe(chat);
});
