import type { FastifyReply } from "fastify";
import { toJsonBytes } from "../../internal/json-pieces.ts";

/** Sends JSON that may be large, such as items from a client. It is serialized in slices of the event loop and sent as bytes. */
export async function sendLarge(reply: FastifyReply, value: unknown): Promise<FastifyReply> {
  const made = toJsonBytes(value);
  const bytes = made instanceof Promise ? await made : made;
  return reply.type("application/json; charset=utf-8").send(bytes);
}
