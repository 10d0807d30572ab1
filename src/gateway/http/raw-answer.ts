import type { ErrorAnswer } from "./error-body.ts";

/** Returns an error as the bytes of the last answer on a connection, for a request that has no response of Node's. */
export function toRawAnswer({ status, headers, body }: ErrorAnswer, reason: string = "Refused"): string {
  const text = JSON.stringify(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n${lines.join("")}\r\n${text}`;
}
