import { connect as connectSocket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    script: () => ({ content: "fine, in the pieces of a stream", delayMs: 300 }),
  });
});
afterAll(() => gateway.close());

/** Sends pieces, 100 ms apart, and returns all that came back until the gateway closed the connection. */
function exchange(pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ port: Number(new URL(gateway.baseURL).port), host: "127.0.0.1" });
    let text = "";
    // A connection that the gateway closed may be reset when more is sent on it.
    socket.on("error", () => {}).on("close", () => resolve(text));
    socket.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    const late = setTimeout(() => reject(new Error(`not closed: ${text}`)), 8_000);
    socket.on("close", () => clearTimeout(late));
    void (async () => {
      for (const piece of pieces) {
        if (!socket.destroyed && socket.writable) socket.write(piece);
        await pause(100);
      }
    })();
  });
}

const post = (headers: string, path = "/v1/chat/completions") =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${gateway.key}\r\ncontent-type: application/json\r\n${headers}\r\n`;
const statusesOf = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

/** A chat; its model answers after 300 ms. */
function chat(more: Readonly<Record<string, unknown>> = {}): string {
  const messages = [{ role: "user", content: `a chat ${Math.random()}` }];
  const body = JSON.stringify({ model: "scripted", messages, ...more });
  return `${post(`content-length: ${Buffer.byteLength(body)}\r\n`)}${body}`;
}

describe.concurrent("a request that cannot be read", () => {
  it.for([
    ["another transfer coding", "transfer-encoding: xchunked\r\n", "1\r\n{\r\n0\r\n\r\n"],
    ["another coding before chunked", "transfer-encoding: gzip, chunked\r\n", "1\r\n{\r\n0\r\n\r\n"],
    ["chunked before another coding", "transfer-encoding: chunked, gzip\r\n", "1\r\n{\r\n0\r\n\r\n"],
    ["a length beside chunked", "transfer-encoding: chunked\r\ncontent-length: 5\r\n", "0\r\n\r\n"],
    ["two lengths", "content-length: 1\r\ncontent-length: 2\r\n", "{}"],
    ["a size that is no number", "transfer-encoding: chunked\r\n", "zz\r\n{\r\n0\r\n\r\n"],
    ["a chunk longer than its size", "transfer-encoding: chunked\r\n", "1\r\n{}}}\r\n0\r\n\r\n"],
  ])("is answered once, and nothing follows: %s", async ([, headers = "", rest = ""], { expect }) => {
    const head = post(headers);
    const texts = await Promise.all([exchange([head + rest]), exchange([head, rest, rest, head + rest])]);
    for (const text of texts) {
      expect(statusesOf(text), text).toEqual([400]);
      expect(text.toLowerCase()).toContain("connection: close");
    }
  });

  it("is answered once without a key", async ({ expect }) => {
    const head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    expect(statusesOf(await exchange([head, "zz\r\n", "zz\r\n"]))).toHaveLength(1);
  });

  it("is answered after the requests before it", async ({ expect }) => {
    const text = await exchange([`${chat()}${chat()}NONSENSE\r\n\r\n`, "NONSENSE\r\n\r\n"]);
    expect(statusesOf(text)).toEqual([200, 200, 400]);
    expect(text.match(/"content":"fine/g)).toHaveLength(2);
  });

  it("leaves a stream before it whole", async ({ expect }) => {
    for (const pieces of [
      [`${chat({ stream: true })}NONSENSE\r\n\r\n`],
      [chat({ stream: true }), "", "", "NONSENSE\r\n\r\n"],
    ]) {
      const text = await exchange(pieces);
      expect(statusesOf(text)).toEqual([200, 400]);
      expect(text.indexOf("HTTP/1.1 400")).toBeGreaterThan(text.indexOf("[DONE]"));
    }
  });

  it("gets nothing after an answer that ended the connection", async ({ expect }) => {
    const last = chat().replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    expect(statusesOf(await exchange([`${last}NONSENSE\r\n\r\n`]))).toEqual([200]);
  });
});

describe("the opening handshake of a WebSocket", () => {
  it("is answered after the requests before it", async ({ expect }) => {
    const offer = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13";
    const handshake = `GET /v1/responses HTTP/1.1\r\nhost: localhost\r\n${offer}\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    const text = await exchange([`${chat({ stream: true })}${handshake}`]);
    expect(statusesOf(text)).toEqual([200, 401]);
    expect(text.indexOf("HTTP/1.1 401")).toBeGreaterThan(text.indexOf("[DONE]"));
  });
});
