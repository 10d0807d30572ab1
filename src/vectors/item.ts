import type { MarrowError } from "../errors.ts";
import type { Where } from "./filter.ts";
import type { Attributes, AttributeSchema, RecallReport } from "./options.ts";
import type { Vector } from "./vector.ts";

/** An item to store. */
export interface Item<S extends AttributeSchema> {
  /** 1 to 512 characters. An item with the same id in the namespace is replaced. */
  readonly id: string;
  /** As many finite numbers as the collection has dimensions; not all zero, except for `l2`. */
  readonly vector: Vector;
  readonly attributes?: Attributes<S> | undefined;
  /** Any JSON value, returned unchanged. */
  readonly payload?: unknown;
  /** TTL in milliseconds, up to 366 days. @default no expiry */
  readonly ttlMs?: number | undefined;
}

/** A stored item. */
export interface StoredEntry<S extends AttributeSchema> {
  readonly id: string;
  readonly attributes: Attributes<S>;
  readonly payload: unknown;
  /** Remaining TTL in milliseconds; absent without an expiry, and in search results. */
  readonly ttlMs?: number | undefined;
  /** If requested: the stored vector, rounded by the quantisation, with its original length. */
  readonly vector?: Float32Array | undefined;
}

/** An item that a search found. */
export interface Match<S extends AttributeSchema> extends Omit<StoredEntry<S>, "ttlMs"> {
  /** Larger is nearer. `cosine`: -1 to 1. `ip`: the dot product. `l2`: 1 / (1 + distance), above 0 up to 1. */
  readonly similarity: number;
  /** Ranking score, if `words` or `rerank` determined the order. */
  readonly score?: number | undefined;
}

/** The result for one item of a batch. */
export type ItemResult =
  | { readonly id: string; readonly stored: true }
  | { readonly id: string; readonly stored: false; readonly error: MarrowError };

/** A search. */
export interface Search<S extends AttributeSchema> {
  readonly vector: Vector;
  /** 1 to 1,000. @default 10 */
  readonly limit?: number | undefined;
  /** Least similarity of a match. @default none */
  readonly minSimilarity?: number | undefined;
  readonly where?: Where<S> | undefined;
  /** Compares with every vector instead of using the index: exact, at the cost of reading the whole namespace. @default false */
  readonly exact?: boolean | undefined;
  /**
   * Search effort in the graph, 1 to 10,000: more finds more and costs more. @default 100, or the effort chosen by the recall self-check
   */
  readonly effort?: number | undefined;
  /**
   * Text whose words also count, in attributes of kind `text`; both rankings are fused. An engine without a text index (vector sets,
   * valkey-search) only reranks the nearest candidates by words, and finds no others. @default none
   */
  readonly words?: string | undefined;
  /** Diversity of the matches, 0 to 1 (maximal marginal relevance). @default 0 */
  readonly diversity?: number | undefined;
  /** Reranks the candidates: returns one score for each, in their order; larger is better. @default none */
  readonly rerank?: ((matches: readonly Match<S>[]) => Promise<readonly number[]> | readonly number[]) | undefined;
  /** Candidates that `words`, `diversity` and `rerank` choose from, `limit` to 1,000. @default 4 x limit, at least 50 */
  readonly candidates?: number | undefined;
  /** Includes each match's vector. @default false */
  readonly withVectors?: boolean | undefined;
}

/** Size of a namespace. */
export interface VectorsInfo {
  readonly items: number;
  /** Absent if the engine does not report it, or the user may not read it. */
  readonly indexBytes?: number | undefined;
  readonly recordBytes?: number | undefined;
  /** Index bytes per item, 0 if empty. */
  readonly bytesPerVector?: number | undefined;
  /** Recommended index: `flat` while comparing with every vector is cheap, else `hnsw`. */
  readonly advice: "flat" | "hnsw";
}

/** One namespace of a collection. */
export interface Vectors<S extends AttributeSchema> {
  /** Attributes that items may have and filters may use. */
  readonly attributes: S;
  /** Returns another namespace of the same collection: a hard partition, so no call sees two of them. @default "default" */
  namespace(name: string): Vectors<S>;
  /**
   * Stores items. Each has its own result, in order; an invalid item does not prevent the others. One round trip per 16 items.
   * @throws MarrowError `conflict` if the collection contains vectors of another kind; `unavailable`, `timeout`
   */
  upsert(items: readonly Item<S>[]): Promise<ItemResult[]>;
  /** Returns the nearest items, nearest first. One round trip. @throws MarrowError `invalid_input`, `conflict` */
  search(search: Search<S>): Promise<Match<S>[]>;
  /** Returns items by id, in order; `undefined` for missing ones. One round trip. */
  get(
    ids: readonly string[],
    options?: { readonly withVectors?: boolean | undefined },
  ): Promise<(StoredEntry<S> | undefined)[]>;
  /**
   * Changes attributes (merged over the present ones; `undefined` removes one) and payload, without the vector and the TTL. Two round
   * trips. Returns whether the item exists.
   * @throws MarrowError `conflict` under constant concurrent changes of the same item
   */
  update(
    id: string,
    change: { readonly attributes?: Attributes<S> | undefined; readonly payload?: unknown },
  ): Promise<boolean>;
  /** Deletes items by id; returns how many existed. One round trip per 256 ids. */
  delete(ids: readonly string[]): Promise<number>;
  /**
   * Deletes the items that match a filter, or only counts them (`dryRun`). An empty filter is refused: use `drop` to delete everything.
   * Reads the whole namespace in pages. Returns the number of items.
   */
  deleteWhere(where: Where<S>, options?: { readonly dryRun?: boolean | undefined }): Promise<number>;
  /** Yields all items in pages, in no order. An item that exists throughout appears at least once. */
  scan(options?: {
    readonly where?: Where<S> | undefined;
    readonly pageSize?: number | undefined;
    readonly withVectors?: boolean | undefined;
    /** Called for an unreadable item, which is then skipped. @default the scan ends with its error */
    readonly onUnreadable?: ((id: string, code: "corrupt_record" | "newer_record") => void) | undefined;
  }): AsyncIterable<StoredEntry<S>[]>;
  /** Counts the unexpired items. One round trip. */
  count(): Promise<number>;
  /** Returns sizes, bytes per item, and the recommended index. */
  info(): Promise<VectorsInfo>;
  /** Returns the result of the recall self-check over all namespaces that this handle searched; absent if it is off. */
  recall(): RecallReport | undefined;
  /** Deletes the namespace and all its items. */
  drop(): Promise<void>;
}
