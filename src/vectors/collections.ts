import { checkScope, type ScopedRedis } from "../redis/index.ts";
import { decideEngine, type RedisEngine } from "./engine.ts";
import { listNoted, note, type ListedOptions, type ListedPage } from "./listing.ts";
import { chosenEngine, type AttributeSchema, type RecallReport, type VectorsOptions } from "./options.ts";
import type { Metric } from "./scale.ts";

/** A collection as the latest writing process described it. */
export interface CollectionAbout {
  readonly name: string;
  readonly engine: RedisEngine;
  readonly dimensions: number;
  readonly metric: Metric;
  readonly index: "hnsw" | "flat";
  readonly quantisation?: VectorsOptions<AttributeSchema>["quantisation"];
  readonly partitions?: number | undefined;
  readonly capacity?: number | undefined;
  readonly lengthMax?: number | undefined;
  readonly attributes: AttributeSchema;
  readonly fingerprint: string;
  /** Time of the last update, ms since 1970. A writing process updates it every ten minutes, and at each sample of recall. */
  readonly seenAtMs: number;
  /** Recall measured by that process; absent if its self-check is off or has no sample yet. */
  readonly recall?: RecallReport | undefined;
}

/** Records that a scope has a collection: now and then, or at once if there is `news` of its recall. */
export function noteCollection<S extends AttributeSchema>(
  redis: ScopedRedis,
  options: VectorsOptions<S>,
  { recall, news = false }: { readonly recall?: RecallReport | undefined; readonly news?: boolean } = {},
): void {
  const { name, dimensions, metric, index, quantisation, partitions, capacity, lengthMax } = options;
  const { attributes = {}, fingerprint = "unnamed" } = options;
  const shape = { dimensions, metric, index, quantisation, partitions, capacity, lengthMax, attributes, fingerprint };
  const chosen = chosenEngine(options);
  const engine = chosen === "auto" ? decideEngine(redis) : Promise.resolve(chosen);
  engine
    .then((decided) => {
      const known = recall !== undefined && recall.samples > 0 ? { recall } : {};
      note(redis, "collections", name, () => ({ ...shape, engine: decided, seenAtMs: Date.now(), ...known }), news);
    })
    .catch(() => {
      // Without an engine nothing was written either.
    });
}

/**
 * Lists a scope's collections by name: those that a process has written to, at most the first 10,000. Collections of roles (`listed:
 * false`) and on PostgreSQL are not included. Two round trips, however many there are. @throws MarrowError `invalid_input`
 */
export async function listCollections(
  redis: ScopedRedis,
  options: ListedOptions = {},
): Promise<ListedPage<CollectionAbout>> {
  return listNoted<Omit<CollectionAbout, "name">>(checkScope(redis), "collections", options);
}
