import { hash } from "node:crypto";
import { runScript, type Redis } from "../../redis/index.ts";
import { bookTurns } from "../scripts.gen.ts";
import { bookedKeys, fullScope } from "./booked-bytes.ts";

/** Bytes whose number is only known after storing: turns in sessions and conversations, and model answers wherever they are stored. */
export interface TurnBytes {
  /** Counts the bytes of a session, conversation or answer, without a round trip in the request. */
  add(scope: string, thing: string, bytes: number, lifeMs: number): void;
  /** Refuses a chat whose turns would not fit. @throws MarrowError `too_large` if the scope was full a moment ago */
  check(scope: string): void;
  /** Returns whether the scope was full a moment ago. */
  isFull(scope: string): boolean;
  /** Stops counting these things. */
  release(scope: string, things: readonly string[]): Promise<void>;
  /** Writes the counted bytes. */
  flush(): Promise<void>;
}

/** Bytes of a scope that are collected before a write, by which a process may exceed the bound. */
const GATHERED_MAX = 65_536;
/** The same in milliseconds; and how soon a full scope is looked at again. */
const FLUSH_MS = 200;
const THINGS_PER_SCRIPT = 500;
const WAIT_MS = 500;

interface Gathered {
  bytes: number;
  readonly things: Map<string, { bytes: number; lifeMs: number }>;
}

/** Returns the name of a booking for a user's session. */
export function sessionThing(user: string, id: string): string {
  return `session:${hash("sha256", JSON.stringify([user, id]), "base64url").slice(0, 22)}`;
}

/** Makes the counts, in the same keys as a scope's other items: `{app:scope}:gateway:bytes:ends` and `:sizes`. */
export function createTurnBytes(redis: Redis, bytesMax: number, onError: (error: unknown) => void): TurnBytes {
  const gathered = new Map<string, Gathered>();
  /** Scopes over their bound, with their bytes. */
  const full = new Map<string, number>();
  const writing = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  async function write(scope: string, list: readonly (readonly [string, number, number])[]): Promise<void> {
    const keys = bookedKeys(redis, scope);
    let at = 0;
    do {
      const things = list
        .slice(at, at + THINGS_PER_SCRIPT)
        .flat()
        .map(String);
      const reply = await runScript(redis, bookTurns, keys, { things }, { timeoutMs: WAIT_MS });
      const [, kept] = reply as readonly [string, number];
      if (kept >= bytesMax) full.set(scope, kept);
      else full.delete(scope);
      at += THINGS_PER_SCRIPT;
    } while (at < list.length);
  }

  function writeGathered(scope: string): Promise<void> {
    const { things } = gathered.get(scope) ?? { things: new Map<string, { bytes: number; lifeMs: number }>() };
    gathered.delete(scope);
    const list = [...things].map(([thing, { bytes, lifeMs }]) => [thing, bytes, lifeMs] as const);
    // While Redis cannot serve nothing is counted.
    const written = write(scope, list)
      .catch((error: unknown) => {
        full.delete(scope);
        onError(error);
      })
      .finally(() => writing.delete(written));
    writing.add(written);
    return written;
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    for (const scope of new Set([...gathered.keys(), ...full.keys()])) void writeGathered(scope);
    await Promise.all(writing);
  }

  function isFull(scope: string): boolean {
    if (!full.has(scope)) return false;
    // Deletions and expiries free space without notice here, so check again.
    flushSoon();
    return true;
  }

  function flushSoon(): void {
    timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
  }

  return {
    flush,

    add(scope, thing, bytes, lifeMs) {
      let of = gathered.get(scope);
      if (of === undefined) gathered.set(scope, (of = { bytes: 0, things: new Map() }));
      of.bytes += bytes;
      const known = of.things.get(thing);
      if (known === undefined) of.things.set(thing, { bytes, lifeMs });
      else known.bytes += bytes;
      if (of.bytes >= GATHERED_MAX) void writeGathered(scope);
      else flushSoon();
    },

    check(scope) {
      const kept = full.get(scope);
      if (kept !== undefined && isFull(scope)) throw fullScope({ kept, bytesMax });
    },

    isFull,

    async release(scope, things) {
      for (const thing of things) gathered.get(scope)?.things.delete(thing);
      await write(
        scope,
        things.map((thing) => [thing, -Number.MAX_SAFE_INTEGER, 1] as const),
      );
    },
  };
}
