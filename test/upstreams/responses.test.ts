import { describe, expect, it } from "vitest";
import { gist, modelThat, recorded, request } from "./kind.ts";
import { responseEvents, responseOf, toWire } from "./wire.ts";

const text = (said: string, more: object = {}) => ({
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: said, annotations: [], ...more }],
});
const reasoning = {
  type: "reasoning",
  id: "rs_1",
  summary: [
    { type: "summary_text", text: "first this" },
    { type: "summary_text", text: "then that" },
  ],
  encrypted_content: "enc",
};
const called = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: '{"a":1}' };
const custom = { type: "custom_tool_call", id: "ctc_1", call_id: "call_2", name: "g", input: "raw text" };
const citation = { type: "url_citation", url: "https://h", title: "t", start_index: 0, end_index: 1 };

describe("a model of kind responses", () => {
  it("names the parts of a message that a chat cannot carry, and gives usage as it came, whole and streamed", async () => {
    const parts = [
      { type: "output_text", text: "Said.", annotations: [] },
      { type: "output_audio", data: "AA==", transcript: "Said." },
      { type: "output_image", image_url: "https://h" },
    ];
    const output = [{ ...text(""), content: parts }];
    const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5, cost: 0.5, is_byok: false };
    const model = await modelThat(
      "responses",
      { raw: JSON.stringify(responseOf(output, { usage })) },
      { raw: toWire(responseEvents(output, { usage })), contentType: "text/event-stream" },
    );
    for (const completion of [(await model.complete({ request })).completion, await recorded(model)]) {
      expect(gist(completion).said).toMatchObject({ content: "Said.", omitted: ["output_audio", "output_image"] });
      expect(completion.usage).toEqual({
        prompt_tokens: 3,
        completion_tokens: 2,
        total_tokens: 5,
        cost: 0.5,
        is_byok: false,
      });
    }
  });

  it("asks natively, with a bearer key, and stores nothing there", async () => {
    const asking = await modelThat("responses", { raw: JSON.stringify(responseOf([text("hi")])) });
    await asking.complete({ request });
    const [asked] = asking.endpoint.requests;
    expect(asked?.url).toBe("/v1/responses");
    expect(asked?.headers["authorization"]).toBe("Bearer sk-secret-key");
    expect(asked?.body).toEqual({
      model: "m",
      input: [{ type: "message", role: "user", content: "hello" }],
      include: ["reasoning.encrypted_content"],
      store: false,
    });
  });

  it.each([
    ["text", [text("Good day, world.")], { content: "Good day, world." }, "stop"],
    [
      "a citation",
      [text("see", { annotations: [citation] })],
      {
        annotations: [
          { type: "url_citation", url_citation: { url: "https://h", title: "t", start_index: 0, end_index: 1 } },
        ],
      },
      "stop",
    ],
    [
      "a refusal",
      [{ ...text(""), content: [{ type: "refusal", refusal: "I will not." }] }],
      { refusal: "I will not." },
      "stop",
    ],
    [
      "thoughts and calls of both kinds",
      [reasoning, text("I look."), called, custom],
      {
        content: "I look.",
        reasoning_content: "first this\n\nthen that",
        reasoning_details: [
          { type: "reasoning.summary", summary: "", format: "openai-responses-v1", index: 0, part: 1, start: 12 },
          { type: "reasoning.encrypted", data: "enc", id: "rs_1", format: "openai-responses-v1", index: 0 },
        ],
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } },
          { id: "call_2", type: "custom", custom: { name: "g", input: "raw text" } },
        ],
      },
      "tool_calls",
    ],
    [
      "what has a place, and the types of what has none,",
      [
        { type: "web_search_call", id: "ws_1", status: "completed" },
        text("Found it."),
        { type: "mcp_list_tools", id: "m" },
      ],
      { content: "Found it.", omitted: ["web_search_call", "mcp_list_tools"] },
      "stop",
    ],
  ])("says %s alike whole and streamed", async (_, output, said, finish) => {
    const whole = gist(
      (await (await modelThat("responses", { raw: JSON.stringify(responseOf(output)) })).complete({ request }))
        .completion,
    );
    const stream = gist(await recorded(await modelThat("responses", { raw: toWire(responseEvents(output)) })));
    expect(whole.said).toMatchObject(said);
    expect({ ...stream.said, content: stream.said["content"] === "" ? null : stream.said["content"] }).toEqual(
      whole.said,
    );
    expect([stream.usage, stream.finish_reason, stream.named]).toEqual([whole.usage, finish, "gpt-test"]);
    expect(whole.finish_reason).toBe(finish);
    expect(whole.usage).toMatchObject({
      prompt_tokens: 10,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 2 },
    });
  });

  it("says the same when an endpoint sends whole items, or only the whole response", async () => {
    const output = [reasoning, text("I look."), called, custom];
    const whole = gist(
      (await (await modelThat("responses", { raw: JSON.stringify(responseOf(output)) })).complete({ request }))
        .completion,
    );
    const all = responseEvents(output) as { type: string }[];
    for (const kept of [/delta|added/, /^response\.(?!created|completed)/]) {
      const events = all.filter(({ type }) => !kept.test(type));
      const stream = gist(await recorded(await modelThat("responses", { raw: toWire(events) })));
      expect({ ...stream.said, content: stream.said["content"] === "" ? null : stream.said["content"] }).toEqual(
        whole.said,
      );
    }
  });

  it.each([
    ["max_output_tokens", "length"],
    ["content_filter", "content_filter"],
    ["steered", "steered"],
  ])("tells that a response is incomplete for %s, whole and streamed", async (reason, finish) => {
    const more = { status: "incomplete", incomplete_details: { reason } };
    const { completion } = await (
      await modelThat("responses", { raw: JSON.stringify(responseOf([text("half")], more)) })
    ).complete({ request });
    const stream = await recorded(await modelThat("responses", { raw: toWire(responseEvents([text("half")], more)) }));
    expect([completion.choices[0]?.finish_reason, stream.choices[0]?.finish_reason]).toEqual([finish, finish]);
  });

  it.each([
    ["rate_limit_exceeded", 429],
    ["server_error", 500],
    ["context_length_exceeded", 400],
    ["something", 502],
  ])(
    "fails clearly for a response that failed with %s, whole, streamed and as an error event",
    async (code, status) => {
      const error = { code, message: "why" };
      const expected = { code: "model_failed", details: { status, error: { code, message: "why" } } };
      const failed = responseOf([], { status: "failed", error });
      await expect(
        (await modelThat("responses", { raw: JSON.stringify(failed) })).complete({ request }),
      ).rejects.toMatchObject(expected);
      const begun = responseEvents([text("half")]).slice(0, 5);
      for (const last of [
        { type: "response.failed", response: failed },
        { type: "error", ...error },
        { type: "error", error },
      ]) {
        await expect(recorded(await modelThat("responses", { raw: toWire([...begun, last]) }))).rejects.toMatchObject(
          expected,
        );
      }
    },
  );

  it("asks a model that does not think without its thoughts, and remembers it", async () => {
    const refusal = {
      error: {
        message: "Encrypted content is not supported with this model.",
        type: "invalid_request_error",
        param: "include",
      },
    };
    const learning = await modelThat(
      "responses",
      { status: 400, raw: JSON.stringify(refusal) },
      { raw: JSON.stringify(responseOf([text("x")])) },
    );
    await learning.complete({ request });
    await learning.complete({ request });
    expect(learning.endpoint.requests.map(({ body }) => "include" in body)).toEqual([true, false, false]);
  });

  it.each([
    "The encrypted content for item rs_1 could not be verified.",
    "Encrypted content is not supported for items of this size.",
    "input[0].encrypted_content: value not supported",
  ])("asks others for thoughts after it refused those of one request: %s", async (message) => {
    const raw = JSON.stringify({ error: { message, type: "invalid_request_error" } });
    const asking = await modelThat("responses", { status: 400, raw }, { raw: JSON.stringify(responseOf([text("x")])) });
    await asking.complete({ request });
    await asking.complete({ request });
    expect(asking.endpoint.requests.map(({ body }) => "include" in body)).toEqual([true, false, true]);
  });

  it.each([
    ["no JSON", "{"],
    ["no output", "{}"],
    ["an item nobody asked for", JSON.stringify(responseOf([{ type: "web_search_call", id: "ws" }]))],
    ["an answer that is not there yet", JSON.stringify(responseOf([], { status: "queued" }))],
  ])("fails clearly for %s", async (_, raw) => {
    await expect((await modelThat("responses", { raw })).complete({ request })).rejects.toMatchObject({
      code: "model_failed",
      details: { status: 502 },
    });
  });
});
