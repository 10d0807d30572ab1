import { afterEach, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const chunk = (delta: unknown, reason: string | null = null) =>
  event({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "scripted",
    choices: [{ index: 0, delta, finish_reason: reason }],
  });
const LIMITED = event({ error: { message: "slow down", type: "rate_limit", code: 429 } });

const gateways: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
});

async function start(raw: string): Promise<TestGateway> {
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), script: () => ({ raw }) });
  gateways.push(gateway);
  return gateway;
}

const ASKED = [
  ["/chat/completions", { messages: [{ role: "user", content: "hi" }] }],
  ["/responses", { input: "hi" }],
  ["/messages", { max_tokens: 50, messages: [{ role: "user", content: "hi" }] }],
] as const;

function post({ baseURL, key }: TestGateway, path: string, body: object): Promise<Response> {
  return fetch(`${baseURL}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "scripted", stream: true, ...body }),
  });
}

describe("a stream whose upstream says an error before anything else", () => {
  it.each(ASKED)("is answered with that error's status at %s, as a whole answer is", async (path, body) => {
    const gateway = await start(LIMITED);
    const answer = await post(gateway, path, body);
    expect(answer.status).toBe(429);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(await answer.text()).toContain("slow down");
  });

  it.each(ASKED)("is so after a role and a comment, too: %s", async (path, body) => {
    const gateway = await start(`: hello\n\n${chunk({ role: "assistant", content: "" })}${LIMITED}`);
    expect((await post(gateway, path, body)).status).toBe(429);
  });

  it("is told in the stream once something was said", async () => {
    const gateway = await start(`${chunk({ role: "assistant", content: "Hel" })}${LIMITED}`);
    const answer = await post(gateway, "/chat/completions", ASKED[0][1]);
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).toContain("Hel");
    expect(text).toContain("slow down");
  });
});
