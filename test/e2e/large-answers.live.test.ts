/** A process of little memory whose model gives long whole answers to many at once. */
import { fork, type ChildProcess } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, inject, it } from "vitest";

const ANSWER_BYTES = 8_000_000;
const AT_ONCE = 60;
const HEAP_MB = 512;

let upstream: Server;
let gateway: ChildProcess;
let port: number;
let asked = 0;
const answer = Buffer.from(
  JSON.stringify({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "chat",
    choices: [{ index: 0, message: { role: "assistant", content: "a".repeat(ANSWER_BYTES) }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }),
);

beforeAll(async () => {
  upstream = createServer((request, response) => {
    request.resume();
    request.once("end", () => {
      response.setHeader("content-type", "application/json");
      // Every other answer does not say its size beforehand.
      if ((asked += 1) % 2 === 0) response.setHeader("content-length", answer.length);
      response.end(answer);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const upstreamPort = (upstream.address() as AddressInfo).port;
  gateway = fork(
    new URL("../scaling/gateway-process.ts", import.meta.url),
    [inject("redisUrl"), `large-${upstreamPort}`, `http://127.0.0.1:${upstreamPort}`],
    { execArgv: ["--conditions=@marrow/source", `--max-old-space-size=${HEAP_MB}`] },
  );
  ({ port } = await new Promise<{ port: number }>((resolve, reject) => {
    gateway.once("message", resolve);
    gateway.once("exit", (code, signal) => reject(new Error(`the gateway ended: ${code} ${signal}`)));
  }));
}, 60_000);
afterAll(() => {
  gateway.disconnect();
  upstream.closeAllConnections();
  upstream.close();
});

/** Ways to ask for a whole answer. */
const WAYS: readonly ((question: string) => readonly [path: string, body: object])[] = [
  (content) => ["chat/completions", { messages: [{ role: "user", content }] }],
  (content) => ["chat/completions", { messages: [{ role: "user", content }], stream: true }],
  (content) => ["messages", { messages: [{ role: "user", content }], max_tokens: 100 }],
  (input) => ["responses", { input, store: false }],
];

it("gives each its answer, and lives", { timeout: 120_000 }, async () => {
  const answers = await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, nth) => {
      const [path, body] = (WAYS[nth % WAYS.length] as (typeof WAYS)[number])(`question ${nth}`);
      const response = await fetch(`http://127.0.0.1:${port}/v1/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "chat", ...body }),
      });
      let bytes = 0;
      for await (const piece of response.body ?? []) bytes += (piece as Uint8Array).length;
      return [path, response.status, bytes > ANSWER_BYTES] as const;
    }),
  );
  expect(answers).toEqual(answers.map(([path]) => [path, 200, true]));
  const health = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect(health.status).toBe(200);
});
