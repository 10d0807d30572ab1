import type { Metric } from "../scale.ts";
import { dot, similarity } from "../scale.ts";
import { BLOCK_BYTES, type Arena } from "./arena.ts";
import { queryScaleFor, STRIDE_STEP } from "./dots.ts";
import { createNearest } from "./nearest.ts";
import type { Row } from "./row.ts";

/** What is looked for in a copy. */
export interface CopySearch {
  readonly vector: Float32Array;
  readonly limit: number;
  /** Whether an item with these attributes may be found. */
  readonly allows: ((attributes: Row["attributes"]) => boolean) | undefined;
  /** The server's time: what ended before is passed over. */
  readonly nowMs: number;
}

/** Something near, by what the copy knows. */
export interface Near {
  readonly id: string;
  readonly similarity: number;
}

/** One partition's rows in this process, compared with a query one by one. */
export interface PartitionCopy {
  readonly size: number;
  /** Bytes that it takes, about. */
  bytes(): number;
  /** Puts a row, in place of the one of its id; the least recently put one leaves when there is no room. */
  put(id: string, row: Row, endsMs: number): void;
  remove(id: string): void;
  clear(): void;
  /**
   * The nearest rows, nearest first. Gives the event loop a turn every two milliseconds or so; what is put and removed meanwhile may be
   * seen or not. `undefined` when the copy was cleared meanwhile.
   */
  search(search: CopySearch): Promise<Near[] | undefined>;
}

/** Products of numbers between two turns of the event loop: about two milliseconds. */
const PRODUCTS_A_TURN = 12_000_000;
/** Rows whose attributes are looked at between two turns: each may cost a microsecond or so. */
const FILTERED_A_TURN = 1_000;
/** Bytes of a row beside its numbers: id, its place, attributes. */
const BESIDE_BYTES = 250;

/** Makes an empty copy that holds at most `rowsMax` rows, in memory of `arena`. */
export function createCopy(
  arena: Arena,
  { dimensions, metric, rowsMax }: { readonly dimensions: number; readonly metric: Metric; readonly rowsMax: number },
): PartitionCopy {
  const stride = Math.ceil(dimensions / STRIDE_STEP) * STRIDE_STEP;
  const rowsPerBlock = Math.floor(BLOCK_BYTES / stride);
  const queryMax = queryScaleFor(dimensions);
  const blocks: number[] = [];
  /** Ids by row; `undefined` where a row is free. A row never moves, so a search that gave others a turn goes on where it was. */
  let ids: (string | undefined)[] = [];
  let free: number[] = [];
  /** Row of each id, in the order in which they were put. */
  const places = new Map<string, number>();
  const attributes: (Row["attributes"] | undefined)[] = [];
  let ends = new Float64Array(0);
  /** What a sum is multiplied with, and what is taken from it, so that more is nearer on every metric. */
  let factors = new Float64Array(0);
  let lengths = new Float64Array(0);
  let generation = 0;

  const placeOf = (row: number) => (blocks[Math.floor(row / rowsPerBlock)] as number) + (row % rowsPerBlock) * stride;

  function roomFor(): number | undefined {
    const given = free.pop();
    if (given !== undefined) return given;
    if (ids.length === blocks.length * rowsPerBlock) {
      const block = arena.take();
      if (block === undefined) return undefined;
      blocks.push(block);
      const rows = blocks.length * rowsPerBlock;
      [ends, factors, lengths] = [grown(ends, rows), grown(factors, rows), grown(lengths, rows)];
    }
    ids.push(undefined);
    return ids.length - 1;
  }

  function remove(id: string): void {
    const row = places.get(id);
    if (row === undefined) return;
    places.delete(id);
    ids[row] = undefined;
    attributes[row] = undefined;
    free.push(row);
  }

  return {
    get size() {
      return places.size;
    },
    bytes: () => blocks.length * BLOCK_BYTES + places.size * BESIDE_BYTES,

    put(id, row, endsMs) {
      remove(id);
      if (places.size >= rowsMax) remove(places.keys().next().value as string);
      let at = roomFor();
      if (at === undefined) {
        // The arena is full: the oldest row of this copy makes room.
        const [oldest] = places.keys();
        if (oldest === undefined) return;
        remove(oldest);
        at = roomFor() as number;
      }
      const bytes = arena.bytes();
      const place = placeOf(at);
      bytes.fill(0, place, place + stride);
      bytes.set(row.numbers, place);
      let squares = 0;
      for (const number of row.numbers) squares += number * number;
      const length = Math.sqrt(squares) * row.step;
      lengths[at] = length;
      factors[at] = metric === "cosine" ? (length === 0 ? 0 : row.step / length) : row.step;
      ends[at] = endsMs;
      attributes[at] = row.attributes;
      ids[at] = id;
      places.set(id, at);
    },

    remove,

    clear() {
      generation += 1;
      for (const block of blocks.splice(0)) arena.give(block);
      places.clear();
      attributes.length = 0;
      [ids, free] = [[], []];
      [ends, factors, lengths] = [new Float64Array(0), new Float64Array(0), new Float64Array(0)];
    },

    async search({ vector, limit, allows, nowMs }) {
      const began = generation;
      const { numbers, step, length } = toQuery(vector, queryMax);
      const nearest = createNearest(limit);
      const scale = metric === "cosine" ? step / length : step;
      const isDistance = metric === "l2";
      let products = 0;
      let filtered = 0;
      const mayBeFound = (row: number): boolean => {
        const endsAt = ends[row] as number;
        if (ids[row] === undefined || (endsAt > 0 && endsAt <= nowMs)) return false;
        if (allows === undefined) return true;
        filtered += 1;
        return allows(attributes[row] ?? {});
      };
      for (let from = 0; from < ids.length; from += rowsPerBlock) {
        if (products >= PRODUCTS_A_TURN || filtered >= FILTERED_A_TURN) {
          [products, filtered] = [0, 0];
          await turn();
          if (generation !== began) return undefined;
        }
        const count = Math.min(rowsPerBlock, ids.length - from);
        // Others may have asked meanwhile: the place of the query is everybody's.
        arena.ask(numbers, stride);
        const sums = arena.scan(placeOf(from), count, stride);
        products += count * stride;
        // Read into locals: this loop runs for every row of the partition.
        const [factorOf, lengthOf] = [factors, lengths];
        let floor = nearest.floor();
        for (let at = 0; at < count; at += 1) {
          const row = from + at;
          const near = (sums[at] as number) * scale * (factorOf[row] as number);
          const value = isDistance ? 2 * near - (lengthOf[row] as number) ** 2 : near;
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
  return {
    numbers: Int16Array.from(vector, (value) => Math.round(value / step)),
    step,
    length: Math.sqrt(dot(vector, vector)) || 1,
  };
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));
