import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import { createPermits } from "../../internal/permits.ts";
import { createArrivals } from "./arrivals.ts";

/** Memory for forms, which are held whole. */
export interface FormRoom {
  /**
   * Lets the requests of a plugin's routes wait, unread, until there is room for their bodies, which they keep until their answers have ended.
   * Such a request fails with `unavailable` if there is no room within 30 s, or too many wait.
   */
  bound(forms: FastifyInstance): void;
}

/** Forms of the largest size that a process holds at once. One scope holds one fewer, so that there is always room for another's. */
const FORMS = 4;
/** Forms that wait. Each has up to some 100 KB that its connection has read. */
const WAITING_MAX = 256;

/**
 * Makes the room of a process: {@link FORMS} times the largest form. A form counts with its `content-length`, or with the bound of its route.
 * Scopes take turns. While forms wait, those that still arrive after `readMs` (20 s by default) fail, too.
 */
export function createFormRoom(formBytesMax: number, readMs?: number): FormRoom {
  const permits = createPermits({
    max: FORMS * formBytesMax,
    eachMax: (FORMS - 1) * formBytesMax,
    waitingMax: WAITING_MAX,
    refusal: noRoom,
  });
  const arrivals = createArrivals({ permits, readMs, refusal: noRoom });

  return {
    bound(forms) {
      forms.addHook("preParsing", (request, { raw }, payload, done) => {
        const { bodyLimit } = request.routeOptions;
        const bytes = Number(request.headers["content-length"] ?? bodyLimit);
        // Its reader refuses it.
        if (bytes > bodyLimit) return done(null, payload);
        arrivals.enter(request, raw, payload, bytes).then(() => {
          payload.once("end", () => arrivals.arrived(request));
          done(null, payload);
        }, done);
        return undefined;
      });
    },
  };
}

function noRoom(): MarrowError {
  return new MarrowError("unavailable", "this process has no room for the form now (formBytesMax)", {
    details: { path: "formBytesMax" },
  });
}
