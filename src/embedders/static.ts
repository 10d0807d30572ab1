import { readFileSync } from "node:fs";
import { MarrowError } from "../errors.ts";
import { mapCalmly, mapInSlices } from "../internal/time-slice.ts";
import { checkTexts, normalise, toFingerprint, type Embedder } from "./embedder.ts";
import { createWordpiece, type Wordpiece } from "./wordpiece.ts";

const TABLE_VERSION = 1;
const HEADER_BYTES = 20;
/** Tokens that count; questions have about 12. */
const TOKENS_MAX = 512;

interface Table {
  readonly wordpiece: Wordpiece;
  readonly dimensions: number;
  readonly scales: Float32Array;
  readonly rows: Int8Array;
  readonly fingerprint: string;
}

let table: Table | undefined;

/**
 * The built-in embedder: a table of 30,522 word pieces by 256, distilled from all-MiniLM-L6-v2 (see `assets/MODEL_CARD.md`). No native
 * code, no download, under 0.1 ms per question. It ignores the order of words.
 *
 * The table (8 MB) is read once per process, at the first call.
 * @throws MarrowError `corrupt_record` if the table's file has another format than this version reads
 */
export function staticEmbedder(): Embedder {
  const { wordpiece, dimensions, scales, rows, fingerprint } = (table ??= readTable());

  // Sums are doubles, so that the engine does not round to single precision at every step.
  const sum = new Float64Array(dimensions);

  function embedOne(text: string): Float32Array {
    sum.fill(0);
    for (const id of wordpiece.encode(text, TOKENS_MAX)) {
      const scale = scales[id] as number;
      let at = id * dimensions;
      for (let k = 0; k < dimensions; k += 1, at += 1) sum[k] = (sum[k] as number) + scale * (rows[at] as number);
    }
    return normalise(new Float32Array(sum));
  }

  return {
    id: `static-${dimensions}`,
    dimensions,
    maxTokens: TOKENS_MAX,
    fingerprint,
    async embed(texts, { signal, background = false } = {}) {
      checkTexts(texts);
      if (signal?.aborted === true) throw new MarrowError("aborted", "embedding was aborted", { cause: signal.reason });
      if (background) return mapCalmly(texts, embedOne);
      return texts.length === 1 ? [embedOne(texts[0] as string)] : mapInSlices(texts, embedOne);
    },
  };
}

/** Direction and weight of a single word; rare words weigh more. */
export interface Word {
  readonly direction: Float32Array;
  readonly weight: number;
}

/** Words that are remembered; a language has about as many in common use. */
const WORDS_MAX = 20_000;

/**
 * Returns a synchronous function that looks up single words in the built-in table, for comparing texts word by word. Each word is computed
 * once.
 * @throws MarrowError `corrupt_record` if the table's file has another format than this version reads
 */
export function staticWords(): (word: string) => Word {
  const { wordpiece, dimensions, scales, rows } = (table ??= readTable());
  const known = new Map<string, Word>();
  return (word) => {
    let found = known.get(word);
    if (found !== undefined) return found;
    const sum = new Float32Array(dimensions);
    for (const id of wordpiece.encode(word, 16)) {
      const scale = scales[id] as number;
      for (let k = 0; k < dimensions; k += 1)
        sum[k] = (sum[k] as number) + scale * (rows[id * dimensions + k] as number);
    }
    const weight = Math.sqrt(sum.reduce((squares, value) => squares + value * value, 0));
    found = { direction: normalise(sum), weight };
    if (known.size >= WORDS_MAX) known.clear();
    known.set(word, found);
    return found;
  };
}

function readTable(): Table {
  const file = readFileSync(new URL("../../assets/static-table.bin", import.meta.url));
  if (file.toString("latin1", 0, 4) !== "MRWT" || file.readUInt32LE(4) !== TABLE_VERSION) {
    throw new MarrowError("corrupt_record", "assets/static-table.bin is not a table that this version reads");
  }
  const [entries, dimensions, vocabularyBytes] = [file.readUInt32LE(8), file.readUInt32LE(12), file.readUInt32LE(16)];
  const scalesAt = Math.ceil((HEADER_BYTES + vocabularyBytes) / 4) * 4;
  const rowsAt = scalesAt + entries * 4;
  // A copy of its own, so that the numbers are aligned whatever pool the file was read into.
  const numbers = new Uint8Array(file.subarray(scalesAt)).buffer;
  return {
    wordpiece: createWordpiece(file.toString("utf8", HEADER_BYTES, HEADER_BYTES + vocabularyBytes).split("\n")),
    dimensions,
    scales: new Float32Array(numbers, 0, entries),
    rows: new Int8Array(numbers, rowsAt - scalesAt, entries * dimensions),
    fingerprint: toFingerprint({ model: "static", dimensions, table: sampleOf(file.subarray(rowsAt)) }),
  };
}

/** Computes a cheap checksum of the table; every 997th byte is enough to detect another fit. */
function sampleOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 997) sum = (sum * 31 + (bytes[at] ?? 0)) % 2_147_483_647;
  return sum;
}
