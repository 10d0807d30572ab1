import { MarrowError } from "../../errors.ts";
import type { Reply } from "../../redis/index.ts";

/** A document in a reply of FT.SEARCH. */
export interface FoundDocument {
  readonly key: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

/**
 * Reads a reply of FT.SEARCH with RETURN: `[total, key, fields, …]` in RESP2 (and always from valkey-search), a map of `results` in RESP3.
 * A document with null or empty fields expired during the search, and is left out.
 * @throws MarrowError `timeout` if the server stopped early; only RESP3 reports it
 */
export function readSearchReply(reply: Reply): FoundDocument[] {
  if (!Array.isArray(reply)) throw malformed();
  const list = reply as readonly Reply[];
  if (typeof list[0] === "number") {
    const pairs = Array.from({ length: Math.floor((list.length - 1) / 2) }, (_, at) => at * 2 + 1);
    return pairs.flatMap((at) => toDocument(list[at], list[at + 1]));
  }
  const answer = toMap(list);
  const warnings = answer.get("warning") ?? [];
  if ([warnings].flat().some((warning) => /timeout/i.test(String(warning))))
    throw new MarrowError("timeout", "the server aborted the search before it finished");
  const results = answer.get("results");
  if (!Array.isArray(results)) throw malformed();
  return (results as readonly Reply[]).flatMap((result) => {
    if (!Array.isArray(result)) return [];
    const row = toMap(result as readonly Reply[]);
    return toDocument(row.get("id"), row.get("extra_attributes"));
  });
}

/** Parses a distance; NaN if it is not a number: an empty text is not zero. */
export function toDistance(bytes: Buffer | undefined): number {
  return bytes === undefined || bytes.length === 0 ? Number.NaN : Number(String(bytes));
}

/** Converts a flat list of names and values to a map. */
export function toMap(list: readonly Reply[]): ReadonlyMap<string, Reply> {
  return new Map(
    Array.from({ length: Math.floor(list.length / 2) }, (_, at) => [String(list[at * 2]), list[at * 2 + 1] as Reply]),
  );
}

function toDocument(key: Reply | undefined, fields: Reply | undefined): FoundDocument[] {
  if (key === undefined || key === null || !Array.isArray(fields) || fields.length === 0) return [];
  const values = [...toMap(fields as readonly Reply[])].flatMap(([name, value]) =>
    value === null ? [] : [[name, Buffer.isBuffer(value) ? value : Buffer.from(String(value))] as const],
  );
  return [{ key: String(key), fields: new Map(values) }];
}

/**
 * Returns true for an error that means the server's own time limit ended a search. RediSearch, valkey-search and MemoryDB word it
 * differently.
 */
export function gaveUp({ cause }: MarrowError): boolean {
  return cause instanceof Error && /time(?:d)? ?out|time limit/i.test(cause.message);
}

/** Builds the error for an existing index that refuses this version's searches. */
export function notOurs(index: string, cause: MarrowError): MarrowError {
  return new MarrowError(
    "redis_rejected",
    `the search index ${index} refuses the searches of this version: it may be another program's, or another version's. Drop it ` +
      "(FT.DROPINDEX, without DD); it is made anew, and finds what is stored",
    { cause },
  );
}

function malformed(): MarrowError {
  return new MarrowError("unsupported", "the server's search replied in an unknown format");
}
