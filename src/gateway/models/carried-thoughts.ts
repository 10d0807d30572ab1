import { parseExact } from "../../internal/exact-json.ts";
import { MarrowError } from "../../errors.ts";
import { MAKER } from "../../models/index.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import { isCertainlyOver } from "../../internal/json-pieces.ts";

/** Format of reasoning that an endpoint of OpenAI's Responses API accepts back, in the list that OpenRouter's API introduced. */
const OPENAI = "openai-responses-v1";
/** Format of reasoning that has no other form than its words. No endpoint is sent such an entry. */
const WORDS = "marrow-words-v1";
/** Prefix of carried reasoning whose maker has no place in the client's API: clients return such texts unchanged. */
const CARRIED = "marrow1.";
/** Longest carried reasoning that is read, in characters. */
const CARRIED_CHARS_MAX = 4_194_304;

/** Bytes of JSON that this many characters of base64url stand for. */
const CARRIED_BYTES_MAX = 3_145_728;
/** Longest words that are encoded, in characters: twice as many as a model thinks. */
const WORDS_CHARS_MAX = 1_048_576;

/**
 * Encodes an entry of `reasoning_details` as one text; {@link fromCarried} decodes it. `undefined` for an entry that would be too long to be
 * read again, which is not encoded first.
 */
export function toCarried(detail: Fields): string | undefined {
  if (isCertainlyOver(detail, CARRIED_BYTES_MAX)) return undefined;
  const text = CARRIED + Buffer.from(JSON.stringify(detail)).toString("base64url");
  return text.length > CARRIED_CHARS_MAX ? undefined : text;
}

/** Returns true if {@link toCarried} made this text. */
export function isCarried(text: string): boolean {
  return text.startsWith(CARRIED);
}

/**
 * Checks a text that a client returns: encoded reasoning must be complete and unchanged.
 * @throws MarrowError `too_large`, `invalid_input`
 */
export function checkCarried(text: string, path: string): void {
  checkCarriedLength(text, path);
  if (isCarried(text) && fromCarried(text) === undefined)
    throw new MarrowError("invalid_input", `${path} must be what this gateway gave the client, unchanged`, {
      details: { path },
    });
}

/** Refuses encoded reasoning of more than 4,194,304 characters. @throws MarrowError `too_large` */
export function checkCarriedLength(text: unknown, path: string): void {
  if (typeof text !== "string" || !isCarried(text) || text.length <= CARRIED_CHARS_MAX) return;
  throw new MarrowError(
    "too_large",
    `${path} has ${text.length} characters, at most ${CARRIED_CHARS_MAX} can be read`,
    {
      details: { path, charsMax: CARRIED_CHARS_MAX },
    },
  );
}

/** Decodes the entry in a text; `undefined` for any other text. */
export function fromCarried(text: string): Fields | undefined {
  if (!isCarried(text) || text.length > CARRIED_CHARS_MAX) return undefined;
  try {
    const detail = parseExact(Buffer.from(text.slice(CARRIED.length), "base64url").toString("utf8"));
    return isObject(detail) ? pick(detail) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the `encrypted_content` of a `reasoning` item, which its maker needs back; `undefined` for an entry without it. */
export function toEncryptedContent(detail: Fields): string | undefined {
  const { type, data, format, signature } = detail;
  if (type === "reasoning.encrypted" && typeof data === "string" && data !== "")
    return format === OPENAI ? data : toCarried(detail);
  return type === "reasoning.text" && typeof signature === "string" && signature !== "" ? toCarried(detail) : undefined;
}

/** Returns the same for storage, with the entry's maker if the text alone does not name it. */
export function toKeptContent(detail: Fields): string | undefined {
  const shown = toEncryptedContent(detail);
  return shown === undefined || isCarried(shown) || detail[MAKER] === undefined ? shown : (toCarried(detail) ?? shown);
}

/** Converts a stored `encrypted_content` for clients: to the provider's own text if the API has a place for it. */
export function toShownContent(content: string): string {
  const detail = fromCarried(content);
  return (detail && toEncryptedContent(detail)) ?? content;
}

/**
 * The `encrypted_content` of reasoning whose maker signs and encrypts nothing: its words, for clients send back only items that have the field.
 * `undefined` for more than 1,048,576 characters of words, and for words that would be too long to be read again.
 */
export function toWordsContent(words: string): string | undefined {
  if (words.length > WORDS_CHARS_MAX) return undefined;
  return toCarried({ type: "reasoning.text", text: words, format: WORDS });
}

/** The words in an entry that is nothing but words; `undefined` for an entry that its maker reads. */
export function wordsIn({ type, format, text }: Fields): string | undefined {
  return type === "reasoning.text" && format === WORDS && typeof text === "string" ? text : undefined;
}

/** Converts an `encrypted_content` back to its entry of `reasoning_details`; `undefined` for none. */
export function fromEncryptedContent(content: unknown): Fields | undefined {
  if (typeof content !== "string" || content === "") return undefined;
  if (isCarried(content)) return fromCarried(content);
  return { type: "reasoning.encrypted", data: content, format: OPENAI };
}

/** Returns the start of a reasoning part, if an entry has one: the item's index, the part, and its offset in the whole reasoning. */
export function partOf(
  detail: Fields,
): { readonly index: number; readonly part: number; readonly start: number } | undefined {
  const { type, format, index, part, start } = detail;
  if (type !== "reasoning.summary" || format !== OPENAI) return undefined;
  if (typeof index !== "number" || typeof part !== "number" || typeof start !== "number") return undefined;
  return { index, part, start };
}

/** Selects the fields that a maker reads from a client's entry. */
function pick({ type, data, id, format, text, signature, index, [MAKER]: maker }: Fields): Fields | undefined {
  const made = typeof maker === "string" ? { [MAKER]: maker } : {};
  if (type === "reasoning.encrypted") return { type, data, id, format, ...made };
  return type === "reasoning.text" ? { type, text, signature, format, index, ...made } : undefined;
}
