import { promisify } from "node:util";
import {
  brotliCompressSync,
  brotliDecompress,
  brotliDecompressSync,
  constants,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
  type ZlibOptions,
  type ZstdOptions,
} from "node:zlib";
import { MarrowError } from "../errors.ts";
import { parseExact } from "../internal/exact-json.ts";
import { readBytesInTurns, UNBOUNDED, type PiecesOptions, type WideBudget } from "../internal/json-in-turns.ts";
import { ownTurn } from "../internal/time-slice.ts";
import { concatInTurns, toJson } from "../internal/json-pieces.ts";
import { unpackedBytesOf } from "./zstd-size.ts";

/** Version in every record. Readers refuse newer ones. */
export const RECORD_VERSION = 1;

/** Highest version that is taken for a newer one. Versions are counted by one, so that a higher byte is damage. */
const RECORD_VERSION_MAX = 15;

/** Bodies of at least this many bytes are compressed. Below it zstd gains little and costs about 10 us. */
export const COMPRESS_FROM_BYTES = 1024;

/** Bodies of at least this many bytes are compressed beside the event loop, which they would hold for milliseconds. */
const BESIDE_FROM_BYTES = 131_072;

/** Largest body that is decompressed, in bytes. Guards against a decompression bomb. */
export const RECORD_BYTES_MAX: number = 64 * 1024 * 1024;

/** Larger bodies are compressed by zstd, whatever effort was asked for. */
const DENSE_BYTES_MAX: number = BESIDE_FROM_BYTES;
const DENSEST_BYTES_MAX = 4_096;

const PLAIN_JSON = 0x00;
const ZSTD_JSON = 0x01;
const BROTLI_JSON = 0x02;

/** Encodes a JSON value as a record: one byte version, one byte encoding, then the body. See `docs/protocol/records.md`. */
export function encodeRecord(value: unknown): Buffer {
  return encodeRecordBody(Buffer.from(JSON.stringify(value), "utf8"));
}

/** Encodes a record as a command argument; one that is not compressed stays text, which is cheaper to send. */
export function encodePlain(value: unknown): Buffer | string {
  return encodePlainJson(JSON.stringify(value));
}

function encodePlainJson(json: string): Buffer | string {
  // No character has more than three bytes: most texts need no measuring.
  const isShort = json.length * 3 < COMPRESS_FROM_BYTES || Buffer.byteLength(json) < COMPRESS_FROM_BYTES;
  return isShort ? PLAIN_HEADER + json : encodeRecordBody(Buffer.from(json));
}

/** Encodes JSON text like {@link encodePlain}, and compresses a large one outside the event loop. */
export function encodePlainBeside(json: string): Buffer | string | Promise<Buffer> {
  return json.length < BESIDE_FROM_BYTES ? encodePlainJson(json) : encodeLargeRecordBody(Buffer.from(json));
}

/**
 * Encodes like {@link encodePlain}: a large value is written as JSON in turns of the event loop, and compressed outside it. For values that
 * are JSON and that nobody changes meanwhile.
 */
export function encodePlainInTurns(value: unknown): Buffer | string | Promise<Buffer> {
  const json = toJson(value);
  if (json instanceof Promise) return json.then(encodeLargeRecordBody);
  return json.length < BESIDE_FROM_BYTES ? encodePlainJson(json) : encodeLargeRecordBody(Buffer.from(json));
}

/** Encodes like {@link encodeRecordBody}, and compresses large bodies outside the event loop. */
export function encodeRecordBodyBeside(
  body: Buffer,
  effort: "quick" | "dense" | "densest" = "quick",
): Buffer | Promise<Buffer> {
  return body.length < BESIDE_FROM_BYTES ? encodeRecordBody(body, effort) : encodeLargeRecordBody(body);
}

/** Returns the JSON of a text from {@link encodePlain}. */
export function jsonOf(plain: string): string {
  return plain.slice(PLAIN_HEADER.length);
}

const PLAIN_HEADER = String.fromCharCode(RECORD_VERSION, PLAIN_JSON);

/**
 * Encodes a value that is already JSON bytes. `dense` takes twice the time (0.2 ms for 2 KB) and saves a tenth of the size, for text that
 * is kept long and read often. `densest` (5 ms) saves another twentieth.
 */
export function encodeRecordBody(body: Buffer, effort: "quick" | "dense" | "densest" = "quick"): Buffer {
  if (body.length < COMPRESS_FROM_BYTES) return withHeader(PLAIN_JSON, body);
  // brotli would hold the event loop: a long body takes it over 10 ms at level 5, and seconds at level 11.
  const quick = effort === "quick" || body.length > (effort === "dense" ? DENSE_BYTES_MAX : DENSEST_BYTES_MAX);
  const compressed = quick
    ? zstdCompressSync(body)
    : brotliCompressSync(body, brotliOptions(body.length, effort === "dense" ? 5 : 11));
  if (compressed.length >= body.length) return withHeader(PLAIN_JSON, body);
  return withHeader(quick ? ZSTD_JSON : BROTLI_JSON, compressed);
}

/** The same with quick compression outside the event loop, for bodies that would block it. */
export async function encodeLargeRecordBody(body: Buffer): Promise<Buffer> {
  const compressed = await compressBeside(body);
  const isLess = compressed.length < body.length;
  // What cannot be compressed, such as a picture, is long by itself.
  return concatInTurns([Buffer.from([RECORD_VERSION, isLess ? ZSTD_JSON : PLAIN_JSON]), isLess ? compressed : body]);
}

/** The size is told ahead, so that it is in the frame's header for those who decompress it. */
const compressBeside = (body: Buffer): Promise<Buffer> => zstdBeside(body, { pledgedSrcSize: body.length });
const zstdBeside = promisify(zstdCompress) as (body: Buffer, options: ZstdOptions) => Promise<Buffer>;

function brotliOptions(bytes: number, quality: number) {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_MODE, BROTLI_MODE_TEXT, BROTLI_PARAM_SIZE_HINT } = constants;
  return {
    params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_MODE]: BROTLI_MODE_TEXT, [BROTLI_PARAM_SIZE_HINT]: bytes },
  };
}

/**
 * Decodes a record.
 * @throws MarrowError `newer_record` if a newer version wrote it, `corrupt_record` if it cannot be read
 */
export function decodeRecord(record: Uint8Array): unknown {
  return decode(record, parse);
}

/**
 * Decodes like {@link decodeRecord}: a small record at once; a large one is decompressed outside the event loop, and its JSON read in turns.
 * Of many small records that come in one turn of the event loop, most wait for turns of their own. `keepsPieces` says which strings of a large
 * one stay in pieces.
 * @throws MarrowError `newer_record`, `corrupt_record`, at once or by the promise
 */
export function decodeRecordInTurns(record: Uint8Array, options: Pick<PiecesOptions, "keepsPieces"> = {}): unknown {
  const body = bodyInTurns(record);
  if (body instanceof Promise) return body.then((unpacked) => readBody(record, unpacked, options));
  return readBody(record, body, options);
}

/**
 * Decodes like {@link decodeRecordInTurns}, and says how many bytes the value has as JSON.
 * @throws MarrowError `newer_record`, `corrupt_record`
 */
export async function decodeMeasured(record: Uint8Array): Promise<{ readonly value: unknown; readonly bytes: number }> {
  const body = await bodyInTurns(record);
  return { value: await readBody(record, body), bytes: body.length };
}

/** Records of at least this many bytes, and bodies of at least so many, are decompressed outside the event loop. */
const [UNPACK_BESIDE_FROM_BYTES, UNPACKED_BESIDE_FROM_BYTES] = [16_384, 65_536];
/** Bytes of bodies that are decompressed and read at once in one turn of the event loop: about 3 ms. */
const TURN_BYTES_MAX = 524_288;

/** Bytes of bodies that were decompressed in this turn. */
let turnBytes = 0;

/** The body of a record: that of a small one at once, as long as it is one of few in this turn. */
function bodyInTurns(record: Uint8Array): Buffer | Promise<Buffer> {
  if (isLong(record)) return unpackBeside(record);
  return turnBytes < TURN_BYTES_MAX ? unpackAtOnce(record) : ownTurn().then(() => unpackAtOnce(record));
}

function unpackAtOnce(record: Uint8Array): Buffer {
  if (turnBytes === 0) setImmediate(() => (turnBytes = 0));
  const body = decodeRecordBody(record);
  turnBytes += body.length;
  return body;
}

/** Whether a record is long, or becomes long: a few bytes of zstd may be many megabytes. Its size is unknown only where it was compressed as a large one. */
function isLong(record: Uint8Array): boolean {
  if (record.length >= UNPACK_BESIDE_FROM_BYTES) return true;
  return record[1] === ZSTD_JSON && (unpackedBytesOf(packedOf(record)) ?? Infinity) >= UNPACKED_BESIDE_FROM_BYTES;
}

/** The body of a record, decompressed outside the event loop. */
async function unpackBeside(record: Uint8Array): Promise<Buffer> {
  const packed = packedOf(record);
  if (record[1] === ZSTD_JSON) return zstdDecompressBeside(packed, sizedFor(packed)).catch(notUnpacked);
  if (record[1] === BROTLI_JSON) return brotliDecompressBeside(packed, LIMIT).catch(notUnpacked);
  return bodyOf(record);
}

const LIMIT = { maxOutputLength: RECORD_BYTES_MAX };
const zstdDecompressBeside = promisify(zstdDecompress) as (packed: Buffer, options: ZstdOptions) => Promise<Buffer>;
const brotliDecompressBeside = promisify(brotliDecompress) as (packed: Buffer, options: ZlibOptions) => Promise<Buffer>;

/**
 * Options for decompressing a zstd frame: into one piece of memory where its size is known, since pieces would be copied. One byte more tells
 * the decoder that this is the end.
 * @throws MarrowError `corrupt_record` over {@link RECORD_BYTES_MAX}
 */
function sizedFor(packed: Buffer): ZstdOptions {
  const bytes = unpackedBytesOf(packed);
  if (bytes === undefined) return LIMIT;
  if (bytes > RECORD_BYTES_MAX) throw corrupt(`its body has ${bytes} bytes`);
  return { ...LIMIT, chunkSize: Math.max(CHUNK_BYTES_MIN, bytes + 1) };
}

/** Smallest piece that zlib takes. */
const CHUNK_BYTES_MIN = 64;

/** The value of a record whose body was decompressed: that of a large one is read in turns. */
function readBody(record: Uint8Array, body: Buffer, options: Pick<PiecesOptions, "keepsPieces"> = {}): unknown {
  if (body.length < BESIDE_FROM_BYTES) return decode(record, parse, () => body);
  // The version is looked at as ever.
  return parseInTurns(body, options).then((value) =>
    decode(
      record,
      () => value,
      () => body,
    ),
  );
}

function notUnpacked(cause: unknown): never {
  throw corrupt("its body cannot be decoded", cause);
}

async function parseInTurns(body: Buffer, options: PiecesOptions): Promise<unknown> {
  // Of many records that come together, each is read in turns of its own.
  await ownTurn();
  try {
    return await readBytesInTurns(body, ANY, options);
  } catch (cause) {
    throw corrupt("its body cannot be decoded", cause);
  }
}

/** `JSON.stringify` writes no value as deep as this: what is deeper is damage, which would hold the event loop for a third of a second. */
const RECORD_DEPTH_MAX = 20_000;

const ANY: WideBudget = { ...UNBOUNDED, depthMax: RECORD_DEPTH_MAX };

function parse(body: Buffer): unknown {
  return parseExact(body.toString("utf8"));
}

/** Reason why a record cannot be read. */
export type Unreadable = "corrupt_record" | "newer_record";

/** Reads a record's value, or returns why it cannot be read. For lists, which show the other records anyway. */
export function readRecord(
  record: Uint8Array,
): { readonly value: unknown; readonly unreadable?: undefined } | { readonly unreadable: Unreadable } {
  try {
    return { value: decodeRecord(record) };
  } catch (error) {
    return { unreadable: unreadableOf(error) };
  }
}

/** Returns the reason from an error of a read. @throws the error itself if it has another cause */
export function unreadableOf(error: unknown): Unreadable {
  if (MarrowError.is(error, "corrupt_record")) return "corrupt_record";
  if (MarrowError.is(error, "newer_record")) return "newer_record";
  throw error;
}

/** Decodes a record whose body is not JSON. @throws MarrowError `newer_record`, `corrupt_record` */
export function decodeRecordBody(record: Uint8Array): Buffer {
  return decode(record, (body) => body);
}

/**
 * Reads a body. Bytes count as a newer record only if they have the form that records of every version share: a version that is counted by
 * one, a known encoding, and a body that can be read. Anything else with a high first byte is damaged.
 */
function decode<T>(record: Uint8Array, read: (body: Buffer) => T, unpack: (record: Uint8Array) => Buffer = bodyOf): T {
  const version = record[0];
  if (version === undefined || version === 0) throw corrupt("it has no version");
  if (version > RECORD_VERSION_MAX) throw corrupt("its version is unknown");
  let value: T;
  try {
    value = read(unpack(record));
  } catch (cause) {
    if (MarrowError.is(cause)) throw cause;
    throw corrupt("its body cannot be decoded", cause);
  }
  if (version > RECORD_VERSION) throw newer(version);
  return value;
}

function newer(version: number): MarrowError {
  const message = `a stored record has version ${version}, this Marrow reads up to ${RECORD_VERSION}`;
  return new MarrowError("newer_record", message, { details: { version } });
}

function packedOf(record: Uint8Array): Buffer {
  return Buffer.from(record.buffer, record.byteOffset + 2, Math.max(0, record.byteLength - 2));
}

function bodyOf(record: Uint8Array): Buffer {
  const body = packedOf(record);
  switch (record[1]) {
    case PLAIN_JSON:
      return body;
    case ZSTD_JSON:
      return zstdDecompressSync(body, sizedFor(body));
    case BROTLI_JSON:
      return brotliDecompressSync(body, LIMIT);
    default:
      throw corrupt("its encoding is unknown");
  }
}

function withHeader(encoding: number, body: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(body.length + 2);
  record[0] = RECORD_VERSION;
  record[1] = encoding;
  record.set(body, 2);
  return record;
}

function corrupt(why: string, cause?: unknown): MarrowError {
  return new MarrowError("corrupt_record", `a stored record is unreadable: ${why}`, { cause });
}
