import { crc32 } from "node:zlib";
import type { FoundItem, Page, StoredItem, VectorDriver } from "./driver.ts";

/**
 * Spreads a namespace over `partitions` namespaces of another driver, each in its own slot and so over a cluster's nodes. An item's id
 * decides its partition; a search queries all of them and merges by similarity. A call stores all or none of its items per partition, but
 * not across partitions.
 */
export function partitionedDriver(driver: VectorDriver, partitions: number): VectorDriver {
  if (partitions === 1) return driver;
  const all = Array.from({ length: partitions }, (_, at) => at);
  const partitionOf = (id: string) => crc32(id) % partitions;
  // No namespace of a caller's has a NUL, so none is another's partition.
  const nameOf = (namespace: string, partition: number) => `${namespace}\0${partition}`;

  async function merge(limit: number, ask: (partition: number) => Promise<readonly FoundItem[]>): Promise<FoundItem[]> {
    const lists = await Promise.all(all.map(ask));
    return lists
      .flat()
      .toSorted((a, b) => b.similarity - a.similarity)
      .slice(0, limit);
  }

  function byPartition<T>(
    things: readonly T[],
    idOf: (thing: T) => string,
  ): { partition: number; things: T[]; at: number[] }[] {
    const groups = new Map<number, { partition: number; things: T[]; at: number[] }>();
    things.forEach((thing, at) => {
      const partition = partitionOf(idOf(thing));
      const group = groups.get(partition) ?? { partition, things: [], at: [] };
      group.things.push(thing);
      group.at.push(at);
      groups.set(partition, group);
    });
    return [...groups.values()];
  }

  const agreed = new Set<string>();
  /** Fixes the contract of every partition before one of them has an item; the first one is where handles meet. */
  async function agree(namespace: string): Promise<void> {
    if (agreed.has(namespace)) return;
    await driver.upsert(nameOf(namespace, 0), []);
    await Promise.all(all.slice(1).map((partition) => driver.upsert(nameOf(namespace, partition), [])));
    agreed.add(namespace);
  }

  return {
    async upsert(namespace, items) {
      await agree(namespace);
      const groups = byPartition(items, ({ id }: StoredItem) => id);
      const counts = await Promise.all(
        groups.map(({ partition, things }) => driver.upsert(nameOf(namespace, partition), things)),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async put(namespace, item, before) {
      await agree(namespace);
      return driver.put(nameOf(namespace, partitionOf(item.id)), item, before);
    },
    replace: (namespace, item, before) => driver.replace(nameOf(namespace, partitionOf(item.id)), item, before),
    search: (namespace, search) =>
      merge(search.limit, (partition) => driver.search(nameOf(namespace, partition), search)),
    async searchWords(namespace, search) {
      const lists = await Promise.all(all.map((partition) => driver.searchWords(nameOf(namespace, partition), search)));
      // Scores of words from different indexes do not compare; ranks are interleaved.
      const longest = Math.max(...lists.map((list) => list?.length ?? 0));
      const known = lists.every((list) => list !== undefined);
      return known
        ? Array.from({ length: longest }, (_, rank) => lists.flatMap((list) => list?.[rank] ?? []))
            .flat()
            .slice(0, search.limit)
        : undefined;
    },
    async read(namespace, ids, withVectors) {
      const read: Awaited<ReturnType<VectorDriver["read"]>>[number][] = Array.from({ length: ids.length });
      await Promise.all(
        byPartition(ids, (id) => id).map(async ({ partition, things, at }) => {
          const found = await driver.read(nameOf(namespace, partition), things, withVectors);
          found.forEach((item, position) => (read[at[position] as number] = item));
        }),
      );
      return read;
    },
    async delete(namespace, ids) {
      const counts = await Promise.all(
        byPartition(ids, (id) => id).map(({ partition, things }) =>
          driver.delete(nameOf(namespace, partition), things),
        ),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async page(namespace, cursor, size): Promise<Page> {
      // "0" begins; "3:17" is the cursor 17 of partition 3.
      const [, at = "0", inner = "0"] = /^(\d+):(.*)$/s.exec(cursor) ?? [];
      const partition = Number(at);
      const page = await driver.page(nameOf(namespace, partition), inner, size);
      if (page.cursor !== "0") return { ids: page.ids, cursor: `${partition}:${page.cursor}` };
      return { ids: page.ids, cursor: partition + 1 < partitions ? `${partition + 1}:0` : "0" };
    },
    async size(namespace) {
      const sizes = await Promise.all(all.map((partition) => driver.size(nameOf(namespace, partition))));
      const sum = (pick: (size: (typeof sizes)[number]) => number | undefined) =>
        sizes.reduce<number | undefined>((total, size) => {
          const value = pick(size);
          return total === undefined || value === undefined ? undefined : total + value;
        }, 0);
      return {
        items: sum(({ items }) => items) ?? 0,
        indexed: sum(({ indexed }) => indexed) ?? 0,
        indexBytes: sum(({ indexBytes }) => indexBytes),
        recordBytes: sum(({ recordBytes }) => recordBytes),
      };
    },
    async drop(namespace) {
      agreed.delete(namespace);
      await Promise.all(all.map((partition) => driver.drop(nameOf(namespace, partition))));
    },
  };
}
