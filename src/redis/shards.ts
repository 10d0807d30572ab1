import type { Command, Redis } from "./connection.ts";
import { encodeKeyPart } from "./keys.ts";
import { routingKey } from "./routing.ts";
import { slotOf } from "./slots.ts";
import { dropOldest } from "../internal/drop-oldest.ts";

/** What a client of a cluster knows about its parts. */
export interface Shards {
  /** The place that a command goes to: the address of a master, or the slot if no master is known for it; "" if any node will do. */
  readonly placeOf: (command: Command) => string;
  /** Remembers the slot of a command that the cluster did not serve, until {@link checkShards} finds it served. */
  readonly unserved: (command: Command) => void;
  /** One key for each master, and one for slots without a master, by place. Nothing is stored under these keys. */
  keys(): ReadonlyMap<string, string>;
  /** The hash tags, with braces, of slots that were not served. */
  readonly doubtful: Map<number, string>;
}

/** State of a cluster's parts. */
export interface ShardCheck {
  /** How many masters were asked. 0 if this is no cluster. */
  readonly masters: number;
  /** The errors of masters that did not take a write, one each. */
  readonly failures: readonly unknown[];
  /** The errors of slots that are being moved or have no master, one each, without those of the masters above. */
  readonly unserved: readonly unknown[];
}

/** Tags that are tried to find one for each master: one with a hundredth of the slots is found. */
const TAGS = 1_024;
/** Slots that are remembered as not served. The oldest is forgotten first. */
const DOUBTFUL_MAX = 64;

/** Makes the knowledge of a cluster's parts. `ownerOf` returns the address of a slot's master, as the client knows it. */
export function createShards(app: string, ownerOf: (slot: number) => string | undefined): Shards {
  const doubtful = new Map<number, string>();
  let tags: readonly (readonly [key: string, slot: number])[] | undefined;
  return {
    doubtful,
    placeOf(command) {
      const key = routingKey(command);
      if (key === undefined) return "";
      const slot = slotOf(key);
      return ownerOf(slot) ?? `slot ${slot}`;
    },
    unserved(command) {
      const key = routingKey(command);
      const tag = typeof key === "string" ? /^\{[^}]+\}/.exec(key)?.[0] : undefined;
      if (tag === undefined) return;
      const slot = slotOf(tag);
      if (doubtful.has(slot)) return;
      doubtful.set(slot, tag);
      dropOldest(doubtful, DOUBTFUL_MAX);
    },
    keys() {
      tags ??= Array.from({ length: TAGS }, (_, nth) => {
        const key = `{${encodeKeyPart("app", app)}:ready.${nth}}:gateway:ready`;
        return [key, slotOf(key)];
      });
      const found = new Map<string, string>();
      for (const [key, slot] of tags) {
        const owner = ownerOf(slot) ?? "";
        if (!found.has(owner)) found.set(owner, key);
      }
      return found;
    },
  };
}

const known = new WeakMap<object, Shards>();

/** Notes what a connection knows about its cluster. */
export function keepShards(redis: Redis, shards: Shards): void {
  known.set(redis, shards);
}

/**
 * Asks each master of a cluster for a small write that stores nothing, and each slot that was not served whether it is now, all at once.
 * Two keys of a slot that is being moved are refused (TRYAGAIN), and so are scripts there; one key may be served.
 */
export async function checkShards(redis: Redis, timeoutMs: number): Promise<ShardCheck> {
  const shards = known.get(redis);
  if (shards === undefined) return { masters: 0, failures: [], unserved: [] };
  const masters = [...shards.keys().values()];
  const errorOf = (command: Command) =>
    redis.send(command, { timeoutMs, retry: "safe" }).then(
      () => undefined,
      (error: unknown) => error ?? new Error("unknown"),
    );
  const [failures, unserved] = await Promise.all([
    Promise.all(masters.map((key) => errorOf(["SET", key, "1", "XX"]))),
    Promise.all(
      [...shards.doubtful].map(async ([slot, tag]) => {
        const error = await errorOf(["EXISTS", `${tag}:gateway:ready`, `${tag}:gateway:ready-too`]);
        if (error === undefined) shards.doubtful.delete(slot);
        return error;
      }),
    ),
  ]);
  const isError = (error: unknown) => error !== undefined;
  return { masters: masters.length, failures: failures.filter(isError), unserved: unserved.filter(isError) };
}
