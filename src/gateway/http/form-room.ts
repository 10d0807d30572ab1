import type { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import { afterOwnTime } from "../../internal/own-time.ts";
import { createPermits } from "../../internal/permits.ts";
import { scopeOf } from "../tenancy/identity.ts";
import { goneOf } from "./outlet.ts";

/** Memory for forms, which are held whole. */
export interface FormRoom {
  /**
   * Lets the requests of a plugin's routes wait, unread, until there is room for their bodies, which they keep until their answers have ended.
   * Such a request fails with `unavailable` if there is no room within {@link WAIT_MS}, or too many wait.
   */
  bound(forms: FastifyInstance): void;
}

/** Forms of the largest size that a process holds at once. One scope holds one fewer, so that there is always room for another's. */
const FORMS = 4;
/** Longest wait for room, in milliseconds. */
const WAIT_MS = 30_000;
/** Forms that wait. Each has up to some 100 KB that its connection has read. */
const WAITING_MAX = 256;
/** Time that a form has to arrive while others wait, in milliseconds. */
const READ_MS = 20_000;
/** Least time between two forms that are ended, in milliseconds: each gives its room to others first. */
const LOOK_MS = 100;

/** A form whose bytes still come. */
interface Arriving {
  readonly owner: string;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly drop: () => void;
}

/**
 * Makes the room of a process: {@link FORMS} times the largest form. A form counts with its `content-length`, or with the bound of its route.
 * Scopes take turns. While forms wait, those that still arrive after `readMs` fail, too: first the oldest one
 * of the scope whose arriving forms are largest together.
 */
export function createFormRoom(formBytesMax: number, readMs: number = READ_MS): FormRoom {
  const permits = createPermits({
    max: FORMS * formBytesMax,
    eachMax: (FORMS - 1) * formBytesMax,
    waitingMax: WAITING_MAX,
    refusal: noRoom,
  });
  const arriving = new Set<Arriving>();
  let waiting = 0;
  let isLooking = false;

  async function enter(owner: string, bytes: number, signal: AbortSignal): Promise<() => void> {
    waiting += 1;
    look();
    try {
      return await permits.take(bytes, WAIT_MS, { owner, signal });
    } finally {
      waiting -= 1;
    }
  }

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

  return {
    bound(forms) {
      forms.addHook("preParsing", (request, { raw }, payload, done) => {
        const { bodyLimit } = request.routeOptions;
        const bytes = Number(request.headers["content-length"] ?? bodyLimit);
        // Its reader refuses it.
        if (bytes > bodyLimit) return done(null, payload);
        const owner = scopeOf(request);
        enter(owner, bytes, goneOf(raw)).then((leave) => {
          const one = { owner, bytes, sinceMs: performance.now(), drop: () => fail(payload) };
          const hasArrived = () => arriving.delete(one);
          arriving.add(one);
          look();
          payload.once("end", hasArrived);
          raw.once("close", () => {
            hasArrived();
            leave();
          });
          done(null, payload);
        }, done);
        return undefined;
      });
    },
  };
}

/** Returns the form that has been arriving for longest, of the scope whose arriving forms are largest together. */
function oldestOfHeaviest(arriving: ReadonlySet<Arriving>): Arriving | undefined {
  const sums = new Map<string, number>();
  for (const { owner, bytes } of arriving) sums.set(owner, (sums.get(owner) ?? 0) + bytes);
  const most = Math.max(...sums.values());
  for (const one of arriving) if (sums.get(one.owner) === most) return one;
  return undefined;
}

/** Fails the reading of a body; what still comes of it is dropped. */
function fail(body: Readable): void {
  if (body.listenerCount("error") > 0) body.emit("error", noRoom());
}

function noRoom(): MarrowError {
  return new MarrowError("unavailable", "this process has no room for the form now (formBytesMax)", {
    details: { path: "formBytesMax" },
  });
}
