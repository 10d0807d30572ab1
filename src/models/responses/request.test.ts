import { describe, expect, it } from "vitest";
import { NATIVE_TOOL, type ChatRequest } from "../chat.ts";
import { RESPONSES_FIELDS, toResponsesBody } from "./request.ts";

const base: ChatRequest = { model: "gpt", messages: [{ role: "user", content: "hi" }] };
const encrypted = "reasoning.encrypted_content";

/** One row for each field: what is sent, and what comes of it beside the base's own body. */
const ROWS: Readonly<Record<string, readonly (readonly [unknown, object | string])[]>> = {
  model: [["gpt-2", { model: "gpt-2" }]],
  messages: [[[{ role: "system", content: "x" }], { input: [{ type: "message", role: "system", content: "x" }] }]],
  stream: [[true, { stream: true }]],
  stream_options: [
    [{ include_usage: true }, {}],
    [{ include_usage: true, include_obfuscation: false }, { stream_options: { include_obfuscation: false } }],
  ],
  max_completion_tokens: [
    [70, { max_output_tokens: 70 }],
    [1, { max_output_tokens: 16 }],
    [0, { max_output_tokens: 0 }],
  ],
  max_tokens: [
    [90, { max_output_tokens: 90 }],
    [9, { max_output_tokens: 16 }],
  ],
  temperature: [[0.5, { temperature: 0.5 }]],
  top_p: [[0.9, { top_p: 0.9 }]],
  top_logprobs: [
    [2, { top_logprobs: 2 }],
    [0, {}],
  ],
  logprobs: [
    [true, { include: ["message.output_text.logprobs", encrypted] }],
    [false, {}],
  ],
  tools: [
    [
      [{ type: "function", function: { name: "f", description: "d", parameters: { type: "object" }, strict: true } }],
      { tools: [{ type: "function", name: "f", description: "d", parameters: { type: "object" }, strict: true }] },
    ],
    [
      [{ type: "function", function: { name: "f" } }],
      { tools: [{ type: "function", name: "f", parameters: { type: "object", properties: {} }, strict: false }] },
    ],
    [
      [{ type: "function", function: { name: "f", parameters: {} }, defer_loading: true, cache_control: {} }],
      { tools: [{ type: "function", name: "f", parameters: {}, defer_loading: true, strict: false }] },
    ],
    [
      [{ type: "function", function: { name: "f", parameters: {} }, [NATIVE_TOOL]: true }],
      { tools: [{ type: "function", name: "f", parameters: {} }] },
    ],
    [
      [
        {
          type: "custom",
          custom: { name: "f", format: { type: "grammar", grammar: { syntax: "lark", definition: "a" } } },
        },
      ],
      { tools: [{ type: "custom", name: "f", format: { type: "grammar", syntax: "lark", definition: "a" } }] },
    ],
    [[{ type: "web_search" }], "tools.0.type"],
  ],
  tool_choice: [
    ["required", { tool_choice: "required" }],
    [{ type: "function", function: { name: "f" } }, { tool_choice: { type: "function", name: "f" } }],
    [{ type: "custom", custom: { name: "f" } }, { tool_choice: { type: "custom", name: "f" } }],
    [
      {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "f" } }] },
      },
      { tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "f" }] } },
    ],
    [{ type: "mcp" }, "tool_choice.type"],
  ],
  parallel_tool_calls: [[false, { parallel_tool_calls: false }]],
  response_format: [
    [{ type: "text" }, {}],
    [{ type: "json_object" }, { text: { format: { type: "json_object" } } }],
    [
      { type: "json_schema", json_schema: { name: "p", schema: {}, strict: true } },
      { text: { format: { type: "json_schema", name: "p", schema: {}, strict: true } } },
    ],
  ],
  verbosity: [["low", { text: { verbosity: "low" } }]],
  reasoning_effort: [["high", { reasoning: { effort: "high" } }]],
  text: [[{ novel: true }, { text: { novel: true } }]],
  reasoning: [
    [{ summary: "auto" }, { reasoning: { summary: "auto" } }],
    [{ mode: "pro", context: "all_turns" }, { reasoning: { mode: "pro", context: "all_turns" } }],
  ],
  thinking: [
    [{ type: "enabled", budget_tokens: 1_024 }, "thinking"],
    [{ type: "disabled" }, {}],
    [{ type: "adaptive" }, {}],
    [{ type: "adaptive", display: "summarized" }, { reasoning: { summary: "auto" } }],
    [{ type: "adaptive", display: "omitted" }, {}],
    [{ type: "adaptive", foo: 1 }, "thinking.foo"],
    [{ type: "between_tools" }, "thinking.type"],
  ],
  output_config: [[{ effort: "low" }, "output_config"]],
  user: [["u", { user: "u" }]],
  safety_identifier: [["s", { safety_identifier: "s" }]],
  prompt_cache_key: [["k", { prompt_cache_key: "k" }]],
  prompt_cache_retention: [["24h", { prompt_cache_retention: "24h" }]],
  prompt_cache_options: [[{ a: 1 }, { prompt_cache_options: { a: 1 } }]],
  service_tier: [["flex", { service_tier: "flex" }]],
  metadata: [[{ a: "b" }, { metadata: { a: "b" } }]],
  moderation: [[{ a: 1 }, { moderation: { a: 1 } }]],
  store: [[true, { store: true, include: undefined }]],
  prediction: [[{}, {}]],
  cache_control: [[{ type: "ephemeral" }, {}]],
  n: [
    [1, {}],
    [2, "n"],
  ],
  stop: [
    [[], {}],
    ["", {}],
    [[""], {}],
    ["END", "stop"],
    [["END"], "stop"],
  ],
  seed: [[1, "seed"]],
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
  modalities: [
    [["text"], {}],
    [["audio"], "modalities"],
  ],
  audio: [[{}, "audio"]],
  functions: [[[], "functions"]],
  function_call: [["auto", "function_call"]],
  web_search_options: [[{}, "web_search_options"]],
};

describe("a chat request for the Responses API", () => {
  it("has a row for each field of the table", () => {
    expect(Object.keys(ROWS).toSorted()).toEqual([...RESPONSES_FIELDS.keys()].toSorted());
  });

  const cases = Object.entries(ROWS).flatMap(([field, rows]) => rows.map(([value, to]) => ({ field, value, to })));
  it.each(cases)("says $field $value", ({ field, value, to }) => {
    const make = () => toResponsesBody({ ...base, [field]: value });
    if (typeof to === "string")
      expect(make).toThrow(expect.objectContaining({ code: "invalid_input", details: { path: to } }));
    else expect(make()).toEqual({ ...toResponsesBody(base), ...to });
  });

  it("stores nothing there, and asks for thoughts that can be given back", () => {
    expect(toResponsesBody(base)).toMatchObject({ store: false, include: [encrypted] });
  });

  it("asks by effort where Anthropic's words stand beside it", () => {
    const thinking = { type: "enabled", budget_tokens: 9_000 };
    expect(toResponsesBody({ ...base, thinking, reasoning_effort: "medium" })["reasoning"]).toEqual({
      effort: "medium",
    });
  });
});

describe("messages for the Responses API", () => {
  const said = (messages: ChatRequest["messages"]) => toResponsesBody({ model: "m", messages })["input"];

  it("says pictures, files, calls of both kinds and their results", () => {
    const input = said([
      {
        role: "user",
        content: [
          { type: "text", text: "look" },
          { type: "image_url", image_url: { url: "https://h/p.png", detail: "high" } },
          { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA" } },
        ],
      },
      {
        role: "assistant",
        content: "well",
        reasoning_content: "hm",
        reasoning_details: [{ type: "reasoning.encrypted", data: "enc", id: "rs_1", format: "openai-responses-v1" }],
        tool_calls: [
          { id: "c1", type: "function", function: { name: "f", arguments: { a: 1 } } },
          { id: "c2", type: "custom", custom: { name: "g", input: "raw" } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: "r1" },
      { role: "tool", tool_call_id: "c2", content: [{ type: "text", text: "r2" }] },
      { role: "assistant", content: null, refusal: "no" },
    ]);
    expect(input).toEqual([
      {
        type: "message",
        role: "user",
        content: [
          { type: "input_text", text: "look" },
          { type: "input_image", image_url: "https://h/p.png", detail: "high" },
          { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,AA" },
        ],
      },
      { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "enc" },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "well", annotations: [] }] },
      { type: "function_call", call_id: "c1", name: "f", arguments: '{"a":1}' },
      { type: "custom_tool_call", call_id: "c2", name: "g", input: "raw" },
      { type: "function_call_output", call_id: "c1", output: "r1" },
      { type: "custom_tool_call_output", call_id: "c2", output: [{ type: "input_text", text: "r2" }] },
      { type: "message", role: "assistant", content: [{ type: "refusal", refusal: "no" }] },
    ]);
  });

  it("gives reasoning back without an id, which an endpoint that stored nothing does not know", () => {
    const entry = (data: string) => ({
      type: "reasoning.encrypted",
      data,
      id: `rs_${data}`,
      format: "openai-responses-v1",
    });
    const input = said([
      { role: "user", content: "q" },
      { role: "assistant", content: "a", reasoning_content: "both", reasoning_details: [entry("1"), entry("2")] },
    ]);
    expect(input).toMatchObject([
      { type: "message" },
      { type: "reasoning", summary: [], encrypted_content: "1" },
      { type: "reasoning", summary: [], encrypted_content: "2" },
      { type: "message" },
    ]);
    expect(JSON.stringify(input)).not.toContain("rs_");
  });

  it.each([
    ["messages.0.role", { role: "function", content: "x" }],
    ["messages.0.content.0.type", { role: "user", content: [{ type: "input_audio", input_audio: {} }] }],
    ["messages.0.content.0.image_url.url", { role: "user", content: [{ type: "image_url", image_url: {} }] }],
    ["messages.0.content.0.type", { role: "assistant", content: [{ type: "image_url" }] }],
    ["messages.0.tool_calls.0.id", { role: "assistant", tool_calls: [{ function: { name: "f" } }] }],
    ["messages.0.tool_calls.0.function.name", { role: "assistant", tool_calls: [{ id: "a", function: { name: "" } }] }],
    ["messages.0.tool_calls.0.custom.name", { role: "assistant", tool_calls: [{ id: "a", custom: { input: "" } }] }],
    ["messages.0.tool_call_id", { role: "tool", content: "x" }],
  ])("refuses %s by name", (path, message) => {
    expect(() => said([message])).toThrow(expect.objectContaining({ code: "invalid_input", details: { path } }));
  });
});
