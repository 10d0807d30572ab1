import { runScript, verdictOf, type Redis } from "../../redis/index.ts";
import { bookBytes } from "../scripts.gen.ts";
import { bookedKeys, fullScope } from "./booked-bytes.ts";

/** Stored bytes of each scope. While Redis is unavailable or its reply cannot be the script's, nothing is counted or refused. */
export interface StoredBytes {
  /** Books bytes for an item for its lifetime. One round trip. @throws MarrowError `too_large` if the scope is full */
  book(scope: string, thing: string, bytes: number, lifeMs: number): Promise<void>;
  /** The same for an item that is stored again: replaces its booking, and returns the previous bytes. A refusal changes nothing. */
  put(scope: string, thing: string, bytes: number, lifeMs: number): Promise<number>;
  /** Moves a booking to another name, once that is known. */
  move(scope: string, from: string, to: string, lifeMs: number): Promise<void>;
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
}

/**
 * Makes the bookings, in `{app:scope}:gateway:bytes:ends` and `:sizes`, by one script, so that concurrent requests cannot exceed the bound
 * together.
 */
export function createStoredBytes(redis: Redis, bytesMax: number): StoredBytes {
  async function run(
    scope: string,
    name: string,
    { bytes = 0, from = "", lifeMs = 1, instead = false }: Partial<Booked>,
  ): Promise<readonly ["booked" | "full", number]> {
    const keys = bookedKeys(redis, scope);
    const values = { name, bytes, life_ms: lifeMs, bytes_max: bytesMax, from, instead: instead ? 1 : 0 };
    try {
      const reply = await runScript(redis, bookBytes, keys, values, { timeoutMs: WAIT_MS });
      return reply as readonly ["booked" | "full", number];
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict === "not_now" || verdict === "misused") return ["booked", 0];
      throw error;
    }
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

  return {
    book: async (scope, thing, bytes, lifeMs) => void (await book(scope, thing, { bytes, lifeMs })),
    put: (scope, thing, bytes, lifeMs) => book(scope, thing, { bytes, lifeMs, instead: true }),
    move: async (scope, from, to, lifeMs) => void (await run(scope, to, { from, lifeMs })),
    release: async (scope, thing, bytes = Number.MAX_SAFE_INTEGER) => void (await run(scope, thing, { bytes: -bytes })),
  };
}
