import type { FastifyInstance, FastifyReply } from "fastify";
import type { ServerResponse } from "node:http";
import { isLarge, LARGE_JSON_CHARS, toBytesInTurns, toJsonBytes } from "../../internal/json-pieces.ts";
import type { LongText } from "../../internal/long-text.ts";
import { openOutlet } from "./outlet.ts";

/** Sends JSON that may be large, such as items from a client. It is serialized in slices of the event loop and sent as bytes. */
export async function sendLarge(reply: FastifyReply, value: unknown): Promise<FastifyReply> {
  const made = toJsonBytes(value);
  const bytes = made instanceof Promise ? await made : made;
  return reply.type("application/json; charset=utf-8").send(bytes);
}

/** Ends a response with JSON text. A long text is encoded in slices of the event loop. */
export async function sendText(
  raw: ServerResponse,
  text: string | LongText,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const head = { ...headers, "content-type": "application/json; charset=utf-8" };
  if (typeof text === "string" && text.length < LARGE_JSON_CHARS) {
    raw.writeHead(200, { ...head, "content-length": Buffer.byteLength(text) });
    raw.end(text);
    return;
  }
  const pieces = await toBytesInTurns(text);
  const outlet = openOutlet(raw, () => {}, false);
  raw.writeHead(200, { ...head, "content-length": pieces.reduce((bytes, { length }) => bytes + length, 0) });
  for (const piece of pieces) await outlet.write(piece);
  outlet.end();
}

/**
 * Serializes every large answer of any route in slices of the event loop. Other hooks see the thing itself, by whose id its bytes are booked;
 * one that a hook replaces is serialized as usual.
 */
export function writeLargeInTurns(app: FastifyInstance): void {
  app.addHook("preSerialization", (_, reply, thing, done) => {
    if (!isLarge(thing)) return done(null, thing);
    Promise.resolve(toJsonBytes(thing)).then(
      (bytes) => {
        // Bytes pass as they are; the type of the library knows only texts.
        reply.serializer((last: unknown) => (last === thing ? (bytes as unknown as string) : JSON.stringify(last)));
        done(null, thing);
      },
      (error: unknown) => done(error as Error),
    );
  });
}
