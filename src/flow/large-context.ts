import { createHash } from "node:crypto";
import { ownTurn } from "../internal/time-slice.ts";
import type { ChatMessage, ChatRequest } from "../models/index.ts";
import { sizeOf } from "./tokens.ts";

/** From this size on, in characters about, what stands before the last message is hashed in turns of the event loop. */
const LARGE_CHARS = 262_144;
/** Characters that are hashed in one turn: about 2 ms. */
const TURN_CHARS = 524_288;
const PIECE_CHARS = 65_536;

const prepared = new WeakMap<readonly ChatMessage[], string>();

/** Hashes what stands before the last of many messages, in turns; nothing to wait for where it is small. `digestOf` has it from then on. */
export function prepareDigest({ messages }: ChatRequest): Promise<void> | undefined {
  const before = messages.slice(0, -1);
  if (sizeOf(before) < LARGE_CHARS) return undefined;
  return hashInTurns(before).then((digest) => void prepared.set(messages, digest));
}

/** The digest of what stands before the last of these messages, if it was prepared. */
export function preparedDigest(messages: readonly ChatMessage[]): string | undefined {
  return prepared.get(messages);
}

/** The same as the hash of the messages' JSON as one text. */
async function hashInTurns(before: readonly ChatMessage[]): Promise<string> {
  const hash = createHash("sha256");
  let chars = 0;
  for (const piece of jsonPieces(before)) {
    hash.update(piece, "utf8");
    chars += piece.length;
    if (chars < TURN_CHARS) continue;
    chars = 0;
    await ownTurn();
  }
  return hash.digest("hex");
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
