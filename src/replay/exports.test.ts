import { describe, expect, it } from "vitest";
import { parseLine, type Parsed } from "./records.ts";

const messages = [{ role: "user", content: "Hi" }];
const parts = [
  {
    role: "user",
    content: [
      { type: "text", text: "Hi" },
      { type: "image_url", image_url: { url: "data:," } },
    ],
  },
];
const call = { id: "c1", type: "function", function: { name: "weather", arguments: "{}" } };

/** A row of LiteLLM's table of spending, as it is exported with `store_prompts_in_spend_logs`. */
const spent = {
  request_id: "chatcmpl-1",
  call_type: "acompletion",
  api_key: "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
  spend: 0.000_012,
  total_tokens: 15,
  prompt_tokens: 10,
  completion_tokens: 5,
  startTime: "2026-11-01T10:00:00.000Z",
  endTime: "2026-11-01T10:00:01.500Z",
  request_duration_ms: 1_500,
  completionStartTime: null,
  model: "gpt-4o-mini",
  model_group: "gpt-4o-mini",
  custom_llm_provider: "openai",
  user: "",
  metadata: JSON.stringify({ user_api_key_user_id: "ada", usage_object: null }),
  cache_hit: "False",
  request_tags: "[]",
  end_user: "",
  messages: JSON.stringify(messages),
  response: JSON.stringify({ choices: [{ message: { role: "assistant", content: "Hello" } }] }),
  status: "success",
  proxy_server_request: "{}",
};
/** A generation of Langfuse, as the API and exports of the interface give it. */
const observed = {
  id: "o1",
  traceId: "t1",
  type: "GENERATION",
  name: "chat",
  startTime: "2026-11-01T10:00:00.000Z",
  endTime: "2026-11-01T10:00:01.500Z",
  level: "DEFAULT",
  statusMessage: null,
  userId: "ada",
  providedModelName: "gpt-4o-mini",
  modelParameters: JSON.stringify({ temperature: 0, stream: true }),
  input: JSON.stringify({ messages }),
  output: JSON.stringify({ role: "assistant", content: "Hello" }),
  usageDetails: JSON.stringify({ input: 10, output: 5, total: 15 }),
  costDetails: JSON.stringify({ input: 0.000_004, output: 0.000_008, total: 0.000_012 }),
  metadata: null,
};
const read = (line: object): Parsed => parseLine(JSON.stringify(line));
const message = (line: object): unknown => {
  const parsed = read(line);
  return "records" in parsed ? parsed.records[0]?.completion?.choices[0]?.message : parsed;
};
const asked = (line: object): unknown => {
  const parsed = read(line);
  return "records" in parsed ? parsed.records[0]?.request : parsed;
};

describe.each([
  ["LiteLLM's table of spending", spent],
  ["Langfuse's observations", observed],
])("a line of %s", (_, line) => {
  it("has its user, times, tokens and money, JSON within JSON or not", () => {
    const loose = Object.fromEntries(
      Object.entries(line).map(([name, value]) => [
        name,
        typeof value === "string" && /^[[{]/.test(value) ? (JSON.parse(value) as unknown) : value,
      ]),
    );
    for (const one of [line, loose])
      expect(read(one)).toMatchObject({
        records: [
          {
            atMs: Date.parse("2026-11-01T10:00:00Z"),
            user: "ada",
            micros: 12,
            tookMs: 1_500,
            request: { model: "gpt-4o-mini", messages },
            completion: {
              choices: [{ message: { content: "Hello" } }],
              usage: { prompt_tokens: 10, completion_tokens: 5 },
            },
          },
        ],
      });
  });
});

describe("exports of LiteLLM", () => {
  it("have what was asked in the request's body where the column of messages is empty, with what decides the answer", () => {
    const body = { model: "gpt-4o-mini", messages: parts, temperature: 0, stream: true, tools: [], metadata: { a: 1 } };
    for (const sent of [body, { url: "http://x", body }, JSON.stringify(body)])
      expect(asked({ ...spent, messages: {}, proxy_server_request: sent })).toEqual({
        model: "gpt-4o-mini",
        messages: parts,
        temperature: 0,
        tools: [],
      });
  });

  it("may have an answer that calls tools, or none", () => {
    const choices = [
      { finish_reason: "tool_calls", message: { role: "assistant", content: null, tool_calls: [call] } },
    ];
    expect(message({ ...spent, response: { choices } })).toMatchObject({ tool_calls: [call] });
    for (const response of [{}, "{}", null, ""]) expect(message({ ...spent, response })).toBeUndefined();
    expect(message({ ...spent, status: "failure" })).toBeUndefined();
  });

  it.each([
    ["redacted", { messages: [{ role: "user", content: "redacted-by-litellm" }] }],
    ["truncated", { messages: [{ role: "user", content: "a... (litellm_truncated skipped 9000 chars) ...b" }] }],
    ["no_messages", { messages: "{}" }],
    ["no_messages", { messages: null, proxy_server_request: null }],
    ["no_model", { model: "" }],
    ["no_chat", { call_type: "aembedding" }],
    ["no_chat", { call_type: "anthropic_messages" }],
  ])("are refused as %s: %j", (why, other) => {
    expect(read({ ...spent, ...other })).toEqual({ skipped: "other", why });
  });
});

describe("exports of Langfuse", () => {
  it.each([
    ["a text", "Hello"],
    [
      "parts",
      {
        role: "assistant",
        content: [
          { type: "text", text: "Hel" },
          { type: "text", text: "lo" },
        ],
      },
    ],
    ["a list of messages", [{ role: "assistant", content: "Hello" }]],
    ["messages of a state", { messages: [...messages, { role: "assistant", content: "Hello" }] }],
    ["a response", { choices: [{ message: { role: "assistant", content: "Hello" } }] }],
  ])("may have an answer that is %s", (_, output) => {
    const asText = typeof output === "string" ? output : JSON.stringify(output);
    expect(message({ ...observed, output })).toMatchObject({ content: "Hello" });
    expect(message({ ...observed, output: asText })).toMatchObject({ content: "Hello" });
  });

  it("may have an answer that calls tools, or none", () => {
    const output = { role: "assistant", content: null, tool_calls: [call] };
    expect(message({ ...observed, output })).toEqual(output);
    for (const none of [null, "", {}, [], { role: "assistant", content: null }])
      expect(message({ ...observed, output: none })).toBeUndefined();
    expect(message({ ...observed, level: "ERROR" })).toBeUndefined();
  });

  it.each([
    ["no_chat", { type: "SPAN" }],
    ["no_messages", { input: null }],
    ["no_messages", { input: { question: "Hi" } }],
    ["no_model", { providedModelName: null }],
  ])("are refused as %s: %j", (why, other) => {
    expect(read({ ...observed, ...other })).toEqual({ skipped: "other", why });
    expect(read({ id: "t1", observations: [{ ...observed, ...other }] })).toEqual({ skipped: "other", why });
  });

  it("are refused as a format where a line is of none", () => {
    expect(read({ level: "info", message: "started" })).toEqual({ skipped: "other", why: "format" });
  });
});
