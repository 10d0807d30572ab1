import type { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { createPermits } from "../../internal/permits.ts";
import { createArrivals, type Arrivals } from "./arrivals.ts";
import { noRoom } from "./body-room.ts";

/** Memory for JSON bodies from their first bytes until there is room to read them. */
export interface BodyArrivals extends Pick<Arrivals, "arrived" | "leave"> {
  /**
   * Called with the bytes of a body that have come. One with many stops there, unread, until there is room for all of it: for `told` bytes.
   * `onRefused` gets the error of one for which there is none: it reads no further.
   */
  grew(request: FastifyRequest, payload: Readable, bytes: ToldBytes, onRefused: (error: Error) => void): void;
}

/** Bytes of a body: those that have come, and as many as its head says, or as its route allows. */
export interface ToldBytes {
  readonly come: number;
  readonly told: number;
}

/** Bytes of all bodies that arrive, or wait to be read: sixteen of the default bound. One scope has three quarters of it. */
const [ARRIVING_MAX, SCOPE_MAX] = [64 * 1_048_576, 48 * 1_048_576];
/** Bytes from which a body needs room. */
const SHORT_BYTES = 65_536;
/** Bodies that wait for room to arrive. Each has some 100 KB. */
const WAITING_MAX = 1_024;

/** Makes the room of a process. */
export function createBodyArrivals(): BodyArrivals {
  const permits = createPermits({
    max: ARRIVING_MAX,
    eachMax: SCOPE_MAX,
    waitingMax: WAITING_MAX,
    refusal: noRoom,
  });
  const arrivals = createArrivals({ permits, refusal: noRoom });
  const known = new WeakSet<FastifyRequest>();

  return {
    arrived: arrivals.arrived,
    leave: arrivals.leave,
    grew(request, payload, { come, told }, onRefused) {
      if (come < SHORT_BYTES || known.has(request)) return;
      known.add(request);
      payload.pause();
      arrivals.enter(request, request.answer, payload, told).then(() => payload.resume(), onRefused);
    },
  };
}
