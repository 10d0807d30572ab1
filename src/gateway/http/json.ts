import { isUtf8 } from "node:buffer";
import { MarrowError } from "../../errors.ts";

/** A parsed JSON text. */
export interface ReadJson {
  readonly value: unknown;
  /**
   * Integers that a double cannot represent, as written, in order; usually empty. They belong to the cache's key, because an endpoint that
   * gets the bytes may distinguish two of them that are equal in `value`.
   */
  readonly beyond: readonly string[];
}

/** Longest name of a field that an error repeats, in characters. */
const NAME_CHARS_MAX = 64;
/** Shorter integers are held exactly by a double. */
const EXACT_DIGITS = 15;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
/** Escaped quotes that are searched for in one string. */
const SEARCHES_MAX = 256;

/**
 * Parses JSON that every reader understands in the same way. The gateway caches by what it reads and forwards the bytes; so it refuses
 * duplicate fields, invalid UTF-8, a byte order mark, numbers that are not finite, and the field `__proto__`. Linear; no recursion.
 * @throws MarrowError `invalid_input` that names the field
 */
export function readJson(source: Uint8Array | string): ReadJson {
  const text = decode(source);
  return check(text, parse(text), scan(text));
}

/** The same in four steps, each in a turn of the event loop that `turn` provides. */
export async function readJsonInTurns(source: Uint8Array, turn: () => Promise<void>): Promise<ReadJson> {
  const text = decode(source);
  await turn();
  const value = parse(text);
  await turn();
  const scanned = scan(text);
  await turn();
  return check(text, value, scanned);
}

function decode(source: Uint8Array | string): string {
  if (typeof source !== "string" && !isUtf8(source)) throw wrong("the body must be UTF-8, and has other bytes");
  const text =
    typeof source === "string"
      ? source
      : Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString("utf8");
  if (text.startsWith("\uFEFF")) throw wrong("the body must be JSON without a byte order mark before it");
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MarrowError("invalid_input", "the body is not valid JSON", { cause });
  }
}

function check(text: string, value: unknown, { fields, beyond }: ReturnType<typeof scan>): ReadJson {
  if (countFields(value) !== fields) {
    const name = findRepeated(text);
    throw wrong(`the field ${JSON.stringify(name)} must not occur twice in one object`, name);
  }
  return { value, beyond };
}

/** Counts the fields of a valid JSON text, and checks its numbers. */
function scan(text: string): { readonly fields: number; readonly beyond: readonly string[] } {
  let fields = 0;
  const beyond: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) fields += 1;
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      NUMBER.lastIndex = at;
      const [number = ""] = NUMBER.exec(text) ?? [];
      if (number.length > EXACT_DIGITS || !Number.isFinite(Number(number))) checkNumber(number, beyond);
      at += Math.max(1, number.length) - 1;
    }
  }
  return { fields, beyond };
}

function checkNumber(number: string, beyond: string[]): void {
  const value = Number(number);
  if (!Number.isFinite(value)) throw wrong("a number in the body is larger than any that can be kept");
  if (/^-?\d+$/.test(number) && !Number.isSafeInteger(value)) beyond.push(number);
}

/** Place of the quote that ends the string which begins at `at`. */
function endOfString(text: string, at: number): number {
  let end = at;
  for (let searches = 0; searches < SEARCHES_MAX; searches += 1) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  // Searching for each escaped quote anew is slow where there are many: from here on each character is looked at.
  for (end += 1; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === QUOTE) return end;
    if (code === BACKSLASH) end += 1;
  }
  return text.length;
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
