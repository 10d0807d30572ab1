import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { MarrowError } from "../errors.ts";
import { createObjectLines } from "./object-lines.ts";

/** Bytes of a file, and of its decompressed content, by which its format is recognized. */
const HEAD_BYTES = 4_096;
/** Largest decompressed log: a small file may decompress to an endless one. */
const UNPACKED_BYTES_MAX = 64 * 1_073_741_824;
/** Questions of the log are in it: for the one who runs it alone. */
const FILE_MODE = 0o600;

/** A log as a file of lines. */
export interface OpenedLog {
  readonly path: string;
  /** Format of the given file, for people: "a JSON array", "packed by gzip". */
  readonly looks: string;
}

/**
 * Returns the size of a log in bytes.
 * @throws MarrowError `invalid_option` for one that cannot be read, or is not a file
 */
export async function checkLog(log: string): Promise<number> {
  try {
    const found = await stat(log);
    if (found.isFile()) return found.size;
  } catch (cause) {
    throw unreadable(cause);
  }
  throw wrong("--log must be a file, a request a line");
}

/**
 * Opens a log in any supported form. Gzip, UTF-16, JSON arrays and objects over several lines are converted into `unpacked` with one
 * request per line; a file of lines is read in place.
 * @throws MarrowError `invalid_option` for a file that cannot be read or unpacked
 */
export async function openLog(log: string, unpacked: string): Promise<OpenedLog> {
  const start = await headOf(log);
  const isPacked = start[0] === 0x1f && start[1] === 0x8b;
  const head = isPacked ? await unpackedHead(log) : start;
  const shape = shapeOf(head);
  const looks = `${LOOKS[shape]}${isPacked ? " packed by gzip" : ""}`;
  if (!isPacked && (shape === "lines" || shape in FOREIGN)) return { path: log, looks };
  let bytes = 0;
  const bound = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      done(bytes > UNPACKED_BYTES_MAX ? wrong("--log is over 64 GiB once it is unpacked") : null, chunk);
    },
  });
  const isWide = shape === "utf16le" || shape === "utf16be";
  const decoder = new TextDecoder(shape === "utf16be" ? "utf-16be" : "utf-16le");
  const narrow = new Transform({
    transform: (chunk: Buffer, _, done) => done(null, decoder.decode(chunk, { stream: true })),
  });
  try {
    await pipeline([
      createReadStream(log),
      ...(isPacked ? [createGunzip()] : []),
      bound,
      ...(isWide ? [narrow] : []),
      ...(shape === "lines" || shape in FOREIGN ? [] : [createObjectLines()]),
      createWriteStream(`${unpacked}.new`, { mode: FILE_MODE }),
    ]);
  } catch (cause) {
    if (MarrowError.is(cause)) throw cause;
    throw unreadable(cause);
  }
  await rename(`${unpacked}.new`, unpacked);
  return { path: unpacked, looks };
}

/** Names of recognized formats, for people. */
const LOOKS = {
  lines: "a file of lines",
  array: "a JSON array",
  pretty: "JSON over several lines",
  utf16le: "text in UTF-16",
  utf16be: "text in UTF-16",
  empty: "empty",
  parquet: "a Parquet file, which is not read (export JSONL)",
  zip: "a zip archive, which is not read (unpack it)",
  zstd: "packed by zstd, which is not read (unpack it)",
  csv: "a table such as CSV, which is not read (export JSONL)",
  binary: "no text",
} as const;
type Shape = keyof typeof LOOKS;
/** Formats that are read as lines, each of which counts as broken. */
const FOREIGN: Partial<Record<Shape, true>> = {
  empty: true,
  parquet: true,
  zip: true,
  zstd: true,
  csv: true,
  binary: true,
};

/** Recognizes a file's format by its first bytes. Pure. */
export function shapeOf(head: Buffer): Shape {
  if (head.length === 0) return "empty";
  if (head[0] === 0xff && head[1] === 0xfe) return "utf16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf16be";
  const begins = head.toString("latin1");
  if (begins.startsWith("PAR1")) return "parquet";
  if (begins.startsWith("PK\u0003\u0004")) return "zip";
  if (begins.startsWith("\u0028\u00b5\u002f\u00fd")) return "zstd";
  if (begins.includes("\0")) return begins[1] === "\0" ? "utf16le" : begins[0] === "\0" ? "utf16be" : "binary";
  const text = head
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (text === "") return "empty";
  if (text.startsWith("[")) return "array";
  if (/^\{\s*[\r\n]/.test(text)) return "pretty";
  if (/^[^{[\r\n]*[,;\t][^\r\n]*[\r\n]/.test(text)) return "csv";
  return "lines";
}

async function headOf(log: string): Promise<Buffer> {
  const handle = await open(log, "r").catch((cause: unknown) => {
    throw unreadable(cause);
  });
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw unreadable(cause);
  } finally {
    await handle.close();
  }
}

async function unpackedHead(log: string): Promise<Buffer> {
  const file = createReadStream(log);
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of file.pipe(createGunzip()) as AsyncIterable<Buffer>) {
      length += parts.push(part) && part.length;
      if (length >= HEAD_BYTES) break;
    }
  } catch (cause) {
    throw unreadable(cause);
  } finally {
    file.destroy();
  }
  return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

function unreadable(cause: unknown): MarrowError {
  const { code = "unknown" } = cause as NodeJS.ErrnoException;
  return wrong(`--log must be a file that can be read (${code})`, cause);
}

function wrong(message: string, cause?: unknown): MarrowError {
  return new MarrowError("invalid_option", message, { cause, details: { path: "log" } });
}
