/** Connections on which requests come in part, too late, or wrong. */
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const HEAD_MS = 1_000;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { auth: "off", http: { headersTimeoutMs: HEAD_MS, requestTimeoutMs: 2 * HEAD_MS } },
    script: ({ text }) => {
      if (text.includes("a stream")) return { content: "word ".repeat(30), eventDelayMs: 100 };
      return { content: text.includes("a long answer") ? "word ".repeat(1_000_000) : "fine", delayMs: 300 };
    },
  });
});
afterAll(() => gateway.close());

/** Sends pieces, and pauses of so many milliseconds, on one connection; returns the statuses of the answers until the gateway ends it. */
async function talk(...pieces: readonly (string | number)[]): Promise<readonly number[]> {
  const socket = connect(Number(new URL(gateway.baseURL).port), "127.0.0.1");
  let text = "";
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.on("error", () => {}).on("data", (piece) => (text += piece.toString("latin1")));
  for (const piece of pieces) {
    if (typeof piece === "number") await pause(piece);
    else socket.write(piece);
  }
  await closed;
  return [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
}

const LINES = "host: localhost\r\n";
const CHUNKED = "transfer-encoding: chunked\r\n";
const get = (path: string, lines = "") => `GET ${path} HTTP/1.1\r\n${LINES}${lines}\r\n`;
const chat = (content: string, { stream = false, lines = "" } = {}) => {
  const body = JSON.stringify({ model: "scripted", stream, messages: [{ role: "user", content }] });
  return `POST /v1/chat/completions HTTP/1.1\r\n${LINES}${lines}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};
const HALF = ["GET /healthz HTTP/1.1\r\nhost: local", "host\r\n\r\n"] as const;
const H2C = "connection: upgrade\r\nupgrade: h2c\r\n";

describe.concurrent("a connection carries no more answers than requests, and ends after the last", () => {
  it.each<readonly [name: string, pieces: readonly (string | number)[], statuses: readonly number[]]>([
    ["when a body never comes", [get("/healthz", CHUNKED)], [200]],
    ["when a body comes in part", [`${get("/healthz", "content-length: 9\r\n")}abc`], [200]],
    ["when a body is malformed", [get("/healthz", CHUNKED), 800, "no size\r\n"], [200]],
    [
      "when a refused body is malformed",
      [
        `POST /v1/chat/completions HTTP/1.1\r\n${LINES}content-type: text/plain\r\n${CHUNKED}\r\n1\r\na\r\n`,
        800,
        "no size\r\n",
      ],
      [415],
    ],
    ["when a head comes in part behind an answer", [get("/healthz"), 100, HALF[0]], [200, 408]],
    ["when a head comes in part behind a stream", [chat("a stream", { stream: true }), 100, HALF[0]], [200, 408]],
    [
      "when the rest of a head comes too late",
      [chat("a stream", { stream: true }), 100, HALF[0], 2.5 * HEAD_MS, HALF[1]],
      [200, 408],
    ],
    ["when nonsense comes behind requests", [`${chat("a")}${chat("b")}nonsense\r\n\r\n`], [200, 200, 400]],
    [
      "when CONNECT comes behind requests",
      [`${chat("a")}${chat("b")}CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n`],
      [200, 200, 400],
    ],
    [
      "when CONNECT comes behind a long answer",
      [`${chat("a long answer")}CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n`],
      [200, 400],
    ],
    [
      "when requests come in one piece with one that offers an upgrade",
      [get("/healthz", H2C) + get("/healthz")],
      [200],
    ],
    [
      "when requests come in one piece with a body that offers an upgrade",
      [chat("a", { lines: H2C }) + get("/healthz")],
      [200],
    ],
  ])("%s", async (_, pieces, statuses) => {
    expect(await talk(...pieces)).toEqual(statuses);
  });

  it("and stays open for requests that are whole in time, also with offers to upgrade", async () => {
    const offered = chat("a", { lines: H2C });
    const closing = get("/healthz", "connection: close\r\n");
    const stream = chat("a stream", { stream: true });
    expect(await talk(stream, 100, HALF[0], HEAD_MS / 4, HALF[1], closing)).toEqual([200, 200, 200]);
    expect(await talk(offered, 600, offered.slice(0, -9), 100, offered.slice(-9), 600, closing)).toEqual([
      200, 200, 200,
    ]);
  });
});
