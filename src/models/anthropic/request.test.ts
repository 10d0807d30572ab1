import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../chat.ts";
import { TEXT_SCHEMA } from "./custom-tools.ts";
import { ANTHROPIC_FIELDS, toAnthropicBody } from "./request.ts";

const base: ChatRequest = { model: "claude", messages: [{ role: "user", content: "hi" }] };
const options = { outputTokens: 8_192, effort: "adaptive" } as const;
const tool = { type: "function", function: { name: "f", parameters: { type: "object" } } };

/** One row for each field: what is sent, and what comes of it beside the base's own body. */
const ROWS: Readonly<Record<string, readonly (readonly [unknown, object | string])[]>> = {
  model: [["claude-2", { model: "claude-2" }]],
  messages: [
    [[{ role: "user", content: "x" }], { messages: [{ role: "user", content: [{ type: "text", text: "x" }] }] }],
  ],
  stream: [[true, { stream: true }]],
  stream_options: [[{ include_usage: true }, {}]],
  max_completion_tokens: [[7, { max_tokens: 7 }]],
  max_tokens: [[9, { max_tokens: 9 }]],
  temperature: [
    [0.5, { temperature: 0.5 }],
    [1, {}],
  ],
  top_p: [
    [0.9, { top_p: 0.9 }],
    [1, {}],
  ],
  stop: [
    [[], {}],
    ["", {}],
    [["", "a"], { stop_sequences: ["a"] }],
    ["END", { stop_sequences: ["END"] }],
    [["a", "b"], { stop_sequences: ["a", "b"] }],
  ],
  tools: [
    [[tool], { tools: [{ name: "f", input_schema: { type: "object" } }] }],
    [
      [{ type: "function", function: { name: "f" } }],
      { tools: [{ name: "f", input_schema: { type: "object", properties: {} } }] },
    ],
    [
      [{ ...tool, function: { ...tool.function, foo: 1, bar: null }, defer_loading: true }],
      { tools: [{ name: "f", input_schema: { type: "object" }, foo: 1, defer_loading: true }] },
    ],
    [
      [{ type: "custom", custom: { name: "f", description: "d" }, defer_loading: true }],
      { tools: [{ name: "f", description: "d", input_schema: TEXT_SCHEMA, defer_loading: true }] },
    ],
    [[{ type: "custom", custom: {} }], "tools.0.custom.name"],
    [[{ type: "custom", custom: { name: "f", format: { type: "x" } } }], "tools.0.custom.format.type"],
    [[{ type: "web_search" }], "tools.0.type"],
  ],
  tool_choice: [["auto", {}]],
  parallel_tool_calls: [[false, {}]],
  response_format: [
    [{ type: "text" }, {}],
    [
      { type: "json_schema", json_schema: { name: "p", schema: { type: "object" } } },
      { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
    ],
    [{ type: "json_object" }, "response_format.type"],
  ],
  reasoning_effort: [
    ["high", { thinking: { type: "adaptive" }, output_config: { effort: "high" } }],
    ["minimal", { thinking: { type: "adaptive" }, output_config: { effort: "low" } }],
    ["none", { thinking: { type: "disabled" } }],
    ["enormous", "reasoning_effort"],
  ],
  text: [
    [{ novel: true }, "text"],
    [{}, {}],
  ],
  reasoning: [
    [{ summary: "auto", mode: null }, {}],
    [{ effort: "none" }, { thinking: { type: "disabled" } }],
    [{ summary: "auto", mode: "pro" }, "reasoning.mode"],
    [{ max_tokens: 5 }, "reasoning.max_tokens"],
  ],
  thinking: [
    [
      { type: "enabled", budget_tokens: 2_000 },
      { thinking: { type: "enabled", budget_tokens: 2_000 }, max_tokens: 10_192 },
    ],
  ],
  output_config: [[{ effort: "low" }, { output_config: { effort: "low" } }]],
  user: [["u1", { metadata: { user_id: "u1" } }]],
  safety_identifier: [["s1", { metadata: { user_id: "s1" } }]],
  service_tier: [
    ["auto", { service_tier: "auto" }],
    ["default", { service_tier: "standard_only" }],
    ["flex", "service_tier"],
  ],
  metadata: [[{ a: "b" }, {}]],
  store: [[true, {}]],
  prediction: [[{ type: "content", content: "x" }, {}]],
  prompt_cache_key: [["k", {}]],
  prompt_cache_retention: [["24h", {}]],
  prompt_cache_options: [[{}, {}]],
  verbosity: [
    ["medium", {}],
    ["low", "verbosity"],
  ],
  n: [
    [1, {}],
    [2, "n"],
  ],
  logprobs: [
    [false, {}],
    [true, "logprobs"],
  ],
  top_logprobs: [
    [0, {}],
    [2, "top_logprobs"],
  ],
  presence_penalty: [
    [0, {}],
    [1, "presence_penalty"],
  ],
  frequency_penalty: [
    [0, {}],
    [1, "frequency_penalty"],
  ],
  logit_bias: [
    [{}, {}],
    [{ 5: 1 }, "logit_bias"],
  ],
  seed: [[7, "seed"]],
  modalities: [
    [["text"], {}],
    [["text", "audio"], "modalities"],
  ],
  audio: [[{ voice: "a" }, "audio"]],
  moderation: [[{}, "moderation"]],
  functions: [[[], "functions"]],
  function_call: [["auto", "function_call"]],
  web_search_options: [[{}, "web_search_options"]],
};

describe("a chat request for Anthropic's messages API", () => {
  it("has a row for each field of the table", () => {
    expect(Object.keys(ROWS).toSorted()).toEqual([...ANTHROPIC_FIELDS.keys()].toSorted());
  });

  const cases = Object.entries(ROWS).flatMap(([field, rows]) => rows.map(([value, to]) => ({ field, value, to })));
  it.each(cases)("says $field $value", ({ field, value, to }) => {
    const make = () => toAnthropicBody({ ...base, [field]: value }, options);
    if (typeof to === "string")
      expect(make).toThrow(expect.objectContaining({ code: "invalid_input", details: { path: to } }));
    else expect(make()).toEqual({ ...toAnthropicBody(base, options), ...to });
  });

  it("passes a field without a row on as it came", () => {
    expect(toAnthropicBody({ ...base, top_k: 5 }, options)).toMatchObject({ top_k: 5 });
  });

  it.each([
    ["auto", undefined, { type: "auto" }],
    ["required", undefined, { type: "any" }],
    ["none", false, { type: "none" }],
    [{ type: "function", function: { name: "f" } }, undefined, { type: "tool", name: "f" }],
    [undefined, false, { type: "auto", disable_parallel_tool_use: true }],
    ["required", false, { type: "any", disable_parallel_tool_use: true }],
    [undefined, true, undefined],
  ])("chooses tools: %j, parallel %s", (tool_choice, parallel_tool_calls, expected) => {
    expect(
      toAnthropicBody({ ...base, tools: [tool], tool_choice, parallel_tool_calls }, options)["tool_choice"],
    ).toEqual(expected);
  });

  it("leaves only the tools that a choice allows", () => {
    const other = { type: "function", function: { name: "g" } };
    const allowed_tools = { mode: "required", tools: [{ type: "function", function: { name: "g" } }] };
    const body = toAnthropicBody(
      { ...base, tools: [tool, other], tool_choice: { type: "allowed_tools", allowed_tools } },
      options,
    );
    expect(body).toMatchObject({ tools: [{ name: "g" }], tool_choice: { type: "any" } });
  });

  it("gives a model that wants a budget one within the answer's bound, and refuses where there is no room", () => {
    const budget = { outputTokens: 8_192, effort: "budget" } as const;
    expect(toAnthropicBody({ ...base, reasoning_effort: "low" }, budget)).toMatchObject({
      max_tokens: 10_240,
      thinking: { budget_tokens: 2_048 },
    });
    expect(toAnthropicBody({ ...base, reasoning_effort: "high", max_tokens: 4_000 }, budget)).toMatchObject({
      thinking: { budget_tokens: 2_000 },
    });
    expect(() => toAnthropicBody({ ...base, reasoning_effort: "high", max_tokens: 500 }, budget)).toThrow(
      "reasoning_effort",
    );
  });
});

describe("messages for Anthropic's messages API", () => {
  const said = (messages: ChatRequest["messages"]) => toAnthropicBody({ model: "m", messages }, options);
  const png = "data:image/png;base64,AAAA";
  const call = { id: "call:1", type: "function", function: { name: "f", arguments: '{"a":1}' } };

  it("puts instructions to the top, wherever they stand, with their marks for the cache", () => {
    const cache_control = { type: "ephemeral" };
    const body = said([
      { role: "system", content: "one" },
      { role: "user", content: "hi" },
      { role: "developer", content: [{ type: "text", text: "two", cache_control }] },
    ]);
    expect(body["system"]).toEqual([
      { type: "text", text: "one" },
      { type: "text", text: "two", cache_control },
    ]);
  });

  it("puts the results of tools in one turn, before what the user says next, and keeps ids that the API takes", () => {
    const body = said([
      { role: "user", content: "q" },
      {
        role: "assistant",
        content: "let me see",
        tool_calls: [call, { ...call, id: "b", function: { name: "g", arguments: "" } }],
      },
      { role: "tool", tool_call_id: "call:1", content: "r1" },
      { role: "tool", tool_call_id: "b", content: [{ type: "image_url", image_url: { url: png } }], is_error: true },
      { role: "user", content: "and?" },
    ]);
    expect(body["messages"]).toEqual([
      { role: "user", content: [{ type: "text", text: "q" }] },
      {
        role: "assistant",
        content: [
          { type: "text", text: "let me see" },
          { type: "tool_use", id: "call_1", name: "f", input: { a: 1 } },
          { type: "tool_use", id: "b", name: "g", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "call_1", content: "r1" },
          {
            type: "tool_result",
            tool_use_id: "b",
            content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } }],
            is_error: true,
          },
          { type: "text", text: "and?" },
        ],
      },
    ]);
  });

  it("says pictures by data and by URL, PDFs and texts as documents, and leaves empty texts out", () => {
    const file = (file_data: string) => ({ type: "file", file: { filename: "a", file_data } });
    const body = said([
      {
        role: "user",
        content: [
          { type: "text", text: "" },
          { type: "image_url", image_url: { url: png, detail: "low" } },
          { type: "image_url", image_url: { url: "https://h/p.png" } },
          file("data:application/pdf;base64,JVBE"),
          file(`data:text/markdown;charset=utf-8;base64,${Buffer.from("grüß").toString("base64")}`),
        ],
      },
    ]);
    expect(body["messages"]).toEqual([
      {
        role: "user",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
          { type: "image", source: { type: "url", url: "https://h/p.png" } },
          { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBE" }, title: "a" },
          { type: "document", source: { type: "text", media_type: "text/plain", data: "grüß" }, title: "a" },
        ],
      },
    ]);
  });

  it("says a PDF by its URL, and nothing else by one", () => {
    const file = (named: object) => [{ role: "user", content: [{ type: "file", file: named }] }];
    const source = { type: "url", url: "https://h/p.PDF?x=1.2" };
    expect(said(file({ file_url: source.url, filename: "p.pdf" }))["messages"]).toEqual([
      { role: "user", content: [{ type: "document", source, title: "p.pdf" }] },
    ]);
    expect(said(file({ file_url: "https://h/papers/1" }))["messages"]).toMatchObject([
      { content: [{ source: { url: "https://h/papers/1" } }] },
    ]);
    for (const wrong of [{ file_url: "https://h/p.docx" }, { file_url: "ftp://h/p.pdf" }])
      expect(() => said(file(wrong))).toThrow("messages.0.content.0.file.file_url");
  });

  it("refuses a chat of instructions alone, which this API refuses", () => {
    expect(() => said([{ role: "system", content: "only" }])).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path: "messages" } }),
    );
  });

  it("gives signed thoughts back before what was said, and leaves those of another make out", () => {
    const format = "anthropic-claude-v1";
    const body = said([
      { role: "user", content: "q" },
      {
        role: "assistant",
        content: "a",
        reasoning_details: [
          { type: "reasoning.text", text: "hm", signature: "sig", format, index: 0 },
          { type: "reasoning.text", text: "unsigned", format },
          { type: "reasoning.encrypted", data: "xx", format },
          { type: "reasoning.encrypted", data: "yy", format: "openai-responses-v1" },
        ],
      },
    ]);
    expect((body["messages"] as { content: unknown }[])[1]?.content).toEqual([
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "redacted_thinking", data: "xx" },
      { type: "text", text: "a" },
    ]);
  });

  it.each([
    ["messages.0.role", { role: "function", content: "x" }],
    ["messages.0.content.0.type", { role: "user", content: [{ type: "input_audio", input_audio: {} }] }],
    [
      "messages.0.content.0.image_url.url",
      { role: "user", content: [{ type: "image_url", image_url: { url: "ftp://x" } }] },
    ],
    ["messages.0.content.0.file.file_id", { role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }],
    ["messages.0.tool_calls.0.type", { role: "assistant", tool_calls: [{ id: "a", type: "mcp", mcp: {} }] }],
    [
      "messages.0.tool_calls.0.custom.name",
      { role: "assistant", tool_calls: [{ id: "a", type: "custom", custom: {} }] },
    ],
    ["messages.0.tool_calls.0.function.name", { role: "assistant", tool_calls: [{ ...call, function: { name: "" } }] }],
    ["messages.0.tool_calls.0.id", { role: "assistant", tool_calls: [{ type: "function", function: { name: "f" } }] }],
    [
      "messages.0.tool_calls.0.function.arguments",
      { role: "assistant", tool_calls: [{ ...call, function: { name: "f", arguments: 5 } }] },
    ],
    ["messages.0.tool_call_id", { role: "tool", content: "x" }],
    ["messages.0.content", { role: "system", content: [{ type: "image_url", image_url: { url: png } }] }],
  ])("refuses %s by name", (path, message) => {
    expect(() => said([message])).toThrow(expect.objectContaining({ code: "invalid_input", details: { path } }));
  });
});
