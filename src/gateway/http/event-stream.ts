import type { FastifyReply } from "fastify";
import { describeRequest, noteFailure } from "./access-log.ts";
import { toErrorAnswer } from "./error-body.ts";
import { EVENT_STREAM, keepAlive, type Alive } from "./alive.ts";
import { openOutlet } from "./outlet.ts";

/** Interval of comment lines in a silent stream, in milliseconds, because proxies close silent connections. */
const ALIVE_MS = 15_000;

/**
 * Writes server-sent events and waits for a slow reader. If the client leaves, calls `onGone` once, which decides whether to continue, and
 * writes no more. `alive` may have written the headers, and keeps a silent stream alive. A failure ends the stream with an event `error` in
 * the usual format. An event may come in pieces, of which the last is text that ends it.
 */
export async function sendEvents(
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
  events: AsyncIterable<string | Uint8Array>,
  onGone: () => void,
  alive: Alive = keepAlive(reply, { aliveMs: ALIVE_MS, head: headers }),
): Promise<void> {
  if (!alive.begun) reply.hijack().raw.writeHead(200, { ...headers, ...EVENT_STREAM });
  const { raw } = reply;
  const outlet = openOutlet(raw, onGone);
  try {
    for await (const event of events) {
      alive.touch(typeof event !== "string" || !event.endsWith("\n\n"));
      const slow = outlet.write(event);
      if (slow !== undefined) await slow;
    }
  } catch (error) {
    // The status is long sent, and Fastify would log the whole error: the client reads of it in the stream.
    const { body } = toErrorAnswer(error);
    noteFailure(reply.request, error);
    reply.log.warn({ err: error, ...describeRequest(reply.request) }, "a stream of events broke");
    await outlet.write(`event: error\ndata: ${JSON.stringify(body)}\n\n`);
  } finally {
    alive.stop();
    outlet.end();
  }
}
