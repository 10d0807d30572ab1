import { fork, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";
import { UPSTREAM_KINDS, type UpstreamKind } from "../../src/models/index.ts";
import { madeUp, TEXTS } from "./texts.ts";

/**
 * Longest that one request may hold the event loop in one go. On an idle machine it is 20 ms; a busy one makes the same work several times
 * slower, and what is not linear takes seconds.
 */
const HELD_MS_MAX = 100;
/** Compiling code and collecting garbage may come in between: a delay counts when it comes each time. */
const TRIES = 4;
const TEXT_CHARS = 1_400_000;
/** Bytes that a text may take in a body of 2 MiB. */
const TEXT_BYTES = 1_900_000;
/** Every text is tried on every reader in scaling.test.ts; here those that are most unlike one another. */
const NAMES = [
  "prose",
  "white space",
  "one repeated word",
  "made-up words",
  "direction words",
  "emoji",
  "CJK",
  "escapes",
  "marks in turn",
  "marks in blocks",
  "marks on each letter",
];
/** For routes that take long by nature. */
const FEW = new Set(["made-up words", "white space", "marks in blocks"]);
const LONG_ROUTES = new Set(["many embeddings", "a file of a vector store", "a search"]);

let gateway: ChildProcess;
let endpoint: ScriptedModel;
/** What the endpoint answers, as the kind of API that it is asked by. */
let answers: (kind: UpstreamKind) => string;
let base = "";
let store = "";

beforeAll(async () => {
  const execArgv = ["--conditions=@marrow/source"];
  endpoint = await startScriptedModel(({ url }) => {
    const kind = UPSTREAM_KINDS.find((one) => url.startsWith(`/v1/${one}/`)) ?? "chat";
    const raw = answers(kind);
    return { raw, contentType: raw.startsWith("{") ? "application/json" : "text/event-stream" };
  });
  const args = [inject("redisUrl"), `s${randomUUID().slice(0, 8)}`, endpoint.baseUrl];
  gateway = fork(resolve("test/scaling/gateway-process.ts"), args, { execArgv });
  const [{ port }] = (await once(gateway, "message")) as [{ port: number }];
  base = `http://127.0.0.1:${port}`;
  const made = await send("POST", "/v1/vector_stores", {});
  ({ id: store } = JSON.parse(made.text) as { id: string });
  for (let nth = 0; nth < 20; nth += 1) await chat(`warm ${madeUp(nth)}`);
});

afterAll(async () => {
  gateway.disconnect();
  await endpoint.close();
});

async function send(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const type = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const form = body instanceof FormData ? {} : type;
  const answer = await fetch(base + path, {
    method,
    headers: { ...form, ...headers },
    body: body instanceof FormData || typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text() };
}

const chat = (content: unknown, more: object = {}) =>
  send("POST", "/v1/chat/completions", { model: "demo", messages: [{ role: "user", content }], ...more });

/** As much of a text as a body takes. */
function fitting(text: string): string {
  const bytes = Buffer.byteLength(JSON.stringify(text));
  return bytes <= TEXT_BYTES ? text : text.slice(0, Math.floor((text.length * TEXT_BYTES) / bytes)).toWellFormed();
}

/** The longest time that some requests hold the event loop in one go, the least of several tries. */
async function heldBy(work: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let nth = 0; nth < TRIES && least > HELD_MS_MAX; nth += 1) {
    await ask();
    await work();
    least = Math.min(least, await ask());
  }
  return least;
}

async function ask(): Promise<number> {
  gateway.send("how long?");
  const [{ heldMs }] = (await once(gateway, "message")) as [{ heldMs: number }];
  return heldMs;
}

async function attach(text: string): Promise<unknown> {
  const form = new FormData();
  form.append("purpose", "assistants");
  form.append("file", new Blob([text]), "text.txt");
  const file = JSON.parse((await send("POST", "/v1/files", form)).text) as { id: string };
  const path = `/v1/vector_stores/${store}/files`;
  const chunking = { type: "static", static: { max_chunk_size_tokens: 4_096, chunk_overlap_tokens: 0 } };
  await send("POST", path, { file_id: file.id, chunking_strategy: chunking });
  await send("GET", `${path}/${file.id}/content`, undefined);
  return send("DELETE", `${path}/${file.id}`, undefined);
}

const rpc = (name: string, given: unknown) => ({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: { name, arguments: given },
});

/** The routes that read a caller's text, each with the most that they take. */
const ROUTES: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
  "a chat": (text) => chat(text),
  "two chats, the second nearly the first": async (text) => {
    await chat(text.slice(0, 99_000));
    return chat(`${text.slice(0, 98_990)} more`);
  },
  "two short chats, the second nearly the first": async (text) => {
    await chat(text.slice(0, 4_000));
    return chat(`${text.slice(0, 3_990)} more`);
  },
  "a chat after long instructions": (text) =>
    send("POST", "/v1/chat/completions", {
      model: "demo",
      messages: [
        { role: "system", content: text },
        { role: "user", content: "what is bread" },
      ],
    }),
  "a response": (text) => send("POST", "/v1/responses", { model: "demo", input: text, store: false }),
  "a count of tokens": (text) => send("POST", "/v1/responses/input_tokens", { model: "demo", input: text }),
  embeddings: (text) => send("POST", "/v1/embeddings", { model: "static-256", input: text }),
  "many embeddings": (text) =>
    send("POST", "/v1/embeddings", {
      model: "static-256",
      input: Array.from({ length: 512 }, (_, nth) => `${nth} ${text.slice(nth * 900, nth * 900 + 900)}`),
    }),
  "a memory and its recall": async (text) => {
    await send("POST", "/v1/memories", { text: text.slice(0, 4_000) });
    return send("POST", "/v1/memories/recall", { about: text.slice(0, 100_000), limit: 100 });
  },
  "a memory over MCP": (text) => send("POST", "/mcp", rpc("remember", { text })),
  "a file of a vector store": (text) => attach(text),
  "a search": (text) =>
    send("POST", `/v1/vector_stores/${store}/search`, {
      query: Array.from({ length: 16 }, () => text.slice(0, 32_000)),
    }),
};

describe.each(Object.entries(ROUTES))("%s", (route, work) => {
  it("holds the event loop no longer than it may, whatever the text", { timeout: 120_000 }, async () => {
    const held: Record<string, number> = {};
    for (const name of NAMES.filter((one) => FEW.has(one) || !LONG_ROUTES.has(route))) {
      const text = fitting(TEXTS[name]?.(TEXT_CHARS) ?? "");
      const ms = await heldBy(() => work(text));
      if (ms > HELD_MS_MAX) held[name] = Math.round(ms);
    }
    expect(held).toEqual({});
  });
});

const SOURCE_CODE = '  const name = "value";\n\tif (name) {\n'.repeat(87_000);
const CALL_OF_PROSE = {
  id: "c",
  type: "function",
  function: { name: "write", arguments: JSON.stringify({ text: "prose and words ".repeat(230_000) }) },
};
const PARTS = Array.from({ length: 2_500 }, (_, nth) => {
  return { type: "input_text", text: `${nth} ${"prose and words ".repeat(93)}` };
});
const wide = (size: number) => Object.fromEntries(Array.from({ length: size }, (_, nth) => [madeUp(nth), nth]));
const BODIES: Readonly<Record<string, () => Promise<unknown>>> = {
  "wide parameters": () => chat("hello", { parameters: wide(9_900) }),
  "wide metadata": () => chat("hello", { metadata: wide(9_900) }),
  "a wide body": () => chat("hello", wide(9_900)),
  "560,000 fields": () => chat("hello", { metadata: wide(560_000) }).catch(() => undefined),
  "many tools": () =>
    chat("hello", {
      tools: Array.from({ length: 190 }, (_, nth) => ({
        type: "function",
        function: { name: `f${nth}`, parameters: wide(45) },
      })),
    }),
  "many messages": () =>
    send("POST", "/v1/chat/completions", {
      model: "demo",
      messages: Array.from({ length: 3_300 }, (_, nth) => ({ role: "user", content: `m${nth}` })),
    }),
  "source code of nearly 4 MB": () => chat(SOURCE_CODE),
  "source code of nearly 4 MB before a question": () =>
    send("POST", "/v1/chat/completions", {
      model: "demo",
      messages: [
        { role: "system", content: SOURCE_CODE },
        { role: "user", content: "what is bread" },
      ],
    }),
  "nearly 4 MB of a tool's arguments": () =>
    send("POST", "/v1/chat/completions", {
      model: "demo",
      messages: [
        { role: "user", content: "write" },
        { role: "assistant", content: null, tool_calls: [CALL_OF_PROSE] },
        { role: "tool", tool_call_id: "c", content: "done" },
      ],
    }),
  "2,500 parts that are compacted": () =>
    send("POST", "/v1/responses/compact", { model: "demo", input: [{ role: "user", content: PARTS }] }),
  "2,500 messages that are counted": () =>
    send("POST", "/v1/responses/input_tokens", {
      model: "demo",
      input: PARTS.map(({ text }) => ({ role: "user", content: text })),
    }),
  "a conversation's item of 2,500 parts": () =>
    send("POST", "/v1/conversations", { items: [{ role: "user", content: PARTS }] }),
  "lists 5,000 deep": () => send("POST", "/v1/chat/completions", `${"[".repeat(5_000)}${"]".repeat(5_000)}`),
  "twenty large chats at once": () =>
    Promise.all(Array.from({ length: 20 }, (_, nth) => chat(`${nth} ${"prose and words ".repeat(50_000)}`))),
};

describe.each(Object.entries(BODIES))("a body of %s", (_, work) => {
  it("holds the event loop no longer than it may", { timeout: 60_000 }, async () => {
    expect(await heldBy(work)).toBeLessThanOrEqual(HELD_MS_MAX);
  });
});

/** Sends a chat whose body comes in chunks of some bytes each, and answers the status. */
function chunkedChat(chars: number, chunkBytes: number): Promise<number> {
  const body = JSON.stringify({ model: "demo", messages: [{ role: "user", content: "y".repeat(chars) }] });
  const chunks: string[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.slice(at, at + chunkBytes);
    chunks.push(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  }
  const head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
  return new Promise((answer, reject) => {
    const socket = connect(Number(new URL(base).port), "127.0.0.1", () => {
      socket.write(`${head}\r\ntransfer-encoding: chunked\r\n\r\n${chunks.join("")}0\r\n\r\n`);
    });
    socket.setEncoding("latin1").once("data", (piece: string) => {
      answer(Number(piece.slice(9, 12)));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

describe("a body in chunks", () => {
  it.each([
    ["of one byte", 100, 1, 200],
    ["of one byte, ten thousand of them", 10_000, 1, 200],
    ["of one byte, two hundred thousand of them", 200_000, 1, 413],
    ["of twenty bytes, forty thousand of them", 800_000, 20, 200],
  ])("%s holds nobody up", { timeout: 120_000 }, async (_, chars, chunkBytes, status) => {
    expect(await chunkedChat(chars, chunkBytes)).toBe(status);
    const held = await heldBy(() => chunkedChat(chars, chunkBytes));
    expect(held).toBeLessThan(HELD_MS_MAX);
  });
});

it("a large response in the background holds nobody up", { timeout: 120_000 }, async () => {
  const input = fitting(TEXTS["CJK"]?.(TEXT_CHARS) ?? "");
  const create = () => send("POST", "/v1/responses", { model: "demo", input, background: true });
  expect((await create()).status).toBe(200);
  expect(await heldBy(create)).toBeLessThan(HELD_MS_MAX);
});

const events = (list: readonly object[]) => list.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
const TEXT_OF_6_MB = 'prose and "words"\n that go on '.repeat(220_000);
const LONG_EVENTS: Readonly<Record<UpstreamKind, string>> = {
  chat: `${events([
    { id: "c", choices: [{ index: 0, delta: { role: "assistant", content: TEXT_OF_6_MB } }] },
    { id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  ])}data: [DONE]\n\n`,
  anthropic: events([
    { type: "message_start", message: { id: "m", model: "m", usage: {} } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TEXT_OF_6_MB } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: {} },
    { type: "message_stop" },
  ]),
  responses: events([
    {
      type: "response.completed",
      response: {
        id: "r",
        status: "completed",
        output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: TEXT_OF_6_MB }] }],
      },
    },
  ]),
};
const STREAMED: Readonly<Record<string, (model: string, text: string) => Promise<{ readonly status: number }>>> = {
  "chat completions": (model, content) =>
    send("POST", "/v1/chat/completions", { model, stream: true, messages: [{ role: "user", content }] }),
  responses: (model, input) => send("POST", "/v1/responses", { model, stream: true, store: false, input }),
  messages: (model, content) =>
    send("POST", "/v1/messages", { model, stream: true, max_tokens: 9, messages: [{ role: "user", content }] }),
};

describe.each(UPSTREAM_KINDS)("an endpoint of kind %s that streams 6 MB in one event", (kind) => {
  it.each(Object.entries(STREAMED))("holds nobody up: asked by %s", { timeout: 60_000 }, async (_, stream) => {
    answers = (of) => LONG_EVENTS[of];
    let nth = 0;
    const again = () => stream(kind, `question ${madeUp((nth += 1))}`);
    expect((await again()).status).toBe(200);
    expect(await heldBy(again)).toBeLessThanOrEqual(HELD_MS_MAX);
  });
});

/** So long that a copy of it in one go would take longer than is allowed, on a machine where new memory is slow. */
const TEXT_OF_20_MB = 'prose and "words"\n that go on '.repeat(660_000);
const WHOLE_ANSWERS: Readonly<Record<UpstreamKind, () => object>> = {
  chat: () => ({
    id: "c",
    choices: [{ index: 0, message: { role: "assistant", content: TEXT_OF_20_MB }, finish_reason: "stop" }],
  }),
  anthropic: () => ({ type: "message", content: [{ type: "text", text: TEXT_OF_20_MB }], stop_reason: "end_turn" }),
  responses: () => ({
    id: "r",
    status: "completed",
    output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: TEXT_OF_20_MB }] }],
  }),
};
const ASKED: typeof STREAMED = {
  "chat completions": (model, content) =>
    send("POST", "/v1/chat/completions", { model, messages: [{ role: "user", content }] }),
  responses: (model, input) => send("POST", "/v1/responses", { model, store: false, input }),
  messages: (model, content) =>
    send("POST", "/v1/messages", { model, max_tokens: 9, messages: [{ role: "user", content }] }),
};

describe.each(UPSTREAM_KINDS)("an endpoint of kind %s that answers 20 MB whole", (kind) => {
  let whole = "";
  const holds = async (asked: (typeof ASKED)[string]) => {
    answers = () => (whole ||= JSON.stringify(WHOLE_ANSWERS[kind]()));
    let nth = 0;
    const again = () => asked(kind, `whole ${madeUp((nth += 1))}`);
    expect((await again()).status).toBe(200);
    return heldBy(again);
  };

  it.each(Object.entries(ASKED))("holds nobody up: asked by %s", { timeout: 60_000 }, async (_, asked) => {
    expect(await holds(asked)).toBeLessThanOrEqual(HELD_MS_MAX);
  });

  it.each(Object.entries(STREAMED))(
    "holds nobody up: asked for a stream by %s",
    { timeout: 60_000 },
    async (_, asked) => expect(await holds(asked)).toBeLessThanOrEqual(HELD_MS_MAX),
  );
});

const TOKENS = Array.from({ length: 20_000 }, (_, nth) => ({ token: `w${nth}`, logprob: -0.1, bytes: [119, 48] }));
const WHOLE: Readonly<Record<string, object>> = {
  "a text of 20 MB": { type: "output_text", text: TEXT_OF_20_MB, annotations: [] },
  "20,000 tokens with log probabilities": {
    type: "output_text",
    text: "many words",
    annotations: [],
    logprobs: TOKENS,
  },
};

describe.each(Object.entries(WHOLE))("a stored response of %s", (_, part) => {
  it("holds nobody up when it is returned", { timeout: 60_000 }, async () => {
    answers = () =>
      JSON.stringify({
        id: "r",
        status: "completed",
        output: [{ type: "message", role: "assistant", content: [part] }],
      });
    const made = await send("POST", "/v1/responses", { model: "responses", input: `question ${madeUp(7)}` });
    const { id } = JSON.parse(made.text) as { id: string };
    const again = () => send("GET", `/v1/responses/${id}`, undefined);
    expect(JSON.parse((await again()).text)).toMatchObject({ id, status: "completed" });
    expect(await heldBy(again)).toBeLessThanOrEqual(HELD_MS_MAX);
  });
});
