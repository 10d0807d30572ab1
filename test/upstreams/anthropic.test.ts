import { describe, expect, it } from "vitest";
import { gist, modelThat, recorded, request } from "./kind.ts";
import { messageEvents, messageOf, toWire } from "./wire.ts";

const thinking = { type: "thinking", thinking: "let me think about it", signature: "sig==" };
const use = { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris", days: [1, 2] } };

describe("a model of kind anthropic", () => {
  it("asks with its key, its version, and a bound", async () => {
    const asking = await modelThat("anthropic", { raw: JSON.stringify(messageOf([{ type: "text", text: "hi" }])) });
    await asking.complete({ request });
    const [asked] = asking.endpoint.requests;
    expect(asked?.url).toBe("/v1/messages");
    expect(asked?.headers).toMatchObject({ "x-api-key": "sk-secret-key", "anthropic-version": "2023-06-01" });
    expect(asked?.headers).not.toHaveProperty("authorization");
    expect(asked?.body).toEqual({
      model: "m",
      max_tokens: 8_192,
      messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }],
    });
  });

  it.each([
    ["text", [{ type: "text", text: "Good day, world." }], {}, { content: "Good day, world." }],
    [
      "thoughts and a call",
      [thinking, { type: "redacted_thinking", data: "enc" }, { type: "text", text: "I look." }, use],
      { stop_reason: "tool_use" },
      {
        content: "I look.",
        reasoning_content: "let me think about it",
        reasoning_details: [
          {
            type: "reasoning.text",
            text: "let me think about it",
            signature: "sig==",
            format: "anthropic-claude-v1",
            index: 0,
          },
          { type: "reasoning.encrypted", data: "enc", format: "anthropic-claude-v1", index: 1 },
        ],
        tool_calls: [
          { id: "toolu_1", type: "function", function: { name: "get_weather", arguments: JSON.stringify(use.input) } },
        ],
      },
    ],
    [
      "two calls and no word",
      [use, { ...use, id: "toolu_2", input: {} }],
      { stop_reason: "tool_use" },
      {
        tool_calls: [
          { id: "toolu_1", type: "function", function: { name: "get_weather", arguments: JSON.stringify(use.input) } },
          { id: "toolu_2", type: "function", function: { name: "get_weather", arguments: "{}" } },
        ],
      },
    ],
    [
      "what has a place, and the types of what has none,",
      [
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
        { type: "text", text: "Found it." },
        { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] },
        { type: "server_tool_use", id: "srvtoolu_2", name: "web_search", input: {} },
      ],
      {},
      { content: "Found it.", omitted: ["server_tool_use", "web_search_tool_result"] },
    ],
    [
      "the types of citations",
      [{ type: "text", text: "Cited.", citations: [{ type: "char_location", cited_text: "c" }] }],
      { usage: { input_tokens: 3, output_tokens: 5, service_tier: "priority", inference_geo: null } },
      { content: "Cited.", omitted: ["char_location"] },
    ],
  ])("says %s alike whole and streamed", async (_, content, more, said) => {
    const whole = gist(
      (await (await modelThat("anthropic", { raw: JSON.stringify(messageOf(content, more)) })).complete({ request }))
        .completion,
    );
    const stream = gist(await recorded(await modelThat("anthropic", { raw: toWire(messageEvents(content, more)) })));
    expect(whole.said).toMatchObject(said);
    // A stream without a word of text has an empty text at its beginning, as OpenAI's have.
    expect({ ...stream.said, content: stream.said["content"] === "" ? null : stream.said["content"] }).toEqual(
      whole.said,
    );
    expect(stream.usage).toEqual(whole.usage);
    expect([stream.finish_reason, stream.named]).toEqual([whole.finish_reason, "claude-test"]);
  });

  it.each([
    ["end_turn", { finish_reason: "stop" }],
    ["stop_sequence", { finish_reason: "stop", native_finish_reason: "stop_sequence", stop_reason: "END" }],
    ["max_tokens", { finish_reason: "length" }],
    [
      "model_context_window_exceeded",
      { finish_reason: "length", native_finish_reason: "model_context_window_exceeded" },
    ],
    ["pause_turn", { finish_reason: "stop", native_finish_reason: "pause_turn" }],
    ["refusal", { finish_reason: "content_filter" }],
    ["tool_use", { finish_reason: "tool_calls" }],
    ["something_new", { finish_reason: "something_new" }],
  ])("tells that it stopped for %s, whole and streamed", async (stop_reason, expected) => {
    const more = { stop_reason, ...(stop_reason === "stop_sequence" && { stop_sequence: "END" }) };
    const content = [{ type: "text", text: "x" }];
    const { completion } = await (
      await modelThat("anthropic", { raw: JSON.stringify(messageOf(content, more)) })
    ).complete({ request });
    expect(completion.choices[0]).toMatchObject(expected);
    const stream = await recorded(await modelThat("anthropic", { raw: toWire(messageEvents(content, more)) }));
    expect(stream.choices[0]).toMatchObject(expected);
  });

  it("counts what its cache read and wrote within the prompt", async () => {
    const usage = {
      input_tokens: 3,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 20,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 4 },
      service_tier: "priority",
      inference_geo: null,
    };
    const raw = JSON.stringify(messageOf([{ type: "text", text: "x" }], { usage }));
    const { completion } = await (await modelThat("anthropic", { raw })).complete({ request });
    expect(completion.usage).toEqual({
      prompt_tokens: 123,
      completion_tokens: 7,
      total_tokens: 130,
      prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 20 },
      completion_tokens_details: { reasoning_tokens: 4 },
      service_tier: "priority",
    });
  });

  it.each([
    ["overloaded_error", 529],
    ["rate_limit_error", 429],
    ["api_error", 500],
    ["invalid_request_error", 400],
    ["something", 502],
  ])("fails clearly for an %s within its stream, after the text so far", async (type, status) => {
    const events = [
      ...messageEvents([{ type: "text", text: "half" }]).slice(0, 4),
      { type: "error", error: { type, message: "why sk-secret-key" } },
    ];
    const failing = recorded(await modelThat("anthropic", { raw: toWire(events) }));
    await expect(failing).rejects.toMatchObject({
      code: "model_failed",
      details: { status, error: { type, message: "why ***" } },
    });
  });

  it("fails with the endpoint's status and words, also for 529 and a 200 that is an error", async () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    const overloaded = await modelThat("anthropic", {
      status: 529,
      raw: JSON.stringify(error),
      headers: { "retry-after": "2" },
    });
    await expect(overloaded.complete({ request })).rejects.toMatchObject({
      code: "model_failed",
      details: { status: 529, error: { message: "Overloaded" }, retryAfterMs: 2_000 },
    });
    await expect(
      (await modelThat("anthropic", { raw: JSON.stringify(error) })).complete({ request }),
    ).rejects.toMatchObject({ details: { status: 529 } });
  });

  it("asks a model that refuses an effort by a budget, and remembers it", async () => {
    const refusal = {
      type: "error",
      error: { type: "invalid_request_error", message: "adaptive thinking is not supported on this model" },
    };
    const good = { raw: JSON.stringify(messageOf([{ type: "text", text: "x" }])) };
    const asked = { ...request, reasoning_effort: "low" };
    const learning = await modelThat("anthropic", { status: 400, raw: JSON.stringify(refusal) }, good);
    await learning.complete({ request: asked });
    await learning.complete({ request: asked });
    expect(learning.endpoint.requests.map(({ body }) => (body["thinking"] as { type: string }).type)).toEqual([
      "adaptive",
      "enabled",
      "enabled",
    ]);
    expect(learning.endpoint.requests[1]?.body).not.toHaveProperty("output_config");
  });

  it.each([
    "output_config.effort: Input should be 'low', 'medium', 'high' or 'max'",
    "The effort 'xhigh' is not supported by this model",
    "max_tokens: 40960 > 32000, which is the maximum beside an effort of xhigh",
  ])("asks one request by a budget whose effort is refused, and others as before: %s", async (message) => {
    const refusal = { type: "error", error: { type: "invalid_request_error", message } };
    const good = { raw: JSON.stringify(messageOf([{ type: "text", text: "x" }])) };
    const asking = await modelThat("anthropic", { status: 400, raw: JSON.stringify(refusal) }, good);
    await asking.complete({ request: { ...request, reasoning_effort: "xhigh" } });
    await asking.complete({ request: { ...request, reasoning_effort: "low" } });
    expect(asking.endpoint.requests.map(({ body }) => (body["thinking"] as { type: string }).type)).toEqual([
      "adaptive",
      "enabled",
      "adaptive",
    ]);
  });

  it.each([
    "This model does not support the effort parameter.",
    "output_config: Extra inputs are not permitted",
    "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: 'disabled', 'enabled'",
  ])("remembers a budget after words of the field itself: %s", async (message) => {
    const refusal = { type: "error", error: { type: "invalid_request_error", message } };
    const good = { raw: JSON.stringify(messageOf([{ type: "text", text: "x" }])) };
    const asking = await modelThat("anthropic", { status: 400, raw: JSON.stringify(refusal) }, good);
    for (let nth = 0; nth < 2; nth += 1) await asking.complete({ request: { ...request, reasoning_effort: "low" } });
    expect(asking.endpoint.requests.map(({ body }) => (body["thinking"] as { type: string }).type)).toEqual([
      "adaptive",
      "enabled",
      "enabled",
    ]);
  });

  const bothRefused = "`temperature` and `top_p` cannot both be specified for this model. Please use only one.";

  it("asks a model that takes one of temperature and top_p by the temperature, and remembers it", async () => {
    const refusal = { type: "error", error: { type: "invalid_request_error", message: bothRefused } };
    const good = { raw: JSON.stringify(messageOf([{ type: "text", text: "x" }])) };
    const asked = { ...request, temperature: 0.2, top_p: 0.9 };
    const learning = await modelThat("anthropic", { status: 400, raw: JSON.stringify(refusal) }, good);
    await learning.complete({ request: asked });
    await learning.complete({ request: asked });
    await learning.complete({ request: { ...request, top_p: 0.9, temperature: 1 } });
    expect(learning.endpoint.requests.map(({ body }) => [body["temperature"], body["top_p"]])).toEqual([
      [0.2, 0.9],
      [0.2, undefined],
      [0.2, undefined],
      [undefined, 0.9],
    ]);
  });

  it("learns nothing of both from words that the request has itself", async () => {
    const refusal = { type: "error", error: { type: "invalid_request_error", message: `bad text: ${bothRefused}` } };
    const good = { raw: JSON.stringify(messageOf([{ type: "text", text: "x" }])) };
    const asked = { ...request, temperature: 0.2, top_p: 0.9 };
    const asking = await modelThat("anthropic", { status: 400, raw: JSON.stringify(refusal) }, good);
    const quoting = { ...asked, messages: [{ role: "user", content: bothRefused }] };
    await expect(asking.complete({ request: quoting })).rejects.toMatchObject({ code: "model_failed" });
    await asking.complete({ request: asked });
    expect(asking.endpoint.requests.at(-1)?.body).toMatchObject({ temperature: 0.2, top_p: 0.9 });
  });

  it("answers a turn without thinking that a choice of tools forbids", async () => {
    const message = "Thinking may not be enabled when tool_choice forces tool use.";
    const refusal = { type: "error", error: { type: "invalid_request_error", message } };
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
    const asked = { ...request, tools, tool_choice: "required", reasoning_effort: "high" };
    const asking = await modelThat(
      "anthropic",
      { status: 400, raw: JSON.stringify(refusal) },
      { raw: JSON.stringify(messageOf([use])) },
    );
    await asking.complete({ request: asked });
    await asking.complete({ request: { ...asked, tool_choice: "auto" } });
    expect(asking.endpoint.requests.map(({ body }) => "thinking" in body)).toEqual([true, false, true]);
    expect(asking.endpoint.requests[1]?.body).toMatchObject({ tool_choice: { type: "any" } });
  });

  it("ends a turn without thinking whose thoughts the client did not send back", async () => {
    const message = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.";
    const refusal = { type: "error", error: { type: "invalid_request_error", message } };
    const asked = { ...request, thinking: { type: "enabled", budget_tokens: 2_000 } };
    const learning = await modelThat(
      "anthropic",
      { status: 400, raw: JSON.stringify(refusal) },
      { raw: JSON.stringify(messageOf([])) },
    );
    await learning.complete({ request: asked });
    expect(learning.endpoint.requests.map(({ body }) => "thinking" in body)).toEqual([true, false]);
  });

  it.each([
    ["no JSON", "{"],
    ["no content", "{}"],
    ["a block nobody asked for", JSON.stringify(messageOf([{ type: "server_tool_use", id: "s" }]))],
  ])("fails clearly for %s", async (_, raw) => {
    await expect((await modelThat("anthropic", { raw })).complete({ request })).rejects.toMatchObject({
      code: "model_failed",
      details: { status: 502 },
    });
  });
});

describe("a message of which nothing has a place in chats", () => {
  it("fails and names what it holds, whole and streamed", async () => {
    const content = [{ type: "container_upload", file_id: "f" }];
    const failure = { code: "model_failed", message: expect.stringContaining("container_upload") as string };
    const whole = await modelThat("anthropic", { raw: JSON.stringify(messageOf(content)) });
    await expect(whole.complete({ request })).rejects.toMatchObject(failure);
    const stream = await modelThat("anthropic", { raw: toWire(messageEvents(content)) });
    await expect(recorded(stream)).rejects.toMatchObject(failure);
  });
});

describe("a call whose input is text already", () => {
  it("is given as it came", async () => {
    const content = [{ ...use, input: '{"city":"Paris"}' }];
    const { completion } = await (
      await modelThat("anthropic", { raw: JSON.stringify(messageOf(content)) })
    ).complete({ request });
    expect(completion.choices[0]?.message["tool_calls"]).toMatchObject([
      { function: { arguments: '{"city":"Paris"}' } },
    ]);
  });
});

describe("the list of models of kind anthropic", () => {
  it("tells each with its date", async () => {
    const listing = await modelThat("anthropic", "x");
    expect(await listing.list()).toMatchObject([{ id: "scripted", owned_by: "anthropic" }]);
  });
});
