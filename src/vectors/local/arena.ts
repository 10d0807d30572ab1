import { createDots } from "./dots.ts";
import { wasm } from "./wasm.ts";

/** Bytes of a block, which holds rows of one copy. The longest row has 16,000 bytes. */
export const BLOCK_BYTES = 65_536;
/** The first bytes of the memory are for a query, for sums and for places of rows; blocks follow. */
const SUMS_AT = 32_768;
const PLACES_AT = 49_152;
/** Bytes of a row beside its numbers: its factor and its offset. */
const BESIDE_BYTES = 8;

/** Layout of a block. */
export interface BlockShape {
  /** Bytes of a row's numbers. */
  readonly stride: number;
  /** A multiple of four, because four rows are compared at a time. */
  readonly rows: number;
}

/** Computes how many rows of this size fit in a block. */
export function toBlockShape(stride: number): BlockShape {
  return { stride, rows: Math.floor(BLOCK_BYTES / (stride + BESIDE_BYTES) / 4) * 4 };
}

/** Memory in blocks for all copies of a process. Separate memories would reserve gigabytes of address space each. */
export interface Arena {
  readonly bytesMax: number;
  /** Bytes used by blocks. */
  used(): number;
  /** Returns a free block's first byte, or `undefined` at the bound. */
  take(): number | undefined;
  give(block: number): void;
  /** Adds to the bytes that all copies take, in blocks and beside them. */
  charge(bytes: number): void;
  /** The sum of all charges. */
  charged(): number;
  /** The memory. Read it again after `take`, which may move it. */
  bytes(): Int8Array;
  /** Sets the weight of a row: its dot product is multiplied by the factor, minus the offset. An unused row has the offset Infinity. */
  weigh(block: number, shape: BlockShape, row: number, factor: number, offset: number): void;
  /** Stores a query for `scan`: 16-bit numbers, padded with zeros up to `stride`. */
  ask(query: Int16Array, stride: number): void;
  /** Computes the dot products of the query with the first rows of a block. */
  scan(block: number, shape: BlockShape, count: number): void;
  /** Counts the scanned rows that may be above `floor`. */
  pick(block: number, shape: BlockShape, count: number, scale: number, floor: number): number;
  /** Returns the sum of a scanned row; valid until the next `scan`. */
  sumOf(row: number): number;
  /** Returns the nth picked row; valid until the next `pick`. */
  picked(nth: number): number;
}

/**
 * Makes an arena of at most this many bytes. It grows with the blocks in use, by an eighth at a time, because growing costs the more the
 * larger it is; pages that nothing was written to take no memory. Released blocks are reused.
 */
export function createArena(bytesMax: number): Arena {
  const blocksMax = Math.max(1, Math.floor(bytesMax / BLOCK_BYTES));
  const memory = new wasm.Memory({ initial: 1, maximum: blocksMax + 1 });
  const { dots, pick } = createDots(memory);
  const free: number[] = [];
  let made = 0;
  let pages = 0;
  let charged = 0;
  let bytes = new Int8Array(memory.buffer);
  let integers = new Int32Array(memory.buffer);
  let floats = new Float32Array(memory.buffer);

  /** Growing moves the memory from under its views. */
  function look(): void {
    bytes = new Int8Array(memory.buffer);
    integers = new Int32Array(memory.buffer);
    floats = new Float32Array(memory.buffer);
  }

  const factorsAt = (block: number, { stride, rows }: BlockShape) => block + stride * rows;

  return {
    bytesMax,
    used: () => (made - free.length) * BLOCK_BYTES,
    take() {
      const given = free.pop();
      if (given !== undefined) return given;
      if (made === blocksMax) return undefined;
      if (made === pages) {
        const more = Math.min(blocksMax - pages, Math.max(1, pages >> 3));
        memory.grow(more);
        look();
        pages += more;
      }
      made += 1;
      return made * BLOCK_BYTES;
    },
    give: (block) => void free.push(block),
    charge: (more) => void (charged += more),
    charged: () => charged,
    bytes: () => bytes,
    weigh(block, shape, row, factor, offset) {
      const at = factorsAt(block, shape) / 4 + row;
      floats[at] = factor;
      floats[at + shape.rows] = offset;
    },
    ask(query, stride) {
      const place = new Int16Array(memory.buffer, 0, stride);
      place.fill(0);
      place.set(query);
    },
    scan: (block, { stride }, count) => dots(0, block, count, stride, SUMS_AT),
    pick(block, shape, count, scale, floor) {
      const at = factorsAt(block, shape);
      return pick(SUMS_AT, count, at, at + 4 * shape.rows, scale, floor, PLACES_AT);
    },
    sumOf: (row) => integers[SUMS_AT / 4 + row] as number,
    picked: (nth) => integers[PLACES_AT / 4 + nth] as number,
  };
}
