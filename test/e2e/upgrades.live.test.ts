import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), script: () => "fine" });
});
afterAll(() => gateway.close());

/** Sends a request as Java's HttpClient does by default, and curl with `--http2`. */
async function send(method: string, path: string, upgrade: string, body?: object): Promise<readonly [number, string]> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(new URL(path, gateway.baseURL), {
      method,
      headers: {
        authorization: `Bearer ${gateway.key}`,
        connection: "Upgrade, HTTP2-Settings",
        "content-type": "application/json",
        "http2-settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        upgrade,
      },
    });
    sent.on("response", resolve).on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
  return [answer.statusCode ?? 0, await text(answer)];
}

const messages = [{ role: "user", content: "hello" }];

describe.each(["h2c", "TLS/1.0", "websocket, h2c"])("a request that offers to upgrade to %s", (upgrade) => {
  it("is answered by its route", async () => {
    const chat = await send("POST", "/v1/chat/completions", upgrade, { model: "scripted", messages });
    expect(chat).toEqual([200, expect.stringContaining('"content":"fine"')]);
    const streamed = await send("POST", "/v1/chat/completions", upgrade, { model: "scripted", messages, stream: true });
    expect(streamed).toEqual([200, expect.stringContaining("data: [DONE]")]);
    const message = { model: "scripted", messages, max_tokens: 100 };
    expect(await send("POST", "/v1/messages", upgrade, message)).toEqual([200, expect.stringContaining("fine")]);
    const response = await send("POST", "/v1/responses", upgrade, { model: "scripted", input: "hello" });
    expect(response).toEqual([200, expect.stringContaining("fine")]);
    expect((await send("GET", "/v1/models", upgrade))[0]).toBe(200);
    expect((await send("GET", "/healthz", upgrade))[0]).toBe(200);
    expect((await send("GET", "/v1/nothing", upgrade))[1]).toContain("/v1/nothing");
  });
});
