import { getHeapStatistics } from "node:v8";
import type { FastifyInstance, FastifyRequest, RouteHandlerMethod } from "fastify";
import { MarrowError } from "../../errors.ts";
import { createPermits, type Permit } from "../../internal/permits.ts";
import { scopeOf } from "../tenancy/identity.ts";
import { goneOf } from "./outlet.ts";

/** Memory for long JSON bodies: what is read of one takes several times its bytes. */
export interface BodyRoom {
  /**
   * Reads a body by `read` once there is room for it, which the request keeps until its work and its answer have ended. A short one is read at once.
   * @throws MarrowError `unavailable` if there is no room within {@link WAIT_MS}, or too many wait; `aborted` if the client left; errors of `read`
   */
  read<T>(request: FastifyRequest, bytes: number, read: () => Promise<T>): Promise<T>;
  /**
   * Waits for room for what comes otherwise than as a body, such as a message of a WebSocket, and returns what gives it back. A short one needs none.
   * @throws MarrowError `unavailable` as above; or the reason of `signal`
   */
  hold(owner: string, bytes: number, signal: AbortSignal): Promise<Permit>;
}

/** Bodies from this size on count. */
export const LONG_BYTES = 262_144;
/** Part of the largest heap that long bodies have at once, in their bytes, and the least room. One scope has three quarters of it. */
const [HEAP_PART, LEAST_BYTES] = [1 / 12, 16 * 1_048_576];
const SCOPE_PART = 3 / 4;
/** Longest wait for room, in milliseconds, and bodies that wait. */
const [WAIT_MS, WAITING_MAX] = [30_000, 256];

/** What a request holds. */
interface Held {
  readonly bytes: number;
  readonly permit: Permit;
  /** Whether its body is read, or its handler runs; and whether its answer has ended. */
  isAtWork: boolean;
  isAnswered: boolean;
}

/** Bounds the long JSON bodies that the routes of an application, registered afterwards, read and answer at once. Scopes take turns. */
export function createBodyRoom(
  app: FastifyInstance,
  heapBytes: number = getHeapStatistics().heap_size_limit,
): BodyRoom {
  const max = Math.max(LEAST_BYTES, Math.floor(heapBytes * HEAP_PART));
  const permits = createPermits({ max, eachMax: max * SCOPE_PART, waitingMax: WAITING_MAX, refusal: noRoom });
  const held = new WeakMap<FastifyRequest, Held>();

  /** Holds the room during work on a request; before and after it until the answer has ended. */
  async function during<T>(one: Held, work: () => Promise<T>): Promise<T> {
    one.isAtWork = true;
    one.permit(one.bytes);
    try {
      return await work();
    } finally {
      one.isAtWork = false;
      if (one.isAnswered) one.permit();
    }
  }

  app.decorateRequest("answer");
  app.addHook("onRoute", (route) => {
    const { handler } = route;
    route.handler = function (this: ThisParameterType<RouteHandlerMethod>, request, reply) {
      const one = held.get(request);
      return one === undefined
        ? handler.call(this, request, reply)
        : during(one, async () => handler.call(this, request, reply));
    };
  });

  return {
    async hold(owner, bytes, signal) {
      return bytes < LONG_BYTES ? () => {} : permits.take(bytes, WAIT_MS, { owner, signal });
    },

    async read(request, bytes, read) {
      if (bytes < LONG_BYTES) return read();
      const raw = request.answer;
      const permit = await permits.take(bytes, WAIT_MS, { owner: scopeOf(request), signal: goneOf(raw) });
      if (raw.closed) {
        permit();
        throw new MarrowError("aborted", "the client left before its body was read");
      }
      const one: Held = { bytes: Math.min(bytes, max * SCOPE_PART), permit, isAtWork: false, isAnswered: false };
      held.set(request, one);
      raw.once("close", () => {
        one.isAnswered = true;
        if (!one.isAtWork) permit();
      });
      return during(one, read);
    },
  };
}

/** The error of a JSON body for which there is no room, while it arrives or once it is read. */
export function noRoom(): MarrowError {
  return new MarrowError("unavailable", "this process has no room for so long a body now", {
    details: { path: "bodyBytesMax" },
  });
}
