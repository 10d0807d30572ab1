import { PassThrough } from "node:stream";
import type { FastifyRequest } from "fastify";
import { describe, expect, it } from "vitest";
import { contextInTurns, contextOf } from "../../src/flow/context.ts";
import { unsaid } from "../../src/flow/resent.ts";
import { askUsage } from "../../src/flow/usage-asked.ts";
import { readBytes } from "../../src/gateway/http/body-bytes.ts";
import { readInTurns } from "../../src/gateway/http/json.ts";
import { toChatRequest, type MessagesRequest } from "../../src/gateway/anthropic/request.ts";
import { jsonOfInput, writeInputs } from "../../src/gateway/anthropic/written-inputs.ts";
import { readLines } from "../../src/gateway/batches/batch.ts";
import { isInPieces } from "../../src/internal/chat-pieces.ts";
import { CHAT_STRING_CHARS_MAX } from "../../src/internal/chat-pieces.ts";
import { checkJsonBudgetInTurns } from "../../src/internal/json-budget.ts";
import { toJsonBytes } from "../../src/internal/json-pieces.ts";
import { LongText, withStrings } from "../../src/internal/long-text.ts";
import { toConversation } from "../../src/models/anthropic/messages.ts";
import type { ChatMessage, ChatRequest } from "../../src/models/index.ts";
import { toInput } from "../../src/models/responses/input.ts";
import { toBase64 } from "../../src/models/rows.ts";
import { toJson } from "../../src/memory/json.ts";
import { encodeBounded } from "../../src/queue/bounded.ts";
import { ownTurn } from "../../src/internal/time-slice.ts";
import { longestGo } from "./measure.ts";

/** Longest that one go may take: 20 ms on an idle machine, with room for one that is not. */
const GO_MS_MAX = 50;
/** Counting goes on in slices of 5 ms. */
const COUNT_MS_MAX = 20;
/** Four times the default bound: what is done in one go is then far over its own. */
const BODY_BYTES = 16 * 1_048_576;

const prose = (chars: number) => "prose and words that go on ".repeat(Math.ceil(chars / 27)).slice(0, chars);
const messages = (count: number) =>
  Array.from({ length: count }, (_, nth) => ({ role: "user", content: `${nth} ${prose(BODY_BYTES / count - 40)}` }));
const BODIES: Readonly<Record<string, readonly object[]>> = {
  "one prompt": messages(1),
  "1,000 messages": messages(1_000),
  "9,000 messages": messages(9_000),
  "a picture": [
    {
      role: "user",
      content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(BODY_BYTES)}` } }],
    },
  ],
};
const rows = Object.entries(BODIES).map(([name, list]) => {
  const request = { model: "m", messages: list, stream: true };
  return { name, request, bytes: Buffer.from(JSON.stringify(request)) };
});
const spaced = { model: "m", stop: Array.from({ length: 4_000 }, (_, nth) => nth) };
const spacedText = JSON.stringify(spaced).replaceAll(",", `,${" ".repeat(BODY_BYTES / 4_000)}`);
rows.push({ name: "white space between tokens", request: spaced as never, bytes: Buffer.from(spacedText) });

/** Receives a body as a socket brings it. */
function received(bytes: Buffer): Promise<Buffer | undefined> {
  const payload = new PassThrough();
  const request = { headers: {}, routeOptions: { bodyLimit: 2 * BODY_BYTES } } as unknown as FastifyRequest;
  return new Promise((resolve, reject) => {
    readBytes(request, payload, (error, whole) => (error === null ? resolve(whole) : reject(error)));
    let at = 0;
    const next = (): void => {
      if (at >= bytes.length) return void payload.end();
      payload.write(bytes.subarray(at, (at += 65_536)));
      setImmediate(next);
    };
    next();
  });
}

const inList = (text: string) => Buffer.from(`[${text.repeat(Math.ceil(BODY_BYTES / text.length))}]`);
const SHAPES: Readonly<Record<string, Buffer>> = {
  "white space": inList(" "),
  digits: inList("1"),
  "brackets that close": inList("]"),
  "characters of three bytes": inList("値"),
  "a string with an escaped quote at its end": Buffer.from(`["${"x".repeat(BODY_BYTES)}\\""]`),
  "strings of 1,000 characters": inList(`"${"x".repeat(1_000)}"`),
};

describe("a long body", () => {
  it.each(Object.entries(SHAPES))(
    "is counted in turns of the event loop: %s",
    { timeout: 60_000 },
    async (_, bytes) => {
      const count = () => checkJsonBudgetInTurns(bytes, { valuesMax: 10_000, depthMax: 100 });
      expect(await longestGo(count, COUNT_MS_MAX)).toBeLessThan(COUNT_MS_MAX);
    },
  );

  it.each(rows)("is read in turns of the event loop: $name", { timeout: 60_000 }, async ({ bytes, request }) => {
    expect(await longestGo(() => readInTurns(bytes, ownTurn), GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
    expect((await readInTurns(bytes, ownTurn)).value).toEqual(request);
  });

  it(
    "is put together in turns, when it has come and when it is sent with a field more",
    { timeout: 60_000 },
    async () => {
      const [{ bytes, request }] = rows as [(typeof rows)[number]];
      expect(await longestGo(() => received(bytes), GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
      expect((await received(bytes))?.equals(bytes)).toBe(true);
      const ask = async () => askUsage({ request: request as never, body: bytes });
      expect(await longestGo(ask, GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
      expect(JSON.parse(String((await ask()).body))).toEqual({ ...request, stream_options: { include_usage: true } });
    },
  );
});

describe("a value over its bound", () => {
  const LONG = prose(BODY_BYTES);
  it.each([
    ["the value of a signal", () => encodeBounded("value", LONG, 65_536)],
    ["an item of a conversation", () => toJson("items.0", { content: LONG }, 1_048_576)],
  ])("is refused before it is written: %s", async (_, encode) => {
    const refuse = async () => expect(encode).toThrow(expect.objectContaining({ code: "too_large" }));
    expect(await longestGo(refuse, COUNT_MS_MAX)).toBeLessThan(COUNT_MS_MAX);
  });
});

it("the input of a call of megabytes is written in turns of the event loop", { timeout: 60_000 }, async () => {
  const inputs = Array.from({ length: 4 }, () => ({ text: prose(BODY_BYTES) }));
  const write = async () => writeInputs([{ content: [{ type: "tool_use", input: inputs.pop() ?? {} }] }]);
  const [input] = inputs;
  expect(await longestGo(write, GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
  await writeInputs([{ content: [{ type: "tool_use", input }] }]);
  expect(jsonOfInput(input ?? {})).toBe(JSON.stringify(input));
});

describe("a line of a batch", () => {
  const line = (content: string, space = "") =>
    Buffer.from(
      `{"custom_id":"a",${space}"method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":${JSON.stringify(content)}}]}}\n`,
    );
  const bounds = { bodyBytesMax: 2 * BODY_BYTES, json: { valuesMax: 10_000, depthMax: 100 } };

  it.each([
    ["prose", line(prose(BODY_BYTES))],
    ["source code", line('  const name = "value";\n\tif (name) {\n'.repeat(BODY_BYTES / 4 / 43))],
    ["white space between tokens", line("hello", " ".repeat(BODY_BYTES))],
  ])("of megabytes is read in turns of the event loop: %s", { timeout: 60_000 }, async (_, file) => {
    const read = () => readLines("tests", file, "/v1/chat/completions", bounds);
    expect(await longestGo(read, GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
    expect((await read()).errors).toEqual([]);
  });
});

describe("a long text of a chat", () => {
  const words = `${"plain words here ".repeat(BODY_BYTES / 34)}漢`;
  const bytes = Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: words }] }));

  it("stays in pieces from the body to the endpoint, whose bytes are those of its string", async () => {
    const { value } = await readInTurns(bytes, ownTurn, isInPieces);
    const { messages: asked } = value as ChatRequest;
    expect(asked[0]?.content).toBeInstanceOf(LongText);
    for (const translate of [toConversation, toInput]) {
      expect(await longestGo(async () => toJsonBytes(translate(asked)), GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
      expect(String(await toJsonBytes(translate(asked)))).toBe(JSON.stringify(translate(withStrings(asked))));
    }
  });

  it("is whole where an escaped character lies across two pieces", async () => {
    for (let before = 0; before < 12; before += 1) {
      const text = `["${"x".repeat(before)}${String.raw`\ud83d\ude00`.repeat(40_000)}"]`;
      const keep = (_: string, chars: number) => chars > 1_000;
      const { value } = await readInTurns(Buffer.from(text), ownTurn, keep);
      const [long] = value as readonly [LongText];
      expect(long.pieces.length).toBeGreaterThan(1);
      expect(long.pieces.every((piece) => piece.isWellFormed())).toBe(true);
      expect([String(long)]).toEqual(JSON.parse(text));
    }
  });

  it("is the same context for the cache as its string, and the same turn of a session", async () => {
    const { value } = await readInTurns(bytes, ownTurn, isInPieces);
    const [turn] = (value as ChatRequest).messages as [ChatMessage];
    const answer = { role: "assistant", content: "yes" };
    const request = { model: "m", messages: [turn, answer, { role: "user", content: "why?" }] };
    const plain = withStrings(request);
    const inTurns = async () => contextInTurns(request, []);
    expect(await longestGo(inTurns, GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
    expect(await inTurns()).toEqual(contextOf(plain, []));
    expect(unsaid(request.messages, plain.messages.slice(0, 2))).toEqual([request.messages[2]]);
  });
});

/** Whatever part of a request is long, what it becomes is what it becomes as one string. */
describe("a long part of a request", () => {
  const long = "QUJD".repeat(CHAT_STRING_CHARS_MAX / 4 + 1);
  const address = `https://example.com/${long}`;
  const read = async (value: unknown) =>
    (await readInTurns(Buffer.from(JSON.stringify(value)), ownTurn, isInPieces)).value as object;

  it.each<[string, object]>([
    ["signed reasoning", { type: "reasoning.text", text: long, signature: long, format: "anthropic-claude-v1" }],
    ["sealed reasoning of Anthropic", { type: "reasoning.encrypted", data: long, format: "anthropic-claude-v1" }],
    ["sealed reasoning of OpenAI", { type: "reasoning.encrypted", data: long, format: "openai-responses-v1" }],
  ])("is passed on in a chat: %s", async (_, detail) => {
    const turns = [{ role: "assistant", content: "a", reasoning_details: [detail] }];
    const asked = (await read(turns)) as readonly ChatMessage[];
    expect(JSON.stringify(asked)).toBe(JSON.stringify(turns));
    for (const translate of [toConversation, toInput])
      expect(JSON.stringify(translate(asked))).toBe(JSON.stringify(translate(turns)));
    expect([toConversation, toInput].some((one) => JSON.stringify(one(asked)).includes(long))).toBe(true);
  });

  it.each<[string, object]>([
    ["a picture by its address", { type: "image_url", image_url: { url: address } }],
    ["a picture in base64", { type: "image_url", image_url: { url: `data:image/png;base64,${long}` } }],
    ["a document", { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${long}` } }],
    ["a text", { type: "text", text: long }],
  ])("is passed on in a part of a chat: %s", async (_, part) => {
    const turns = [{ role: "user", content: [part] }];
    const asked = (await read(turns)) as readonly ChatMessage[];
    for (const translate of [toConversation, toInput])
      expect(JSON.stringify(translate(asked))).toBe(JSON.stringify(translate(turns as unknown as ChatMessage[])));
  });

  it.each<[string, string, object]>([
    ["a thought", "assistant", { type: "thinking", thinking: long, signature: long }],
    ["a sealed thought", "assistant", { type: "redacted_thinking", data: long }],
    ["a picture by its address", "user", { type: "image", source: { type: "url", url: address } }],
    ["a picture in base64", "user", { type: "image", source: { type: "base64", media_type: "image/png", data: long } }],
    ["a document by its address", "user", { type: "document", source: { type: "url", url: address } }],
    [
      "a document of text",
      "user",
      { type: "document", source: { type: "text", media_type: "text/plain", data: long } },
    ],
    ["a text", "user", { type: "text", text: long }],
    ["a result of a tool", "user", { type: "tool_result", tool_use_id: "t", content: long }],
  ])("is passed on in Anthropic's messages: %s", async (_, role, block) => {
    const request = { model: "m", max_tokens: 9, messages: [{ role, content: [block] }] } as unknown as MessagesRequest;
    const told = JSON.stringify(toChatRequest((await read(request)) as MessagesRequest));
    expect(told).toBe(JSON.stringify(toChatRequest(request)));
    expect(told.length).toBeGreaterThan(long.length);
  });
});

it.each([
  ["spaces and line ends", "QUJD REVG\nR0hJ\r\nSktM".repeat(1_000)],
  ["the alphabet for URLs without padding", "ab-_cd".repeat(5_001).slice(0, -1)],
  ["the usual form", "QUJDREVG".repeat(4_000)],
])("base64 in pieces becomes what it becomes as one string: %s", (_, text) => {
  const pieces = Array.from({ length: Math.ceil(text.length / 1_001) }, (__, nth) =>
    text.slice(nth * 1_001, (nth + 1) * 1_001),
  );
  expect(String(toBase64(new LongText(pieces)))).toBe(toBase64(text));
});
