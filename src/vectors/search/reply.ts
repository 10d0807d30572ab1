import { MarrowError } from "../../errors.ts";
import type { Reply } from "../../redis/index.ts";

/** A document as FT.SEARCH answers it. */
export interface FoundDocument {
  readonly key: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

/**
 * Reads what FT.SEARCH answers with RETURN: `[total, key, fields, …]` in RESP2 (and from valkey-search always), a map of `results`
 * in RESP3. A document whose fields are null or empty ended while it was being searched: it is left out, never given half.
 * @throws MarrowError `timeout` when the server stopped before it was done; only RESP3 tells
 */
export function readSearchReply(reply: Reply): FoundDocument[] {
  if (!Array.isArray(reply)) throw malformed();
  const list = reply as readonly Reply[];
  if (typeof list[0] === "number") {
    const pairs = Array.from({ length: Math.floor((list.length - 1) / 2) }, (_, at) => at * 2 + 1);
    return pairs.flatMap((at) => toDocument(list[at], list[at + 1]));
  }
  const answer = toMap(list);
  const warnings = (answer.get("warning") ?? []) as readonly Reply[];
  if (warnings.some((warning) => /timeout/i.test(String(warning))))
    throw new MarrowError("timeout", "the server ended the search before it was done");
  const results = answer.get("results");
  if (!Array.isArray(results)) throw malformed();
  return (results as readonly Reply[]).flatMap((result) => {
    const row = toMap(result as readonly Reply[]);
    return toDocument(row.get("id"), row.get("extra_attributes"));
  });
}

/** A flat list of names and values as a map. */
export function toMap(list: readonly Reply[]): ReadonlyMap<string, Reply> {
  return new Map(
    Array.from({ length: Math.floor(list.length / 2) }, (_, at) => [String(list[at * 2]), list[at * 2 + 1] as Reply]),
  );
}

function toDocument(key: Reply | undefined, fields: Reply | undefined): FoundDocument[] {
  if (key === undefined || !Array.isArray(fields) || fields.length === 0) return [];
  return [{ key: String(key), fields: toMap(fields as readonly Reply[]) as ReadonlyMap<string, Buffer> }];
}

function malformed(): MarrowError {
  return new MarrowError("unsupported", "the server's search answers in a form that is not known");
}
