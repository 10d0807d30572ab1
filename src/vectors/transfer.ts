import { MarrowError } from "../errors.ts";
import { toBytes } from "../internal/bytes.ts";
import type { Item, Vectors } from "./item.ts";
import type { AttributeSchema } from "./options.ts";

/** Result of an import. */
export interface Imported {
  readonly stored: number;
  /** Items that had expired. */
  readonly ended: number;
  /** Refused lines, counted from 1; at most the first thousand. */
  readonly refused: readonly { readonly line: number; readonly error: MarrowError }[];
}

const BATCH = 256;
const REFUSED_MAX = 1_000;

/**
 * Exports a namespace as lines of JSON (JSONL without line ends), one item each: `id`, `vector` (base64 of little-endian float32, as
 * stored), `attributes`, `payload`, and `endsAtMs` if it expires. Reads in pages; concurrent writes may be included or not.
 */
export async function* exportItems<S extends AttributeSchema>(vectors: Vectors<S>): AsyncGenerator<string> {
  for await (const page of vectors.scan({ withVectors: true })) {
    for (const { id, vector, attributes, payload, ttlMs } of page) {
      if (vector === undefined) continue;
      const endsAtMs = ttlMs === undefined ? undefined : Date.now() + ttlMs;
      yield JSON.stringify({ id, vector: toBytes(vector).toString("base64"), attributes, payload, endsAtMs });
    }
  }
}

/**
 * Imports items from lines that {@link exportItems} wrote, also into another engine, metric or quantisation of the same dimensions. An
 * invalid line does not prevent the others; empty lines are skipped. Running it twice has the same result.
 */
export async function importItems<S extends AttributeSchema>(
  vectors: Vectors<S>,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<Imported> {
  const refused: { line: number; error: MarrowError }[] = [];
  let [stored, ended, line] = [0, 0, 0];
  let batch: { line: number; item: Item<S> }[] = [];
  const refuse = (at: number, error: MarrowError) => {
    if (refused.length < REFUSED_MAX) refused.push({ line: at, error });
  };
  const flush = async () => {
    const results = await vectors.upsert(batch.map(({ item }) => item));
    results.forEach((result, at) => {
      if (result.stored) stored += 1;
      else refuse(batch[at]?.line ?? 0, result.error);
    });
    batch = [];
  };
  for await (const text of lines) {
    line += 1;
    if (text.trim() === "") continue;
    try {
      const item = toItem<S>(text);
      if (item.ttlMs !== undefined && item.ttlMs <= 0) ended += 1;
      else batch.push({ line, item });
    } catch (cause) {
      refuse(line, new MarrowError("invalid_input", "the line is not an item", { cause, details: { line } }));
    }
    if (batch.length >= BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return { stored, ended, refused };
}

function toItem<S extends AttributeSchema>(text: string): Item<S> {
  const { vector, endsAtMs, ...rest } = JSON.parse(text) as Omit<Item<S>, "vector"> & {
    vector: string;
    endsAtMs?: number;
  };
  const bytes = Buffer.from(vector, "base64");
  const floats = new Float32Array(Math.floor(bytes.length / 4));
  for (let at = 0; at < floats.length; at += 1) floats[at] = bytes.readFloatLE(at * 4);
  return { ...rest, vector: floats, ...(endsAtMs !== undefined && { ttlMs: Math.ceil(endsAtMs - Date.now()) }) };
}
