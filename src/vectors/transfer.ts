import { MarrowError } from "../errors.ts";
import { toBytes } from "../internal/bytes.ts";
import type { Item, Vectors } from "./item.ts";
import type { AttributeSchema } from "./options.ts";

/** What became of the lines of an import. */
export interface Imported {
  readonly stored: number;
  /** Items whose end had come. */
  readonly ended: number;
  /** Lines that were refused, from 1; the first thousand. */
  readonly refused: readonly { readonly line: number; readonly error: MarrowError }[];
}

const BATCH = 256;
const REFUSED_MAX = 1_000;

/**
 * A namespace as lines of JSON (JSONL without the line ends), one item each: `id`, `vector` (base64 of little-endian float32, as it is
 * kept), `attributes`, `payload`, and `endsAtMs` where it ends. Reads in pages; what others write meanwhile may be in it or not.
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
 * Stores items from lines that {@link exportItems} wrote; also on another engine, metric or quantisation, if the dimensions are the
 * same. A wrong line keeps no other from being stored; empty lines are nothing. Running it twice is running it once.
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
