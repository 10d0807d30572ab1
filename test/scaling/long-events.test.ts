import { afterEach, describe, expect, it } from "vitest";
import { createRecorder } from "../../src/models/recorder.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";
import { createChunkReader } from "../../src/models/chunk-reader.ts";
import type { ChatChunk, ChatRequest } from "../../src/models/chat.ts";
import { cutChunk } from "../../src/models/cut-chunk.ts";
import { UPSTREAM_KINDS, upstreamModel, type UpstreamKind } from "../../src/models/kinds.ts";
import type { StreamPart } from "../../src/models/model.ts";

const request: ChatRequest = { model: "m", messages: [{ role: "user", content: "hello" }], stream: true };
const tools = [{ type: "function", function: { name: "write", parameters: { type: "object" } } }];
/** Most characters of one part: those of a piece, escaped, with what is around them. */
const PART_CHARS_MAX = 100_000;

let endpoint: ScriptedModel | undefined;
afterEach(async () => {
  await endpoint?.close();
  endpoint = undefined;
});

const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const events = (list: readonly object[]) => list.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
const prose = 'words that "go on" 😀 and\non '.repeat(20_000);
const token = (at: number) => ({ token: `w${at} `, logprob: -0.1, bytes: [119], top_logprobs: [] });
const given = JSON.stringify({ text: prose });

const chat = (delta: object, more: object = {}) => ({
  id: "c",
  created: 1,
  model: "m",
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});
const chatStream = (delta: object) =>
  `${events([chat({ role: "assistant", content: "One " }), chat(delta), chat({ content: " end." }), chat({}, { finish_reason: "stop" })])}data: [DONE]\n\n`;
const call = { id: "t1", type: "function", function: { name: "write", arguments: given } };
const block = (start: object, delta: object) => [
  { type: "message_start", message: { id: "m", model: "m", usage: {} } },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "One " } },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_start", index: 1, content_block: start },
  ...("type" in delta ? [{ type: "content_block_delta", index: 1, delta }] : []),
  { type: "content_block_stop", index: 1 },
  { type: "content_block_start", index: 2, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 2, delta: { type: "text_delta", text: " end." } },
  { type: "content_block_stop", index: 2 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: {} },
  { type: "message_stop" },
];
const message = (text: string, more: object = {}) => ({
  type: "message",
  id: text.slice(0, 4),
  role: "assistant",
  content: [{ type: "output_text", text, annotations: [], ...more }],
});
const response = (...output: object[]) => [
  { type: "response.created", response: { id: "r", model: "m" } },
  { type: "response.completed", response: { id: "r", status: "completed", output } },
];

/** What an endpoint streams, and what is read of it: its text, and the arguments of its call. */
const STREAMS: readonly (readonly [string, UpstreamKind, string, string, (string | undefined)?, object?])[] = [
  ["a text", "chat", chatStream({ content: prose }), `One ${prose} end.`],
  [
    "a text, for a request with tools",
    "chat",
    chatStream({ content: prose }),
    `One ${prose} end.`,
    undefined,
    { tools },
  ],
  ["arguments", "chat", chatStream({ tool_calls: [{ index: 0, ...call }] }), "One  end.", given],
  ["arguments without a place", "chat", chatStream({ tool_calls: [call] }), "One  end.", given, { tools }],
  [
    "a text",
    "anthropic",
    events(block({ type: "text", text: "" }, { type: "text_delta", text: prose })),
    `One ${prose} end.`,
  ],
  [
    "a call with its input",
    "anthropic",
    events(block({ type: "tool_use", id: "t1", name: "write", input: { text: prose } }, {})),
    "One  end.",
    given,
  ],
  [
    "a whole response",
    "responses",
    events(response(message("One "), message(prose), message(" end."))),
    `One ${prose} end.`,
  ],
  [
    "a whole item",
    "responses",
    events([
      { type: "response.created", response: { id: "r", model: "m" } },
      { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "One " },
      { type: "response.output_item.done", output_index: 0, item: message(`One ${prose}`) },
      { type: "response.output_text.delta", output_index: 1, content_index: 0, delta: " end." },
      ...response().slice(1),
    ]),
    `One ${prose} end.`,
  ],
  [
    "the log probabilities of each token",
    "responses",
    events(response(message("One "), message(prose, { logprobs: many(20_000, token) }), message(" end."))),
    `One ${prose} end.`,
  ],
  [
    "a call whose arguments are an object",
    "responses",
    events(
      response(
        message("One "),
        { type: "function_call", id: "f", call_id: "t1", name: "write", arguments: { text: prose } },
        message(" end."),
      ),
    ),
    "One  end.",
    given,
  ],
];

async function partsOf(kind: UpstreamKind, raw: string, more: object = {}): Promise<StreamPart[]> {
  endpoint = await startScriptedModel(() => ({ raw, contentType: "text/event-stream" }));
  const model = upstreamModel(kind, { baseUrl: endpoint.baseUrl });
  const parts: StreamPart[] = [];
  for await (const part of await model.stream({ request: { ...request, ...more } })) parts.push(part);
  await model.close();
  return parts;
}

/** What clients read of the chunks of a stream. */
function saidOf(chunks: readonly ChatChunk[]) {
  const recorder = createRecorder("m");
  recorder.add(chunks);
  const { message: said, finish_reason: reason } = recorder.completion().choices[0] as {
    message: Record<string, unknown>;
    finish_reason: string | null;
  };
  const calls = said["tool_calls"] as readonly { function: { arguments: string } }[] | undefined;
  return { text: said["content"], given: calls?.[0]?.function.arguments, reason };
}

describe("one long event of a stream", () => {
  const rows = STREAMS.map(([what, kind, raw, text, args, more]) => ({ what, kind, raw, text, args, more }));
  it.each(rows)(
    "is passed on in pieces, in its place: $what, of kind $kind",
    async ({ kind, raw, text, args, more }) => {
      const parts = await partsOf(kind, raw, more);
      const read = createChunkReader();
      const shown = parts.flatMap(({ bytes }) => read(bytes));
      const expected = { text, given: args, reason: expect.stringMatching(/^(stop|tool_calls)$/) as unknown };
      expect(saidOf(parts.flatMap(({ chunks }) => chunks))).toEqual(expected);
      expect(saidOf(shown)).toEqual(expected);
      expect(Math.max(...parts.map(({ bytes }) => bytes.length))).toBeLessThan(PART_CHARS_MAX);
      expect(parts.filter(({ done }) => done)).toHaveLength(1);
      expect(Buffer.from(parts.at(-1)?.bytes ?? []).toString()).toMatch(/data: \[DONE\]\n\n$/);
    },
  );

  it.each([
    ["chat", chatStream({ reasoning_content: prose }), prose],
    [
      "anthropic",
      events(block({ type: "thinking", thinking: "" }, { type: "thinking_delta", thinking: prose })),
      prose,
    ],
    [
      "responses",
      events([
        { type: "response.created", response: { id: "r", model: "m" } },
        { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 0, delta: "First." },
        { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 1, delta: prose },
        ...response().slice(1),
      ]),
      `First.\n\n${prose}`,
    ],
  ] as const)("that is a thought is passed on in pieces: kind %s", async (kind, raw, thought) => {
    const chunks = (await partsOf(kind, raw)).flatMap((part) => part.chunks);
    const said = chunks.flatMap(({ choices }) => {
      const words = choices?.[0]?.delta?.["reasoning_content"];
      return typeof words === "string" ? [words] : [];
    });
    expect(said.join("")).toBe(thought);
    expect(Math.max(...said.map((piece) => piece.length))).toBeLessThan(PART_CHARS_MAX);
  });

  it.each(UPSTREAM_KINDS)("lets other work run between its pieces: kind %s", async (kind) => {
    const [, , raw = ""] = STREAMS.find(([what, of]) => of === kind && what.startsWith("a ")) ?? [];
    let turns = 0;
    let isOver = false;
    const tick = (): void => {
      turns += 1;
      if (!isOver) setImmediate(tick);
    };
    tick();
    const parts = await partsOf(kind, raw);
    isOver = true;
    expect(parts.length).toBeGreaterThan(10);
    expect(turns).toBeGreaterThan(5);
  });

  it.each(UPSTREAM_KINDS)("that is no JSON is a failure of its model: kind %s", async (kind) => {
    const raw = `data: {"a":"${"x".repeat(200_000)}\n\n`;
    await expect(partsOf(kind, raw)).rejects.toMatchObject({ code: "model_failed" });
  });

  it("without a line end behind it is the last", async () => {
    const last = JSON.stringify(chat({ content: prose }, { finish_reason: "stop" }));
    const parts = await partsOf("chat", `data: ${last}`);
    expect(saidOf(parts.flatMap(({ chunks }) => chunks)).text).toBe(prose);
    expect(parts.at(-1)?.done).toBe(true);
  });

  it("is told before the error behind it", async () => {
    endpoint = await startScriptedModel(() => ({
      raw: `${events([chat({ content: prose })])}data: {"error":{"message":"gone","code":429}}\n\n`,
      contentType: "text/event-stream",
    }));
    const model = upstreamModel("chat", { baseUrl: endpoint.baseUrl });
    const chunks: ChatChunk[] = [];
    const reading = (async () => {
      for await (const part of await model.stream({ request })) chunks.push(...part.chunks);
    })();
    await expect(reading).rejects.toMatchObject({ code: "model_failed", details: { status: 429 } });
    expect(saidOf(chunks).text).toBe(prose);
    await model.close();
  });
});

describe("a long chunk that is cut", () => {
  const cut = (delta: object, more: object = {}) => [...cutChunk(chat(delta, more) as ChatChunk)];

  it("says what it said: every field of it, once and in order", () => {
    const delta = {
      role: "assistant",
      reasoning_content: prose,
      reasoning_details: [
        { type: "reasoning.encrypted", data: "x".repeat(50_000) },
        { type: "reasoning.encrypted", data: "y" },
      ],
      content: prose,
      annotations: many(2_000, (at) => ({ type: "url_citation", url_citation: { start_index: at, url: "u" } })),
      refusal: prose,
      tool_calls: many(100, (index) => ({
        index,
        id: `t${index}`,
        type: "function",
        function: { name: "f", arguments: given.slice(0, 50_000) },
      })),
      novel: { a: 1 },
    };
    const whole = chat(delta, {
      logprobs: { content: many(9_000, token), refusal: null },
      finish_reason: "tool_calls",
      more: "x",
    });
    const pieces = [...cutChunk({ ...whole, usage: { total_tokens: 1 } } as unknown as ChatChunk)];
    const [one, other] = [createRecorder("m"), createRecorder("m")];
    one.add([{ ...whole, usage: { total_tokens: 1 } } as unknown as ChatChunk]);
    other.add(pieces);
    expect(other.completion()).toEqual(one.completion());
    expect(pieces.length).toBeGreaterThan(100);
    for (const piece of pieces) expect(JSON.stringify(piece).length).toBeLessThan(PART_CHARS_MAX);
  });

  it("gives each piece of its text the log probabilities of its own tokens", () => {
    const tokens = many(5_000, token);
    const content = tokens.map((one) => one.token).join("");
    for (const { choices } of cut({ content }, { logprobs: { content: tokens } })) {
      const [{ delta, logprobs } = {}] = (choices ?? []) as {
        delta?: { content?: string };
        logprobs?: { content: typeof tokens };
      }[];
      expect(delta?.content ?? "").toBe(logprobs?.content.map((one) => one.token).join(""));
    }
  });

  it("is not cut within a character", () => {
    const content = `a${"😀".repeat(100_000)}`;
    const pieces = cut({ content }).map(({ choices }) => choices?.[0]?.delta?.["content"] as string);
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
    expect(pieces.join("")).toBe(content);
  });

  it("is the same chunk where it is short", () => {
    const short = chat({ content: "a" }) as ChatChunk;
    expect([...cutChunk(short)][0]).toBe(short);
  });
});
