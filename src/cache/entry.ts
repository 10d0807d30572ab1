import { MarrowError } from "../errors.ts";
import { decodeRecordInTurns, type Reply } from "../redis/index.ts";
import { entryOf } from "./alias.ts";
import type { Sealing } from "./sealing.ts";

/** A stored answer, as in its record. */
export interface Entry {
  /** The answer. */
  readonly value: unknown;
  /** Prompt of the answer, for comparison. */
  readonly text: string;
  /** Times of storage and expiry in milliseconds since 1970, by the clock of the process that stored it. */
  readonly storedAtMs: number;
  readonly endsAtMs: number;
  /** Names of the answer's sources. */
  readonly tags?: readonly string[] | undefined;
  /** Cost of the answer, as `toStoredCost` writes it. */
  readonly cost?: unknown;
}

/** Number of invalidations in a cache, and the epoch of the last `clear`. */
export interface Epoch {
  readonly present: number;
  readonly all: number;
}

/** Reads the epoch's key; it is missing if nothing was ever invalidated in the cache. */
export function toEpoch(reply: Reply): Epoch {
  const [, present = "0", all = "0"] = /^(\d+):(\d+)$/.exec(reply === null ? "" : String(reply)) ?? [];
  return { present: Number(present), all: Number(all) };
}

/** A stored question near the asked one: of an entry or an alias. */
export interface Candidate {
  /** Id of the question itself. */
  readonly wording: string;
  /** Id of its entry; the same for the entry's own question. */
  readonly id: string;
  /** Cosine, -1 to 1. */
  readonly similarity: number;
  /** Body of its entry, read only if the candidate is near enough. */
  readonly body: Buffer;
  /** Record of the alias; empty for the entry's own question. */
  readonly alias: Buffer;
}

/** An entry with the epoch in which its question was asked. */
export interface StoredEntry extends Entry {
  readonly since: number;
}

const COLON = 0x3a;

/** Decodes the body of an entry: a small one at once, a large one in turns. @throws MarrowError `corrupt_record`, `newer_record` */
export function toEntry(body: Buffer, id: string, sealing: Sealing): StoredEntry | Promise<StoredEntry> {
  if (!Buffer.isBuffer(body)) throw new MarrowError("corrupt_record", "a stored cache entry has no body");
  const colon = body.indexOf(COLON);
  const since = Number(body.toString("latin1", 0, Math.max(0, colon)));
  if (colon < 1 || !Number.isSafeInteger(since))
    throw new MarrowError("corrupt_record", "a stored cache entry has no epoch");
  const decoded = decodeRecordInTurns(sealing.open(body.subarray(colon + 1), id));
  return decoded instanceof Promise ? decoded.then((one) => toStored(one, since)) : toStored(decoded, since);
}

function toStored(decoded: unknown, since: number): StoredEntry {
  const entry = decoded as Partial<Entry> | null;
  if (typeof entry?.text !== "string" || typeof entry.storedAtMs !== "number" || typeof entry.endsAtMs !== "number") {
    throw new MarrowError("corrupt_record", "a stored cache entry lacks its fields");
  }
  return { ...(entry as Entry), since };
}

/** Reads the reply of `find_similar`; vector sets score (1 + cosine) / 2. @throws MarrowError `corrupt_record` */
export function toCandidates(reply: Reply): { readonly epoch: Epoch; readonly candidates: Candidate[] } {
  if (!Array.isArray(reply)) throw new MarrowError("corrupt_record", "the cache's script returned an unexpected reply");
  const parts = reply as readonly Reply[];
  const candidates: Candidate[] = [];
  for (let at = 1; at + 3 < parts.length; at += 4) {
    const [element, score, body, alias] = [parts[at], parts[at + 1], parts[at + 2], parts[at + 3]];
    if (!Buffer.isBuffer(body) || !Buffer.isBuffer(alias))
      throw new MarrowError("corrupt_record", "a stored cache entry has no body");
    const wording = String(element);
    const id = alias.length === 0 ? wording : entryOf(alias);
    candidates.push({ wording, id, similarity: Number(String(score)) * 2 - 1, body, alias });
  }
  return { epoch: toEpoch(parts[0] ?? null), candidates };
}
