import { runScript, verdictOf, type Redis } from "../../redis/index.ts";
import { bookBytes, bookTurns, keepBytes, reserveBytes } from "../scripts.gen.ts";
import { bookedKeys, fullScope } from "./booked-bytes.ts";
import { createReservations, type Reservation, type SizedThing } from "./reservations.ts";

/** Stored bytes of each scope. While Redis is unavailable or its reply cannot be the script's, nothing is counted or refused. */
export interface StoredBytes {
  /** Books bytes for an item for its lifetime. One round trip. @throws MarrowError `too_large` if the scope is full */
  book(scope: string, thing: string, bytes: number, lifeMs: number): Promise<void>;
  /** The same for an item that is stored again: replaces its booking, and returns the previous bytes. A refusal changes nothing. */
  put(scope: string, thing: string, bytes: number, lifeMs: number): Promise<number>;
  /**
   * Takes a `put` of so many bytes back: the thing has again what it had before. If another request stored or deleted it meanwhile, that one's
   * booking stays.
   */
  restore(
    scope: string,
    thing: string,
    put: { readonly bytes: number; readonly before: number },
    lifeMs: number,
  ): Promise<void>;
  /**
   * Reserves the bytes of a request until it is known what it stored. Of things that are counted already, only what they would grow is
   * reserved. One round trip. @throws MarrowError `too_large` if the scope is full
   */
  reserve(scope: string, things: number | readonly SizedThing[]): Promise<Reservation>;
  /** Releases an item's booking: all of it, or some bytes. */
  release(scope: string, thing: string, bytes?: number): Promise<void>;
}

const WAIT_MS = 500;

interface Booked {
  readonly bytes: number;
  /** A thing whose bytes become those of this one; "" for none. */
  readonly from: string;
  readonly lifeMs: number;
  /** Whether the bytes take the place of those that the thing had. */
  readonly instead: boolean;
  /** How many bytes the thing must have, or nothing changes. */
  readonly only: number | undefined;
}

/** Life of a reservation that is not renewed, in milliseconds: so long the bytes of a process that was killed stay reserved. */
const RESERVED_MS = 180_000;

/**
 * Makes the bookings, in `{app:scope}:gateway:bytes:ends` and `:sizes`, each by one script, so that concurrent requests cannot exceed the
 * bound together.
 */
export function createStoredBytes(redis: Redis, bytesMax: number, reservedMs: number = RESERVED_MS): StoredBytes {
  /** Runs a script of the bookings; `undefined` while Redis cannot serve. */
  async function attempt<T>(act: () => Promise<unknown>): Promise<T | undefined> {
    try {
      return (await act()) as T;
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict === "not_now" || verdict === "misused") return undefined;
      throw error;
    }
  }

  async function run(
    scope: string,
    name: string,
    { bytes = 0, from = "", lifeMs = 1, instead = false, only }: Partial<Booked>,
  ): Promise<readonly ["booked" | "full", number]> {
    const keys = bookedKeys(redis, scope);
    const how = { from, instead: instead ? 1 : 0, only: only ?? -1 };
    // What a thing had before is not refused.
    const values = {
      name,
      bytes,
      life_ms: lifeMs,
      bytes_max: only === undefined ? bytesMax : Number.MAX_SAFE_INTEGER,
      ...how,
    };
    const reply = await attempt<readonly ["booked" | "full", number]>(() =>
      runScript(redis, bookBytes, keys, values, { timeoutMs: WAIT_MS }),
    );
    return reply ?? ["booked", 0];
  }

  async function book(
    scope: string,
    thing: string,
    booked: Partial<Booked> & { readonly bytes: number },
  ): Promise<number> {
    const { bytes } = booked;
    const [outcome, told] = await run(scope, thing, booked);
    if (outcome === "full") throw fullScope({ bytes, kept: told, bytesMax });
    return told;
  }

  const reservations = createReservations({
    lifeMs: reservedMs,

    async reserve(scope, name, things) {
      const values = { name, life_ms: reservedMs, bytes_max: bytesMax, things: toWords(things) };
      const reply = await attempt<readonly ["booked" | "full", number]>(() =>
        runScript(redis, reserveBytes, bookedKeys(redis, scope), values, { timeoutMs: WAIT_MS }),
      );
      const [outcome, told] = reply ?? ["booked", 0];
      if (outcome === "full") throw fullScope({ bytes: sumOf(things), kept: told, bytesMax });
    },

    async keep(scope, reservation, things, lifeMs) {
      const values = { reservation, life_ms: lifeMs, things: toWords(things) };
      const keys = bookedKeys(redis, scope);
      return (await attempt(() => runScript(redis, keepBytes, keys, values, { timeoutMs: WAIT_MS }))) !== undefined;
    },

    async move(scope, reservation, thing, lifeMs) {
      const values = {
        name: thing,
        bytes: 0,
        life_ms: lifeMs,
        bytes_max: bytesMax,
        from: reservation,
        instead: 0,
        only: -1,
      };
      const keys = bookedKeys(redis, scope);
      return (await attempt(() => runScript(redis, bookBytes, keys, values, { timeoutMs: WAIT_MS }))) !== undefined;
    },

    async renew(scope, names) {
      // Nothing is added to what they have; their ends move.
      const things = names.flatMap((name) => [name, "0", String(reservedMs)]);
      await attempt(() => runScript(redis, bookTurns, bookedKeys(redis, scope), { things }, { timeoutMs: WAIT_MS }));
    },

    release: (scope, name) => run(scope, name, { bytes: -Number.MAX_SAFE_INTEGER }),
  });

  return {
    book: async (scope, thing, bytes, lifeMs) => void (await book(scope, thing, { bytes, lifeMs })),
    put: (scope, thing, bytes, lifeMs) => book(scope, thing, { bytes, lifeMs, instead: true }),
    restore: async (scope, thing, { bytes, before }, lifeMs) =>
      void (await run(scope, thing, { bytes: before, only: bytes, lifeMs, instead: true })),
    reserve: (scope, things) => reservations.reserve(scope, things),
    release: async (scope, thing, bytes = Number.MAX_SAFE_INTEGER) => void (await run(scope, thing, { bytes: -bytes })),
  };
}

function toWords(things: readonly SizedThing[]): readonly string[] {
  return things.flatMap(({ thing, bytes }) => [thing, String(bytes)]);
}

function sumOf(things: readonly SizedThing[]): number {
  return things.reduce((sum, { bytes }) => sum + bytes, 0);
}
