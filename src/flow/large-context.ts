import { createHash, hash } from "node:crypto";
import { ownTurn } from "../internal/time-slice.ts";
import type { ChatMessage, ChatRequest } from "../models/index.ts";
import { sizeOf } from "./tokens.ts";

/** From this size on, in characters about, a value is hashed in turns of the event loop. */
const LARGE_CHARS = 262_144;
/** Characters that are hashed in one turn: about 2 ms. */
const TURN_CHARS = 524_288;
const PIECE_CHARS = 65_536;

const ofContexts = new WeakMap<readonly ChatMessage[], string>();
const ofFields = new WeakMap<ChatRequest, LargeFields | "none">();

/** Digests of fields, by their names. */
export type LargeFields = Readonly<Record<string, string>>;

/**
 * Hashes what is large in a request, in turns: what stands before its last message, and other fields, such as tools. Nothing to wait for where
 * all is small.
 */
export function prepareLarge(request: ChatRequest): Promise<void> | undefined {
  const { messages } = request;
  const before = messages.slice(0, -1);
  const isLarge = sizeOf(before) >= LARGE_CHARS;
  const names = largeNames(request);
  // Measured once: the request's keys are made several times.
  if (names.length === 0) ofFields.set(request, "none");
  if (!isLarge && names.length === 0) return undefined;
  return prepare();

  async function prepare(): Promise<void> {
    if (isLarge) ofContexts.set(messages, await hashInTurns(before));
    const fields: [name: string, digest: string][] = [];
    for (const name of names) fields.push([name, await hashInTurns(request[name])]);
    if (names.length > 0) ofFields.set(request, Object.fromEntries(fields));
  }
}

/** The digest of what stands before the last of these messages, if it was prepared. */
export function preparedDigest(messages: readonly ChatMessage[]): string | undefined {
  return ofContexts.get(messages);
}

/** Digests of the large fields of a request beside its messages; `undefined` where there are none. */
export function largeFieldsOf(request: ChatRequest): LargeFields | undefined {
  const known = ofFields.get(request);
  if (known !== undefined) return known === "none" ? undefined : known;
  const names = largeNames(request);
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, hash("sha256", JSON.stringify(request[name]))]));
}

function largeNames(request: ChatRequest): readonly string[] {
  return Object.keys(request).filter((name) => {
    const value = request[name];
    if (name === "messages" || (typeof value !== "object" && typeof value !== "string")) return false;
    return sizeOf(value) >= LARGE_CHARS;
  });
}

/** The same as the hash of a value's JSON as one text. */
async function hashInTurns(value: unknown): Promise<string> {
  const digest = createHash("sha256");
  let chars = 0;
  for (const piece of jsonPieces(value)) {
    digest.update(piece, "utf8");
    chars += piece.length;
    if (chars < TURN_CHARS) continue;
    chars = 0;
    await ownTurn();
  }
  return digest.digest("hex");
}

/** The text that `JSON.stringify` makes of plain JSON, in pieces: none is made of much more than {@link PIECE_CHARS} characters. */
function* jsonPieces(value: unknown): Generator<string> {
  if (typeof value === "string" && value.length > PIECE_CHARS) yield* stringPieces(value);
  else if (typeof value !== "object" || value === null) yield JSON.stringify(value) ?? "null";
  else if (Array.isArray(value)) {
    yield "[";
    for (const [at, item] of value.entries()) {
      if (at > 0) yield ",";
      yield* jsonPieces(item);
    }
    yield "]";
  } else {
    let open = "{";
    for (const [name, field] of Object.entries(value)) {
      if (field === undefined) continue;
      yield `${open}${JSON.stringify(name)}:`;
      open = ",";
      yield* jsonPieces(field);
    }
    yield open === "{" ? "{}" : "}";
  }
}

function* stringPieces(text: string): Generator<string> {
  yield '"';
  for (let from = 0; from < text.length;) {
    let end = Math.min(text.length, from + PIECE_CHARS);
    // Never between the two halves of one character.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end += 1;
    yield JSON.stringify(text.slice(from, end)).slice(1, -1);
    from = end;
  }
  yield '"';
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
