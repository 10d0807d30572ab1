import type { Readable } from "node:stream";
import { errorCodes, type FastifyRequest } from "fastify";
import type { BodyArrivals } from "./body-arrivals.ts";
import { createGathering } from "./gathering.ts";
import { concatInTurns } from "../../internal/json-pieces.ts";
import { workFor } from "../../internal/working-for.ts";
import { scopeOf } from "../tenancy/identity.ts";

/** From this size on, the pieces of a body are put together in turns of the event loop: new memory takes milliseconds for each megabyte. */
const LONG_BYTES = 262_144;

/**
 * Reads a body to its end, within the limit of its route, as Fastify's parsers of buffers do; a long one once there is room among `arrivals`.
 * @throws Fastify's errors, to `done`: a body over its limit, or of another length than its head says
 */
export function readBytes(
  request: FastifyRequest,
  payload: Readable,
  done: (error: Error | null, bytes?: Buffer) => void,
  arrivals?: BodyArrivals,
): void {
  const { bodyLimit } = request.routeOptions;
  const told = Number(request.headers["content-length"]);
  if (told > bodyLimit) return done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  const gathering = createGathering();
  let bytes = 0;
  payload.on("data", onData);
  payload.on("end", onEnd);
  payload.on("error", onError);
  payload.resume();

  function stop(): void {
    payload.off("data", onData);
    payload.off("end", onEnd);
    payload.off("error", onError);
  }

  function onData(piece: Buffer): void {
    bytes += piece.length;
    if (bytes <= bodyLimit) {
      gathering.add(piece);
      arrivals?.grew(request, payload, { come: bytes, told: told > 0 ? told : bodyLimit }, onError);
      return;
    }
    stop();
    return done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  }

  function onEnd(): void {
    stop();
    arrivals?.arrived(request);
    if (!Number.isNaN(told) && bytes !== told) return done(new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH());
    if (bytes >= LONG_BYTES)
      return void workFor({ owner: scopeOf(request) }, () => concatInTurns(gathering.pieces())).then(
        (whole) => done(null, whole),
        done,
      );
    // Copied even if it is one piece, which is a part of what came from the socket.
    return done(null, Buffer.concat(gathering.pieces(), bytes));
  }

  function onError(error: Error & { statusCode?: number }): void {
    stop();
    if (!((error.statusCode ?? 0) >= 400)) error.statusCode = 400;
    done(error);
  }
}
