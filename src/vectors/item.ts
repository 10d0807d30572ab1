import type { MarrowError } from "../errors.ts";
import type { Where } from "./filter.ts";
import type { Attributes, AttributeSchema, RecallReport } from "./options.ts";
import type { Vector } from "./vector.ts";

/** An item to store. */
export interface Item<S extends AttributeSchema> {
  /** 1 to 512 characters; an item of the same id in the same namespace is replaced. */
  readonly id: string;
  /** As many finite numbers as the collection has dimensions; not all of them zero, but on `l2`. */
  readonly vector: Vector;
  readonly attributes?: Attributes<S> | undefined;
  /** Any JSON, given back as it is. */
  readonly payload?: unknown;
  /** Life from now, in milliseconds, up to 366 days. @default no end */
  readonly ttlMs?: number | undefined;
}

/** An item as it is read. */
export interface StoredEntry<S extends AttributeSchema> {
  readonly id: string;
  readonly attributes: Attributes<S>;
  readonly payload: unknown;
  /** Life that is left, in milliseconds; absent where there is no end, and in what a search finds. */
  readonly ttlMs?: number | undefined;
  /** If requested: the stored vector, rounded by the quantisation, with its original length. */
  readonly vector?: Float32Array | undefined;
}

/** An item that a search found. */
export interface Match<S extends AttributeSchema> extends Omit<StoredEntry<S>, "ttlMs"> {
  /** Larger is nearer. `cosine`: -1 to 1. `ip`: the dot product. `l2`: 1 / (1 + distance), above 0 up to 1. */
  readonly similarity: number;
  /** What the order comes from, where `words` or `rerank` made it. */
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
  /** Similarity below which an item is no match. @default none */
  readonly minSimilarity?: number | undefined;
  readonly where?: Where<S> | undefined;
  /** Compare with everything, whatever the index: true neighbours, at the cost of the whole namespace. @default false */
  readonly exact?: boolean | undefined;
  /** How widely the graph is searched, 1 to 10,000: more finds more and costs more. @default 100, or what the recall self-check found */
  readonly effort?: number | undefined;
  /**
   * Text whose words count too, in attributes of kind `text`: both orders are fused by their ranks. Where the engine keeps no index
   * of words (vector sets, valkey-search), the words order the nearest candidates, and find nothing beyond them. @default none
   */
  readonly words?: string | undefined;
  /** 0 to 1: how much matches should differ from one another (maximal marginal relevance). @default 0 */
  readonly diversity?: number | undefined;
  /** Reranks the candidates: returns one score for each, in their order; larger is better. @default none */
  readonly rerank?: ((matches: readonly Match<S>[]) => Promise<readonly number[]> | readonly number[]) | undefined;
  /** How many candidates `words`, `diversity` and `rerank` choose from, `limit` to 1,000. @default 4 x limit, at least 50 */
  readonly candidates?: number | undefined;
  /** Gives each match its vector. @default false */
  readonly withVectors?: boolean | undefined;
}

/** What a namespace takes. */
export interface VectorsInfo {
  readonly items: number;
  /** Absent where the engine does not tell, or may not. */
  readonly indexBytes?: number | undefined;
  readonly recordBytes?: number | undefined;
  /** Bytes an item in the index, 0 when empty. */
  readonly bytesPerVector?: number | undefined;
  /** `flat` while comparing with everything costs little, `hnsw` beyond. */
  readonly advice: "flat" | "hnsw";
}

/** One namespace of a collection. */
export interface Vectors<S extends AttributeSchema> {
  /** Attributes that items may have and filters may use. */
  readonly attributes: S;
  /** Another namespace of the same collection: a hard partition, so no call sees two of them. @default "default" */
  namespace(name: string): Vectors<S>;
  /**
   * Stores items; each has a result of its own, in order, and one that is wrong keeps no other from being stored.
   * One round trip for 16 items.
   * @throws MarrowError `conflict` when the collection holds vectors of another kind; `unavailable`, `timeout`
   */
  upsert(items: readonly Item<S>[]): Promise<ItemResult[]>;
  /** The nearest items, nearest first. One round trip. @throws MarrowError `invalid_input`, `conflict` */
  search(search: Search<S>): Promise<Match<S>[]>;
  /** Items by id, in order; `undefined` for what is not there. One round trip. */
  get(
    ids: readonly string[],
    options?: { readonly withVectors?: boolean | undefined },
  ): Promise<(StoredEntry<S> | undefined)[]>;
  /**
   * Changes attributes (merged over the present ones; `undefined` takes one away) and payload without the vector; the life stays.
   * Two round trips. Answers whether the item is there.
   * @throws MarrowError `conflict` when others change the same item all the time
   */
  update(
    id: string,
    change: { readonly attributes?: Attributes<S> | undefined; readonly payload?: unknown },
  ): Promise<boolean>;
  /** Deletes items by id; answers how many there were. One round trip for 256 ids. */
  delete(ids: readonly string[]): Promise<number>;
  /**
   * Deletes what a filter means, or only counts it (`dryRun`). An empty filter is refused: to delete everything, say `drop`.
   * Reads the whole namespace in pages. Answers how many.
   */
  deleteWhere(where: Where<S>, options?: { readonly dryRun?: boolean | undefined }): Promise<number>;
  /** All items in pages, in no order; one that is there throughout comes at least once. */
  scan(options?: {
    readonly where?: Where<S> | undefined;
    readonly pageSize?: number | undefined;
    readonly withVectors?: boolean | undefined;
    /** Hears of an item that cannot be read, which is left out then. @default the scan ends with its error */
    readonly onUnreadable?: ((id: string, code: "corrupt_record" | "newer_record") => void) | undefined;
  }): AsyncIterable<StoredEntry<S>[]>;
  /** How many items have not ended. One round trip. */
  count(): Promise<number>;
  /** Sizes, bytes for each item, and whether the other kind of index would do better. */
  info(): Promise<VectorsInfo>;
  /** What the recall self-check knows by now, of all namespaces that this handle searched; absent when it is off. */
  recall(): RecallReport | undefined;
  /** Deletes the namespace with all that is in it. */
  drop(): Promise<void>;
}
