import { MarrowError } from "../errors.ts";
import { decodeRecord, type Reply } from "../redis/index.ts";

/** A stored answer, as it lies in its record. */
export interface Entry {
  /** The answer. */
  readonly value: unknown;
  /** The prompt that it answered, for the guard. */
  readonly text: string;
  /** When it was stored and when it ends, in milliseconds since 1970 by the clock of the process that stored it. */
  readonly storedAtMs: number;
  readonly endsAtMs: number;
}

/** A stored question near to the one that was asked. */
export interface Candidate {
  readonly id: string;
  /** Cosine, -1 to 1. */
  readonly similarity: number;
  /** Its entry's record: read only when the candidate is near enough. */
  readonly record: Buffer;
}

/** Reads an entry's record. @throws MarrowError `corrupt_record`, `newer_record` */
export function toEntry(record: Uint8Array): Entry {
  const entry = decodeRecord(record) as Partial<Entry> | null;
  if (typeof entry?.text !== "string" || typeof entry.storedAtMs !== "number" || typeof entry.endsAtMs !== "number") {
    throw new MarrowError("corrupt_record", "a stored cache entry lacks its fields");
  }
  return entry as Entry;
}

/** Reads the reply of `find_similar`; vector sets score (1 + cosine) / 2. @throws MarrowError `corrupt_record` */
export function toCandidates(reply: Reply): Candidate[] {
  if (!Array.isArray(reply)) throw new MarrowError("corrupt_record", "the cache's script gave an unexpected answer");
  const parts = reply as readonly Reply[];
  const candidates: Candidate[] = [];
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [id, score, record] = [parts[at], parts[at + 1], parts[at + 2]];
    if (!Buffer.isBuffer(record)) throw new MarrowError("corrupt_record", "a stored cache entry has no record");
    candidates.push({ id: String(id), similarity: Number(String(score)) * 2 - 1, record });
  }
  return candidates;
}
