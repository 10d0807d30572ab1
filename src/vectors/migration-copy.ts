import { decodeRecord } from "../redis/index.ts";
import type { ReadItem } from "./driver.ts";
import type { Item, Vectors } from "./item.ts";
import type { Attributes, AttributeSchema } from "./options.ts";
import { pagesOf } from "./pages.ts";
import { countFound } from "./recall.ts";
import type { Vector } from "./vector.ts";
import { insidesOf } from "./vectors.ts";

/** An item without its vector, from which an embedder makes one. */
export type Source<S extends AttributeSchema> = Omit<Item<S>, "vector">;

/** One side of a migration: a collection and its embedder. */
export interface MigrationSide<S extends AttributeSchema, Q> {
  readonly vectors: Vectors<S>;
  /** Returns the vectors of items, in order. */
  readonly embed: (items: readonly Source<S>[]) => Promise<readonly Vector[]>;
  /** Returns the vector of a query. */
  readonly embedQuery: (query: Q) => Promise<Vector>;
}

/** Result of a copy run. */
export interface Copied {
  readonly scanned: number;
  readonly copied: number;
}

/** Attempts at an item that others change during the copy; the next run copies the rest. */
const TRIES = 5;

/** Reads the ids of a collection, page by page. */
export function idsOf<S extends AttributeSchema>(
  vectors: Vectors<S>,
  start: string,
  size: number,
): ReturnType<typeof pagesOf> {
  const { driver, namespace } = insidesOf(vectors);
  return pagesOf(driver, namespace, start, size);
}

/**
 * Copies the given items that are missing or different on the new side. An item only replaces the version that was read, so concurrent
 * writes survive. It is read again afterwards, so that items changed or deleted on the old side meanwhile do not reappear.
 */
export async function copyMissing<S extends AttributeSchema, Q>(
  from: MigrationSide<S, Q>,
  to: MigrationSide<S, Q>,
  some: readonly string[],
): Promise<Copied> {
  const [source, target] = [insidesOf(from.vectors), insidesOf(to.vectors)];
  let ids: readonly string[] = [...new Set(some)];
  let [scanned, copied] = [0, 0];
  for (let attempt = 0; attempt < TRIES && ids.length > 0; attempt += 1) {
    const wanted = await source.driver.read(source.namespace, ids, false);
    const present = await target.driver.read(target.namespace, ids, false);
    if (attempt === 0) scanned = wanted.filter((item) => item !== undefined).length;
    const missing = ids.flatMap((id, at) => {
      const [item, old] = [wanted[at], present[at]];
      if (item === undefined || (old !== undefined && old.record.equals(item.record))) return [];
      return [{ source: toSource<S>(id, item), item, before: old?.record }];
    });
    // Items that existed when they were copied and are deleted now: the deletion may have come before the copy.
    const gone = ids.filter((_, at) => wanted[at] === undefined && present[at] !== undefined);
    if (attempt > 0 && gone.length > 0) await target.driver.delete(target.namespace, gone);
    const vectors = missing.length === 0 ? [] : await to.embed(missing.map((one) => one.source));
    for (const [
      at,
      {
        source: { id, attributes, payload },
        item,
        before,
      },
    ] of missing.entries()) {
      const vector = vectors[at] as Float32Array;
      const stored = target.toStoredItem({ id, vector, attributes, payload });
      const put = await target.driver.put(
        target.namespace,
        { ...stored, record: item.record, ttlMs: item.ttlMs },
        before,
      );
      if (put) copied += 1;
    }
    ids = missing.map((one) => one.source.id);
  }
  return { scanned, copied };
}

/** Deletes items of the new side that the old one lacks; returns how many. */
export async function removeStrays<S extends AttributeSchema>(from: Vectors<S>, to: Vectors<S>): Promise<number> {
  const [source, target] = [insidesOf(from), insidesOf(to)];
  let removed = 0;
  for await (const { ids } of idsOf(to, "0", 256)) {
    const wanted = await source.driver.read(source.namespace, ids, false);
    const strays = ids.filter((_, at) => wanted[at] === undefined);
    if (strays.length > 0) removed += await target.driver.delete(target.namespace, strays);
  }
  return removed;
}

/** Measures recall: the fraction of true neighbours that searches find, for some of a collection's own items; 1 for an empty collection. */
export async function recallOf<S extends AttributeSchema>(vectors: Vectors<S>, samples: number): Promise<number> {
  const chosen: Float32Array[] = [];
  for await (const page of vectors.scan({ withVectors: true, pageSize: Math.min(samples, 512) })) {
    for (const { vector } of page) if (vector !== undefined && chosen.length < samples) chosen.push(vector);
    if (chosen.length >= samples) break;
  }
  let [found, wanted] = [0, 0];
  for (const vector of chosen) {
    const [near, truth] = [await vectors.search({ vector }), await vectors.search({ vector, exact: true })];
    found += countFound(near, truth);
    wanted += truth.length;
  }
  return wanted === 0 ? 1 : Math.min(1, found / wanted);
}

function toSource<S extends AttributeSchema>(id: string, { record, ttlMs }: ReadItem): Source<S> {
  const { attributes, payload } = decodeRecord(record) as { attributes: Attributes<S>; payload: unknown };
  return { id, attributes, payload, ...(ttlMs > 0 && { ttlMs }) };
}
