/** Storage of a vector's numbers: 8 bits, 16 bits, 32 bits, or 1 bit each. */
export type Quantisation = "q8" | "f16" | "none" | "binary";

/** Bytes that one partition's index should not be over: it is loaded, saved and moved as one key. */
const PARTITION_BYTES = 1.25 * 1024 ** 3;
/** Bytes of an item in an index beside its vector, measured: graph and id. */
const ITEM_BYTES = 760;
const NUMBER_BYTES: Readonly<Record<Quantisation, number>> = { q8: 1, f16: 2, none: 4, binary: 1 / 8 };

/** Computes the partitions that a namespace of this capacity needs. */
export function partitionsFor({
  capacity,
  dimensions,
  quantisation,
}: {
  readonly capacity: number;
  readonly dimensions: number;
  readonly quantisation: Quantisation;
}): number {
  const bytes = capacity * (ITEM_BYTES + dimensions * NUMBER_BYTES[quantisation]);
  return Math.max(1, Math.ceil(bytes / PARTITION_BYTES));
}
