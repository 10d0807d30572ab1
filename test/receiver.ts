import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Redis } from "../src/redis/index.ts";

/** What a receiver of webhooks was sent. */
export interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver that answers as told, for as long as a test needs it. */
export async function receiving<T>(
  answer: (nth: number) => readonly [status: number, headers?: Record<string, string>],
  run: (url: string, received: readonly Received[]) => Promise<T>,
): Promise<T> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      received.push({ headers: request.headers as Record<string, string>, body });
      const [status, headers = {}] = answer(received.length);
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Makes what is to be tried again due now: nobody waits for the schedule in a test. */
export async function hurry(redis: Redis, queue: string, member: string): Promise<void> {
  const start = `{${redis.app}:queue:${queue}}:queue`;
  const endpoint = member.split("/")[1] as string;
  const line = `${start}:line:${endpoint}`;
  const waiting = (await redis.send(["ZRANGE", line, "0", "-1"])) as readonly string[];
  for (const [at, message] of waiting.entries()) await redis.send(["ZADD", line, "XX", String(at), message]);
  await redis.send(["HDEL", `${start}:circuit:${endpoint}`, "until"]);
  await redis.send(["ZADD", `${start}:outbox`, "1", member]);
  await redis.send(["PUBLISH", `${start}:posted`, "1"]);
}
