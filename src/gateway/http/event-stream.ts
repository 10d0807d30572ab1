import type { FastifyReply } from "fastify";
import { describeRequest, noteFailure } from "./access-log.ts";
import { toErrorAnswer } from "./error-body.ts";
import { EVENT_STREAM, keepAlive, type Alive } from "./alive.ts";
import { openOutlet } from "./outlet.ts";

/** How often a silent stream says that it lives, in milliseconds: proxies close what is silent. */
const ALIVE_MS = 15_000;

/**
 * Writes server-sent events as they come and waits for a slow reader. Who left is told to `onGone`, once; whether the events go on is then
 * theirs to say, and nothing is written any more. `alive` may have written the head, and says that the stream lives while it is silent. Events that fail end the stream with an event `error`, in the shape of every other error.
 */
export async function sendEvents(
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
  events: AsyncIterable<string>,
  onGone: () => void,
  alive: Alive = keepAlive(reply, { aliveMs: ALIVE_MS, head: headers }),
): Promise<void> {
  if (!alive.begun) reply.hijack().raw.writeHead(200, { ...headers, ...EVENT_STREAM });
  const { raw } = reply;
  const outlet = openOutlet(raw, onGone);
  try {
    for await (const event of events) {
      alive.touch();
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
