/** A process of little memory that many ask long questions at once. */
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSmallGateway, type SmallGateway } from "../small-gateway.ts";

const AT_ONCE = 100;
const QUESTION_CHARS = 3_500_000;
const HEAP_MB = 384;
/** Time that the model takes, in which the questions come together. */
const THINKS_MS = 500;
const answer = JSON.stringify({
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "chat",
  choices: [{ index: 0, message: { role: "assistant", content: "Yes." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

let gateway: SmallGateway;
let asked = 0;
let askedAtOnce = 0;
let askedAtMost = 0;

beforeAll(async () => {
  gateway = await startSmallGateway("bodies", HEAP_MB, (request, response) => {
    asked += 1;
    askedAtMost = Math.max(askedAtMost, (askedAtOnce += 1));
    response.once("close", () => (askedAtOnce -= 1));
    void buffer(request).then(() =>
      setTimeout(() => response.setHeader("content-type", "application/json").end(answer), THINKS_MS),
    );
  });
}, 60_000);
afterAll(() => gateway.close());

/** Asks a question of so many characters, and returns the status. */
async function ask(name: string, chars: number, signal?: AbortSignal): Promise<number> {
  // Short words of several values, so that nothing of it stays in one piece.
  const content = Array.from({ length: Math.ceil(chars / 100_000) }, (_, nth) => ({
    type: "text",
    text: `${name} ${nth} ${"word ".repeat(Math.min(chars, 100_000) / 5)}`,
  }));
  const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "chat", messages: [{ role: "user", content }] }),
    ...(signal !== undefined && { signal }),
  });
  await response.arrayBuffer();
  return response.status;
}

const all = (name: string, signal?: AbortSignal) =>
  Promise.allSettled(Array.from({ length: AT_ONCE }, (_, nth) => ask(`${name} ${nth}`, QUESTION_CHARS, signal)));

describe("a hundred long questions at once", () => {
  it("are read and answered one after the other by a process of 384 MB; a short one does not wait", async () => {
    const asking = all("answered");
    await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(await ask("short", 100)).toBe(200);
    const ended = await asking;
    const statuses = ended.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason)));
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(AT_ONCE / 4);
    expect(askedAtMost).toBeLessThan(20);
    expect(gateway.process.exitCode).toBeNull();
  }, 120_000);

  it("end with their clients, also those that wait, and the next one is answered", async () => {
    const leaving = new AbortController();
    const [before, asking] = [asked, all("left", leaving.signal)];
    await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(before);
    leaving.abort();
    await asking;
    expect(await ask("next", QUESTION_CHARS)).toBe(200);
    expect(gateway.process.exitCode).toBeNull();
  }, 120_000);
});
