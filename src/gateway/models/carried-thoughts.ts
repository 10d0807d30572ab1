import { MAKER } from "../../models/index.ts";
import { isObject, type Fields } from "../../internal/fields.ts";

/** The format of thoughts that an endpoint of OpenAI's Responses API takes back, in the list that OpenRouter's API made common. */
const OPENAI = "openai-responses-v1";
/** Marks thoughts of a maker that has no place of its own in the API that a client speaks: clients give such texts back as they came. */
const CARRIED = "marrow1.";
/** Characters of carried thoughts that are read. */
const CARRIED_CHARS_MAX = 4_194_304;

/** An entry of `reasoning_details` as one text, from which {@link fromCarried} makes it again. */
export function toCarried(detail: Fields): string {
  return CARRIED + Buffer.from(JSON.stringify(detail)).toString("base64url");
}

/** Whether a text carries an entry, or what was made of one. */
export function isCarried(text: string): boolean {
  return text.startsWith(CARRIED);
}

/** The entry in a text; `undefined` for a text that carries none. */
export function fromCarried(text: string): Fields | undefined {
  if (!isCarried(text) || text.length > CARRIED_CHARS_MAX) return undefined;
  try {
    const detail = JSON.parse(Buffer.from(text.slice(CARRIED.length), "base64url").toString("utf8")) as unknown;
    return isObject(detail) ? pick(detail) : undefined;
  } catch {
    return undefined;
  }
}

/** What their maker wants back of thoughts, as the `encrypted_content` of a `reasoning` item; `undefined` for an entry that holds nothing of it. */
export function toEncryptedContent(detail: Fields): string | undefined {
  const { type, data, format, signature } = detail;
  if (type === "reasoning.encrypted" && typeof data === "string" && data !== "")
    return format === OPENAI ? data : toCarried(detail);
  return type === "reasoning.text" && typeof signature === "string" && signature !== "" ? toCarried(detail) : undefined;
}

/** The same as it is kept: also with its maker, where the text alone does not name it. */
export function toKeptContent(detail: Fields): string | undefined {
  const shown = toEncryptedContent(detail);
  return shown === undefined || isCarried(shown) || detail[MAKER] === undefined ? shown : toCarried(detail);
}

/** An `encrypted_content` that was kept, as clients see it: in their provider's own words where the API has a place for these. */
export function toShownContent(content: string): string {
  const detail = fromCarried(content);
  return (detail && toEncryptedContent(detail)) ?? content;
}

/** The entry of `reasoning_details` that an `encrypted_content` stands for; `undefined` for none. */
export function fromEncryptedContent(content: unknown): Fields | undefined {
  if (typeof content !== "string" || content === "") return undefined;
  if (isCarried(content)) return fromCarried(content);
  return { type: "reasoning.encrypted", data: content, format: OPENAI };
}

/** Where a part of the thoughts begins, if an entry says so: in which item, as its which part, and after how many characters of all thoughts. */
export function partOf(
  detail: Fields,
): { readonly index: number; readonly part: number; readonly start: number } | undefined {
  const { type, format, index, part, start } = detail;
  if (type !== "reasoning.summary" || format !== OPENAI) return undefined;
  if (typeof index !== "number" || typeof part !== "number" || typeof start !== "number") return undefined;
  return { index, part, start };
}

/** Of what a client gives back, the fields that a maker reads. */
function pick({ type, data, id, format, text, signature, index, [MAKER]: maker }: Fields): Fields | undefined {
  const made = typeof maker === "string" ? { [MAKER]: maker } : {};
  if (type === "reasoning.encrypted") return { type, data, id, format, ...made };
  return type === "reasoning.text" ? { type, text, signature, format, index, ...made } : undefined;
}
