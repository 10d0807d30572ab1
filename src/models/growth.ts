import type { ChatChunk } from "./chat.ts";
import { toJson } from "./failures.ts";
import type { StreamPart } from "./model.ts";

/** The text that a chunk appends to one answer, and the field of its delta. */
export interface Growth {
  readonly field: string;
  readonly text: string;
}

/** Chunk fields that need no comparison: choices are read, and the other carries no information. */
export const BESIDE_ANSWER: ReadonlySet<string> = new Set(["choices", "obfuscation"]);
/** Fields of a choice that are read here. */
const OF_CHOICE = new Set(["index", "delta"]);
/** Fields of a delta whose text is appended. */
const GROWING = new Set(["content", "reasoning_content", "reasoning"]);
/** Texts that every chunk of a stream repeats completely. */
const REPEATED = new Set(["id", "object", "model", "system_fingerprint", "service_tier", "provider", "obfuscation"]);

/** Returns the text that a chunk appends to the first answer; `undefined` for a chunk with other content. Pure. */
export function growthOf(chunk: ChatChunk): Growth | undefined {
  const choice = chunk.choices?.length === 1 ? chunk.choices[0] : undefined;
  const delta = choice?.delta;
  if (choice === undefined || delta === undefined || delta === null || (choice.index ?? 0) !== 0) return undefined;
  for (const [name, value] of Object.entries(choice)) if (!OF_CHOICE.has(name) && value != null) return undefined;
  for (const [name, value] of Object.entries(chunk))
    if (!BESIDE_ANSWER.has(name) && typeof value === "object" && value !== null) return undefined;
  let growth = { field: "content", text: "" };
  for (const [name, value] of Object.entries(delta)) {
    if (name === "role" || value === "" || value === null || value === undefined) continue;
    if (!GROWING.has(name) || typeof value !== "string" || growth.text !== "") return undefined;
    growth = { field: name, text: value };
  }
  return growth;
}

/** Recognizes events of one stream that repeat the previous one except for the appended text. */
export interface Repeats {
  /** Records a parsed event; without one, later events are not compared. */
  note(data: string, chunk: ChatChunk | undefined): void;
  /** Reads a piece that begins and ends between events as a part, if all its events are repetitions. No JSON is parsed. */
  read(text: string, bytes: Uint8Array): StreamPart | undefined;
}

/** Consecutive events without repetition after which a stream is no longer compared. */
const IDLE_NOTES_MAX = 4;

/**
 * Compares events with the previous one as text. Everything around the appended text must be identical, and the text itself must be the
 * inside of one JSON string, so the result equals that of parsing. OpenAI's `obfuscation` may differ, because it carries no information.
 */
export function createRepeats(): Repeats {
  let known: Pattern | undefined;
  let idle = 0;

  return {
    note(data, chunk) {
      known = undefined;
      const growth = chunk === undefined || idle >= IDLE_NOTES_MAX ? undefined : growthOf(chunk);
      if (chunk === undefined || growth === undefined || growth.text === "") return;
      idle += 1;
      known = toPattern(data, chunk, growth);
    },
    read(text, bytes) {
      if (known === undefined) return undefined;
      const texts = textsOf(known, text);
      if (texts === undefined) return undefined;
      idle = 0;
      return new RepeatedPart(bytes, known, texts);
    },
  };
}

/** An event split at its appended text. */
interface Pattern {
  readonly chunk: ChatChunk;
  readonly field: string;
  /** From the start of the event to the text. */
  readonly head: string;
  /** From the end of the text to the end of the event, or to the obfuscation. */
  readonly tail: string;
  /** From the end of the obfuscation to the end of the event. */
  readonly last: string | undefined;
}

/** A part whose events all repeat the previous one. */
class RepeatedPart implements StreamPart {
  readonly done = false;
  readonly grows: NonNullable<StreamPart["grows"]>;
  readonly bytes: Uint8Array;
  readonly #pattern: Pattern;
  readonly #texts: readonly string[];

  constructor(bytes: Uint8Array, pattern: Pattern, texts: readonly string[]) {
    this.bytes = bytes;
    this.#pattern = pattern;
    this.#texts = texts;
    const text = texts.length === 1 ? (texts[0] as string) : texts.join("");
    this.grows = { field: pattern.field, text, chunks: texts.length };
  }

  // Few readers want them.
  get chunks(): readonly ChatChunk[] {
    const { chunk, field } = this.#pattern;
    return this.#texts.map((text) => withText(chunk, field, text));
  }
}

function withText(chunk: ChatChunk, field: string, text: string): ChatChunk {
  const [choice] = chunk.choices ?? [];
  return { ...chunk, choices: [{ ...choice, delta: { ...choice?.delta, [field]: text } }] };
}

/** Longer events are not looked for again: what repeats has one token or some. */
const PATTERN_CHARS_MAX = 65_536;

/** A text that no event contains. */
const PROBE = "\u{F0000}probe\u{F0000}";

function toPattern(data: string, chunk: ChatChunk, { field, text }: Growth): Pattern | undefined {
  if (data.length > PATTERN_CHARS_MAX || data.includes("\n")) return undefined;
  for (const [name, value] of Object.entries(chunk))
    if (typeof value === "string" && !REPEATED.has(name)) return undefined;
  const cut = cutAt(data, field, text);
  if (cut === undefined) return undefined;
  const [head, tail] = cut;
  // Parsed once with another text: only where that text comes out as the field's value is the cut where it must be.
  const probed = toJson(head + PROBE + tail) as ChatChunk | undefined;
  if (probed?.choices?.[0]?.delta?.[field] !== PROBE) return undefined;
  const start = { chunk, field, head: `data: ${head}` };
  const noise = chunk["obfuscation"];
  const noiseCut = typeof noise === "string" ? cutAt(tail, "obfuscation", noise) : undefined;
  if (noiseCut === undefined) return { ...start, tail: `${tail}\n\n`, last: undefined };
  const noisy = toJson(head + PROBE + noiseCut[0] + PROBE + noiseCut[1]) as ChatChunk | undefined;
  if (noisy?.["obfuscation"] !== PROBE || noisy.choices?.[0]?.delta?.[field] !== PROBE) return undefined;
  return { ...start, tail: noiseCut[0], last: `${noiseCut[1]}\n\n` };
}

/** Splits JSON around the value of a field. */
function cutAt(json: string, field: string, value: string): readonly [string, string] | undefined {
  for (const colon of [":", ": "]) {
    const start = `"${field}"${colon}"`;
    const written = JSON.stringify(value).slice(1);
    const at = json.lastIndexOf(start + written);
    if (at !== -1) return [json.slice(0, at + start.length), json.slice(at + start.length + written.length - 1)];
  }
  return undefined;
}

/** Returns the texts of events that all match a pattern. */
function textsOf({ head, tail, last }: Pattern, events: string): readonly string[] | undefined {
  const texts: string[] = [];
  for (let at = 0; at < events.length;) {
    if (!events.startsWith(head, at)) return undefined;
    at += head.length;
    const end = endOfString(events, at);
    const text = end === -1 ? undefined : toText(events.slice(at, end));
    if (text === undefined || !events.startsWith(tail, end)) return undefined;
    at = end + tail.length;
    if (last !== undefined) {
      const noiseEnd = endOfString(events, at);
      if (noiseEnd === -1 || toText(events.slice(at, noiseEnd)) === undefined) return undefined;
      if (!events.startsWith(last, noiseEnd)) return undefined;
      at = noiseEnd + last.length;
    }
    texts.push(text);
  }
  return texts.length === 0 ? undefined : texts;
}

/** Returns the position of the quote that ends a JSON string; -1 without one. */
function endOfString(json: string, from: number): number {
  for (let end = json.indexOf('"', from); end !== -1; end = json.indexOf('"', end + 1)) {
    let slashes = 0;
    while (json[end - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return -1;
}

/** Characters that a JSON string contains only escaped, and the escape character. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const ODD = /[\\\u0000-\u001F]/;

/** Decodes the inside of a JSON string; `undefined` if it is invalid. */
function toText(inside: string): string | undefined {
  return ODD.test(inside) ? (toJson(`"${inside}"`) as string | undefined) : inside;
}
