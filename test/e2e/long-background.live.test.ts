import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const RESPONSES = 16;
const CHARS = 1_500_000;

/** A stream of an answer, which comes as fast as it is read. */
function streamOf(piece: string, times: number): string {
  const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "scripted" };
  const event = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
  return `${event({ role: "assistant", content: piece }, null).repeat(times)}${event({}, "stop")}data: [DONE]\n\n`;
}

const LONG = streamOf("word ".repeat(200), CHARS / 1_000);
/** Characters of one and of two halves, and some that JSON escapes. */
const PIECE = 'words "quoted" in \u{1f600}\n'.repeat(2_000);
const LONGEST = streamOf(PIECE, 180);
const LONGEST_TEXT = PIECE.repeat(180);

/** What the process may record: all answers at once have six times as much. */
const RECORDED = 8 * 1_048_576;

const open: TestGateway[] = [];
let [gateway, roomy]: (TestGateway | undefined)[] = [];
beforeAll(async () => {
  const start = async (config: GatewayConfigInput) => {
    const started = await startTestGateway({
      redisUrl: inject("redisUrl"),
      background: true,
      config: { ...config, limits: { enabled: false } },
      script: ({ text }) => {
        const raw = text.includes("the longest") ? LONGEST : text.includes("a long one") ? LONG : undefined;
        return raw === undefined ? "short" : { raw, contentType: "text/event-stream" };
      },
    });
    open.push(started);
    return started;
  };
  [gateway, roomy] = [await start({ recordedBytesMax: RECORDED }), await start({})];
});
afterAll(async () => {
  for (const one of open) await one.close();
});

describe("background responses whose answers together are longer than the process may record", () => {
  it("are all completed, and chats are answered meanwhile", { timeout: 120_000 }, async () => {
    const client = (gateway as TestGateway).client({ maxRetries: 5 });
    const ask = async (nth: number) =>
      client.responses.create({ model: "scripted", input: `a long one, number ${nth}`, background: true });
    const begun = await Promise.all(Array.from({ length: RESPONSES }, (_, nth) => ask(nth)));
    const waits: number[] = [];
    const left = new Set(begun.map(({ id }) => id));
    const statuses: unknown[] = [];
    while (left.size > 0) {
      const sinceMs = performance.now();
      const messages = [{ role: "user" as const, content: `chat ${waits.length}` }];
      await client.chat.completions.create({ model: "scripted", messages });
      waits.push(performance.now() - sinceMs);
      const [id = ""] = left;
      const { status, error, output_text: said } = await client.responses.retrieve(id);
      if (status === "queued" || status === "in_progress") await pause(50);
      else {
        left.delete(id);
        statuses.push(error?.message ?? `${status} ${said.length}`);
      }
    }
    expect(statuses).toEqual(Array.from({ length: RESPONSES }, () => `completed ${CHARS}`));
    expect(waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(1_000);
  });
});

describe("a background response of more characters than a part of a job's output may have", () => {
  it("is completed, and its events are whole, also from one of them on", { timeout: 120_000 }, async () => {
    const client = (roomy as TestGateway).client();
    const asked = { model: "scripted", input: "the longest", background: true, stream: true } as const;
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of await client.responses.create(asked)) events.push(event);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, nth) => nth));
    const done = events.flatMap((event) => (event.type === "response.output_text.done" ? [event] : []));
    expect(done.map(({ text }) => text === LONGEST_TEXT)).toEqual([true]);
    const last = events.at(-1);
    if (last?.type !== "response.completed") throw new Error(`ended by ${last?.type}`);
    const [first] = last.response.output;
    expect(
      first?.type === "message" && first.content[0]?.type === "output_text" && first.content[0].text === LONGEST_TEXT,
    ).toBe(true);
    const { id } = last.response;
    const again = await client.responses.retrieve(id, {
      stream: true,
      starting_after: (done[0]?.sequence_number ?? 0) - 1,
    });
    const rest: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of again) rest.push(event);
    expect(rest.length).toBeGreaterThan(2);
    expect(isDeepStrictEqual(rest, events.slice(-rest.length))).toBe(true);
    expect((await client.responses.retrieve(id)).output_text === LONGEST_TEXT).toBe(true);
  });
});
