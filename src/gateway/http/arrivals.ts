import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { afterOwnTime } from "../../internal/own-time.ts";
import type { Permit, Permits } from "../../internal/permits.ts";
import { scopeOf } from "../tenancy/identity.ts";
import { goneOf } from "./outlet.ts";

/** Memory for bodies while they arrive. Scopes take turns. */
export interface Arrivals {
  /**
   * Waits until there is room for a body, which it keeps until {@link Arrivals.leave}, or until its answer has ended.
   * @throws MarrowError the refusal of the permits; `aborted` if the client left
   */
  enter(request: FastifyRequest, answer: ServerResponse, payload: Readable, bytes: number): Promise<void>;
  /** Says that a body has arrived: it keeps its room, and is no longer failed for being slow. */
  arrived(this: void, request: FastifyRequest): void;
  /** Gives the room of a body back. May be called for any request, any number of times. */
  leave(this: void, request: FastifyRequest): void;
}

/** Options of arrivals. */
export interface ArrivalsOptions {
  readonly permits: Permits;
  /** Time that a body has to arrive while others wait, in milliseconds. @default 20 s */
  readonly readMs?: number | undefined;
  /** Makes the error of a body that is failed because it arrives slowly. */
  readonly refusal: () => Error;
}

/** Longest wait for room, in milliseconds. */
const WAIT_MS = 30_000;
/** Time that a body has to arrive while others wait, in milliseconds. */
const READ_MS = 20_000;
/** Least time between two bodies that are failed, in milliseconds: each gives its room to others first. */
const LOOK_MS = 100;

/** A body whose bytes still come. */
interface Arriving {
  readonly owner: string;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly drop: () => void;
}

/** A body that has room. */
interface Held {
  readonly permit: Permit;
  readonly arriving: Arriving;
}

/**
 * Bounds the bodies that arrive at once. While others wait, those that still arrive after `readMs` fail: first the oldest one of the scope whose
 * arriving bodies are largest together.
 */
export function createArrivals({ permits, readMs = READ_MS, refusal }: ArrivalsOptions): Arrivals {
  const arriving = new Set<Arriving>();
  const held = new WeakMap<FastifyRequest, Held>();
  let waiting = 0;
  let isLooking = false;

  function look(): void {
    const oldest = waiting === 0 || isLooking ? undefined : oldestOfHeaviest(arriving);
    if (oldest === undefined) return;
    isLooking = true;
    const leftMs = oldest.sinceMs + readMs - performance.now();
    afterOwnTime(Math.max(leftMs, LOOK_MS), () => {
      isLooking = false;
      if (waiting > 0 && leftMs <= LOOK_MS && arriving.delete(oldest)) oldest.drop();
      look();
    });
  }

  async function wait(owner: string, bytes: number, signal: AbortSignal): Promise<Permit> {
    waiting += 1;
    look();
    try {
      return await permits.take(bytes, WAIT_MS, { owner, signal });
    } finally {
      waiting -= 1;
    }
  }

  function leave(request: FastifyRequest): void {
    const one = held.get(request);
    if (one === undefined) return;
    arriving.delete(one.arriving);
    one.permit();
  }

  return {
    async enter(request, answer, payload, bytes) {
      const owner = scopeOf(request);
      const permit = await wait(owner, bytes, goneOf(answer));
      const one = { owner, bytes, sinceMs: performance.now(), drop: () => fail(payload, refusal()) };
      held.set(request, { permit, arriving: one });
      arriving.add(one);
      if (answer.closed) return leave(request);
      answer.once("close", () => leave(request));
      look();
    },

    arrived(request) {
      const one = held.get(request);
      if (one !== undefined) arriving.delete(one.arriving);
    },

    leave,
  };
}

/** Returns the body that has been arriving for longest, of the scope whose arriving bodies are largest together. */
function oldestOfHeaviest(arriving: ReadonlySet<Arriving>): Arriving | undefined {
  const sums = new Map<string, number>();
  for (const { owner, bytes } of arriving) sums.set(owner, (sums.get(owner) ?? 0) + bytes);
  const most = Math.max(...sums.values());
  for (const one of arriving) if (sums.get(one.owner) === most) return one;
  return undefined;
}

/** Fails the reading of a body; what still comes of it is dropped. */
function fail(body: Readable, error: Error): void {
  if (body.listenerCount("error") > 0) body.emit("error", error);
}
