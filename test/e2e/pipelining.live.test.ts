import { connect as connectSocket } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), script: () => "fine" });
});
afterAll(() => gateway.close());

/** Sends requests in one go, the last of which ends the connection, and answers all that came back. */
function pipeline(requests: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ port: Number(new URL(gateway.baseURL).port), host: "127.0.0.1" });
    let text = "";
    socket.on("error", reject).on("close", () => resolve(text));
    socket.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    socket.write(requests.join("") + health("/healthz", "connection: close\r\n"));
  });
}

const health = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
const statusesOf = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

describe("requests that come on one connection before the answers to those before", () => {
  it("are all answered, in their order", { timeout: 60_000 }, async () => {
    const requests = Array.from({ length: 600 }, (_, nth) =>
      health(nth % 2 === 0 ? "/healthz" : "/nowhere", `authorization: Bearer ${gateway.key}\r\n`),
    );
    const statuses = statusesOf(await pipeline(requests));
    expect(statuses).toEqual([...requests.map((_, nth) => (nth % 2 === 0 ? 200 : 404)), 200]);
  });

  it("let other connections be served between them", { timeout: 60_000 }, async () => {
    const all = pipeline(Array.from({ length: 600 }, () => health("/healthz")));
    let served = 0;
    let going = true;
    void all.then(() => (going = false));
    while (going) {
      expect((await fetch(gateway.baseURL.replace("/v1", "/healthz"))).status).toBe(200);
      served += 1;
    }
    expect(statusesOf(await all).length).toBe(601);
    expect(served).toBeGreaterThan(5);
  });

  it("may have bodies, larger than what is read ahead", { timeout: 60_000 }, async () => {
    const chats = Array.from({ length: 40 }, (_, nth) => {
      const content = `chat ${nth} ${"word ".repeat(nth % 5 === 0 ? 20_000 : 2)}`;
      const body = JSON.stringify({ model: "scripted", messages: [{ role: "user", content }] });
      return `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${gateway.key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    });
    expect(statusesOf(await pipeline(chats))).toEqual(Array.from({ length: 41 }, () => 200));
  });
});
