/** A process of little memory that many ask long questions at once. */
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
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

  it("that come as messages of WebSockets share the room: a process of 384 MB answers or refuses each", async () => {
    askedAtMost = 0;
    const ended = await Promise.all(Array.from({ length: 60 }, (_, nth) => tell(`socket ${nth}`, QUESTION_CHARS)));
    expect(ended.filter((type) => !/^response\.(completed|failed)$|^error$/.test(type))).toEqual([]);
    expect(ended.filter((type) => type === "response.completed").length).toBeGreaterThan(15);
    expect(askedAtMost).toBeLessThan(20);
    expect(gateway.process.exitCode).toBeNull();
  }, 120_000);
});

/** Asks a question over a WebSocket of its own, and returns the type of the last event. */
async function tell(name: string, chars: number): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v1/responses`);
  const last = new Promise<string>((resolve) => {
    socket.once("open", () => {
      const input = `${name} ${"word ".repeat(chars / 5)}`;
      socket.send(JSON.stringify({ type: "response.create", model: "chat", input, store: false }));
    });
    socket.on("message", (data: Buffer) => {
      const { type } = JSON.parse(data.toString("utf8")) as { readonly type: string };
      if (/^response\.(completed|failed|incomplete)$|^error$/.test(type)) resolve(type);
    });
    socket.once("close", () => resolve("closed"));
    socket.once("error", (error) => resolve(String(error)));
  });
  const type = await last;
  socket.terminate();
  return type;
}
