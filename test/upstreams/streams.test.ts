import { describe, expect, it } from "vitest";
import { modelThat, recorded, request, streamed } from "./kind.ts";
import { messageEvents, responseEvents, toWire } from "./wire.ts";

const thinking = { type: "thinking", thinking: "let me think about it", signature: "sig==" };
const use = { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris", days: [1, 2] } };

const text = (said: string, more: object = {}) => ({
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: said, annotations: [], ...more }],
});
const reasoning = {
  type: "reasoning",
  id: "rs_1",
  summary: [
    { type: "summary_text", text: "first this" },
    { type: "summary_text", text: "then that" },
  ],
  encrypted_content: "enc",
};
const called = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: '{"a":1}' };

describe.each(["anthropic", "responses"] as const)("a stream of kind %s", (kind) => {
  const events =
    kind === "anthropic"
      ? messageEvents([thinking, { type: "text", text: "Good day." }, use])
      : responseEvents([reasoning, text("Good day."), called]);

  it("is whole only with its last event", async () => {
    const cut = modelThat(kind, { raw: toWire(events.slice(0, -1)) });
    await expect(recorded(await cut)).rejects.toMatchObject({ code: "model_failed", details: { status: 502 } });
  });

  it("fails clearly for what is no event stream, and for an event that is no JSON", async () => {
    const json = await modelThat(kind, { raw: "{}", contentType: "application/json" });
    await expect(recorded(json)).rejects.toMatchObject({ code: "model_failed" });
    await expect(recorded(await modelThat(kind, { raw: "data: {oops\n\n" }))).rejects.toMatchObject({
      code: "model_failed",
    });
  });

  it("ends by the caller's signal", async () => {
    const control = new AbortController();
    const slow = await modelThat(kind, { raw: toWire(events), delayMs: 500 });
    setTimeout(() => control.abort(), 30);
    await expect(slow.stream({ request: streamed, signal: control.signal })).rejects.toMatchObject({ code: "aborted" });
  });

  it("tells its usage only where it was asked for", async () => {
    const { usage } = await recorded(await modelThat(kind, { raw: toWire(events) }), { ...request, stream: true });
    expect(usage ?? undefined).toBeUndefined();
  });
});
