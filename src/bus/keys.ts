import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";

type Scoped = Pick<ScopedRedis, "app" | "scope">;

/** Returns the prefix of all keys that agents of a scope share, in one slot: `{app:scope:bus}`. */
export function busKey(redis: Scoped): string {
  return keyTag(redis, ["bus"]);
}

/** Returns the prefix of a topic's keys, in one slot: `{app:scope:topic:<name>}`. */
export function topicKey(redis: Scoped, topic: string): string {
  return keyTag(redis, ["topic", topic]);
}

/** Returns the prefix of a board's or a lock's keys, each in one slot. */
export function sharedKey(redis: Scoped, kind: "board" | "lock", name: string): string {
  return keyTag(redis, [kind, name]);
}

/** Encodes a name as a part of a key or a field. */
export function part(path: string, name: string): string {
  return encodeKeyPart(path, name);
}
