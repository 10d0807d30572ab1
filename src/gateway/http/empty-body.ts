import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";

/**
 * An empty body is no body, whatever its type: curl names a form's where it sends nothing (`-d ''`), and official clients name JSON or multipart
 * for a `DELETE`. The type is forgotten then, so that no reader of that type is asked for, and missed. A body that comes in chunks may be empty,
 * too: its first bytes tell.
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

/** What is told of a body of a type that is not read. */
export const TYPE_WANTED = "the body must have content-type application/json";

/** Whether somebody reads the body, or nobody will: it is JSON, or of a form, whose routes look at it themselves. */
function isRead({ method, headers }: FastifyRequest): boolean {
  if (method === "GET" || method === "HEAD") return true;
  return /^\s*(?:application\/json|multipart\/)/i.test(headers["content-type"] ?? "");
}

/** Waits for the first bytes of a body, and drops them; `isEmpty` where it ends without any. */
function seekFirst(payload: Readable, then: (error: Error | undefined, isEmpty: boolean) => void): void {
  const stop = (error?: Error, isEmpty = false) => {
    payload.off("data", onData).off("end", onEnd).off("error", onError);
    // What nobody reads is dropped, so that the connection can serve on.
    payload.on("error", () => {}).resume();
    then(error, isEmpty);
  };
  const onData = (piece: Buffer) => piece.length > 0 && stop();
  const onEnd = () => stop(undefined, true);
  const onError = (error: Error) => stop(error);
  payload.on("data", onData).once("end", onEnd).once("error", onError);
}
