import { describe, expect, it } from "vitest";
import type { Fields } from "../../internal/fields.ts";
import { REQUEST_FIELDS, allowsFileSearch, toChatFields } from "./translation.ts";

const schema = { type: "object", properties: {} };
const weather = { type: "function", name: "weather", description: null, parameters: schema, strict: true };
const grammar = { type: "grammar", syntax: "regex", definition: "a+" };
const tools = [weather];
const chatTools = [{ type: "function", function: { name: "weather", parameters: schema, strict: true } }];

/** A row with what a request has, and what the chat request has for it: `undefined` for a field that is refused. */
type Case = readonly [row: string, request: Fields, chat: Fields | undefined];

const CASES: readonly Case[] = [
  ["model", { model: "m" }, {}],
  ["input", { input: "hi" }, {}],
  ["instructions", { instructions: "be brief" }, {}],
  ["previous_response_id", { previous_response_id: "resp_1" }, {}],
  ["conversation", { conversation: "conv_1" }, {}],
  ["background", { background: true }, {}],
  ["store", { store: false }, {}],
  ["stream", { stream: true }, {}],
  ["include", { include: ["reasoning.encrypted_content", "file_search_call.results"] }, {}],
  ["include", { include: ["message.output_text.logprobs"] }, { logprobs: true }],
  ["include", { include: ["code_interpreter_call.outputs"] }, undefined],
  ["max_tool_calls", { max_tool_calls: 3 }, {}],
  ["text", { text: { format: { type: "text" } } }, {}],
  ["text", { text: { format: { type: "json_object" } } }, { response_format: { type: "json_object" } }],
  [
    "text",
    { text: { format: { type: "json_schema", name: "n", schema, strict: true }, verbosity: "low" } },
    { response_format: { type: "json_schema", json_schema: { name: "n", schema, strict: true } }, verbosity: "low" },
  ],
  [
    "text",
    { text: { format: { type: "json_schema", name: "n", schema, description: null, strict: null } } },
    { response_format: { type: "json_schema", json_schema: { name: "n", schema } } },
  ],
  [
    "reasoning",
    { reasoning: { effort: "low", summary: "auto" } },
    { reasoning_effort: "low", reasoning: { summary: "auto" } },
  ],
  ["reasoning", { reasoning: { effort: null, mode: null } }, {}],
  [
    "reasoning",
    { reasoning: { effort: "high", mode: "pro", context: "all_turns" } },
    { reasoning_effort: "high", reasoning: { mode: "pro", context: "all_turns" } },
  ],
  ["text", { text: { verbosity: "low", novel: 1, other: null } }, { verbosity: "low", text: { novel: 1 } }],
  ["modalities", { modalities: ["text"] }, {}],
  ["modalities", { modalities: ["text", "audio"] }, undefined],
  ["audio", { audio: { voice: "alloy", format: "wav" } }, undefined],
  ["type", { type: "response.create" }, {}],
  ["stream_options", { stream_options: { include_obfuscation: false } }, {}],
  ["truncation", { truncation: "auto" }, {}],
  ["prompt", { prompt: { id: "pmpt_1" } }, undefined],
  ["context_management", { context_management: [{ type: "compaction" }] }, undefined],
  ["generate", { generate: false }, undefined],
  ["messages", { messages: [{ role: "user", content: "hi" }] }, undefined],
  ["n", { n: 2 }, undefined],
  ["functions", { functions: [{ name: "f" }] }, undefined],
  ["function_call", { function_call: "auto" }, undefined],
  ["max_output_tokens", { max_output_tokens: 5 }, { max_completion_tokens: 5 }],
  ["temperature", { temperature: 0 }, { temperature: 0 }],
  ["top_p", { top_p: 0.5 }, { top_p: 0.5 }],
  ["presence_penalty", { presence_penalty: 0.1 }, { presence_penalty: 0.1 }],
  ["frequency_penalty", { frequency_penalty: 0.1 }, { frequency_penalty: 0.1 }],
  ["top_logprobs", { top_logprobs: 2 }, { top_logprobs: 2, logprobs: true }],
  ["top_logprobs", { top_logprobs: 0 }, {}],
  ["top_logprobs", { top_logprobs: 0, include: ["message.output_text.logprobs"] }, { top_logprobs: 0, logprobs: true }],
  ["parallel_tool_calls", { parallel_tool_calls: false, tools }, { parallel_tool_calls: false, tools: chatTools }],
  ["parallel_tool_calls", { parallel_tool_calls: false }, {}],
  ["tools", { tools }, { tools: chatTools }],
  [
    "tools",
    { tools: [{ type: "function", function: { name: "f" } }] },
    { tools: [{ type: "function", function: { name: "f" } }] },
  ],
  [
    "tools",
    { tools: [{ type: "custom", name: "c", format: grammar }] },
    {
      tools: [
        {
          type: "custom",
          custom: { name: "c", format: { type: "grammar", grammar: { syntax: "regex", definition: "a+" } } },
        },
      ],
    },
  ],
  [
    "tools",
    { tools: [{ type: "custom", name: "c", format: { type: "text" } }] },
    { tools: [{ type: "custom", custom: { name: "c", format: { type: "text" } } }] },
  ],
  ["tools", { tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }], tool_choice: { type: "file_search" } }, {}],
  ["tool_choice", { tools, tool_choice: { type: "file_search" } }, undefined],
  ["tool_choice", { tools, tool_choice: { type: "allowed_tools", tools: [{ type: "file_search" }] } }, undefined],
  [
    "tool_choice",
    {
      tools: [...tools, { type: "file_search", vector_store_ids: ["vs_1"] }],
      tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "file_search" }] },
    },
    { tools: chatTools, tool_choice: "none" },
  ],
  [
    "tool_choice",
    {
      tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }],
      tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "file_search" }] },
    },
    {},
  ],
  ["tools", { tools: [{ type: "web_search" }] }, undefined],
  ["tools", { tools: [{ type: "function" }] }, undefined],
  ["tool_choice", { tools, tool_choice: "required" }, { tools: chatTools, tool_choice: "required" }],
  ["tool_choice", { tool_choice: "auto" }, {}],
  [
    "tool_choice",
    { tools, tool_choice: { type: "function", name: "weather" } },
    { tools: chatTools, tool_choice: { type: "function", function: { name: "weather" } } },
  ],
  [
    "tool_choice",
    { tools: [{ type: "custom", name: "c" }], tool_choice: { type: "custom", name: "c" } },
    {
      tools: [{ type: "custom", custom: { name: "c" } }],
      tool_choice: { type: "custom", custom: { name: "c" } },
    },
  ],
  ["tool_choice", { tools, tool_choice: "sometimes" }, undefined],
  ["tool_choice", { tool_choice: "required" }, undefined],
  ["tool_choice", { tools, tool_choice: { type: "allowed_tools", mode: "auto", tools: [] } }, undefined],
  ["text", { text: { format: { type: "json_schema", schema } } }, undefined],
  ["text", { text: { format: { type: "xml" } } }, undefined],
  ["text", { text: { verbosity: "loud" } }, undefined],
  ["tool_choice", { tools, tool_choice: { type: "function", name: "other" } }, undefined],
  ["tool_choice", { tools, tool_choice: { type: "custom", name: "weather" } }, undefined],
  [
    "tool_choice",
    { tools, tool_choice: { type: "allowed_tools", tools: [{ type: "function", name: "other" }] } },
    undefined,
  ],
  [
    "tool_choice",
    { tools, tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "weather" }] } },
    {
      tools: chatTools,
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "weather" } }] },
      },
    },
  ],
  ["tool_choice", { tools, tool_choice: { type: "mcp", server_label: "s" } }, undefined],
  [
    "tool_choice",
    { tools, tool_choice: { type: "function", function: { name: "weather" } } },
    { tools: chatTools, tool_choice: { type: "function", function: { name: "weather" } } },
  ],
  ["tool_choice", { tools, tool_choice: { type: "function", function: { name: "other" } } }, undefined],
  ["tool_choice", { tools, tool_choice: { type: "function" } }, undefined],
  [
    "tool_choice",
    {
      tools,
      tool_choice: { type: "allowed_tools", mode: "sometimes", tools: [{ type: "function", name: "weather" }] },
    },
    undefined,
  ],
  [
    "tool_choice",
    {
      tools,
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "weather" } }] },
      },
    },
    {
      tools: chatTools,
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "weather" } }] },
      },
    },
  ],
  ["user", { user: "ann" }, { user: "ann" }],
  ["safety_identifier", { safety_identifier: "s" }, { safety_identifier: "s" }],
  ["prompt_cache_key", { prompt_cache_key: "k" }, { prompt_cache_key: "k" }],
  ["prompt_cache_retention", { prompt_cache_retention: "24h" }, { prompt_cache_retention: "24h" }],
  ["service_tier", { service_tier: "flex" }, { service_tier: "flex" }],
  ["metadata", { metadata: { a: "b" } }, { metadata: { a: "b" } }],
];

describe("the table from a request for a response to a chat's fields", () => {
  it("has a case for each row, and no case for another", () => {
    expect([...new Set(CASES.map(([row]) => row))].toSorted()).toEqual([...REQUEST_FIELDS.keys()].toSorted());
  });

  it.each(CASES.map(([row, request, chat]) => ({ row, request, chat })))("$row: $request", ({ row, request, chat }) => {
    if (chat !== undefined) expect(toChatFields(request)).toEqual(chat);
    else
      expect(() => toChatFields(request)).toThrow(
        expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(row) }),
      );
  });

  it.each([...REQUEST_FIELDS.keys()])("takes null for %s as nothing", (row) => {
    expect(toChatFields({ [row]: null })).toEqual({});
  });

  it("passes on a field without a row as it came", () => {
    expect(toChatFields({ top_k: 5, __proto__: null, constructor: 1 })).toEqual({ top_k: 5, constructor: 1 });
  });
});

describe("the gateway's own search of files", () => {
  const f = { type: "function", name: "f" };
  it.each<[boolean, string | object | null | undefined]>([
    [true, undefined],
    [true, null],
    [true, "auto"],
    [true, "required"],
    [true, { type: "file_search" }],
    [true, { type: "allowed_tools", mode: "auto", tools: [f, { type: "file_search" }] }],
    [true, { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [{ type: "file_search" }] } }],
    [false, "none"],
    [false, f],
    [false, { type: "allowed_tools", mode: "auto", tools: [f] }],
    [false, { type: "allowed_tools", allowed_tools: { mode: "required", tools: [f] } }],
  ])("runs: %j, by the choice %j", (runs, choice) => {
    expect(allowsFileSearch(choice as never)).toBe(runs);
  });
});
