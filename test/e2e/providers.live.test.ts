import OpenAI from "openai";
import { beforeEach, describe, expect, it } from "vitest";
import { textIn } from "../../src/internal/content-text.ts";
import { wordsOf } from "../faulty-upstream.ts";
import { routingTests, type RoutingGateway } from "../routing.ts";
import { startScriptedModel, type ScriptedAnswer, type ScriptedModel } from "../../src/testing/index.ts";

const { upstream, gateway } = routingTests();
const WORDS = "Good day to you.";
let says: ScriptedAnswer;
let door: RoutingGateway;
let endpoint: ScriptedModel;
let client: OpenAI;

beforeEach(async () => {
  endpoint = await startScriptedModel(() => says);
  door = await gateway({ limits: { enabled: false }, upstreams: [{ name: "maker", baseUrl: endpoint.baseUrl }] });
  client = new OpenAI({ baseURL: door.url, apiKey: door.key, maxRetries: 0 });
  return () => endpoint.close();
});

const chunk = (choices: unknown, more: object = {}) => ({
  id: "c",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  choices,
  ...more,
});
const said = (content: unknown, more: object = {}) => ({ index: 0, delta: { content }, ...more });
const wire = (events: readonly (object | string)[]) =>
  events.map((one) => (typeof one === "string" ? one : `data: ${JSON.stringify(one)}\n\n`)).join("");
const USAGE = { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 };
const DONE = "data: [DONE]\n\n";
const stop = chunk([{ index: 0, delta: {}, finish_reason: "stop" }]);
const head = chunk([{ index: 0, delta: { role: "assistant", content: "" } }]);
const [first, second] = ["Good day ", "to you."];
const plain = [head, chunk([said(first)]), chunk([said(second)]), stop];

/** Streams as makers and proxies send them, which all say the same. */
const STREAMS: Readonly<Record<string, ScriptedAnswer>> = {
  "OpenRouter: comments before and between": {
    raw: wire([": OPENROUTER PROCESSING\n\n", head, ": OPENROUTER PROCESSING\n\n", ...plain.slice(1), DONE]),
  },
  "Gemini: counts in every chunk, no [DONE]": {
    raw: wire([
      head,
      chunk([said(first)], { usage: USAGE }),
      chunk([said(second, { finish_reason: "stop" })], { usage: USAGE }),
    ]),
  },
  "Perplexity: the whole message so far beside each piece": {
    raw: wire([
      chunk([{ ...said(first), message: { role: "assistant", content: first } }], { citations: ["https://a"] }),
      chunk([{ ...said(second), message: { role: "assistant", content: WORDS } }], { citations: ["https://a"] }),
      chunk([{ index: 0, delta: {}, message: { role: "assistant", content: WORDS }, finish_reason: "stop" }]),
      DONE,
    ]),
  },
  "Mistral: content as parts": {
    raw: wire([
      head,
      chunk([said([{ type: "text", text: first }])]),
      chunk([said([{ type: "text", text: second }])]),
      stop,
      DONE,
    ]),
  },
  "Databricks: thoughts as a part with a summary": {
    raw: wire([
      head,
      chunk([said([{ type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] }])]),
      chunk([said([{ type: "text", text: WORDS }])]),
      stop,
      DONE,
    ]),
  },
  "Azure: filters first, results of filters without a delta": {
    raw: wire([
      { id: "", object: "", created: 0, model: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      ...plain,
      chunk([
        { index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: { check_offset: 4 } },
      ]),
      DONE,
    ]),
  },
  "a proxy: no place of the choice": {
    raw:
      wire(
        plain.map((one) => ({
          ...one,
          choices: (one.choices as object[]).map((choice) => ({ ...choice, index: null })),
        })),
      ) + DONE,
  },
  "a proxy: events of nothing, and spaces after [DONE]": {
    raw: wire(["data:\n\n", head, "data: \n\n", ...plain.slice(1), "data: [DONE] \n\n"]),
  },
  "a proxy: counts without choices": {
    raw: wire([...plain, { id: "c", usage: USAGE }, { id: "c", choices: null, usage: USAGE }, DONE]),
  },
  "a proxy: a stream of plain text": { raw: wire([...plain, DONE]), contentType: "text/plain; charset=utf-8" },
  "a proxy: a whole answer where a stream was asked for": {
    raw: JSON.stringify({
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "m",
      choices: [{ index: 0, message: { role: "assistant", content: WORDS }, finish_reason: "stop" }],
      usage: USAGE,
    }),
    contentType: "application/json",
  },
};

describe.each(Object.entries(STREAMS))("%s", (_, answer) => {
  it("is the same to clients of chats, messages and responses, and to a session", async () => {
    says = answer;
    const messages = [{ role: "user" as const, content: "hello" }];
    const stream = await client.chat.completions.create(
      { model: "m", messages, stream: true },
      { headers: { "x-marrow-session": "s", "x-marrow-user": "u" } },
    );
    let text = "";
    for await (const { choices } of stream) for (const { delta } of choices) text += textIn(delta?.content);
    expect(text).toBe(WORDS);
    const response = await client.responses.stream({ model: "m", input: "hello", store: false }).finalResponse();
    expect([response.status, response.output_text]).toEqual(["completed", WORDS]);
    const told = await fetch(`${door.url}/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${door.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "m", max_tokens: 50, messages, stream: true }),
    });
    const events = [...(await told.text()).matchAll(/"text_delta","text":"([^"]*)"/g)].map(([, piece]) => piece);
    expect(events.join("")).toBe(WORDS);
    await door.ask("m", { session: "s", user: "u", stream: true });
    expect(endpoint.requests.at(-1)?.body["messages"]).toMatchObject([{ content: "hello" }, { content: WORDS }, {}]);
  });
});

it.each(Object.entries(STREAMS))("%s: whole for a client that asked for no stream", async (_, answer) => {
  says = typeof answer === "object" ? { contentType: "text/event-stream", ...answer } : answer;
  const messages = [{ role: "user" as const, content: "hello" }];
  const { choices, object } = await client.chat.completions.create({ model: "m", messages });
  expect([object, choices[0]?.message.content, choices[0]?.finish_reason]).toEqual(["chat.completion", WORDS, "stop"]);
  const response = await client.responses.create({ model: "m", input: "hello", store: false });
  expect([response.status, response.output_text]).toEqual(["completed", WORDS]);
  const told = await fetch(`${door.url}/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${door.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "m", max_tokens: 50, messages }),
  });
  const { content } = (await told.json()) as { readonly content: readonly { readonly text?: string }[] };
  expect(content.map(({ text = "" }) => text).join("")).toBe(WORDS);
  expect(endpoint.requests.map(({ body }) => body["stream"] ?? false)).not.toContain(true);
});

describe("a stream that breaks with an error", () => {
  const broken = { ...chunk([{ index: 0, delta: { content: "" }, finish_reason: "error" }]), error: { code: 502 } };
  const next = async () => {
    says = "Yes?";
    await door.ask("m", { session: "s", user: "u" });
    return endpoint.requests.at(-1)?.body["messages"];
  };

  it("says to its client, in one piece and behind an event of the same beginning, what its session keeps", async () => {
    says = { raw: wire([head, chunk([said(first)]), chunk([said(second)]), broken, DONE]) };
    const told = await door.ask("m", { session: "s", user: "u", stream: true, content: "hello" });
    expect([told.text, told.error?.code]).toEqual([WORDS, "model_failed"]);
    expect(await next()).toMatchObject([{ content: "hello" }, { content: WORDS }, {}]);
  });

  it("leaves no empty turn where it said nothing", async () => {
    const thought = chunk([{ index: 0, delta: { role: "assistant", content: "", reasoning_content: "Hm." } }]);
    says = { raw: wire([thought, broken, DONE]) };
    await door.ask("m", { session: "s", user: "u", stream: true, content: "hello" });
    expect(await next()).toHaveLength(1);
  });
});

it.each<[string, string]>([
  ["400 comments", ": keep-alive\n\n".repeat(400)],
  ["300 roles", wire([head]).repeat(300)],
  ["3 MB of a comment", `: ${"x".repeat(3_000_000)}\n\n`],
])("another upstream is asked when a stream fails after %s", async (_, before) => {
  says = { raw: `${before}${wire([{ error: { message: "busy", code: 503 } }])}` };
  const good = await upstream("good");
  const both = await gateway({
    routing: { backoffMs: 10, backoffMaxMs: 50 },
    upstreams: [endpoint, good].map(({ baseUrl }, at) => ({ name: `u${at}`, baseUrl, models: ["m"] })),
  });
  const told = await both.ask("m", { stream: true });
  expect([told.text, told.whole, told.error]).toEqual([wordsOf("good"), true, undefined]);
});

it("counts that are none exhaust no limit", async () => {
  const usage = { prompt_tokens: 5, completion_tokens: 1e300, total_tokens: 1e300 };
  const limited = await gateway({ upstreams: [{ name: "maker", baseUrl: endpoint.baseUrl }] });
  says = { raw: wire([...plain, chunk([], { usage }), DONE]) };
  expect((await limited.ask("m", { stream: true })).text).toBe(WORDS);
  const { status, headers } = await limited.ask("m", { stream: true });
  expect([status, Number(headers.get("x-ratelimit-remaining-tokens")) > 1_000_000]).toEqual([200, true]);
});
