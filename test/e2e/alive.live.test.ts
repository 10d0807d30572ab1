import { afterEach, describe, expect, inject, it } from "vitest";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { askStream, startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
afterEach(() => gateway.close());

async function before(answer: ScriptedAnswer, aliveMs = 100): Promise<TestGateway> {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { http: { aliveMs } },
    script: () => answer,
  });
  return gateway;
}

async function raw({ baseURL, key }: TestGateway, stream = true): Promise<{ status: number; text: string }> {
  const response = await fetch(`${baseURL}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "scripted",
      messages: [{ role: "user", content: `Think about ${stream}.` }],
      stream,
    }),
  });
  return { status: response.status, text: await response.text() };
}

describe("a chat's stream whose model is silent", () => {
  it("says that it lives before the model's head and between its events, and official clients read on", async () => {
    const slow = await before({ content: "one two", delayMs: 350, eventDelayMs: 250 });
    expect(await askStream(slow.client(), "think")).toMatchObject({ text: "one two", finish: "stop" });
    const { status, text } = await raw(slow);
    expect([status, text.startsWith(": alive\n\n"), text.endsWith("data: [DONE]\n\n")]).toEqual([200, true, true]);
    for (const line of text.split("\n")) expect(line).toMatch(/^(: alive|data: (\{.*\}|\[DONE\]))?$/);
  });

  it("tells a late failure in the stream, and an early one by its status", async () => {
    const failing = await before({ status: 400, content: "no such thing", delayMs: 350 });
    const { status, text } = await raw(failing);
    expect([status, text.startsWith(": alive\n\n")]).toEqual([200, true]);
    expect(text).toContain('data: {"error":{"message":"no such thing"');
    await expect(askStream(failing.client(), "think")).rejects.toThrow("no such thing");
    await failing.close();
    expect((await raw(await before({ status: 400, content: "no such thing" }, 10_000))).status).toBe(400);
  });

  it("says nothing before a whole answer", async () => {
    const slow = await before({ content: "one", delayMs: 350 });
    expect(JSON.parse((await raw(slow, false)).text)).toMatchObject({ choices: [{ message: { content: "one" } }] });
  });
});

describe("a response's stream whose model is silent", () => {
  const ask = async ({ baseURL, key }: TestGateway) => {
    const response = await fetch(`${baseURL}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted", input: "Weigh what a mountain is made of.", stream: true }),
    });
    return { status: response.status, requestId: response.headers.get("x-request-id"), text: await response.text() };
  };

  it("says that it lives before the model's head and between its events, and official clients read on", async () => {
    const slow = await before({ content: "one two", delayMs: 350, eventDelayMs: 250 });
    let said = "";
    for await (const event of await slow.client().responses.create({ model: "scripted", input: "think", stream: true }))
      if (event.type === "response.output_text.delta") said += event.delta;
    expect(said).toBe("one two");
    const { status, requestId, text } = await ask(slow);
    expect([status, requestId]).toEqual([200, expect.stringMatching(/./)]);
    const [early = "", later = ""] = text.split("event: response.created");
    expect(early.length).toBeGreaterThan(2 * ": alive\n\n".length);
    expect(early.replaceAll(": alive\n\n", "")).toBe("");
    expect(later).toContain("\n\n: alive\n\nevent: ");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  it("tells a late failure in the stream, and an early one by its status", async () => {
    const failing = await before({ status: 400, content: "no such thing", delayMs: 350 });
    const { status, text } = await ask(failing);
    expect([status, text.startsWith(": alive\n\n")]).toEqual([200, true]);
    expect(text).toMatch(/event: error\ndata: \{"type":"error","sequence_number":0,.*no such thing.*\n\n$/);
    await expect(async () => {
      const events = await failing.client().responses.create({ model: "scripted", input: "think", stream: true });
      for await (const _ of events);
    }).rejects.toThrow("no such thing");
    await failing.close();
    expect((await ask(await before({ status: 400, content: "no such thing" }, 10_000))).status).toBe(400);
  });
});

describe("a message's stream whose model is silent", () => {
  const ask = async ({ baseURL, key }: TestGateway) => {
    const response = await fetch(`${baseURL}/messages`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: JSON.stringify({
        model: "scripted",
        max_tokens: 50,
        messages: [{ role: "user", content: "Think." }],
        stream: true,
      }),
    });
    return { status: response.status, requestId: response.headers.get("request-id"), text: await response.text() };
  };
  const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

  it("pings before the model's head and between its events", async () => {
    const { status, requestId, text } = await ask(
      await before({ content: "one two", delayMs: 350, eventDelayMs: 250 }),
    );
    expect([status, requestId]).toEqual([200, expect.stringMatching(/./)]);
    const [early = "", said = ""] = text.split("event: message_start");
    expect(early.split(PING).every((between) => between === "")).toBe(true);
    expect(early.split(PING).length).toBeGreaterThan(2);
    expect(said.split(PING).length).toBeGreaterThan(2);
    expect(text.trimEnd().endsWith('{"type":"message_stop"}')).toBe(true);
  });

  it("tells a late failure in the stream, and an early one by its status", async () => {
    const failing = await before({ status: 400, content: "no such thing", delayMs: 350 });
    const { status, text } = await ask(failing);
    expect([status, text.startsWith(PING)]).toEqual([200, true]);
    expect(text).toMatch(/event: error\ndata: \{"type":"error","error":\{"type":"invalid_request_error".*\n\n$/);
    expect(text).toContain("no such thing");
    await failing.close();
    expect((await ask(await before({ status: 400, content: "no such thing" }, 10_000))).status).toBe(400);
  });
});
