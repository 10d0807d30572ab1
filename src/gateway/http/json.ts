import { isUtf8 } from "node:buffer";
import { MarrowError } from "../../errors.ts";
import { fill, parseUnfilled, type Unfilled } from "../../internal/exact-json.ts";
import { decodeInTurns } from "../../internal/decoded-text.ts";
import { liftTexts, type KeepsPieces } from "../../internal/lifted-texts.ts";
import { endOfString, numberAt } from "../../internal/json-tokens.ts";

/** Longest name of a field that an error repeats, in characters. */
const NAME_CHARS_MAX = 64;
const QUOTE = 0x22;
const COLON = 0x3a;

/**
 * Parses JSON that every reader understands in the same way. The gateway caches by what it reads and forwards the bytes; so it refuses
 * duplicate fields, invalid UTF-8, a byte order mark, numbers that are not finite, and the field `__proto__`. Integers that a double cannot
 * hold keep their digits (`LongInteger`): so they are part of every question, and every upstream gets them as they came. Linear; no
 * recursion.
 * @throws MarrowError `invalid_input` that names the field
 */
export function readJson(source: Uint8Array | string): unknown {
  return fill(readUnfilled(source));
}

/** The same with doubles in the places of long integers, where `fill` puts them: a thread cannot send them. */
export function readUnfilled(source: Uint8Array | string): Unfilled {
  const text = decode(source);
  return check(text, parse(text), scan(text));
}

/**
 * The same in steps, between which `turn` gives a turn of the event loop. Long strings, such as pictures, are decoded and read in pieces: a
 * copy of several megabytes takes long by itself. They stay in pieces where `keepsPieces` says so.
 */
export async function readInTurns(
  source: Buffer,
  turn: () => Promise<void>,
  keepsPieces?: KeepsPieces,
): Promise<Unfilled> {
  if (!isUtf8(source)) throw notUtf8();
  const { pieces } = await decodeInTurns(source);
  checkBegin(pieces[0] ?? "");
  const { text, putBack } = await liftTexts(pieces, source.length < LONG_BYTES ? STRING_CHARS_MAX : SHORT_CHARS_MAX);
  const checked = await readText(text, turn);
  if (putBack === undefined || (await putBack(checked.value, keepsPieces).catch(notJson))) return checked;
  // A name of a field is as long: only then all strings are read in one go.
  return readText((await liftTexts(pieces, Infinity)).text, turn);
}

async function readText(text: string, turn: () => Promise<void>): Promise<Unfilled> {
  await turn();
  const read = parse(text);
  await turn();
  const fields = scan(text);
  await turn();
  return check(text, read, fields);
}

/** Longer strings are read in pieces. */
const STRING_CHARS_MAX = 65_536;
/** The text of a body beside these strings is put together and read in one go: of a body from this size on, it has short strings only. */
const [LONG_BYTES, SHORT_CHARS_MAX] = [524_288, 256];

function decode(source: Uint8Array | string): string {
  if (typeof source !== "string" && !isUtf8(source)) throw notUtf8();
  const text =
    typeof source === "string"
      ? source
      : Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString("utf8");
  checkBegin(text);
  return text;
}

function notUtf8(): MarrowError {
  return wrong("the body must be UTF-8, and has other bytes");
}

function checkBegin(text: string): void {
  if (text.startsWith("\uFEFF")) throw wrong("the body must be JSON without a byte order mark before it");
}

function parse(text: string): Unfilled {
  try {
    return parseUnfilled(text);
  } catch (cause) {
    return notJson(cause);
  }
}

function notJson(cause: unknown): never {
  throw new MarrowError("invalid_input", "the body is not valid JSON", { cause });
}

function check(text: string, read: Unfilled, fields: number): Unfilled {
  if (countFields(read.value) !== fields) {
    const name = findRepeated(text);
    throw wrong(`the field ${JSON.stringify(name)} must not occur twice in one object`, name);
  }
  return read;
}

/** Counts the fields of a valid JSON text, and checks its numbers. */
function scan(text: string): number {
  let fields = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) fields += 1;
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const number = numberAt(text, at);
      if (!Number.isFinite(Number(number))) throw wrong("a number in the body is larger than any that can be kept");
      at += Math.max(1, number.length) - 1;
    }
  }
  return fields;
}

/** Counts the fields that were read. */
function countFields(value: unknown): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === "object" && item !== null) open.push(item);
      continue;
    }
    for (const name of Object.keys(next)) {
      // Copying such a field by assignment loses it, and with it a part of the cache's key.
      if (name === "__proto__") throw wrong('the body must have no field "__proto__"', name);
      count += 1;
      const item = (next as Readonly<Record<string, unknown>>)[name];
      if (typeof item === "object" && item !== null) open.push(item);
    }
  }
  return count;
}

/** The first field that stands twice in one object of a valid JSON text. Asked only where there is one. */
function findRepeated(text: string): string {
  const open: Set<string>[] = [];
  let last = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      last = text.slice(at, end + 1);
      at = end;
    } else if (character === "{") open.push(new Set());
    else if (character === "}") open.pop();
    else if (character === ":") {
      const name = JSON.parse(last) as string;
      const known = open.at(-1);
      if (known?.has(name) === true) return name.slice(0, NAME_CHARS_MAX);
      known?.add(name);
    }
  }
  return "";
}

function wrong(message: string, path?: string): MarrowError {
  return new MarrowError("invalid_input", message, path === undefined ? {} : { details: { path } });
}
