import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Response of the scripted model to one request. */
export type ScriptedAnswer =
  | string
  | {
      readonly content?: string | undefined;
      /** Replaces the whole message. */
      readonly message?: Readonly<Record<string, unknown>> | undefined;
      readonly finishReason?: string | undefined;
      /** Answers with this status and error body instead. */
      readonly status?: number | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      /** Sends these bytes instead of anything else. */
      readonly raw?: string | undefined;
      readonly contentType?: string | undefined;
      /** Delay before the first byte. */
      readonly delayMs?: number | undefined;
      /** Delay between the events of a stream. */
      readonly eventDelayMs?: number | undefined;
      /** Closes the connection after this many events. */
      readonly cutAfter?: number | undefined;
    };

/** A request received by the scripted model. */
export interface ScriptedRequest {
  /** Path and query. */
  readonly url: string;
  /** The JSON body; empty for a form. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The body as it came; empty for a form. */
  readonly text: string;
  readonly headers: IncomingMessage["headers"];
}

/** An OpenAI-compatible endpoint on loopback that answers by a script, for tests without a model. */
export interface ScriptedModel {
  /** URL: `http://127.0.0.1:port/v1` */
  readonly baseUrl: string;
  /** All requests so far, in order. */
  readonly requests: readonly ScriptedRequest[];
  /** Number of requests that their clients abandoned before the end of the answer. */
  readonly givenUp: number;
  close(): Promise<void>;
}

/** Starts a scripted model. `script` returns the response; by default it repeats the last message. */
export async function startScriptedModel(
  script: (request: ScriptedRequest, nth: number) => ScriptedAnswer = echo,
): Promise<ScriptedModel> {
  const requests: ScriptedRequest[] = [];
  let givenUp = 0;
  const server = createServer((incoming, response) => {
    const pieces: Buffer[] = [];
    response.once("close", () => (givenUp += response.writableFinished ? 0 : 1));
    incoming.on("data", (piece: Buffer) => pieces.push(piece));
    incoming.on("end", () => {
      if (incoming.method === "GET") {
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({ object: "list", data: [{ id: "scripted", object: "model", created: 0, owned_by: "test" }] }),
        );
        return;
      }
      const text = isForm(incoming) ? "" : Buffer.concat(pieces).toString("utf8");
      const request = {
        body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
        text,
        headers: incoming.headers,
        url: incoming.url ?? "",
      };
      requests.push(request);
      void answer(response, request, script(request, requests.length)).catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    get givenUp() {
      return givenUp;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(response: ServerResponse, { body }: ScriptedRequest, scripted: ScriptedAnswer): Promise<void> {
  const said = typeof scripted === "string" ? { content: scripted } : scripted;
  if (said.delayMs !== undefined) await pause(said.delayMs);
  const type = said.contentType ?? (body["stream"] === true ? "text/event-stream" : "application/json");
  if (said.raw !== undefined) {
    response.writeHead(said.status ?? 200, { "content-type": type, ...said.headers });
    response.end(said.raw);
    return;
  }
  if (said.status !== undefined && said.status !== 200) {
    const error = { message: said.content ?? "scripted failure", type: "scripted", param: null, code: "scripted" };
    response.writeHead(said.status, { "content-type": "application/json", ...said.headers });
    response.end(JSON.stringify({ error }));
    return;
  }
  const content = said.content ?? "";
  const head = { id: "chatcmpl-scripted", created: 1, model: String(body["model"]) };
  const message = said.message ?? { role: "assistant", content, refusal: null };
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const finish = said.finishReason ?? "stop";
  response.writeHead(200, { "content-type": type, ...said.headers });
  if (body["stream"] !== true) {
    response.end(
      JSON.stringify({
        ...head,
        object: "chat.completion",
        choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
        usage,
      }),
    );
    return;
  }
  const chunk = (delta: unknown, reason: string | null) => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: reason }],
  });
  const deltas =
    said.message === undefined ? (content.match(/\S+\s*/g) ?? []).map((word) => ({ content: word })) : [said.message];
  const events: unknown[] = [
    chunk({ role: "assistant", content: "" }, null),
    ...deltas.map((delta) => chunk(delta, null)),
    chunk({}, finish),
  ];
  if ((body["stream_options"] as { include_usage?: boolean } | undefined)?.include_usage === true) {
    events.push({ ...chunk({}, null), choices: [], usage });
  }
  for (const [at, event] of events.entries()) {
    if (at === said.cutAfter) return void response.destroy();
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (said.eventDelayMs !== undefined) await pause(said.eventDelayMs);
  }
  response.end("data: [DONE]\n\n");
}

function echo({ body }: ScriptedRequest): string {
  const messages = body["messages"] as readonly { readonly content?: unknown }[];
  return `You said: ${String(messages.at(-1)?.content)}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isForm({ headers }: IncomingMessage): boolean {
  return headers["content-type"]?.startsWith("multipart/") === true;
}
