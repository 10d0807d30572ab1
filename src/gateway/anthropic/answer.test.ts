import { describe, expect, it } from "vitest";
import type { ChatCompletion } from "../../models/index.ts";
import { toMessage } from "./answer.ts";
import { toChatMessages } from "./blocks.ts";
import { createMessageEvents } from "./stream.ts";

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

describe("a message of an answer with pictures, sound and citations", () => {
  const said = {
    content: "hi",
    images: [{ type: "image_url", image_url: { url: "https://h" } }],
    audio: { id: "a", data: "AA==", transcript: "hi" },
    annotations: [{ type: "url_citation", url_citation: { url: "https://h" } }],
  };
  const usage = {
    prompt_tokens: 9,
    completion_tokens: 2,
    total_tokens: 11,
    service_tier: "priority",
    server_tool_use: { web_search_requests: 1 },
    cost: 0.5,
  };
  const omitted = ["audio", "image_url", "url_citation"];
  const told = { server_tool_use: { web_search_requests: 1 }, service_tier: "priority", cost: 0.5, input_tokens: 9 };

  it("names each of them, and has usage as it came", () => {
    const choice = { index: 0, message: { role: "assistant", ...said }, finish_reason: "stop" };
    const made = toMessage({ id: "c", model: "m", choices: [choice], usage } as unknown as ChatCompletion);
    expect(made).toMatchObject({ usage: told });
    expect((made["omitted"] as string[]).toSorted()).toEqual(omitted);
    expect(made["usage"]).not.toHaveProperty("total_tokens");
  });

  it("does so as a stream", () => {
    const events = createMessageEvents("m");
    events.add({ choices: [{ index: 0, delta: said }], usage });
    const end = events.end().find(({ type }) => type === "message_delta");
    expect(end).toMatchObject({ usage: told });
    expect((end?.["delta"] as { omitted?: string[] } | undefined)?.omitted?.toSorted()).toEqual(omitted);
  });
});

describe("an assistant's turn", () => {
  it.each([
    ["thinks only", [{ type: "thinking", thinking: "hm", signature: "s" }]],
    ["says nothing", []],
  ])("has an empty text where it %s, because chat completions require one", (_, content) => {
    expect(toChatMessages([{ role: "assistant", content }])[0]?.content).toBe("");
  });
});
