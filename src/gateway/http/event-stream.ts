import type { FastifyReply } from "fastify";
import { describeRequest, noteFailure } from "./access-log.ts";
import { toErrorAnswer } from "./error-body.ts";
import { openOutlet } from "./outlet.ts";

/** How often a silent stream says that it lives, in milliseconds: proxies close what is silent. */
const ALIVE_MS = 15_000;

/**
 * Writes server-sent events as they come and waits for a slow reader. Who left is told to `onGone`, once; whether the events go on is then
 * theirs to say, and nothing is written any more. Events that fail end the stream with an event `error`, in the shape of every other error.
 */
export async function sendEvents(
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
  events: AsyncIterable<string>,
  onGone: () => void,
): Promise<void> {
  const { raw } = reply.hijack();
  raw.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  const outlet = openOutlet(raw, onGone);
  const alive = setInterval(() => void outlet.write(": alive\n\n"), ALIVE_MS);
  try {
    for await (const event of events) await outlet.write(event);
  } catch (error) {
    // The status is long sent, and Fastify would log the whole error: the client reads of it in the stream.
    const { body } = toErrorAnswer(error);
    noteFailure(reply.request, error);
    reply.log.warn({ err: error, ...describeRequest(reply.request) }, "a stream of events broke");
    await outlet.write(`event: error\ndata: ${JSON.stringify(body)}\n\n`);
  } finally {
    clearInterval(alive);
    outlet.end();
  }
}
