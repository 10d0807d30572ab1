import { hash } from "node:crypto";
import { encodeKeyPart, keyTag, shortKeyPart, type ScopedRedis } from "../redis/index.ts";
import type { Fingerprint } from "./question.ts";

const DIGEST_CHARS = 32;

/** Keys of one cache, all in the slot of its scope: `{app:scope}:cache:<name>:…`. */
export interface CacheKeys {
  /** Start of the entries' own keys; an entry's id follows. */
  readonly bodies: string;
  body(id: string): string;
  /** Start of the keys of aliases; the wording's id follows. */
  readonly aliases: string;
  alias(id: string): string;
  /** Verdicts on pairs of wordings, and their cost. */
  readonly judging: { readonly verdicts: string; readonly budget: string };
  /** Counts invalidations, and the last `clear`. */
  readonly epoch: string;
  /** Epoch of each tag's last invalidation. */
  readonly tags: string;
  /** Prefix of the keys of running flights. */
  readonly flights: string;
  /** Audit results by score. */
  audits(judged: string): string;
  /** Index of one partition's questions. Each embedder has its own, because vectors of different embedders are not comparable. */
  vectors(question: Pick<Fingerprint, "partition">, index: string): string;
  /** Entries of one subject. */
  subject(name: string): string;
  /** Time when a subject was last forgotten. Questions asked before are neither stored nor made aliases. */
  forgotten(name: string): string;
  /** Size and worth of entries, in a cache with bounds. */
  readonly stock: { readonly worth: string; readonly stock: string; readonly ends: string };
}

/** Name of an embedder's index. Bits are in an index of their own. */
export function indexName(fingerprint: string | undefined, compact: boolean): string {
  return shortKeyPart(`${fingerprint ?? "none"}${compact ? ".bits" : ""}`);
}

export function cacheKeys(redis: ScopedRedis, name: string): CacheKeys {
  const start = `${keyTag(redis)}:cache:${encodeKeyPart("name", name)}`;
  return {
    bodies: `${start}:entry:`,
    aliases: `${start}:alias:`,
    alias: (id) => `${start}:alias:${id}`,
    judging: { verdicts: `${start}:verdicts`, budget: `${start}:judge-budget` },
    epoch: `${start}:epoch`,
    tags: `${start}:tags`,
    audits: (judged) => `${start}:audits:${encodeKeyPart("judged", shortKeyPart(judged))}`,
    flights: `${start}:flight`,
    body: (id) => `${start}:entry:${id}`,
    vectors: (question, index) => `${start}:vectors:${encodeKeyPart("index", index)}:${question.partition}`,
    subject: (of) => `${start}:subject:${encodeKeyPart("subject", of)}`,
    // A digest, because the name of a forgotten subject must not stay.
    forgotten: (of) => `${start}:forgotten:${hash("sha256", of).slice(0, DIGEST_CHARS)}`,
    stock: { worth: `${start}:worth`, stock: `${start}:stock`, ends: `${start}:ends` },
  };
}
