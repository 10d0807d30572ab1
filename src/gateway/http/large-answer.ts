import type { FastifyReply } from "fastify";
import { toJson, toJsonBytes } from "../../internal/json-pieces.ts";

/** Sends JSON that may be large, such as items from a client. It is serialized in slices of the event loop and sent as bytes. */
export async function sendLarge(reply: FastifyReply, value: unknown): Promise<FastifyReply> {
  const made = toJsonBytes(value);
  const bytes = made instanceof Promise ? await made : made;
  return reply.type("application/json; charset=utf-8").send(bytes);
}

/** Sends a kept thing in the same way. Hooks see the thing itself, by whose id its bytes are booked. */
export async function sendLargeThing(reply: FastifyReply, thing: object): Promise<FastifyReply> {
  const json = toJson(thing);
  if (typeof json === "string") return reply.send(thing);
  const bytes = await json;
  // Bytes pass as they are; the type of the library knows only texts.
  return reply
    .type("application/json; charset=utf-8")
    .serializer(() => bytes as unknown as string)
    .send(thing);
}
