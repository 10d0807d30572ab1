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
