/** A process of little memory that makes and stores long responses, half of them in the background. */
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSmallGateway, type SmallGateway } from "../small-gateway.ts";

const ANSWER_CHARS = 12_000_000;
const OF_EACH = 6;
const HEAP_MB = 400;
const HEAD = { id: "c", created: 1, model: "chat" };
const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const PIECE = "a".repeat(1_000);

let gateway: SmallGateway;

/** Answers with so many characters, as a stream or whole. */
async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = JSON.parse(await text(request)) as { stream?: boolean };
  if (asked.stream !== true) {
    const message = { role: "assistant", content: "a".repeat(ANSWER_CHARS) };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...HEAD, object: "chat.completion", choices, usage: USAGE }));
    return;
  }
  const event = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({ ...HEAD, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
  response.setHeader("content-type", "text/event-stream");
  const events = function* () {
    for (let chars = 0; chars < ANSWER_CHARS; chars += PIECE.length) yield event({ content: PIECE }, null);
    yield `${event({}, "stop")}data: [DONE]\n\n`;
  };
  await pipeline(Readable.from(events()), response);
}

beforeAll(async () => {
  gateway = await startSmallGateway(
    "background",
    HEAP_MB,
    (request, response) => void reply(request, response).catch(() => {}),
  );
}, 60_000);
afterAll(() => gateway.close());

const url = (path: string) => `http://127.0.0.1:${gateway.port}${path}`;

async function ask(input: string, more: object): Promise<{ status: number; body: string }> {
  const response = await fetch(url("/v1/responses"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "chat", input, ...more }),
  });
  return { status: response.status, body: await response.text() };
}

/** Waits for a response in the background; returns its status and the characters of its answer. */
async function ended(id: string): Promise<readonly [status: unknown, chars: number | undefined]> {
  for (;;) {
    const response = await fetch(url(`/v1/responses/${id}`));
    // Clients repeat what a busy process could not serve at once.
    if (response.status === 503) {
      await pause(1_000);
      continue;
    }
    expect(response.status).toBe(200);
    const { status, output } = (await response.json()) as {
      status: string;
      output: { content: { text: string }[] }[];
    };
    if (status !== "queued" && status !== "in_progress") return [status, output[0]?.content[0]?.text.length];
    await pause(250);
  }
}

describe("a process of little memory", () => {
  it("makes and stores long responses, in the background and at once, and lives", { timeout: 180_000 }, async () => {
    const made = Array.from({ length: OF_EACH }, async (_, nth) => ask(`now ${nth}`, {}));
    const begun = await Promise.all(
      Array.from({ length: OF_EACH }, async (_, nth) => ask(`later ${nth}`, { background: true })),
    );
    const ids = begun.map(({ body }) => (JSON.parse(body) as { id: string }).id);
    const later: unknown[] = [];
    for (const id of ids) later.push(await ended(id));
    expect(later).toEqual(ids.map(() => ["completed", ANSWER_CHARS]));
    const now = await Promise.all(made);
    expect(now.map(({ status, body }) => [status, body.length > ANSWER_CHARS])).toEqual(now.map(() => [200, true]));
    expect((await fetch(url("/healthz"))).status).toBe(200);
  });
});
