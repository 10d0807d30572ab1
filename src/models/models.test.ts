import { afterEach, describe, expect, it } from "vitest";
import { startScriptedModel, type ScriptedAnswer, type ScriptedModel } from "../testing/index.ts";
import { demoModel, openaiModel, type ChatRequest } from "./index.ts";
import { toRetryAfterMs } from "../internal/retry-after.ts";

const request: ChatRequest = { model: "scripted", messages: [{ role: "user", content: "hello there" }] };
let endpoint: ScriptedModel;
afterEach(() => endpoint?.close());

async function modelThat(answers: ScriptedAnswer, options = {}) {
  endpoint = await startScriptedModel(() => answers);
  return openaiModel({ baseUrl: endpoint.baseUrl, apiKey: "sk-secret", ...options });
}

async function textOf(stream: AsyncIterable<{ bytes: Uint8Array }>): Promise<string> {
  let text = "";
  for await (const { bytes } of stream) text += Buffer.from(bytes).toString();
  return text;
}

describe("an OpenAI-compatible model", () => {
  it("answers whole, as bytes and read, and passes every field of the request on", async () => {
    const model = await modelThat("Good day.");
    const { text, completion } = await model.complete({ request: { ...request, top_k: 7, nested: { a: [1] } } });
    expect(completion.choices[0]?.message.content).toBe("Good day.");
    expect(JSON.parse(text)).toEqual(completion);
    expect(endpoint.requests[0]?.body).toEqual({ ...request, top_k: 7, nested: { a: [1] } });
    expect(endpoint.requests[0]?.headers.authorization).toBe("Bearer sk-secret");
  });

  it("streams bytes untouched and reads the events beside them", async () => {
    const model = await modelThat("one two three");
    const chunks: unknown[] = [];
    let text = "";
    let done = false;
    for await (const part of await model.stream({ request: { ...request, stream: true } })) {
      text += Buffer.from(part.bytes).toString();
      chunks.push(...part.chunks);
      done = part.done;
    }
    expect(done).toBe(true);
    expect(chunks).toHaveLength(5);
    expect(text.match(/^data: /gm)).toHaveLength(6);
  });

  it.each([
    [
      "an error of its own",
      { status: 429, headers: { "retry-after": "3" } },
      { code: "model_failed", details: { status: 429, retryAfterMs: 3_000 } },
    ],
    [
      "an error that is no JSON",
      { status: 500, raw: "<html>oops</html>" },
      { code: "model_failed", details: { status: 500, error: undefined } },
    ],
    ["no JSON", { raw: "{" }, { code: "model_failed", details: { status: 502 } }],
    ["no choices", { raw: '{"id":"x"}' }, { code: "model_failed" }],
    ["null", { raw: "null" }, { code: "model_failed" }],
    ["nothing in time", { delayMs: 3_000 }, { code: "timeout" }],
  ])("fails with its own code when the endpoint answers %s", async (_, answers, expected) => {
    const model = await modelThat(answers, { firstByteTimeoutMs: 500 });
    await expect(model.complete({ request })).rejects.toMatchObject(expected);
  });

  it.each([
    ["is no event stream", { contentType: "application/json", content: "x" }],
    ["breaks off", { content: "a b c d", cutAfter: 2 }],
    ["ends without an end", { raw: 'data: {"choices":[]}\n\n' }],
    ["holds no JSON", { raw: "data: {oops\n\ndata: [DONE]\n\n" }],
    ["holds an error", { raw: 'data: {"error":{"message":"overloaded"}}\n\n' }],
  ])("fails while streaming when the stream %s", async (_, answers) => {
    const model = await modelThat(answers);
    const streaming = model.stream({ request: { ...request, stream: true } }).then(textOf);
    await expect(streaming).rejects.toMatchObject({ code: "model_failed" });
  });

  it.each([
    [{ apiKey: "sk-\u2013secret" }, "apiKey"],
    [{ headers: { "x-team": "line\nbreak-secret" } }, "headers.x-team"],
  ])("refuses what no header can hold, by name and without telling it: %j", (options, path) => {
    const make = () => openaiModel({ baseUrl: "http://127.0.0.1:9/v1", ...options });
    expect(make).toThrow(`${path} must contain only characters`);
    expect(make).not.toThrow("secret");
  });

  it("fails when nobody listens, without saying where or with which key", async () => {
    const model = openaiModel({ baseUrl: "http://127.0.0.1:9/v1", apiKey: "sk-secret" });
    const error: unknown = await model.complete({ request }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "model_failed", details: { status: 502 } });
    expect(JSON.stringify(error)).not.toContain("sk-secret");
  });

  it("refuses an answer over its bound", async () => {
    const model = await modelThat("x".repeat(50_000), { answerBytesMax: 10_000 });
    await expect(model.complete({ request })).rejects.toMatchObject({ code: "model_failed" });
  });

  it("ends the call upstream by the caller's signal, before and within a stream", async () => {
    const model = await modelThat({ content: "a b c d e f", eventDelayMs: 50 });
    await expect(model.complete({ request, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    const control = new AbortController();
    const stream = await model.stream({ request: { ...request, stream: true }, signal: control.signal });
    setTimeout(() => control.abort(), 80);
    await expect(textOf(stream)).rejects.toMatchObject({ code: "aborted" });
  });

  it("lists what the endpoint serves; where ids are named, these and no others, whatever the endpoint's list lacks", async () => {
    const model = await modelThat("x");
    expect(await model.list()).toMatchObject([{ id: "scripted" }]);
    const named = openaiModel({ baseUrl: endpoint.baseUrl, ids: ["other"] });
    expect(await named.list()).toEqual([{ id: "other", owned_by: "upstream", created: 0 }]);
  });
});

describe("retry-after", () => {
  it.each([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after-ms": "120", "retry-after": "9" }, 120],
    [{ "retry-after": new Date(Date.now() - 5_000).toUTCString() }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ])("%j is %s ms", (headers, expected) => {
    expect(toRetryAfterMs(headers)).toBe(expected);
  });
});

describe("the demo model", () => {
  const demo = demoModel({ firstTokenMs: 0, tokenMs: 0 });
  const ask = async (content: string) =>
    (await demo.complete({ request: { model: "demo", messages: [{ role: "user", content }] } })).completion.choices[0]
      ?.message.content;

  it("knows a little, in other words too, and says when it does not know", async () => {
    expect(await ask("What is the capital of France?")).toContain("Paris");
    expect(await ask("Tell me the capital of France, please")).toContain("Paris");
    expect(await ask("Who won the match last night?")).toContain("only a demo model");
  });

  it("says the same as a stream, with usage when it is asked for", async () => {
    const stream = await demo.stream({
      request: {
        model: "demo",
        messages: [{ role: "user", content: "why is the sky blue" }],
        stream: true,
        stream_options: { include_usage: true },
      },
    });
    let text = "";
    let usage: unknown;
    for await (const { chunks } of stream) {
      for (const chunk of chunks) {
        const piece = chunk.choices?.[0]?.delta?.["content"];
        if (typeof piece === "string") text += piece;
        usage = chunk.usage ?? usage;
      }
    }
    expect(text).toBe(await ask("why is the sky blue"));
    expect(usage).toMatchObject({ total_tokens: expect.any(Number) as number });
  });

  it("takes about as long as a real model, and stops when it is told", async () => {
    const startMs = performance.now();
    const slow = demoModel({ firstTokenMs: 200, tokenMs: 0 });
    await slow.complete({ request: { model: "demo", messages: [{ role: "user", content: "hi" }] } });
    expect(performance.now() - startMs).toBeGreaterThan(170);
    const given = slow.complete({ request: { model: "demo", messages: [] }, signal: AbortSignal.timeout(20) });
    await expect(given).rejects.toMatchObject({ code: "aborted" });
  });
});
