import type { Argument } from "../redis/index.ts";
import type { AttributeValue, Filter } from "./filter.ts";

/** An item as a driver stores it: checked, with its encoded record. */
export interface StoredItem {
  readonly id: string;
  readonly vector: Float32Array;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly record: Buffer;
  /** TTL from now; 0 for no end. */
  readonly ttlMs: number;
}

/** An item read by a driver. */
export interface ReadItem {
  readonly record: Buffer;
  /** Remaining TTL; 0 for no end. */
  readonly ttlMs: number;
  /** The stored vector, if requested. */
  readonly vector?: Float32Array | undefined;
}

/** An item found by a search. */
export interface FoundItem {
  readonly id: string;
  /** Similarity on the metric's scale, the same for all engines. */
  readonly similarity: number;
  readonly record: Buffer;
  /** The stored vector, if requested. */
  readonly vector?: Float32Array | undefined;
}

/** A search, as drivers receive it. */
export interface DriverSearch {
  readonly vector: Float32Array;
  readonly limit: number;
  readonly filter: Filter | undefined;
  readonly exact: boolean;
  readonly effort: number;
  readonly withVectors: boolean;
  /**
   * Called with the nearest items while an in-process engine verifies them, so that the role's commands share that round trip. Other
   * engines never call it.
   */
  readonly whileChecking?:
    | ((near: readonly { readonly id: string; readonly similarity: number }[]) => void)
    | undefined;
}

/** A search by words. */
export interface WordSearch {
  /** Letters and digits only, at least one word. */
  readonly words: readonly string[];
  /** The query vector. */
  readonly vector: Float32Array;
  readonly limit: number;
  readonly filter: Filter | undefined;
}

/** A search that a role's script runs together with its own reads, in one round trip; `vectors/found` reads its reply. */
export interface SearchInScript {
  /** Key of the contract, and its required value. If the key is absent, nothing was ever stored. */
  readonly contract: string;
  readonly agreed: string;
  /** Prefix of the documents' keys; the id follows. */
  readonly start: string;
  /** The command. Its only field is the distance, 1 - cosine. */
  readonly command: readonly Argument[];
}

/** Size of a namespace. */
export interface DriverSize {
  readonly items: number;
  readonly indexed: number;
  /** `undefined` if the engine does not report it, or the user may not read it. */
  readonly indexBytes: number | undefined;
  readonly recordBytes: number | undefined;
}

/** Some ids, and the cursor of the next ones. */
export interface Page {
  readonly cursor: string;
  readonly ids: readonly string[];
}

/**
 * Interface of a vector engine. Namespaces are hard partitions: no call sees two of them. Expired items are never returned, whether or not
 * they were deleted yet.
 */
export interface VectorDriver {
  /**
   * Stores all items or none; sets the contract even without items. Returns the number of new items. @throws MarrowError `conflict` for
   * another contract
   */
  upsert(namespace: string, items: readonly StoredItem[]): Promise<number>;
  /** Stores a whole item if its record is still `before` (`undefined`: absent). Returns whether it did. */
  put(namespace: string, item: StoredItem, before: Buffer | undefined): Promise<boolean>;
  /** Replaces attributes and record if the record is still `before`; the vector and TTL stay. Returns whether it did. */
  replace(namespace: string, item: Omit<StoredItem, "vector" | "ttlMs">, before: Buffer): Promise<boolean>;
  search(namespace: string, search: DriverSearch): Promise<readonly FoundItem[]>;
  /**
   * Returns the search as a command for a script of a role, whose ids need no encoding; `undefined` if the server runs no searches in
   * scripts, or recently refused one.
   */
  inScript?(namespace: string, search: Pick<DriverSearch, "vector" | "limit">): Promise<SearchInScript | undefined>;
  /** Called if a script could not run the search. */
  refusedInScript?(): void;
  /** Finds items by words, best first; `undefined` if the engine has no index of words. */
  searchWords(namespace: string, search: WordSearch): Promise<readonly FoundItem[] | undefined>;
  read(namespace: string, ids: readonly string[], withVectors: boolean): Promise<readonly (ReadItem | undefined)[]>;
  delete(namespace: string, ids: readonly string[]): Promise<number>;
  /** Returns a page of ids; the cursor `"0"` begins and ends. An item that exists throughout is returned at least once. */
  page(namespace: string, cursor: string, size: number): Promise<Page>;
  size(namespace: string): Promise<DriverSize>;
  /** Deletes a whole namespace. */
  drop(namespace: string): Promise<void>;
}
