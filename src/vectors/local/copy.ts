import type { Metric } from "../scale.ts";
import { dot, similarity } from "../scale.ts";
import { BLOCK_BYTES, toBlockShape, type Arena } from "./arena.ts";
import { queryScaleFor, STRIDE_STEP } from "./dots.ts";
import { createLastIn } from "./last-in.ts";
import { createNearest } from "./nearest.ts";
import type { Row } from "./row.ts";

/** A search in a copy. */
export interface CopySearch {
  readonly vector: Float32Array;
  readonly limit: number;
  /** Returns true if an item with these attributes may be found. */
  readonly allows: ((attributes: Row["attributes"]) => boolean) | undefined;
  /** The server's time. Items that expired before are skipped. */
  readonly nowMs: number;
}

/** A near item, according to the copy. */
export interface Near {
  readonly id: string;
  readonly similarity: number;
}

/** The newest rows of one partition in this process, compared one by one with a query. */
export interface PartitionCopy {
  /** Rows that are compared, unreadable ones included. */
  readonly size: number;
  /** Approximate bytes of the copy. */
  bytes(): number;
  /**
   * Puts a row, replacing the one with its id. In place of an unreadable row (`undefined`) nothing is found. If the copy has `rowsMax` rows,
   * the one that was put least recently is evicted. Returns false if there is no memory for the row; then the copy lacks it.
   */
  put(id: string, row: Row | undefined, endsMs: number): boolean;
  remove(id: string): void;
  /**
   * Removes the rows that have expired at the server's time, and takes rows back that were evicted last, while there is room. Returns
   * whether it took any back.
   */
  tidy(nowMs: number): boolean;
  clear(): void;
  /**
   * Returns the nearest rows, nearest first. Yields to the event loop about every two milliseconds; rows changed meanwhile may be included
   * or not. `undefined` if the copy was cleared meanwhile.
   */
  search(search: CopySearch): Promise<Near[] | undefined>;
}

/** Products of numbers between two turns of the event loop: about two milliseconds. */
const PRODUCTS_A_TURN = 12_000_000;
/** Rows whose attributes are looked at between two turns: each may cost a microsecond or so. */
const FILTERED_A_TURN = 1_000;
/** Bytes of a row beside its block, in JavaScript: id, its place, attributes. */
const BESIDE_BYTES = 250;
/** Beyond this, and below its inverse, 32-bit floats cannot order the rows; then all are compared. */
const FLOAT_MAX = 1e18;
/** Largest error of 32-bit floats, relative to the largest operand. */
const FLOAT_ERROR = 1e-6;
/** Where rows have no end. */
const NEVER = Infinity;
/** Shared by rows without attributes. */
const NONE: Row["attributes"] = Object.freeze({});

/** A row that was evicted. */
interface Evicted {
  readonly row: Row | undefined;
  readonly endsMs: number;
}

/**
 * Returns how many evicted rows a copy keeps, so that it needs no read for each deletion of a newer row: a sixteenth of its rows, at least
 * sixteen.
 */
export function evictedMax(rowsMax: number): number {
  return Math.max(16, Math.floor(rowsMax / 16));
}

/** Computes how many rows fit into this many bytes, if one copy has them all. */
export function rowsWithin(bytesMax: number, dimensions: number): number {
  const { rows } = toBlockShape(toStride(dimensions));
  return Math.max(1, Math.floor(bytesMax / (BLOCK_BYTES + rows * BESIDE_BYTES))) * rows;
}

const toStride = (dimensions: number) => Math.ceil(dimensions / STRIDE_STEP) * STRIDE_STEP;

/** Makes an empty copy of at most `rowsMax` rows, in memory of `arena`. */
export function createCopy(
  arena: Pick<Arena, "take" | "give" | "charge" | "bytes" | "weigh" | "ask" | "scan" | "pick" | "sumOf" | "picked">,
  { dimensions, metric, rowsMax }: { readonly dimensions: number; readonly metric: Metric; readonly rowsMax: number },
): PartitionCopy {
  const stride = toStride(dimensions);
  const shape = toBlockShape(stride);
  const rowsPerBlock = shape.rows;
  const isDistance = metric === "l2";
  const queryMax = queryScaleFor(dimensions);
  const blocks: number[] = [];
  /** Ids by row; `undefined` where a row is free. A row never moves, so a search that gave others a turn goes on where it was. */
  let ids: (string | undefined)[] = [];
  let free: number[] = [];
  /** Row of each id, in the order in which they were put; those taken back come last. */
  const places = new Map<string, number>();
  /** Rows evicted last. All others were put after them. */
  const evicted = createLastIn<Evicted>(evictedMax(rowsMax));
  /** Rows that were evicted and taken back: each is older than the ones taken back before it, and than all others. */
  const returned = createLastIn<undefined>(rowsMax);
  /** `undefined` where a row is free or unreadable. */
  const attributes: (Row["attributes"] | undefined)[] = [];
  let ends = new Float64Array(0);
  /** No row ends before. */
  let soonestMs = NEVER;
  /** Factors and offsets of the sums, so that larger is nearer for every metric. */
  let factors = new Float64Array(0);
  let offsets = new Float64Array(0);
  let generation = 0;
  let charged = 0;
  /** The longest row since the copy began, and whether any was too long or too short for 32-bit floats. */
  let longest = 0;
  let isExtreme = false;

  const blockOf = (row: number) => blocks[Math.floor(row / rowsPerBlock)] as number;

  const bytesNow = () =>
    blocks.length * BLOCK_BYTES + places.size * BESIDE_BYTES + evicted.size * (dimensions + BESIDE_BYTES);

  /** Tells the arena how much the copy takes by now. */
  function charge(): void {
    const now = bytesNow();
    arena.charge(now - charged);
    charged = now;
  }

  /** Makes a row one that nothing is above. */
  const forget = (row: number) => arena.weigh(blockOf(row), shape, row % rowsPerBlock, 0, Infinity);

  function roomFor(): number | undefined {
    const given = free.pop();
    if (given !== undefined) return given;
    if (ids.length === blocks.length * rowsPerBlock) {
      charge();
      const block = arena.take();
      if (block === undefined) return undefined;
      blocks.push(block);
      const rows = blocks.length * rowsPerBlock;
      [ends, factors] = [grown(ends, rows), grown(factors, rows)];
      if (isDistance) offsets = grown(offsets, rows);
      for (let row = rows - rowsPerBlock; row < rows; row += 1) forget(row);
    }
    ids.push(undefined);
    return ids.length - 1;
  }

  function remove(id: string): void {
    evicted.remove(id);
    const row = places.get(id);
    if (row === undefined) return;
    places.delete(id);
    returned.remove(id);
    ids[row] = undefined;
    attributes[row] = undefined;
    ends[row] = 0;
    forget(row);
    free.push(row);
  }

  function evictOldest(): void {
    const id = returned.take()?.id ?? places.keys().next().value;
    if (id === undefined) return;
    const at = places.get(id) as number;
    const kept = { row: rowAt(at), endsMs: ends[at] as number };
    remove(id);
    evicted.add(id, kept);
  }

  function rowAt(at: number): Row | undefined {
    const kept = attributes[at];
    if (kept === undefined) return undefined;
    const place = blockOf(at) + (at % rowsPerBlock) * stride;
    // A cosine does not depend on the step, and the factor has lost it.
    const step = metric === "cosine" ? 1 : (factors[at] as number);
    return { numbers: arena.bytes().slice(place, place + dimensions), step, attributes: kept };
  }

  /** Returns false without room. */
  function set(id: string, row: Row | undefined, endsMs: number): boolean {
    let at = roomFor();
    if (at === undefined && evicted.size > 0) {
      evicted.clear();
      at = roomFor();
    }
    if (at === undefined) return false;
    if (row !== undefined) fill(at, row);
    ends[at] = endsMs;
    if (endsMs > 0) soonestMs = Math.min(soonestMs, endsMs);
    attributes[at] = row && (isEmpty(row.attributes) ? NONE : row.attributes);
    ids[at] = id;
    places.set(id, at);
    return true;
  }

  function fill(at: number, row: Row): void {
    const bytes = arena.bytes();
    const block = blockOf(at);
    const place = block + (at % rowsPerBlock) * stride;
    bytes.fill(0, place, place + stride);
    bytes.set(row.numbers, place);
    let squares = 0;
    for (const number of row.numbers) squares += number * number;
    const length = Math.sqrt(squares) * row.step;
    const factor = metric === "cosine" ? (length === 0 ? 0 : row.step / length) : row.step;
    const offset = isDistance ? length ** 2 : 0;
    longest = Math.max(longest, length);
    if (isExtremeNumber(factor) || isExtremeNumber(offset)) isExtreme = true;
    factors[at] = factor;
    if (isDistance) offsets[at] = offset;
    arena.weigh(block, shape, at % rowsPerBlock, factor, offset);
  }

  function removeEnded(nowMs: number): void {
    if (nowMs < soonestMs) return;
    soonestMs = NEVER;
    for (let row = 0; row < ids.length; row += 1) {
      const endsMs = ends[row] as number;
      if (endsMs === 0) continue;
      if (endsMs <= nowMs) remove(ids[row] as string);
      else soonestMs = Math.min(soonestMs, endsMs);
    }
  }

  return {
    get size() {
      return places.size;
    },
    bytes: bytesNow,

    put(id, row, endsMs) {
      remove(id);
      if (places.size >= rowsMax) evictOldest();
      const isPut = set(id, row, endsMs);
      charge();
      return isPut;
    },

    remove(id) {
      remove(id);
      charge();
    },

    tidy(nowMs) {
      removeEnded(nowMs);
      let any = false;
      while (places.size < rowsMax) {
        const last = evicted.take();
        if (last === undefined) break;
        const { row, endsMs } = last.value;
        if (endsMs > 0 && endsMs <= nowMs) continue;
        if (!set(last.id, row, endsMs)) break;
        returned.add(last.id, undefined);
        any = true;
      }
      charge();
      return any;
    },

    clear() {
      generation += 1;
      for (const block of blocks.splice(0)) arena.give(block);
      places.clear();
      evicted.clear();
      returned.clear();
      soonestMs = NEVER;
      attributes.length = 0;
      [ids, free] = [[], []];
      [ends, factors, offsets] = [new Float64Array(0), new Float64Array(0), new Float64Array(0)];
      [longest, isExtreme] = [0, false];
      charge();
    },

    async search({ vector, limit, allows, nowMs }) {
      if (places.size === 0) return [];
      const began = generation;
      const { numbers, step, length } = toQuery(vector, queryMax);
      const nearest = createNearest(limit);
      const scale = (isDistance ? 2 : 1) * (metric === "cosine" && length > 0 ? step / length : step);
      let products = 0;
      let filtered = 0;
      const mayBeFound = (row: number): boolean => {
        const endsAt = ends[row] as number;
        const given = attributes[row];
        if (given === undefined || (endsAt > 0 && endsAt <= nowMs)) return false;
        if (allows === undefined) return true;
        filtered += 1;
        return allows(given);
      };
      arena.ask(numbers, stride);
      for (let from = 0; from < ids.length; from += rowsPerBlock) {
        if (products >= PRODUCTS_A_TURN || filtered >= FILTERED_A_TURN) {
          [products, filtered] = [0, 0];
          await turn();
          if (generation !== began) return undefined;
          // Others may have asked meanwhile: the place of the query is everybody's.
          arena.ask(numbers, stride);
        }
        const count = Math.min(rowsPerBlock, ids.length - from);
        const block = blockOf(from);
        arena.scan(block, shape, count);
        products += count * stride;
        let floor = nearest.floor();
        const all = isExtreme || isExtremeNumber(scale);
        // Most rows are far below the floor: only those that may be above it are looked at one by one, in full precision.
        const below = FLOAT_ERROR * (metric === "cosine" ? 2 : (2 * length + longest) * longest);
        const picks = all ? count : arena.pick(block, shape, count, scale, floor - below);
        for (let nth = 0; nth < picks; nth += 1) {
          const at = all ? nth : arena.picked(nth);
          const row = from + at;
          const value =
            arena.sumOf(at) * scale * (factors[row] as number) - (isDistance ? (offsets[row] as number) : 0);
          if (value <= floor || !mayBeFound(row)) continue;
          nearest.add(ids[row] as string, value);
          floor = nearest.floor();
        }
      }
      const squares = length ** 2;
      return nearest.best().map(({ id, value }) => ({
        id,
        similarity:
          metric === "cosine"
            ? similarity.fromCosine(value)
            : metric === "ip"
              ? similarity.fromDot(value)
              : similarity.fromSquaredDistance(squares - value),
      }));
    },
  };
}

/** Whether 32-bit floats reckon with a number only badly, or not at all. */
function isExtremeNumber(value: number): boolean {
  return !(value === 0 || (Math.abs(value) < FLOAT_MAX && Math.abs(value) > 1 / FLOAT_MAX));
}

function isEmpty(attributes: Row["attributes"]): boolean {
  for (const _ in attributes) return false;
  return true;
}

function grown(list: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  if (list.length >= length) return list;
  const larger = new Float64Array(Math.max(length, list.length * 2));
  larger.set(list);
  return larger;
}

/** A query in 16-bit numbers, or as many bits as sums allow: far finer than the rows. */
function toQuery(vector: Float32Array, largest: number): { numbers: Int16Array; step: number; length: number } {
  let most = 0;
  for (const value of vector) most = Math.max(most, Math.abs(value));
  const step = most === 0 ? 1 : most / largest;
  // Several times quicker than `from` with a function.
  const numbers = new Int16Array(vector.length);
  for (let at = 0; at < numbers.length; at += 1) numbers[at] = Math.round((vector[at] as number) / step);
  return {
    numbers,
    step,
    length: Math.sqrt(dot(vector, vector)),
  };
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));
