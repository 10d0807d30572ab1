import { checkSealed, PARTS_MAX, tooMany } from "../answer-bounds.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { withStrings, wordsOr, type LongText } from "../../internal/long-text.ts";

/** Marks reasoning that only an endpoint of the Responses API accepts back, in the list that OpenRouter's API introduced. */
const FORMAT = "openai-responses-v1";

/**
 * Converts a reasoning item to an entry of `reasoning_details`; `undefined` for one that cannot be sent back.
 * @throws MarrowError `model_failed` for longer encrypted reasoning than any model's
 */
export function toDetail({ id, encrypted_content: data }: Fields, index: number): Fields | undefined {
  checkSealed(data, "encrypted reasoning");
  return isText(data) ? { type: "reasoning.encrypted", data, id, format: FORMAT, index } : undefined;
}

/**
 * Returns the start of a reasoning part as an entry of the same list; the first part of an item is 0. `start`: its offset in
 * `reasoning_content`.
 */
export function toPartMark({ index, part, start }: Readonly<Record<"index" | "part" | "start", number>>): Fields {
  return { type: "reasoning.summary", summary: "", format: FORMAT, index, part, start };
}

/**
 * Returns the reasoning items in `reasoning_details`. Those of other formats are left out, because endpoints read only their own. They have no
 * ids: an endpoint that was asked with `store: false` knows none, and some refuse an id beside encrypted content. `words`: what was thought in
 * words, the summary of the item if there is one item alone.
 */
export function toReasoningItems(details: unknown, words?: unknown): readonly Fields[] {
  if (!Array.isArray(details)) return [];
  const sealed = withStrings(details as readonly unknown[])
    .filter(isObject)
    .flatMap(({ type, data, format }) =>
      type === "reasoning.encrypted" && format === FORMAT && isText(data) ? [data] : [],
    );
  const summary = sealed.length === 1 && isText(words) ? [{ type: "summary_text", text: words }] : [];
  return sealed.map((data) => ({ type: "reasoning", summary, encrypted_content: data }));
}

/** Separator of two reasoning parts in `reasoning_content`. */
export const BETWEEN = "\n\n";

/**
 * Returns an item's reasoning text by part: the text itself if present, else its summary.
 * @throws MarrowError `model_failed` for more parts than any answer has
 */
export function toThoughts({ content, summary }: Fields): readonly (string | LongText)[] {
  const texts = [content, summary].map((parts) => {
    if (!Array.isArray(parts)) return [];
    if (parts.length > PARTS_MAX) throw tooMany(PARTS_MAX, "parts of one item");
    const said = (parts as readonly unknown[]).filter(isObject).map(({ text }) => wordsOr(text));
    return said.filter((words) => words.length > 0);
  });
  return texts.find((said) => said.length > 0) ?? [];
}
