/** A process of little memory whose model gives long whole answers to many at once. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSmallGateway, type SmallGateway } from "../small-gateway.ts";

const ANSWER_BYTES = 8_000_000;
const AT_ONCE = 60;
const HEAP_MB = 512;
/** Time in which requests for the same answer come together. */
const THINKS_MS = 500;

let gateway: SmallGateway;
let asked = 0;
let open = 0;
const toAnswer = (bytes: number) =>
  JSON.stringify({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "chat",
    choices: [{ index: 0, message: { role: "assistant", content: "a".repeat(bytes) }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });
const answer = Buffer.from(toAnswer(ANSWER_BYTES));
/** For clients that read slowly: more than what the kernel holds for them, and nearly all room of a tenant. */
const longest = Buffer.from(toAnswer(30_000_000));

/** Gives a question its answer; every other one does not say its size beforehand. */
async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  await new Promise((resolve) => setTimeout(resolve, THINKS_MS));
  const said = body.includes("slow") ? longest : answer;
  response.setHeader("content-type", "application/json");
  if ((asked += 1) % 2 === 0) response.setHeader("content-length", said.length);
  response.write(said.subarray(0, 1));
  response.end(said.subarray(1));
}

beforeAll(async () => {
  gateway = await startSmallGateway("large", HEAP_MB, (request, response) => {
    open += 1;
    response.once("close", () => (open -= 1));
    void reply(request, response);
  });
}, 60_000);
afterAll(() => gateway.close());

/** Ways to ask for a whole answer. */
const WAYS: readonly ((question: string) => readonly [path: string, body: object])[] = [
  (content) => ["chat/completions", { messages: [{ role: "user", content }] }],
  (content) => ["chat/completions", { messages: [{ role: "user", content }], stream: true }],
  (content) => ["messages", { messages: [{ role: "user", content }], max_tokens: 100 }],
  (input) => ["responses", { input, store: false }],
];

/** Sends a question, and returns its status and whether the whole answer came. */
async function ask(
  [path, body]: readonly [path: string, body: object],
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
) {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "chat", ...body }),
    ...(signal !== undefined && { signal }),
  });
  let bytes = 0;
  for await (const piece of response.body ?? []) bytes += (piece as Uint8Array).length;
  return [response.status, bytes > ANSWER_BYTES] as const;
}

const chat = (content: string) => ["chat/completions", { messages: [{ role: "user", content }] }] as const;

const sharedBy = (content: string, more: object) => [chat(content)[0], { ...chat(content)[1], ...more }] as const;

/** Asks for a long answer and reads its head only; resolves once that came. `readRest` reads what comes until the connection is closed. */
async function askSlowly(question: string): Promise<{ readonly readRest: () => Promise<number> }> {
  const body = JSON.stringify({ model: "chat", ...chat(question)[1] });
  const socket = connect(gateway.port, "127.0.0.1");
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  await once(socket, "readable");
  expect(String(socket.read(12))).toBe("HTTP/1.1 200");
  return {
    async readRest() {
      let bytes = 0;
      for await (const piece of socket) bytes += (piece as Buffer).length;
      return bytes;
    },
  };
}

const all = <T>(make: (nth: number) => Promise<T>) =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, nth) => make(nth)));

describe("a process of little memory", () => {
  it("gives each its answer, on every way of asking, and lives", { timeout: 180_000 }, async () => {
    const mixed = await all((nth) => ask((WAYS[nth % WAYS.length] as (typeof WAYS)[number])(`question ${nth}`)));
    expect(mixed).toEqual(mixed.map(() => [200, true]));
    const responses = await all((nth) => ask(["responses", { input: `response ${nth}` }]));
    expect(responses).toEqual(responses.map(() => [200, true]));
    expect((await fetch(`http://127.0.0.1:${gateway.port}/healthz`)).status).toBe(200);
  });

  it("gives one answer to many who share it, and lives", { timeout: 120_000 }, async () => {
    const before = asked;
    const answers = await all(() => ask(chat("What is the capital of France?")));
    expect(answers).toEqual(answers.map(() => [200, true]));
    expect(asked - before).toBeLessThan(AT_ONCE / 4);
  });

  it("gives many answers to two each who share them, also as streams, and lives", { timeout: 240_000 }, async () => {
    const answers = await all(async (nth) => {
      const pair = [{}, { stream: nth % 2 === 0 }].map((more) => ask(sharedBy(`pair ${nth}`, more)));
      return Promise.all(pair);
    });
    expect(answers.flat()).toEqual(answers.flat().map(() => [200, true]));
    expect((await fetch(`http://127.0.0.1:${gateway.port}/healthz`)).status).toBe(200);
  });

  it(
    "keeps nobody waiting for clients that read slowly, beyond the time that these have",
    { timeout: 120_000 },
    async () => {
      const slow = await askSlowly("slow");
      const sinceMs = performance.now();
      // Neither its deadline nor its client's patience wait for room.
      expect(await ask(chat("late"), { "x-marrow-timeout-ms": "1500" })).toEqual([504, false]);
      expect(performance.now() - sinceMs).toBeLessThan(2_500);
      const patience = new AbortController();
      const impatient = Array.from({ length: 5 }, (_, nth) =>
        fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
          method: "POST",
          // Nobody else needs it.
          headers: { "content-type": "application/json", "x-marrow-cache-control": "no-store" },
          body: JSON.stringify({ model: "chat", ...chat(`impatient ${nth}`)[1] }),
          signal: patience.signal,
        }).catch(() => "left"),
      );
      await expect.poll(() => open).toBeGreaterThanOrEqual(5);
      await new Promise((resolve) => setTimeout(resolve, 2 * THINKS_MS));
      patience.abort();
      await Promise.all(impatient);
      await expect.poll(() => open, { timeout: 5_000 }).toBe(0);
      // Short answers need no room, and a long one gets that of the slowest.
      expect(await ask(chat("next"))).toEqual([200, true]);
      expect(performance.now() - sinceMs).toBeLessThan(25_000);
      expect(await slow.readRest().catch(() => 0)).toBeLessThan(longest.length);
    },
  );

  it("keeps the responses of many clients that left, and lives", { timeout: 120_000 }, async () => {
    const before = asked;
    const patience = new AbortController();
    const left = all((nth) => ask(["responses", { input: `left ${nth}` }], {}, patience.signal).catch(() => "left"));
    await new Promise((resolve) => setTimeout(resolve, THINKS_MS / 2));
    patience.abort();
    await left;
    await expect.poll(() => asked - before, { timeout: 60_000 }).toBe(AT_ONCE);
    await expect.poll(() => open, { timeout: 60_000 }).toBe(0);
    expect((await fetch(`http://127.0.0.1:${gateway.port}/healthz`)).status).toBe(200);
  });

  it("ends who shares another's answer at its own deadline", { timeout: 30_000 }, async () => {
    const sinceMs = performance.now();
    const [first, second] = await Promise.all([
      ask(chat("shared")),
      new Promise((resolve) => setTimeout(resolve, THINKS_MS / 5)).then(() =>
        ask(chat("shared"), { "x-marrow-timeout-ms": "100" }).then((told) => [...told, performance.now() - sinceMs]),
      ),
    ]);
    expect(first).toEqual([200, true]);
    expect(second).toEqual([504, false, expect.any(Number)]);
    expect(second[2]).toBeLessThan(THINKS_MS);
  });
});
