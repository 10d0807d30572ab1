import { createDots, type Dots } from "./dots.ts";
import { wasm } from "./wasm.ts";

/** Bytes of a block, which holds rows of one copy. The longest row is 16,000 bytes. */
export const BLOCK_BYTES = 65_536;
/** The first bytes of the memory are for a query and for sums; blocks follow. */
const SUMS_AT = 32_768;

/** Memory in blocks for all copies of a process, because each memory of its own would reserve gigabytes of addresses. */
export interface Arena extends Dots {
  readonly bytesMax: number;
  /** Bytes that blocks take. */
  used(): number;
  /** A free block's first byte, or `undefined` when the bound is reached. */
  take(): number | undefined;
  give(block: number): void;
  /** Views of the memory; taken anew after `take`, which may move it. */
  bytes(): Int8Array;
  /** Puts a query where `scan` reads it: 16-bit numbers, the rest up to `stride` zeros. */
  ask(query: Int16Array, stride: number): void;
  /** Dot products of the query with rows of one block; valid until the next call. */
  scan(row: number, count: number, stride: number): Int32Array;
}

/** Makes an arena of at most so many bytes. It grows as blocks are taken; what is given back is taken again. */
export function createArena(bytesMax: number): Arena {
  const blocksMax = Math.max(1, Math.floor(bytesMax / BLOCK_BYTES));
  const memory = new wasm.Memory({ initial: 1, maximum: blocksMax + 1 });
  const { dots } = createDots(memory);
  const free: number[] = [];
  let made = 0;
  let view = new Int8Array(memory.buffer);

  function bytes(): Int8Array {
    if (view.buffer !== memory.buffer) view = new Int8Array(memory.buffer);
    return view;
  }

  return {
    dots,
    bytesMax,
    used: () => (made - free.length) * BLOCK_BYTES,
    take() {
      const given = free.pop();
      if (given !== undefined) return given;
      if (made === blocksMax) return undefined;
      memory.grow(1);
      made += 1;
      return made * BLOCK_BYTES;
    },
    give: (block) => void free.push(block),
    bytes,
    ask(query, stride) {
      const place = new Int16Array(memory.buffer, 0, stride);
      place.fill(0);
      place.set(query);
    },
    scan(row, count, stride) {
      dots(0, row, count, stride, SUMS_AT);
      return new Int32Array(memory.buffer, SUMS_AT, count);
    },
  };
}
