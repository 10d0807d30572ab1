import { randomUUID } from "node:crypto";

/** A thing of a scope, and the bytes that it stores. */
export interface SizedThing {
  readonly thing: string;
  readonly bytes: number;
}

/** Bytes that a request may store, until it is known what it stored. */
export interface Reservation {
  /** Counts at least these bytes for things in place of the reservation: stored twice, a thing counts once. One round trip. */
  keepAs(things: readonly SizedThing[], lifeMs: number): Promise<void>;
  /** Adds the reserved bytes to those of a thing. One round trip. */
  addTo(thing: string, lifeMs: number): Promise<void>;
  /** Gives back what was not kept. Call it once the request's work has ended, however it ended. */
  release(): Promise<void>;
}

/** What a reservation does in Redis. `keep` and `move` return false while Redis cannot serve. */
export interface ReservationEffects {
  /** Life of a reservation that is not renewed, in milliseconds. */
  readonly lifeMs: number;
  /** @throws MarrowError `too_large` */
  reserve(scope: string, name: string, things: readonly SizedThing[]): Promise<void>;
  keep(scope: string, name: string, things: readonly SizedThing[], lifeMs: number): Promise<boolean>;
  move(scope: string, name: string, thing: string, lifeMs: number): Promise<boolean>;
  renew(scope: string, names: readonly string[]): Promise<void>;
  release(scope: string, name: string): Promise<unknown>;
}

/** Reservations that are renewed by one script. */
const RENEWED_MAX = 500;
/** How often a count is written again that Redis did not take. */
const TRIES_MAX = 10;

interface Open {
  readonly scope: string;
  readonly name: string;
  /** The count that Redis did not take; it is idempotent. */
  again?: (() => Promise<boolean>) | undefined;
  tries: number;
}

/**
 * Makes reservations under names of their own, which no client knows. They live for minutes and are renewed while their requests work, so
 * that the bytes of a process that was killed are free soon.
 */
export function createReservations(effects: ReservationEffects): {
  reserve(scope: string, things: number | readonly SizedThing[]): Promise<Reservation>;
} {
  const open = new Set<Open>();
  let timer: NodeJS.Timeout | undefined;

  function close(one: Open): void {
    open.delete(one);
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  async function writeAgain(one: Open): Promise<void> {
    one.tries += 1;
    if ((await one.again?.().catch(() => false)) === true || one.tries >= TRIES_MAX) close(one);
  }

  function tend(): void {
    const working = new Map<string, string[]>();
    for (const one of open) {
      if (one.again !== undefined) void writeAgain(one);
      else working.set(one.scope, [...(working.get(one.scope) ?? []), one.name]);
    }
    for (const [scope, names] of working)
      for (let at = 0; at < names.length; at += RENEWED_MAX)
        effects.renew(scope, names.slice(at, at + RENEWED_MAX)).catch(() => {});
  }

  async function settle(one: Open, write: () => Promise<boolean>): Promise<void> {
    one.again = write;
    if (await write()) close(one);
  }

  return {
    async reserve(scope, things) {
      const name = `request:${randomUUID()}`;
      await effects.reserve(scope, name, typeof things === "number" ? [{ thing: name, bytes: things }] : things);
      const one: Open = { scope, name, tries: 0 };
      open.add(one);
      timer ??= setInterval(tend, effects.lifeMs / 3).unref();
      return {
        keepAs: (kept, lifeMs) => settle(one, () => effects.keep(scope, name, kept, lifeMs)),
        addTo: (thing, lifeMs) => settle(one, () => effects.move(scope, name, thing, lifeMs)),
        async release() {
          if (one.again !== undefined) return;
          close(one);
          await effects.release(scope, name);
        },
      };
    },
  };
}
