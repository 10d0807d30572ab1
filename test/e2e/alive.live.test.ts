import { afterEach, describe, expect, inject, it } from "vitest";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { askStream, startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
afterEach(() => gateway.close());

async function before(answer: ScriptedAnswer): Promise<TestGateway> {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { http: { aliveMs: 100 } },
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
    expect((await raw(await before({ status: 400, content: "no such thing" }))).status).toBe(400);
  });

  it("says nothing before a whole answer", async () => {
    const slow = await before({ content: "one", delayMs: 350 });
    expect(JSON.parse((await raw(slow, false)).text)).toMatchObject({ choices: [{ message: { content: "one" } }] });
  });
});
