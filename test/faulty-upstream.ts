import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What an upstream does with one request. */
export type Fault =
  | { readonly kind: "ok" }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly error?: Readonly<Record<string, unknown>>;
      readonly retryAfter?: string;
    }
  | { readonly kind: "silent" }
  /** Cuts the connection after a part of the whole answer's bytes, head included: 0 to 1. */
  | { readonly kind: "cut"; readonly part: number }
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "type"; readonly type: string }
  /** These words as they stand, as a whole answer or a stream; the connection is cut after them, or ends well. */
  | { readonly kind: "raw"; readonly whole?: string; readonly stream?: string; readonly cut?: boolean }
  /** A success whose body is an error. */
  | { readonly kind: "error200" };

/** An upstream that fails as it is told. */
export interface FaultyUpstream {
  readonly baseUrl: string;
  /** Bodies of the requests so far, and when they came. */
  readonly calls: readonly {
    readonly body: Readonly<Record<string, unknown>>;
    readonly atMs: number;
    readonly path: string;
  }[];
  close(): Promise<void>;
}

/** What an upstream of this name says when it is well. */
export const wordsOf = (name: string): string => `This is the answer of ${name}, in some more words.`;
/** What it says it used. */
export const USED = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } as const;

/** Starts one; the function says what to do with each request. */
export async function startFaultyUpstream(name: string, next: (nth: number) => Fault): Promise<FaultyUpstream> {
  const calls: { body: Record<string, unknown>; atMs: number; path: string }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      let text = "";
      for await (const piece of request) text += String(piece);
      if (request.method === "GET") return listModels(name, next(0), response);
      const body = JSON.parse(text) as Record<string, unknown>;
      calls.push({ body, atMs: performance.now(), path: request.url ?? "" });
      await answer(name, body["stream"] === true, next(calls.length), request, response);
    })().catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listModels(name: string, fault: Fault, response: ServerResponse): void {
  if (fault.kind === "silent") return;
  if (fault.kind !== "ok") return void response.writeHead(503).end("down");
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({ object: "list", data: [{ id: `of-${name}`, object: "model", created: 7, owned_by: name }] }),
  );
}

async function answer(name: string, stream: boolean, fault: Fault, request: IncomingMessage, response: ServerResponse) {
  if (fault.kind === "silent") return;
  if (fault.kind === "slow") await new Promise((resolve) => setTimeout(resolve, fault.ms));
  if (fault.kind === "raw") return sayRaw(stream, fault, response);
  if (fault.kind === "status") {
    const { status, error = { message: `no, says ${name}`, type: "x", param: null, code: "x" }, retryAfter } = fault;
    response.writeHead(status, {
      "content-type": "application/json",
      ...(retryAfter !== undefined && { "retry-after": retryAfter }),
    });
    response.end(JSON.stringify({ error }));
    return;
  }
  if (fault.kind === "error200") {
    response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" });
    const error = JSON.stringify({ error: { message: "overloaded", code: 503 } });
    response.end(stream ? `data: ${error}\n\n` : error);
    return;
  }
  const type = fault.kind === "type" ? fault.type : stream ? "text/event-stream" : "application/json";
  const body = Buffer.from(fault.kind === "type" ? "<html>hello</html>" : stream ? toStream(name) : toWhole(name));
  const raw = Buffer.concat([
    Buffer.from(
      `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
    ),
    body,
  ]);
  const bytes = fault.kind === "cut" ? Math.min(raw.length - 1, Math.floor(raw.length * fault.part)) : raw.length;
  const { socket } = request;
  socket.write(raw.subarray(0, bytes), () => (fault.kind === "cut" ? socket.destroy() : socket.end()));
}

function toWhole(name: string): string {
  const message = { role: "assistant", content: wordsOf(name), refusal: null };
  const head = { id: "chatcmpl-1", object: "chat.completion", created: 1, model: `model-of-${name}` };
  return JSON.stringify({
    ...head,
    choices: [{ index: 0, message, logprobs: null, finish_reason: "stop" }],
    usage: USED,
  });
}

function toStream(name: string): string {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: `model-of-${name}` };
  const event = (choices: unknown, more = {}) => `data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`;
  const delta = (fields: unknown, reason: string | null = null) =>
    event([{ index: 0, delta: fields, finish_reason: reason }]);
  const words = wordsOf(name).match(/\S+\s*/g) ?? [];
  return [
    delta({ role: "assistant", content: "" }),
    ...words.map((content) => delta({ content })),
    delta({}, "stop"),
    event([], { usage: USED }),
    "data: [DONE]\n\n",
  ].join("");
}

function sayRaw(stream: boolean, fault: Extract<Fault, { kind: "raw" }>, response: ServerResponse): void {
  response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" });
  const text = (stream ? fault.stream : fault.whole) ?? "";
  if (fault.cut === true) response.write(text, () => setTimeout(() => response.destroy(), 20));
  else response.end(text);
}
