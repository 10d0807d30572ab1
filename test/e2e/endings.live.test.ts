import { afterEach, describe, expect, inject, it } from "vitest";
import type { UpstreamKind } from "../../src/models/index.ts";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

let gateway: TestGateway;
afterEach(() => gateway?.close());

const blocks = [{ type: "text", text: "Half an" }];
const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Half an" }] }];

/** What an upstream of each kind sends for an answer that ended for a reason. */
const ANSWERS: Readonly<Record<string, (reason: string, isStream: boolean) => ScriptedAnswer>> = {
  chat: (finishReason) => ({ content: "Half an", finishReason }),
  anthropic: (reason, isStream) => ({
    raw: isStream
      ? toWire(messageEvents(blocks, { stop_reason: reason }))
      : JSON.stringify(messageOf(blocks, { stop_reason: reason })),
  }),
  responses: (reason, isStream) => {
    const more = { status: "incomplete", incomplete_details: { reason } };
    return { raw: isStream ? toWire(responseEvents(output, more)) : JSON.stringify(responseOf(output, more)) };
  },
};

async function post(path: string, body: object): Promise<{ readonly text: string; readonly cache: string | null }> {
  const answer = await fetch(`${gateway.baseURL}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${gateway.key}` },
    body: JSON.stringify({ model: "scripted", ...body }),
  });
  return { text: await answer.text(), cache: answer.headers.get("x-marrow-cache") };
}

/** The data of the events of a stream. */
function eventsOf(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice("data: ".length)) as Record<string, unknown>);
}

describe.each(["chat", "anthropic", "responses"] as const)("an answer of an upstream of kind %s", (kind) => {
  async function open(reason: string): Promise<void> {
    const script = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) =>
      (ANSWERS[kind] as (reason: string, isStream: boolean) => ScriptedAnswer)(reason, body["stream"] === true);
    gateway = await startTestGateway({ redisUrl: inject("redisUrl"), kind: kind satisfies UpstreamKind, script });
  }
  const incomplete = { status: "incomplete", incomplete_details: { reason: "novel_limit" }, completed_at: null };

  it("that ended for an unknown reason is incomplete in a response, and is never cached", async () => {
    await open("novel_limit");
    const asked = { input: "Tell me all." };
    const whole = await post("/responses", asked);
    expect(JSON.parse(whole.text)).toMatchObject({ ...incomplete, output: [{ status: "incomplete" }] });
    const stream = await post("/responses", { ...asked, stream: true });
    expect(eventsOf(stream.text).at(-1)).toMatchObject({ type: "response.incomplete", response: incomplete });
    expect([whole.cache, stream.cache, (await post("/responses", asked)).cache]).toEqual(["miss", "miss", "miss"]);
  });

  it("that ended for an unknown reason has this reason in a message, and is never cached", async () => {
    await open("novel_limit");
    const asked = { max_tokens: 50, messages: [{ role: "user", content: "Tell me all." }] };
    const whole = await post("/messages", asked);
    expect(JSON.parse(whole.text)).toMatchObject({ stop_reason: "novel_limit", stop_details: null });
    const stream = await post("/messages", { ...asked, stream: true });
    expect(eventsOf(stream.text).at(-2)).toMatchObject({ delta: { stop_reason: "novel_limit" } });
    expect([whole.cache, stream.cache, (await post("/messages", asked)).cache]).toEqual(["miss", "miss", "miss"]);
  });
});

describe("the words of servers for a complete answer", () => {
  it.each(["eos", "STOP", "end_turn"])("are known: %s", async (reason) => {
    gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      script: () => ({ content: "All.", finishReason: reason }),
    });
    expect(JSON.parse((await post("/responses", { input: "Tell me all." })).text)).toMatchObject({
      status: "completed",
    });
    const asked = { max_tokens: 50, messages: [{ role: "user", content: "Tell me all." }] };
    expect(JSON.parse((await post("/messages", asked)).text)).toMatchObject({ stop_reason: "end_turn" });
  });
});

describe("a stop reason of an upstream of kind anthropic", () => {
  it.each<readonly [string, readonly [string, string?], readonly [string, string?]]>([
    ["end_turn", ["stop"], ["completed"]],
    ["stop_sequence", ["stop", "stop_sequence"], ["completed"]],
    ["max_tokens", ["length"], ["incomplete", "max_output_tokens"]],
    ["model_context_window_exceeded", ["length", "model_context_window_exceeded"], ["incomplete", "max_output_tokens"]],
    ["pause_turn", ["stop", "pause_turn"], ["incomplete", "pause_turn"]],
    ["refusal", ["content_filter"], ["incomplete", "content_filter"]],
    ["novel_limit", ["novel_limit", "novel_limit"], ["incomplete", "novel_limit"]],
  ])(
    "%s is %j in a chat, %j in a response, and itself in a message",
    async (reason, [finish, native], [status, why]) => {
      const script = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) =>
        ANSWERS["anthropic"]?.(reason, body["stream"] === true) as ScriptedAnswer;
      gateway = await startTestGateway({ redisUrl: inject("redisUrl"), kind: "anthropic", script });
      const asked = { messages: [{ role: "user", content: "Tell me all." }] };
      const [whole, stream] = [
        await post("/chat/completions", asked),
        await post("/chat/completions", { ...asked, messages: [{ role: "user", content: "And now?" }], stream: true }),
      ];
      const choices = [JSON.parse(whole.text), ...eventsOf(stream.text)]
        .flatMap((one) => (one as { choices: Record<string, unknown>[] }).choices)
        .filter((choice) => typeof choice["finish_reason"] === "string");
      expect(choices).toHaveLength(2);
      for (const choice of choices)
        expect([choice["finish_reason"], choice["native_finish_reason"]]).toEqual([finish, native]);
      const isCached = status === "completed";
      expect((await post("/chat/completions", asked)).cache).toBe(isCached ? "exact" : "miss");
      // A cached answer ended as the first one did, also as a stream.
      const again = eventsOf((await post("/chat/completions", { ...asked, stream: true })).text).at(-1);
      expect(again).toMatchObject({
        choices: [{ finish_reason: finish, ...(native && { native_finish_reason: native }) }],
      });
      const details = why === undefined ? null : { reason: why };
      const input = { input: "Tell me more." };
      expect(JSON.parse((await post("/responses", input)).text)).toMatchObject({ status, incomplete_details: details });
      const events = eventsOf((await post("/responses", { input: "Tell me that.", stream: true })).text);
      expect(events.at(-1)).toMatchObject({ response: { status, incomplete_details: details } });
      for (const isStream of [false, true]) {
        const { text } = await post("/messages", { ...asked, max_tokens: 50, stream: isStream, temperature: 0.5 });
        expect(/"stop_reason":"(\w+)"/.exec(text)?.[1]).toBe(reason);
      }
    },
  );
});
