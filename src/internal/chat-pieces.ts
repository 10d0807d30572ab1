/** Longest text of a chat that is one string, in characters. V8 copies a long one in one go where it is first read: some milliseconds for each megabyte. */
export const CHAT_STRING_CHARS_MAX = 262_144;

/** Fields of a chat that hold long texts or media. Everything on their way to a model reads them in pieces. */
const FIELDS: ReadonlySet<string> = new Set(["content", "text", "url", "image_url", "file_data", "data"]);

/** Whether the string of a field of a chat is a `LongText`. */
export function isInPieces(field: string, chars: number): boolean {
  return chars > CHAT_STRING_CHARS_MAX && FIELDS.has(field);
}
