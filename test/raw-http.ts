import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { TestGateway } from "./gateway.ts";

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request on a connection of its own, with headers that `fetch` would not let through. */
export function send(
  gateway: TestGateway,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  const { port, hostname } = new URL(gateway.baseURL);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, hostname, method, path, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    request.on("error", reject).end(body);
  });
}
