import { describe, expect, it } from "vitest";
import { checkAnswered } from "./answered-calls.ts";
import type { Item } from "./shape.ts";

const call = (id: string, type = "function_call"): Item => ({ id: `fc_${id}`, type, call_id: id });
const output = (id: string, type = "function_call_output"): Item => ({ id: `o_${id}`, type, call_id: id });
const custom = [call("c", "custom_tool_call"), output("c", "custom_tool_call_output")] as const;
const said: Item = { id: "m", type: "message", role: "user" };

describe("the calls of a response's input", () => {
  it.each<[string, Item[], Item[]]>([
    ["none", [said], [said]],
    ["answered at once", [], [call("a"), output("a"), said]],
    ["answered after the response that made them", [said, call("a"), call("b")], [output("b"), output("a")]],
    ["of custom tools", [custom[0]], [custom[1]]],
    ["with an id that is used again", [call("a"), output("a"), call("a")], [output("a")]],
  ])("may go on where they have their outputs: %s", (_, history, input) => {
    expect(() => checkAnswered(history, input)).not.toThrow();
  });

  it.each<[string, Item[], Item[], string, string]>([
    ["in the input", [], [said, call("a")], "function call a", "input.1.call_id"],
    ["of a custom tool", [], [custom[0], said], "custom tool call c", "input.0.call_id"],
    ["one of two", [], [call("a"), call("b"), output("a")], "function call b", "input.1.call_id"],
    ["of the previous response", [said, call("a")], [said], "function call a", "previous_response_id"],
    ["called again", [call("a"), output("a")], [call("a")], "function call a", "input.0.call_id"],
  ])("are refused by name where they have none: %s", (_, history, input, named, path) => {
    expect(() => checkAnswered(history, input)).toThrow(
      expect.objectContaining({
        code: "invalid_input",
        message: `No tool output found for ${named}.`,
        details: { path },
      }),
    );
  });
});
