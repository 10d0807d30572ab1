import { decodeRecord, encodeKeyPart, encodeRecord, keyTag, type ScopedRedis } from "../redis/index.ts";

/** Location of a thread: the user whose session it is. */
export interface ThreadPlace {
  readonly resourceId: string;
}

/** Location of a message: a turn of a session. */
export interface MessagePlace extends ThreadPlace {
  readonly threadId: string;
  readonly sequence: number;
}

/** Finds threads and messages by id alone, as Mastra requires. */
export interface Places<P> {
  find(id: string): Promise<P | undefined>;
  put(id: string, place: P): Promise<void>;
  remove(id: string): Promise<void>;
}

/** Makes the locations of one kind. Each is a small record with a TTL of `ttlMs` after its last use. */
export function createPlaces<P>(
  redis: ScopedRedis,
  {
    kind,
    name,
    ttlMs,
  }: { readonly kind: "thread" | "message" | "resource"; readonly name: string; readonly ttlMs: number },
): Places<P> {
  const keyOf = (id: string) =>
    `${keyTag(redis, [`mastra/${kind}/${id}`])}:mastra:${encodeKeyPart("name", name)}:${kind}`;
  return {
    async find(id) {
      const reply = await redis.send(["GETEX", keyOf(id), "PX", String(ttlMs)], { reply: "bytes", retry: "safe" });
      return Buffer.isBuffer(reply) ? (decodeRecord(reply) as P) : undefined;
    },
    async put(id, place) {
      await redis.send(["SET", keyOf(id), encodeRecord(place), "PX", String(ttlMs)], { retry: "safe" });
    },
    async remove(id) {
      await redis.send(["DEL", keyOf(id)], { retry: "safe" });
    },
  };
}
