import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";
import { ask, startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { messageEvents, messageOf, responseEvents, responseOf, toWire } from "../upstreams/wire.ts";

let gateway: TestGateway;
afterEach(() => gateway?.close());

type Kind = "anthropic" | "responses";

/** What an endpoint of a kind answers with: one text, whole or as a stream. */
function answerWith(kind: Kind, text: string, isStream: boolean): ScriptedAnswer {
  const parts =
    kind === "anthropic"
      ? [{ type: "text", text }]
      : [
          {
            type: "message",
            id: "msg_1",
            role: "assistant",
            content: [{ type: "output_text", text, annotations: [] }],
          },
        ];
  const [whole, events] = kind === "anthropic" ? [messageOf, messageEvents] : [responseOf, responseEvents];
  return isStream
    ? { raw: toWire(events(parts)), contentType: "text/event-stream" }
    : { raw: JSON.stringify(whole(parts)), contentType: "application/json" };
}

/** All words that a request tells the model, in the shape of its kind. */
function told({ body }: ScriptedRequest): string {
  return JSON.stringify(body["messages"] ?? body["input"]);
}

async function open(kind: Kind, options: Partial<TestGatewayOptions> = {}): Promise<void> {
  let nth = 0;
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    kind,
    script: ({ body }) => answerWith(kind, `Answer ${(nth += 1)}.`, body["stream"] === true),
    ...options,
  });
}

describe.each(["anthropic", "responses"] as const)("an upstream of kind %s", (kind) => {
  it("is cached as any other: exactly, in other words, and as a stream", async () => {
    await open(kind);
    const client = gateway.client();
    const first = await ask(client, "What is the capital of France?");
    expect([first.text, first.cache]).toEqual(["Answer 1.", "miss"]);
    const second = await ask(client, "What is the capital of France?");
    expect([second.text, second.cache]).toEqual(["Answer 1.", "exact"]);
    const third = await ask(client, "What's the capital of France?");
    expect([third.text, third.cache]).toEqual(["Answer 1.", "similar"]);
    const stream = await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: "What is the capital of France?" }],
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("Answer 1.");
    expect(gateway.model.requests).toHaveLength(1);
  });

  it("hears a session's turns, streamed ones too", async () => {
    await open(kind, { config: { cache: { enabled: false } } });
    const client = gateway.client({ headers: { "x-marrow-session": "s1" } });
    await ask(client, "My name is Ada.");
    const stream = await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: "Streamed question." }],
      stream: true,
    });
    for await (const _ of stream);
    await ask(client, "What is my name?");
    const last = gateway.model.requests.at(-1) as ScriptedRequest;
    for (const words of ["My name is Ada.", "Answer 1.", "Streamed question.", "Answer 2.", "What is my name?"])
      expect(told(last)).toContain(words);
  });

  it("is limited by the tokens that it says it used", async () => {
    await open(kind, {
      config: { cache: { enabled: false }, limits: { userTokens: { limit: 40, windowMs: 60_000 } } },
    });
    const client = gateway.client();
    const most = { max_completion_tokens: 5 };
    for (const word of ["hi", "ho", "hu"]) await ask(client, word, most);
    await expect(ask(client, "ha", most)).rejects.toMatchObject({ status: 429 });
    expect(gateway.model.requests).toHaveLength(3);
  });

  it("does responses in the background", async () => {
    await open(kind, { background: true });
    const client = gateway.client();
    let response = await client.responses.create({ model: "scripted", input: "Later, please.", background: true });
    for (let turn = 0; turn < 200 && response.status !== "completed"; turn += 1) {
      await sleep(25);
      response = await client.responses.retrieve(response.id);
    }
    expect([response.status, response.output_text]).toEqual(["completed", "Answer 1."]);
  });
});
