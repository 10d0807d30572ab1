import type { AttributeValue, Filter } from "./filter.ts";

/** An item as a driver stores it: checked, its record made. */
export interface StoredItem {
  readonly id: string;
  /** Little-endian float32. */
  readonly vector: Buffer;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly record: Buffer;
  /** 0: no end. */
  readonly ttlMs: number;
}

/** An item that was found. */
export interface FoundItem {
  readonly id: string;
  /** On the one scale of the metric, whatever the engine counts in. */
  readonly similarity: number;
  readonly record: Buffer;
}

/** A search as a driver runs it. */
export interface DriverSearch {
  readonly vector: Buffer;
  readonly limit: number;
  readonly filter: Filter | undefined;
  readonly exact: boolean;
  readonly effort: number;
}

/** How large a namespace is. */
export interface DriverSize {
  readonly items: number;
  readonly indexed: number;
  readonly indexBytes: number;
  readonly recordBytes: number;
}

/**
 * What an engine must do for a vector store. Namespaces are hard partitions: no call sees two of them. Ended items are never
 * answered, whether or not they are swept yet.
 */
export interface VectorDriver {
  /** Stores all items or none; answers how many are new. @throws MarrowError `conflict` on another contract */
  upsert(namespace: string, items: readonly StoredItem[]): Promise<number>;
  search(namespace: string, search: DriverSearch): Promise<readonly FoundItem[]>;
  read(namespace: string, ids: readonly string[]): Promise<readonly (Buffer | undefined)[]>;
  /** Replaces attributes and record if the record is still `before`; answers whether it was. */
  replace(namespace: string, item: Omit<StoredItem, "vector" | "ttlMs">, before: Buffer): Promise<boolean>;
  delete(namespace: string, ids: readonly string[]): Promise<number>;
  /** A page of ids; the cursor `"0"` begins and ends. An item that is there throughout comes at least once. */
  page(
    namespace: string,
    cursor: string,
    size: number,
  ): Promise<{ readonly cursor: string; readonly ids: readonly string[] }>;
  size(namespace: string): Promise<DriverSize>;
  /** Deletes a whole namespace. */
  drop(namespace: string): Promise<void>;
}
