import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { decodeRecord, encodeRecordBody } from "../redis/index.ts";
import type { Sealing } from "./sealing.ts";

/** Another wording of an entry's question, judged the same. */
export interface Alias {
  /** The wording, for the proof of later questions. */
  readonly text: string;
  /** Digest of the entry that it was judged for: {@link digestOf}. Of an entry that was stored anew, it is no alias. */
  readonly digest: string;
}

const COLON = 0x3a;

/** Names one version of an entry, by its body as it lies in Redis. */
export function digestOf(body: Buffer): string {
  return hash("sha1", body);
}

/** The record of an alias; sealed for its wording and its entry, so that nobody can lead it elsewhere. */
export function toAliasRecord(alias: Alias, wording: string, entry: string, sealing: Sealing): Buffer {
  return sealing.seal(encodeRecordBody(Buffer.from(JSON.stringify(alias)), "dense"), `${wording}>${entry}`);
}

/** The id of the entry that an alias leads to, as it stands before its record. */
export function entryOf(alias: Buffer): string {
  return alias.toString("latin1", 0, Math.max(0, alias.indexOf(COLON)));
}

/** Reads an alias; `undefined` when it is not of this version of the entry, or does not open. */
export function toAlias(stored: Buffer, wording: string, body: Buffer, sealing: Sealing): Alias | undefined {
  try {
    const record = stored.subarray(stored.indexOf(COLON) + 1);
    const { text, digest } = decodeRecord(sealing.open(record, `${wording}>${entryOf(stored)}`)) as Partial<Alias>;
    if (typeof text !== "string" || digest !== digestOf(body)) return undefined;
    return { text, digest };
  } catch (error) {
    if (MarrowError.is(error, "corrupt_record") || error instanceof TypeError) return undefined;
    throw error;
  }
}
