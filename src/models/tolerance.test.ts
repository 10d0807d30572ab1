import { afterEach, describe, expect, it } from "vitest";
import { startScriptedModel, type ScriptedAnswer, type ScriptedModel } from "../testing/index.ts";
import { openaiModel, type ChatChunk } from "./index.ts";
import { upstreamModel, UPSTREAM_KINDS } from "./kinds.ts";
import { EVENT_CHARS_MAX } from "./sse.ts";

const request = { model: "m", messages: [{ role: "user", content: "hello" }] };
let endpoint: ScriptedModel;
afterEach(() => endpoint?.close());

async function modelThat(answers: ScriptedAnswer) {
  endpoint = await startScriptedModel(() => answers);
  return openaiModel({ baseUrl: endpoint.baseUrl, apiKey: "sk-secret-of-the-gateway" });
}

async function read(raw: string): Promise<{ text: string; chunks: ChatChunk[]; done: boolean }> {
  const model = await modelThat({ raw });
  let [text, done] = ["", false];
  const chunks: ChatChunk[] = [];
  for await (const part of await model.stream({ request: { ...request, stream: true } })) {
    text += Buffer.from(part.bytes).toString();
    chunks.push(...part.chunks);
    done = part.done;
  }
  return { text, chunks, done };
}

const said = (reason: string | null, index = 0) =>
  `data: {"choices":[{"index":${index},"delta":{"content":"a"},"finish_reason":${JSON.stringify(reason)}}]}`;

describe("a whole answer", () => {
  it("whose calls have objects for arguments has texts, for whoever reads it", async () => {
    const call = (given: unknown) => ({ id: "c1", type: "function", function: { name: "get", arguments: given } });
    const answer = (given: unknown) => ({
      id: "x",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: null, tool_calls: [call(given)] },
          finish_reason: "tool_calls",
        },
      ],
    });
    const odd = await (await modelThat({ raw: JSON.stringify(answer({ city: "A" })) })).complete({ request });
    expect(JSON.parse(odd.text)).toEqual(answer('{"city":"A"}'));
    expect(odd.completion).toEqual(JSON.parse(odd.text));
    await endpoint.close();
    // What is as it should be goes through as it came.
    const raw = ` ${JSON.stringify(answer("{}"))} `;
    expect((await (await modelThat({ raw })).complete({ request })).text).toBe(raw);
  });
});

describe("a whole answer behind a byte order mark", () => {
  it.each([20, 20_000, 200_000])("is read and handed on without it: %i characters", async (chars) => {
    const text = JSON.stringify({
      choices: [{ index: 0, message: { role: "assistant", content: "a".repeat(chars) }, finish_reason: "stop" }],
    });
    const { completion, text: told } = await (await modelThat({ raw: `\uFEFF${text}` })).complete({ request });
    expect(completion).toEqual(JSON.parse(text));
    expect(told === text).toBe(true);
    await endpoint.close();
    endpoint = await startScriptedModel(() => ({ raw: `\uFEFF${text}`, contentType: "application/json" }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    let chunks = 0;
    for await (const part of await model.stream({ request: { ...request, stream: true } }))
      chunks += part.chunks.length;
    expect(chunks).toBeGreaterThan(0);
  });
});

describe("a stream", () => {
  it.each(["\n", "\r\n", "\r"])("may end its lines by %j, also the last one", async (end) => {
    const ended = [said(null), said("stop"), "data: [DONE]"].map((event) => `${event}${end}${end}`).join("");
    const { chunks, text, done } = await read(ended);
    expect([chunks.length, done]).toEqual([2, true]);
    expect(text.startsWith(ended)).toBe(true);
  });

  it("that came as a whole answer has what clients read of a stream, also where the answer lacks it", async () => {
    const message = { role: "assistant", content: "Hi" };
    const calls = [{ id: "c", type: "function", function: { name: "get", arguments: "{}" } }];
    const raw = JSON.stringify({ choices: [{ message }, { message: { role: "assistant", tool_calls: calls } }] });
    endpoint = await startScriptedModel(() => ({ raw, contentType: "application/json" }));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    const chunks: ChatChunk[] = [];
    for await (const part of await model.stream({ request: { ...request, stream: true } })) chunks.push(...part.chunks);
    expect(chunks).toMatchObject([
      {
        id: expect.stringMatching(/^chatcmpl-./) as string,
        model: "m",
        created: expect.any(Number) as number,
        choices: [
          { index: 0, delta: message, finish_reason: "stop" },
          { index: 1, delta: { tool_calls: [{ index: 0, id: "c" }] }, finish_reason: "tool_calls" },
        ],
      },
    ]);
  });

  it("that begins with a byte order mark is handed on without it", async () => {
    const { text, chunks } = await read(`\uFEFF${said("stop")}\n\ndata: [DONE]\n\n`);
    expect([text.startsWith("data: "), chunks.length]).toEqual([true, 1]);
  });

  it("tells what came in one piece with an error before the error", async () => {
    const model = await modelThat({ raw: `${said(null)}\n\ndata: {"error":{"message":"gone","code":429}}\n\n` });
    const parts: string[] = [];
    const reading = (async () => {
      for await (const { bytes, chunks } of await model.stream({ request: { ...request, stream: true } }))
        parts.push(`${chunks.length} ${Buffer.from(bytes).toString()}`);
    })();
    await expect(reading).rejects.toMatchObject({ code: "model_failed", details: { status: 429 } });
    expect(parts).toEqual([`1 ${said(null)}\n\n`]);
  });

  it.each([
    ["has no [DONE]", `${said("stop")}\n\n`],
    ["has no last line end", `${said(null)}\n\n${said("stop")}`],
    ["has a [DONE] without its line end", `${said("stop")}\n\ndata: [DONE]`],
    ["has a [DONE] behind two spaces", `${said("stop")}\n\ndata:  [DONE]\n\n`],
    ["has a [DONE] with half of its end", `${said("stop")}\n\ndata: [DONE]\n`],
    ["has several answers that all end", `${said("stop")}\n\n${said(null, 1)}\n\n${said("length", 1)}\n\n`],
  ])("is whole when it %s, and ends as every other one", async (_, raw) => {
    const { text, chunks, done } = await read(raw);
    expect(done).toBe(true);
    expect(chunks).toHaveLength(raw.match(/"choices"/g)?.length ?? 0);
    const lines = text.split("\n").filter((line) => line !== "");
    expect(lines.filter((line) => line.includes("[DONE]"))).toEqual(["data: [DONE]"]);
    expect(text.endsWith("data: [DONE]\n\n") || text.endsWith("data: [DONE]\n\n\n")).toBe(true);
  });

  it.each([
    ["whose answer has not ended", `${said(null)}\n\n`],
    ["whose ends have no name", `${said("")}\n\n`],
    ["of which one answer has not ended", `${said("stop")}\n\n${said(null, 1)}\n\n`],
    ["that holds nothing", ""],
    ["that ends in half an event", `${said("stop")}\n\ndata: {"choi`],
  ])("%s is none", async (_, raw) => {
    await expect(read(raw)).rejects.toMatchObject({ code: "model_failed", details: { status: 502 } });
  });
});

describe.each(UPSTREAM_KINDS)("an answer of an endpoint of kind %s", (kind) => {
  async function failureOf(raw: string, stream: boolean): Promise<unknown> {
    endpoint = await startScriptedModel(() => ({
      raw,
      contentType: stream ? "text/event-stream" : "application/json",
    }));
    const model = upstreamModel(kind, { baseUrl: endpoint.baseUrl });
    if (!stream) return model.complete({ request }).catch((error: unknown) => error);
    try {
      const parts = (await model.stream({ request: { ...request, stream } }))[Symbol.asyncIterator]();
      while ((await parts.next()).done !== true);
    } catch (error) {
      return error;
    }
    return undefined;
  }

  it.each([
    ["null", "null"],
    ["a list", "[null]"],
    ["a choice that is null", '{"choices":[null]}'],
    ["no message", '{"choices":[{"index":0,"message":null,"finish_reason":null}]}'],
    ["no choice", '{"choices":[]}'],
    ["odd blocks", '{"content":[null],"output":[null],"choices":{"a":1},"type":"message_start","message":7}'],
    ["an error alone", '{"type":"error","error":null,"choices":[]}'],
  ])("that is %s is a failure of its model", async (_, raw) => {
    for (const stream of [false, true]) {
      expect(await failureOf(stream ? `data: ${raw}\n\n` : raw, stream)).toMatchObject({
        code: "model_failed",
        details: { status: 502 },
      });
      await endpoint.close();
    }
  });

  it("with an event that is longer than any is a failure of its model", async () => {
    expect(await failureOf(`data: ${"x".repeat(EVENT_CHARS_MAX + 1)}`, true)).toMatchObject({
      code: "model_failed",
      details: { status: 502 },
    });
  });
});

describe("the words of an endpoint's error", () => {
  const full = "maximum context length is 8192 tokens";
  it.each<[string, string, object]>([
    [
      "OpenAI",
      JSON.stringify({ error: { message: full, code: "context_length_exceeded", param: "messages" } }),
      { code: "context_length_exceeded", param: "messages" },
    ],
    ["Gemini", JSON.stringify([{ error: { code: 400, message: full, status: "INVALID_ARGUMENT" } }]), {}],
    [
      "vLLM",
      JSON.stringify({ object: "error", message: full, type: "BadRequestError", code: 400 }),
      { type: "BadRequestError" },
    ],
    ["FastAPI as text", JSON.stringify({ detail: full }), {}],
    ["a list", JSON.stringify({ errors: [{ message: full }] }), {}],
    ["an error as text", JSON.stringify({ error: full, code: "x" }), { code: "x" }],
    ["no JSON", full, {}],
    ["a message", JSON.stringify({ message: full }), {}],
    ["Mistral's lists", JSON.stringify({ object: "error", message: { detail: [{ msg: full }] } }), {}],
    ["AWS", JSON.stringify({ Message: full }), {}],
    ["Apigee", JSON.stringify({ fault: { faultstring: full, detail: { errorcode: "x" } } }), {}],
    ["MiniMax", JSON.stringify({ base_resp: { status_code: 1004, status_msg: full } }), {}],
    ["a proxy", JSON.stringify({ success: false, error_message: full }), {}],
  ])("of %s are kept", async (_, raw, more) => {
    const model = await modelThat({ status: 400, raw, contentType: "application/json" });
    await expect(model.complete({ request })).rejects.toMatchObject({
      code: "model_failed",
      details: { status: 400, error: { message: full, ...more } },
    });
  });

  it("of FastAPI's lists and of a router's provider are kept together", async () => {
    const list = { detail: [{ loc: ["body", "messages", 0], msg: "field required" }, { msg: "x" }] };
    const first = await modelThat({ status: 422, raw: JSON.stringify(list) });
    await expect(first.complete({ request })).rejects.toMatchObject({
      details: { error: { message: "body.messages.0: field required; x" } },
    });
    await endpoint.close();
    const raw = JSON.stringify({ error: { message: full } });
    const router = await modelThat({
      status: 400,
      raw: JSON.stringify({ error: { message: "Provider returned error", code: 400, metadata: { raw } } }),
    });
    await expect(router.complete({ request })).rejects.toMatchObject({
      details: { error: { message: `Provider returned error: ${full}` } },
    });
  });

  it.each<[unknown, number | undefined]>([
    ["34s", 34_000],
    ["1.5s", 1_500],
    ["soon", undefined],
    [7, undefined],
  ])("say when to come back as Google's do: %j", async (retryDelay, retryAfterMs) => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.Help" }, null, { retryDelay }];
    const raw = JSON.stringify([{ error: { code: 429, message: "Resource exhausted", details } }]);
    const model = await modelThat({ status: 429, raw });
    await expect(model.complete({ request })).rejects.toMatchObject({ details: { status: 429, retryAfterMs } });
  });

  it("are bounded, and hold no key and no page", async () => {
    const long = await modelThat({ status: 400, raw: `sk-secret-of-the-gateway ${"x".repeat(50_000)}` });
    const error = (await long.complete({ request }).catch((reason: unknown) => reason)) as {
      details: { error: { message: string } };
    };
    expect(error.details.error.message.length).toBeLessThan(1_100);
    expect(error.details.error.message).not.toContain("secret-of");
    await endpoint.close();
    const page = await modelThat({ status: 404, raw: "<html>secret page</html>" });
    await expect(page.complete({ request })).rejects.toMatchObject({ details: { status: 404, error: undefined } });
  });

  it.each([
    ['{"error":{"message":"slow down","code":429}}', 429],
    ['{"error":{"message":"no","code":"overloaded"}}', 502],
    ['{"error":{"message":"no","code":200}}', 502],
    ['{"object":"error","message":"no"}', 502],
  ])("come with their status when a success holds them: %s", async (raw, status) => {
    const model = await modelThat({ raw });
    await expect(model.complete({ request })).rejects.toMatchObject({ code: "model_failed", details: { status } });
    await endpoint.close();
    const streaming = await modelThat({ raw: `data: ${raw}\n\n`, contentType: "text/event-stream" });
    const parts = await streaming.stream({ request: { ...request, stream: true } });
    await expect(parts[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "model_failed" });
  });
});
