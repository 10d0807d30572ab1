import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../chat.ts";
import { toConversation } from "./messages.ts";

const calls = (...ids: string[]): ChatMessage => ({
  role: "assistant",
  content: null,
  tool_calls: ids.map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } })),
});
const result = (id: string, content: string): ChatMessage => ({ role: "tool", tool_call_id: id, content });

/** The ids of a conversation's calls, and of its results with what they say. */
function idsOf(messages: readonly ChatMessage[]) {
  const blocks = toConversation([{ role: "user", content: "q" }, ...messages]).messages.flatMap(
    ({ content }) => content,
  );
  return {
    calls: blocks.flatMap(({ type, id }) => (type === "tool_use" ? [id] : [])),
    results: blocks.flatMap(({ type, tool_use_id: id, content }) => (type === "tool_result" ? [[id, content]] : [])),
  };
}

describe("the ids of calls for Anthropic's messages API", () => {
  it("differ where those of two calls differ only in characters that the API refuses", () => {
    const made = idsOf([calls("x.1", "x:1", "x_1", "y"), ...["x_1", "x:1", "y", "x.1"].map((id) => result(id, id))]);
    expect(made).toEqual({
      calls: ["x_1", "x_1_2", "x_1_3", "y"],
      results: [
        ["x_1_3", "x_1"],
        ["x_1_2", "x:1"],
        ["y", "y"],
        ["x_1", "x.1"],
      ],
    });
  });

  it("differ where a model counts its calls anew in each step, and each result answers the call of its step", () => {
    const step = (content: string) => [calls("functions.f:0"), result("functions.f:0", content)];
    expect(idsOf([...step("1"), ...step("2"), ...step("3")])).toEqual({
      calls: ["functions_f_0", "functions_f_0_2", "functions_f_0_3"],
      results: [
        ["functions_f_0", "1"],
        ["functions_f_0_2", "2"],
        ["functions_f_0_3", "3"],
      ],
    });
  });

  it("differ where one step names two calls alike, whose results come in their order", () => {
    expect(idsOf([calls("c", "c"), result("c", "1"), result("c", "2")])).toEqual({
      calls: ["c", "c_2"],
      results: [
        ["c", "1"],
        ["c_2", "2"],
      ],
    });
  });

  it("stay as they are when the conversation goes on", () => {
    const said = [calls("a.1", "a:1"), result("a.1", "1"), result("a:1", "2")];
    const more = [...said, calls("a_1", "a_1_2", "a:1"), result("a_1", "3"), result("a_1_2", "4"), result("a:1", "5")];
    expect(idsOf(more).calls).toEqual([...idsOf(said).calls, "a_1_3", "a_1_2_2", "a_1_4"]);
    expect(new Set(idsOf(more).calls).size).toBe(5);
  });
});
