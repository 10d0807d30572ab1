import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startScriptedModel, type ScriptedModel } from "../testing/index.ts";
import { UPSTREAM_KINDS, upstreamModel, type UpstreamKind } from "./kinds.ts";
import { openaiModel } from "./index.ts";

const request = { model: "m", messages: [{ role: "user", content: "hello" }] };
let endpoint: ScriptedModel | undefined;
let server: Server | undefined;
afterEach(async () => {
  await endpoint?.close();
  server?.close();
  endpoint = server = undefined;
});

const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const chat = (fields: object, beside: object = {}) =>
  JSON.stringify({
    id: "c",
    choices: [{ index: 0, message: { role: "assistant", content: "a", ...fields } }],
    ...beside,
  });
const call = (at: number) => ({ id: `t${at}`, type: "function", function: { name: "f", arguments: "{}" } });
const wide = (count: number) => Object.fromEntries(many(count, (at) => [`k${at}`, 1]));
const message = (content: object[]) => JSON.stringify({ id: "m", type: "message", content, stop_reason: "end_turn" });
const response = (output: object[]) => JSON.stringify({ id: "r", status: "completed", output });
const thought = (fields: object) => ({ type: "thinking", thinking: "so", signature: "s", ...fields });
const thinking = (delta: object) => [
  { type: "message_start", message: { id: "m", model: "m" } },
  { type: "content_block_start", index: 0, content_block: thought({}) },
  { type: "content_block_delta", index: 0, delta },
  { type: "content_block_stop", index: 0 },
  { type: "message_stop" },
];
const sealed = "s".repeat(1_048_577);
const events = (list: readonly object[]) => list.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
const delta = (fields: object, index = 0) => ({ id: "c", choices: [{ index, delta: fields }] });

/** What came of asking an endpoint that answers so, whole or as a stream. */
async function ask(kind: UpstreamKind, raw: string, isStream: boolean): Promise<unknown> {
  endpoint = await startScriptedModel(() => ({
    raw,
    contentType: isStream ? "text/event-stream" : "application/json",
  }));
  const model = upstreamModel(kind, { baseUrl: endpoint.baseUrl });
  try {
    if (!isStream) return (await model.complete({ request })).completion;
    for await (const _ of await model.stream({ request: { ...request, stream: true } }));
    return "whole";
  } catch (error) {
    return error;
  } finally {
    await model.close();
  }
}

const failed = (why: string) =>
  expect.objectContaining({
    code: "model_failed",
    message: expect.stringContaining(why) as string,
    details: { status: 502, bound: expect.stringContaining(why) as string },
    cause: expect.objectContaining({
      name: "AnswerOverBound",
      code: expect.stringMatching(/^\w{1,64}$/) as string,
    }) as unknown,
  }) as unknown;

describe("a whole answer", () => {
  it.each([
    ["chat", chat({ tool_calls: many(1_025, call) }), "more than 1024 tool calls"],
    ["chat", JSON.stringify({ choices: many(257, (index) => ({ index, message: {} })) }), "more than 256 choices"],
    ["chat", chat({ content: many(4_097, () => ({ type: "text", text: "a" })) }), "4096 parts of its content"],
    ["chat", chat(wide(4_100)), "an object of more than 4096 fields"],
    ["chat", JSON.stringify(wide(300_000)), "an object of more than 4096 fields"],
    ["chat", chat({ more: many(60_000, () => 1) }), "more than 50000 values"],
    ["chat", "[".repeat(1_000_000), "nested more than 128 deep"],
    ["anthropic", message(many(1_025, (at) => ({ type: "tool_use", id: `t${at}` }))), "more than 1024 tool calls"],
    ["anthropic", message(many(4_097, () => ({ type: "text", text: "a" }))), "more than 4096 blocks"],
    ["responses", response(many(1_025, (at) => ({ type: "function_call", id: `t${at}` }))), "1024 tool calls"],
    ["responses", response(many(4_097, () => ({ type: "message", content: [] }))), "more than 4096 items"],
    [
      "responses",
      response([{ type: "message", content: many(4_097, () => ({ type: "output_text", text: "a" })) }]),
      "more than 4096 parts of one item",
    ],
    [
      "responses",
      response([{ type: "reasoning", summary: many(4_097, () => ({ type: "summary_text", text: "a" })) }]),
      "more than 4096 parts of one item",
    ],
    ["anthropic", message([thought({ signature: sealed })]), "a signature of more than 1048576 characters"],
    ["anthropic", message([thought({ thinking: sealed })]), "a thought of more than 1048576 characters"],
    ["anthropic", message([{ type: "redacted_thinking", data: sealed }]), "encrypted reasoning of more than 1048576"],
    ["responses", response([{ type: "reasoning", encrypted_content: sealed }]), "encrypted reasoning of more than"],
  ] as const)("of kind %s is a failure of its model that says which bound it is over", async (kind, raw, why) => {
    expect(await ask(kind, raw, false)).toEqual(failed(why));
  });

  it("may be as large as a model's are: many calls, long texts, log probabilities of each token", async () => {
    const text = 'a long text with \n and "quotes" '.repeat(20_000);
    const top = many(20, (at) => ({ token: `t${at}`, logprob: -1.5, bytes: [116, 48] }));
    const logprobs = { content: many(1_000, (at) => ({ token: `w${at}`, logprob: -0.1, top_logprobs: top })) };
    const raw = JSON.stringify({
      id: "c",
      choices: [{ index: 0, message: { role: "assistant", content: text, tool_calls: many(1_024, call) }, logprobs }],
    });
    expect(await ask("chat", raw, false)).toEqual(JSON.parse(raw));
  });
});

describe("a streamed answer", () => {
  it.each([
    ["chat", many(1_025, (index) => delta({ tool_calls: [{ index, ...call(index) }] })), "1024 tool calls"],
    ["chat", many(257, (index) => delta({ content: "a" }, index)), "more than 256 choices"],
    ["chat", [delta({ content: "a" }, 1_000_000_000)], "more than 256 choices"],
    ["chat", [delta(wide(4_100))], "an object of more than 4096 fields"],
    ["chat", [delta({ logprobs: { content: many(5_000, () => ({ token: "a", bytes: [97] })) } })], "16384 values"],
    [
      "anthropic",
      many(1_025, (index) => ({
        type: "content_block_start",
        index,
        content_block: { type: "tool_use", id: `t${index}`, name: "f" },
      })),
      "more than 1024 tool calls",
    ],
    [
      "responses",
      many(1_025, (at) => ({
        type: "response.output_item.added",
        output_index: at,
        item: { type: "function_call", id: `t${at}`, name: "f" },
      })),
      "more than 1024 tool calls",
    ],
    ["anthropic", thinking({ type: "signature_delta", signature: sealed }), "a signature of more than 1048576"],
    ["anthropic", thinking({ type: "thinking_delta", thinking: sealed }), "a thought of more than 1048576"],
    [
      "responses",
      [{ type: "response.output_item.done", output_index: 0, item: { type: "reasoning", encrypted_content: sealed } }],
      "encrypted reasoning of more than 1048576 characters",
    ],
  ] as const)("of kind %s breaks with a failure that says which bound it is over", async (kind, said, why) => {
    expect(await ask(kind, events(said), true)).toEqual(failed(why));
  });
});

describe("the head of an answer", () => {
  it("that is longer than any is a failure of its model, and leaves other errors their traces", async () => {
    const head = many(5_000, (at) => `x-${at}: 1\r\n`).join("");
    const { stackTraceLimit } = Error;
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(`HTTP/1.1 200 OK\r\n${head}content-length: 2\r\n\r\n{}`));
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const model = openaiModel({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
    await expect(model.complete({ request })).rejects.toMatchObject({ code: "model_failed" });
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    await model.close();
  });
});

it("every kind of endpoint is bounded", () => {
  expect([...UPSTREAM_KINDS].toSorted()).toEqual(["anthropic", "chat", "responses"]);
});
