import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { decodeRecord, encodeRecordBody } from "../redis/index.ts";
import type { Sealing } from "./sealing.ts";

/** Another wording of an entry's question, with the verdict that it asks the same. */
export interface Alias {
  /** The wording, for comparison with later questions. */
  readonly text: string;
  /** Digest of the judged entry: {@link digestOf}. An alias does not hold for an entry stored later. */
  readonly digest: string;
}

const COLON = 0x3a;

/** Identifies one version of an entry, by its stored body. */
export function digestOf(body: Buffer): string {
  return hash("sha1", body);
}

/** Makes the record of an alias. It is sealed for its wording and entry, so it cannot be moved to another entry. */
export function toAliasRecord(alias: Alias, wording: string, entry: string, sealing: Sealing): Buffer {
  return sealing.seal(encodeRecordBody(Buffer.from(JSON.stringify(alias)), "dense"), `${wording}>${entry}`);
}

/** Returns the id of an alias's entry, which precedes its record. */
export function entryOf(alias: Buffer): string {
  return alias.toString("latin1", 0, Math.max(0, alias.indexOf(COLON)));
}

/** Reads an alias; `undefined` if it belongs to another version of the entry or cannot be decrypted. */
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
