/** Endpoints that stream although a whole answer is asked for, and the other way round. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { openaiModel, type ChatCompletion, type ChatRequest } from "../../src/models/index.ts";
import { startScriptedModel, type ScriptedAnswer, type ScriptedModel } from "../../src/testing/index.ts";
import { gist, modelThat, recorded, request } from "./kind.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "./wire.ts";

const SSE = { contentType: "text/event-stream" } as const;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function chatModel(answer: ScriptedAnswer, bytesMax?: number) {
  const endpoint: ScriptedModel = await startScriptedModel(() => answer);
  const model = openaiModel({ baseUrl: endpoint.baseUrl, answerBytesMax: bytesMax });
  open.push(
    () => model.close(),
    () => endpoint.close(),
  );
  return model;
}

/** A model of an endpoint that answers by a function. */
async function serving(reply: (response: ServerResponse) => unknown) {
  const server = createServer((incoming, response) => {
    incoming.resume();
    void reply(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const model = openaiModel({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
  open.push(
    () => model.close(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  return model;
}

const tools = [{ type: "function", function: { name: "look" } }];
const asked: ChatRequest = { ...request, tools };
const usage = { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 };
const chunk = (choices: readonly object[], more: object = {}) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices, ...more })}\n\n`;
const said = (delta: object, index = 0) => chunk([{ index, delta, finish_reason: null }]);
const ended = (finish_reason: string, index = 0) => chunk([{ index, delta: {}, finish_reason }]);
const DONE = "data: [DONE]\n\n";

async function whole(raw: string, more: object = SSE): Promise<ChatCompletion> {
  const { completion, text } = await (await chatModel({ raw, ...more })).complete({ request: asked });
  expect(JSON.parse(text)).toEqual(completion);
  return completion;
}

describe("a stream of kind chat where a whole answer was asked for", () => {
  it("is joined: text, reasoning, calls, log probabilities, usage and finish reason", async () => {
    const call = { index: 0, id: "a", type: "function", function: { name: "look", arguments: "" } };
    const raw = [
      ": a comment\n\n",
      said({ role: "assistant", content: "" }),
      said({ reasoning_content: "Hm" }),
      said({ reasoning_content: "." }),
      chunk([{ index: 0, delta: { content: "Good " }, logprobs: { content: [{ token: "Good " }] } }]),
      chunk([{ index: 0, delta: { content: "day" }, logprobs: { content: [{ token: "day" }] } }]),
      said({ tool_calls: [call] }),
      said({ tool_calls: [{ index: 0, function: { arguments: '{"x"' } }] }),
      said({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }),
      ended("tool_calls"),
      chunk([], { usage, system_fingerprint: "fp" }),
      DONE,
    ].join("");
    expect(await whole(raw)).toEqual({
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "m",
      system_fingerprint: "fp",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: "Good day",
            refusal: null,
            reasoning_content: "Hm.",
            tool_calls: [{ id: "a", type: "function", function: { name: "look", arguments: '{"x":1}' } }],
          },
          logprobs: { content: [{ token: "Good " }, { token: "day" }] },
          finish_reason: "tool_calls",
        },
      ],
      usage,
    });
  });

  it("is joined for each of its choices", async () => {
    const pieces = ["one", " two"].flatMap((content) => [said({ content }), said({ content: `${content}!` }, 1)]);
    const both = chunk([0, 1].map((index) => ({ index, delta: { content: "." }, finish_reason: "stop" })));
    const { choices } = await whole([...pieces, both, DONE].join(""));
    expect(choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason])).toEqual([
      [0, "one two.", "stop"],
      [1, "one! two!.", "stop"],
    ]);
  });

  it("has the choices that came, also if the first one did not", async () => {
    const { choices, usage: told } = await whole(
      said({ content: "hi" }, 3) + ended("stop", 3) + chunk([], { usage }) + DONE,
    );
    expect(choices).toMatchObject([{ index: 3, message: { content: "hi" }, finish_reason: "stop" }]);
    expect([choices.length, told]).toEqual([1, usage]);
  });

  it("is read behind a byte order mark that comes byte by byte", async () => {
    const raw = Buffer.from(`\uFEFF${said({ content: "hi" })}${ended("stop")}${DONE}`);
    const model = await serving(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const at of [0, 1, 2]) {
        response.write(raw.subarray(at, at + 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      response.end(raw.subarray(3));
    });
    const { completion } = await model.complete({ request: asked });
    expect(completion.choices[0]?.message.content).toBe("hi");
  });

  it("keeps a refusal", async () => {
    const { choices } = await whole(
      [said({ role: "assistant", refusal: "I " }), said({ refusal: "can't." }), ended("stop"), DONE].join(""),
    );
    expect(choices[0]?.message).toMatchObject({ content: null, refusal: "I can't." });
  });

  it.each([
    ["without [DONE]", said({ content: "hi" }) + ended("stop"), SSE],
    ["of plain text", `${said({ content: "hi" })}${ended("stop")}${DONE}`, { contentType: "text/plain" }],
    ["with a byte order mark", `\uFEFF${said({ content: "hi" })}${ended("stop")}${DONE}`, SSE],
    [
      "with a charset",
      `\n\n${said({ content: "hi" })}${ended("stop")}${DONE}`,
      { contentType: "text/event-stream; charset=utf-8" },
    ],
  ])("is read also %s", async (_, raw, more) => {
    expect((await whole(raw, more)).choices[0]).toMatchObject({ message: { content: "hi" }, finish_reason: "stop" });
  });

  it.each([
    ["is cut", said({ content: "hi" }), 502, /ended before \[DONE\]/],
    ["is empty", DONE, 502, /no choices/],
    ["has an error", said({ content: "hi" }) + 'data: {"error":{"message":"busy","code":429}}\n\n', 429, /error/],
    ["is no JSON", said({ content: "hi" }) + "data: {]\n\n", 502, /not valid JSON/],
  ])("is an error where it %s", async (_, raw, status, message) => {
    const failed = whole(raw);
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toMatchObject({ code: "model_failed", details: { status } });
  });

  it("has the bound of whole answers, which counts its text and not what is repeated beside it", async () => {
    const raw = said({ content: "word " }).repeat(2_000) + ended("stop") + DONE;
    const within = await (await chatModel({ raw, ...SSE }, 20_000)).complete({ request: asked });
    expect(within.completion.choices[0]?.message.content).toBe("word ".repeat(2_000));
    const over = (await chatModel({ raw, ...SSE }, 5_000)).complete({ request: asked });
    await expect(over).rejects.toMatchObject({ details: { status: 502, bound: "the body is over 5000 bytes" } });
  });

  it("waits for the room of a long answer", async () => {
    const raw = said({ content: "0123456789".repeat(30_000) }).repeat(5) + ended("stop") + DONE;
    const rooms: number[] = [];
    const model = await chatModel({ raw, ...SSE }, 4_000_000);
    const room = () => ({ take: async (bytes: number) => void rooms.push(bytes), close() {} });
    const { completion } = await model.complete({ request: asked, room });
    expect(completion.choices[0]?.message.content).toHaveLength(1_500_000);
    expect(rooms).toEqual([4_000_000, expect.closeTo(1_500_000, -5)]);
  });

  it("is abandoned by a caller that leaves", async () => {
    const left = Promise.withResolvers<void>();
    const model = await serving((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write(said({ content: "hi" }));
      response.once("close", () => left.resolve());
    });
    await expect(model.complete({ request, signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      code: "aborted",
    });
    await left.promise;
  });
});

it("JSON that is called a stream is a whole answer", async () => {
  const message = { role: "assistant", content: "hi" };
  const raw = ` ${JSON.stringify({ id: "c", choices: [{ index: 0, message, finish_reason: "stop" }], usage })}`;
  expect((await whole(raw)).choices[0]?.message).toEqual(message);
});

const blocks = [
  { type: "thinking", thinking: "a greeting comes", signature: "sig" },
  { type: "text", text: "Good day to you." },
  { type: "tool_use", id: "t", name: "look", input: { x: 1 } },
];
const items = [
  { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "a greeting" }], encrypted_content: "x" },
  {
    type: "message",
    id: "msg_1",
    role: "assistant",
    content: [{ type: "output_text", text: "Good day to you.", annotations: [] }],
  },
  { type: "function_call", id: "fc_1", call_id: "t", name: "look", arguments: '{"x":1}' },
];
const call = [{ type: "tool_use", id: "t", name: "look", input: {} }];
const refusal = [{ type: "message", id: "m", role: "assistant", content: [{ type: "refusal", refusal: "I can't." }] }];

describe.each([
  ["anthropic", messageOf(blocks, { stop_reason: "tool_use" }), messageEvents(blocks, { stop_reason: "tool_use" })],
  ["anthropic", messageOf(call, { stop_reason: "tool_use" }), messageEvents(call, { stop_reason: "tool_use" })],
  ["responses", responseOf(items), responseEvents(items)],
  ["responses", responseOf(refusal), responseEvents(refusal)],
] as const)("an endpoint of kind %s", (kind, answer, events) => {
  it("may stream where a whole answer was asked for: the answer is the same", async () => {
    const plain = await modelThat(kind, { raw: JSON.stringify(answer) });
    const wanted = gist((await plain.complete({ request: asked })).completion);
    const streams = await modelThat(kind, { raw: toWire(events), ...SSE });
    const { completion, text } = await streams.complete({ request: asked });
    expect(gist(completion)).toEqual(wanted);
    expect(completion.object).toBe("chat.completion");
    expect(JSON.parse(text)).toEqual(completion);
    expect(streams.endpoint.requests[0]?.body).not.toHaveProperty("stream", true);
  });

  it("may answer whole where a stream was asked for: the answer is the same", async () => {
    const plain = await modelThat(kind, { raw: JSON.stringify(answer) });
    const wanted = gist((await plain.complete({ request: asked })).completion);
    const wholes = await modelThat(kind, { raw: JSON.stringify(answer), contentType: "application/json" });
    expect(gist(await recorded(wholes))).toEqual(wanted);
  });

  it("may not cut the stream", async () => {
    const cut = await modelThat(kind, { raw: toWire(events.slice(0, -1)), ...SSE });
    await expect(cut.complete({ request: asked })).rejects.toMatchObject({
      code: "model_failed",
      details: { status: 502 },
    });
  });

  it("may report an error in the stream, which keeps its status", async () => {
    const failure = { message: "busy" };
    const error =
      kind === "anthropic"
        ? { type: "error", error: { ...failure, type: "overloaded_error" } }
        : {
            type: "response.failed",
            response: { status: "failed", error: { ...failure, code: "rate_limit_exceeded" } },
          };
    const failing = await modelThat(kind, { raw: toWire([...events.slice(0, 3), error]), ...SSE });
    await expect(failing.complete({ request: asked })).rejects.toMatchObject({
      code: "model_failed",
      details: { status: kind === "anthropic" ? 529 : 429, error: { message: "busy" } },
    });
  });
});
