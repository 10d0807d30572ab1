import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";

/**
 * Treats an empty body as absent, whatever its content type. curl names a form's type when it sends nothing (`-d ''`), and official clients
 * name JSON or multipart for a `DELETE`. Removes the type, so that no parser is needed for it. A chunked body may be empty, too; its first
 * bytes decide.
 */
export function acceptEmptyBodies(app: FastifyInstance): void {
  app.addHook("preParsing", (request, _, payload, done) => {
    const { headers } = request;
    const isChunked = headers["transfer-encoding"] !== undefined;
    if (!isChunked && (headers["content-length"] ?? "0") === "0") {
      delete headers["content-type"];
      return done(null, payload);
    }
    if (!isChunked || isRead(request)) return done(null, payload);
    seekFirst(payload, (error, isEmpty) => {
      if (error !== undefined) return done(error);
      if (!isEmpty) return done(new MarrowError("unsupported_media_type", TYPE_WANTED));
      for (const name of ["content-type", "transfer-encoding"]) delete headers[name];
      return done(null, payload);
    });
  });
}

/** Error message for a body of an unsupported content type. */
export const TYPE_WANTED = "the body must have content-type application/json";

/** Returns true if the body needs no check here: it is JSON or a form, whose routes check it themselves, or the method has no body. */
function isRead({ method, headers }: FastifyRequest): boolean {
  if (method === "GET" || method === "HEAD") return true;
  return /^\s*(?:application\/json|multipart\/)/i.test(headers["content-type"] ?? "");
}

/** Waits for the first bytes of a body and discards them; `isEmpty` if it ends without any. */
function seekFirst(payload: Readable, then: (error: Error | undefined, isEmpty: boolean) => void): void {
  const stop = (error?: Error, isEmpty = false) => {
    payload.off("data", onData).off("end", onEnd).off("error", onError);
    // Discard the unread rest, so that the connection can be reused.
    payload.on("error", () => {}).resume();
    then(error, isEmpty);
  };
  const onData = (piece: Buffer) => piece.length > 0 && stop();
  const onEnd = () => stop(undefined, true);
  const onError = () => stop(new MarrowError("aborted", "the client left before its body was read"));
  payload.on("data", onData).once("end", onEnd).once("error", onError);
}
