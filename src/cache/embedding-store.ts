import { hash } from "node:crypto";
import type { EmbeddingStore } from "../embedders/index.ts";
import { toBytes } from "../internal/bytes.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { checkScope, encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";
import { checkTtl } from "./options.ts";

/** Options of {@link createEmbeddingStore}. */
export interface EmbeddingStoreOptions {
  /** Name of this store within its scope. */
  readonly name: string;
  /** TTL of a vector, in milliseconds. @default 604_800_000 (seven days) */
  readonly ttlMs?: number | undefined;
  /** Longest wait for Redis, in milliseconds. @default 100 */
  readonly timeoutMs?: number | undefined;
}

/**
 * Caches an expensive embedder's vectors in Redis, for `sharedEmbedder`: one string of float32 per text, keyed by the embedder's
 * fingerprint and a hash of the text. One round trip to read and one to write any number of texts.
 */
export function createEmbeddingStore(redis: ScopedRedis, options: EmbeddingStoreOptions): EmbeddingStore {
  const scoped = checkScope(redis);
  const start = `${keyTag(scoped)}:embeddings:${encodeKeyPart("name", checkText("name", options.name, 128))}`;
  const ttlMs = checkTtl("ttlMs", options.ttlMs ?? 7 * 86_400_000);
  const timeoutMs = checkInteger("timeoutMs", options.timeoutMs ?? 100, { min: 1, max: 60_000 });
  const keyOf = (fingerprint: string, text: string) =>
    `${start}:${encodeKeyPart("fingerprint", fingerprint)}:${hash("sha256", text).slice(0, 32)}`;

  return {
    async get(fingerprint, texts) {
      const replies = await scoped.send(["MGET", ...texts.map((text) => keyOf(fingerprint, text))], {
        reply: "bytes",
        timeoutMs,
      });
      return (replies as readonly (Buffer | null)[]).map((bytes) => (bytes === null ? undefined : toVector(bytes)));
    },
    async set(fingerprint, entries) {
      const commands = entries.map(({ text, vector }) => {
        const bytes = toBytes(vector);
        return ["SET", keyOf(fingerprint, text), bytes, "PX", String(ttlMs)];
      });
      const failed = (await scoped.pipeline(commands, { timeoutMs, retry: "safe" })).find(
        (reply) => reply instanceof Error,
      );
      if (failed !== undefined) throw failed;
    },
  };
}

function toVector(bytes: Buffer): Float32Array {
  // A copy: the reply's bytes may lie anywhere in a shared buffer, and floats must be aligned.
  return new Float32Array(new Uint8Array(bytes).buffer);
}
