import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const RESPONSES = 16;
const CHARS = 1_500_000;

/** A stream of a long answer, which comes as fast as it is read. */
const LONG = ((): string => {
  const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "scripted" };
  const event = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
  const piece = event({ role: "assistant", content: "word ".repeat(200) }, null);
  return `${piece.repeat(CHARS / 1_000)}${event({}, "stop")}data: [DONE]\n\n`;
})();

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    background: true,
    // All answers at once have six times as much.
    config: { recordedBytesMax: 8 * 1_048_576, limits: { enabled: false } },
    script: ({ body }) =>
      JSON.stringify(body).includes("a long one") ? { raw: LONG, contentType: "text/event-stream" } : "short",
  });
});
afterAll(() => gateway.close());

describe("background responses whose answers together are longer than the process may record", () => {
  it("are all completed, and chats are answered meanwhile", { timeout: 120_000 }, async () => {
    const client = gateway.client({ maxRetries: 5 });
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
