/** A process of little memory, and many requests that share the long stream of one. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSmallGateway, type SmallGateway } from "../small-gateway.ts";

const ANSWER_CHARS = 8_000_000;
const HEAP_MB = 512;
/** Time in which requests for the same answer come together. */
const THINKS_MS = 300;

let gateway: SmallGateway;
let asked = 0;

/** Streams the answer in so many pieces as the question says, or gives it whole. */
async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  asked += 1;
  await new Promise((resolve) => setTimeout(resolve, THINKS_MS));
  const head = { id: "c", created: 1, model: "chat" };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  if (!body.includes('"stream":true')) {
    response.setHeader("content-type", "application/json");
    const message = { role: "assistant", content: "a".repeat(ANSWER_CHARS) };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    response.end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }));
    return;
  }
  const pieces = Number(/in (\d+) pieces/u.exec(body)?.[1]);
  response.setHeader("content-type", "text/event-stream");
  const say = (delta: object, reason: string | null) =>
    response.write(
      `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }], ...(reason !== null && { usage }) })}\n\n`,
    );
  for (let piece = 0; piece < pieces; piece += 1)
    if (!say({ content: "a".repeat(ANSWER_CHARS / pieces) }, null)) await once(response, "drain");
  say({}, "stop");
  response.end("data: [DONE]\n\n");
}

beforeAll(async () => {
  gateway = await startSmallGateway("shared-streams", HEAP_MB, (request, response) => void reply(request, response));
}, 60_000);
afterAll(() => gateway.close());

/** Asks, and returns the status, the characters of the answer that came, and whether it ended as it should. */
async function ask(content: string, stream: boolean): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "chat", messages: [{ role: "user", content }], ...(stream && { stream }) }),
  });
  let [chars, tail] = [0, ""];
  for await (const piece of response.body ?? []) {
    const said = Buffer.from(piece as Uint8Array);
    for (let at = said.indexOf("aaaa"); at !== -1; at = said.indexOf("aaaa", at)) {
      let end = at;
      while (said[end] === 97) end += 1;
      chars += end - at;
      at = end;
    }
    tail = (tail + said.subarray(-300).toString("latin1")).slice(-300);
  }
  const isWhole = stream ? tail.endsWith("data: [DONE]\n\n") && !tail.includes('"error"') : tail.endsWith("}");
  return chars > ANSWER_CHARS * 0.99 && isWhole ? `${response.status}` : `${response.status} ${chars} ${tail}`;
}

/** How many ask at once, which of them for a stream, and in how many pieces the answer comes. */
const LOADS: readonly (readonly [count: number, kind: keyof typeof KINDS, pieces: number])[] = [
  [30, "mixed", 2],
  [30, "streams", 20],
  [100, "whole", 2],
  [100, "mixed", 2],
  [100, "streams", 2_000],
];
const KINDS = { whole: () => false, streams: () => true, mixed: (nth: number) => nth % 2 === 0 };

describe("requests that share a long stream, in a process of little memory", () => {
  for (const [count, kind, pieces] of LOADS)
    it(`all get it: ${count} at once, ${kind}, in ${pieces} pieces`, { timeout: 60_000 }, async () => {
      const before = asked;
      const question = `Tell ${count} ${kind} in ${pieces} pieces`;
      const answers = await Promise.all(Array.from({ length: count }, (_, nth) => ask(question, KINDS[kind](nth))));
      expect(answers).toEqual(answers.map(() => "200"));
      expect(asked - before).toBe(1);
    });
});
