import { connect } from "node:net";
import type { Random } from "./random.ts";

const AUTH = (key: string) => `authorization: Bearer ${key}\r\nhost: localhost\r\n`;

/** Bytes that are no request, or one that ends too soon. */
export function malformedRequest(random: Random, key: string): string {
  const body = '{"model":"scripted","messages":[{"role":"user","content":"hi"}]}';
  const post = (head: string, text: string) =>
    `POST /v1/chat/completions HTTP/1.1\r\n${AUTH(key)}content-type: application/json\r\n${head}\r\n${text}`;
  const upload = (text: string, length: number) =>
    `POST /v1/files HTTP/1.1\r\n${AUTH(key)}content-type: multipart/form-data; boundary=b\r\ncontent-length: ${length}\r\n\r\n${text}`;
  const file = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhello';
  switch (random.below(14)) {
    case 0:
      return "GET / HTTP/1.1\r\n\r\n";
    case 1:
      return "\0\x01\x02\x16\x03\x01\r\n\r\n";
    case 2:
      return post("content-length: 10000\r\n", body);
    case 3:
      return post(`content-length: ${body.length}\r\ncontent-length: 3\r\n`, body);
    case 4:
      return post("transfer-encoding: chunked\r\n", `zz\r\n${body}\r\n0\r\n\r\n`);
    case 5:
      return post("transfer-encoding: chunked\r\n", `${body.length.toString(16)}\r\n${body}\r\n`);
    case 6:
      return post(`transfer-encoding: chunked\r\ncontent-length: ${body.length}\r\n`, body);
    case 7:
      return post(`x-long: ${"x".repeat(20_000)}\r\n`, "");
    case 8:
      return post("content-length: -1\r\n", body);
    case 9:
      return upload(file, file.length);
    case 10:
      return upload(file.slice(0, random.below(file.length)), 5_000);
    case 11:
      return `GET /v1/models?${"%".repeat(random.below(50))} HTTP/1.1\r\n${AUTH(key)}\r\n`;
    case 12:
      return `${random.pick(["TRACE", "CONNECT", "PRI", "BREW", "OPTIONS", "HEAD"])} ${random.pick(["*", "/", "localhost:1", "http://a/b"])} HTTP/1.1\r\n${AUTH(key)}\r\n`;
    default:
      return post("expect: 100-continue\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n", "\x1f\x8b\x08\0\0");
  }
}

/** Sends bytes on a connection of its own, half-closes it, and answers what came back within `waitMs`. */
export function sendBytes(port: number, bytes: string, waitMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.end(Buffer.from(bytes, "latin1")));
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}
