import type { Embedder } from "../embedders/index.ts";
import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";
import type { Fingerprint } from "./question.ts";

/** Keys of one cache, all in the slot of its scope: `{app:scope}:cache:<name>:…`. */
export interface CacheKeys {
  /** Start of the entries' own keys; an entry's id follows. */
  readonly bodies: string;
  body(id: string): string;
  /** How often something was invalidated, and when all was. */
  readonly epoch: string;
  /** Which epoch ended which tag. */
  readonly tags: string;
  /** Start of the keys of what is asked for just now. */
  readonly flights: string;
  /** What audits found, by score. */
  audits(judged: string): string;
  /** The index of one partition's questions; an embedder never reads what another wrote. */
  vectors(question: Fingerprint, embedder: Pick<Embedder, "fingerprint">): string;
  due(question: Fingerprint, embedder: Pick<Embedder, "fingerprint">): string;
}

export function cacheKeys(redis: ScopedRedis, name: string): CacheKeys {
  const start = `${keyTag(redis)}:cache:${encodeKeyPart("name", name)}`;
  const index = (kind: string, { partition }: Fingerprint, { fingerprint }: Pick<Embedder, "fingerprint">) =>
    `${start}:${kind}:${encodeKeyPart("fingerprint", fingerprint)}:${partition}`;
  return {
    bodies: `${start}:entry:`,
    epoch: `${start}:epoch`,
    tags: `${start}:tags`,
    audits: (judged) => `${start}:audits:${encodeKeyPart("judged", judged)}`,
    flights: `${start}:flight`,
    body: (id) => `${start}:entry:${id}`,
    vectors: (question, embedder) => index("vectors", question, embedder),
    due: (question, embedder) => index("due", question, embedder),
  };
}
