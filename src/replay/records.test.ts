import { describe, expect, it } from "vitest";
import { parseLine, type LogRecord } from "./records.ts";

const AT = Date.parse("2026-11-01T10:00:00Z");

function only(line: unknown): LogRecord & { format: string } {
  const parsed = parseLine(JSON.stringify(line));
  if ("skipped" in parsed || parsed.records[0] === undefined) throw new Error(JSON.stringify(parsed));
  return { ...parsed.records[0], format: parsed.format };
}

const answered = (content: string, usage?: unknown) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: AT / 1_000,
  model: "gpt-4o-mini-2024-07-18",
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  usage,
});
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const messages = [{ role: "user", content: "Hi" }];

describe("a line of a log", () => {
  it("may be plain", () => {
    const line = { time: "2026-11-01T10:00:00Z", user: "ada", model: "m", prompt: "Hi", answer: "Hello", usage };
    expect(only(line)).toMatchObject({
      format: "plain",
      atMs: AT,
      user: "ada",
      request: { model: "m", messages },
      completion: { choices: [{ message: { content: "Hello" }, finish_reason: "stop" }], usage },
    });
    expect(only({ ...line, time: AT / 1_000, system: "Be brief" }).request.messages).toEqual([
      { role: "system", content: "Be brief" },
      ...messages,
    ]);
    expect(only({ model: "m", prompt: "Hi" })).toMatchObject({
      atMs: undefined,
      user: "default",
      completion: undefined,
    });
    // Tokens that nobody counted are estimated.
    expect(only({ model: "m", prompt: "Hi there", answer: "Hello" }).completion?.usage?.prompt_tokens).toBeGreaterThan(
      0,
    );
  });

  it("may be a row of Langfuse's export to a blob storage, with JSON and numbers as texts", () => {
    const row = {
      id: "o",
      trace_id: "t",
      type: "GENERATION",
      start_time: "2026-11-01 10:00:00.000000",
      end_time: "2026-11-01 10:00:00.900000",
      level: "DEFAULT",
      user_id: "ada",
      input: JSON.stringify(messages),
      output: JSON.stringify({ role: "assistant", content: "Hello" }),
      provided_model_name: "gpt-4o",
      model_parameters: JSON.stringify({ temperature: 0.2 }),
      usage_details: { input: "10", output: "5", total: "15" },
      cost_details: { total: 0.00055 },
      total_cost: null,
    };
    expect(only(row)).toMatchObject({
      format: "langfuse",
      atMs: AT,
      user: "ada",
      request: { model: "gpt-4o", temperature: 0.2, messages },
      completion: { choices: [{ message: { content: "Hello" } }], usage: { prompt_tokens: 10, completion_tokens: 5 } },
      micros: 550,
      tookMs: 900,
    });
  });

  it("has its user and its time where another field is an empty text, and may begin with a byte order mark", () => {
    const spent = { call_type: "acompletion", model: "m", startTime: AT / 1_000, messages, metadata: "{}" };
    expect(only({ ...spent, end_user: "", user: "ada" }).user).toBe("ada");
    expect(only({ ...spent, end_user: "", user: "", metadata: { user_api_key_user_id: "ada" } }).user).toBe("ada");
    expect(
      only({ ...spent, messages: {}, proxy_server_request: JSON.stringify({ messages }) }).request.messages,
    ).toEqual(messages);
    expect(
      only({ time: "", created: AT / 1_000, user: "", request: { model: "m", messages, user: "ada" } }),
    ).toMatchObject({
      atMs: AT,
      user: "ada",
    });
    expect(parseLine(`\uFEFF${JSON.stringify({ model: "m", prompt: "Hi" })}`)).toMatchObject({ format: "plain" });
  });

  it("may be a request of OpenAI's with its response, also as results of a batch are", () => {
    const request = { model: "gpt-4o-mini", messages, temperature: 0.2, user: "ada" };
    for (const line of [
      { timestamp: AT, request, response: answered("Hello", usage) },
      { created_at: AT / 1_000, body: request, response: { status_code: 200, body: answered("Hello", usage) } },
      {
        time: "2026-11-01 10:00:00",
        request_body: JSON.stringify(request),
        response_body: JSON.stringify(answered("Hello", usage)),
      },
    ])
      expect(only(line)).toMatchObject({
        format: "openai",
        atMs: AT,
        user: "ada",
        request: { model: "gpt-4o-mini", temperature: 0.2, messages },
        completion: { model: "gpt-4o-mini-2024-07-18", choices: [{ message: { content: "Hello" } }], usage },
      });
    expect(parseLine(JSON.stringify({ request: { model: "m", input: "embed me" } }))).toEqual({
      skipped: "other",
      why: "no_messages",
    });
  });

  it("may be of LiteLLM's callbacks or its table of spending", () => {
    const log = {
      id: "x",
      call_type: "acompletion",
      status: "success",
      startTime: AT / 1_000,
      endTime: AT / 1_000 + 1.5,
      model: "gpt-4o-mini",
      messages,
      response: answered("Hello", usage),
      response_cost: 0.000_012,
      end_user: "ada",
      model_parameters: { temperature: 0, stream: true },
      prompt_tokens: 10,
      completion_tokens: 5,
    };
    expect(only(log)).toMatchObject({
      format: "litellm",
      atMs: AT,
      user: "ada",
      micros: 12,
      tookMs: 1_500,
      request: { temperature: 0 },
      completion: { usage },
    });
    expect(only(log).request).not.toHaveProperty("stream");
    const row = {
      ...log,
      startTime: "2026-11-01T10:00:00.000Z",
      messages: JSON.stringify(messages),
      response: JSON.stringify(log.response),
      spend: 0.5,
      response_cost: undefined,
    };
    expect(only(row)).toMatchObject({ atMs: AT, micros: 500_000, completion: { usage } });
    expect(only({ ...log, status: "failure" }).completion).toBeUndefined();
    expect(parseLine(JSON.stringify({ ...log, call_type: "aembedding" }))).toEqual({
      skipped: "other",
      why: "no_chat",
    });
  });

  it("may be of Langfuse's observations, alone or within their trace", () => {
    const observation = {
      id: "o",
      traceId: "t",
      type: "GENERATION",
      startTime: "2026-11-01T10:00:00.000Z",
      endTime: "2026-11-01T10:00:02.000Z",
      model: "gpt-4o-mini",
      modelParameters: { temperature: 1 },
      input: { messages },
      output: { role: "assistant", content: "Hello" },
      usageDetails: { input: 10, output: 5, total: 15 },
      calculatedTotalCost: 0.001,
    };
    expect(only(observation)).toMatchObject({
      format: "langfuse",
      atMs: AT,
      tookMs: 2_000,
      micros: 1_000,
      completion: { choices: [{ message: { content: "Hello" } }], usage },
    });
    const trace = {
      id: "t",
      userId: "ada",
      observations: [{ ...observation, type: "SPAN" }, observation, observation],
    };
    const parsed = parseLine(JSON.stringify(trace));
    expect(parsed).toMatchObject({ format: "langfuse", records: [{ user: "ada" }, { user: "ada" }] });
  });

  it.each(["{", "null", "[]", '"text"', "17", ""])("%j is broken", (text) => {
    expect(parseLine(text)).toEqual({ skipped: "broken" });
  });

  it.each([
    {},
    { model: "m" },
    { model: 7, prompt: "x" },
    { model: "m", prompt: { __proto__: 1 } },
    { model: "m", messages: [null] },
    { model: "m", messages: [{ role: 7 }] },
    { observations: [null, 7, { type: "GENERATION" }] },
    { call_type: "completion", model: "m", messages: "[".repeat(10) },
  ])("%j never throws", (line) => {
    expect(() => parseLine(JSON.stringify(line))).not.toThrow();
  });
});
