import type { Argument } from "../redis/index.ts";
import type { AttributeValue, Filter } from "./filter.ts";

/** An item as a driver stores it: checked, with its encoded record. */
export interface StoredItem {
  readonly id: string;
  readonly vector: Float32Array;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly record: Buffer;
  /** Life from now; 0: no end. */
  readonly ttlMs: number;
}

/** An item as a driver reads it. */
export interface ReadItem {
  readonly record: Buffer;
  /** Life that is left; 0: no end. */
  readonly ttlMs: number;
  /** The stored vector, if requested. */
  readonly vector?: Float32Array | undefined;
}

/** An item that was found. */
export interface FoundItem {
  readonly id: string;
  /** On the one scale of the metric, whatever the engine counts in. */
  readonly similarity: number;
  readonly record: Buffer;
  /** The stored vector, if requested. */
  readonly vector?: Float32Array | undefined;
}

/** A search as a driver runs it. */
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

/** A search for words. */
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

/** Some ids, and where the next ones begin. */
export interface Page {
  readonly cursor: string;
  readonly ids: readonly string[];
}

/**
 * Interface of a vector engine. Namespaces are hard partitions: no call sees two of them. Expired items are never returned, whether or not
 * they were deleted yet.
 */
export interface VectorDriver {
  /** Stores all items or none, and fixes the contract even with none; answers how many are new. @throws MarrowError `conflict` on another contract */
  upsert(namespace: string, items: readonly StoredItem[]): Promise<number>;
  /** Stores an item whole if its record is still `before` (`undefined`: not there); answers whether it was. */
  put(namespace: string, item: StoredItem, before: Buffer | undefined): Promise<boolean>;
  /** Replaces attributes and record if the record is still `before`, keeps vector and life; answers whether it was. */
  replace(namespace: string, item: Omit<StoredItem, "vector" | "ttlMs">, before: Buffer): Promise<boolean>;
  search(namespace: string, search: DriverSearch): Promise<readonly FoundItem[]>;
  /**
   * The same search for a script of a role's own, whose ids need no encoding; `undefined` where servers run none in scripts, or this
   * one refused one a moment ago.
   */
  inScript?(namespace: string, search: Pick<DriverSearch, "vector" | "limit">): Promise<SearchInScript | undefined>;
  /** Called if a script could not run the search. */
  refusedInScript?(): void;
  /** Items by their words, best first; `undefined` where the engine keeps no index of words. */
  searchWords(namespace: string, search: WordSearch): Promise<readonly FoundItem[] | undefined>;
  read(namespace: string, ids: readonly string[], withVectors: boolean): Promise<readonly (ReadItem | undefined)[]>;
  delete(namespace: string, ids: readonly string[]): Promise<number>;
  /** A page of ids; the cursor `"0"` begins and ends. An item that is there throughout comes at least once. */
  page(namespace: string, cursor: string, size: number): Promise<Page>;
  size(namespace: string): Promise<DriverSize>;
  /** Deletes a whole namespace. */
  drop(namespace: string): Promise<void>;
}
