import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";

type Scoped = Pick<ScopedRedis, "app" | "scope">;

/** Start of all that agents of a scope share, one slot: `{app:scope:bus}`. */
export function busKey(redis: Scoped): string {
  return keyTag(redis, ["bus"]);
}

/** Start of a topic's keys, one slot: `{app:scope:topic:<name>}`. */
export function topicKey(redis: Scoped, topic: string): string {
  return keyTag(redis, ["topic", topic]);
}

/** Start of a board's or a lock's keys, one slot each. */
export function sharedKey(redis: Scoped, kind: "board" | "lock", name: string): string {
  return keyTag(redis, [kind, name]);
}

/** A name as a part of a key or a field. */
export function part(path: string, name: string): string {
  return encodeKeyPart(path, name);
}
