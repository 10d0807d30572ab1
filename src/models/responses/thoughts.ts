import { isObject, isText, type Fields } from "../../internal/fields.ts";

/** Marks thoughts that only an endpoint of the Responses API takes back, in the list that OpenRouter's API made common. */
const FORMAT = "openai-responses-v1";

/** An item of thoughts as an entry of `reasoning_details`; `undefined` for one that cannot be given back. */
export function toDetail({ id, encrypted_content: data }: Fields, index: number): Fields | undefined {
  return isText(data) ? { type: "reasoning.encrypted", data, id, format: FORMAT, index } : undefined;
}

/** Where a part of the thoughts begins, as an entry of the same list: the first one of an item has part 0. `start`: after how many characters of `reasoning_content`. */
export function toPartMark({ index, part, start }: Readonly<Record<"index" | "part" | "start", number>>): Fields {
  return { type: "reasoning.summary", summary: "", format: FORMAT, index, part, start };
}

/** The items of thoughts in `reasoning_details`. Those of another make are left out: no endpoint reads another's. */
export function toReasoningItems(details: unknown): readonly Fields[] {
  if (!Array.isArray(details)) return [];
  return (details as readonly unknown[]).filter(isObject).flatMap(({ type, data, id, format }) => {
    if (type !== "reasoning.encrypted" || format !== FORMAT || !isText(data)) return [];
    return [{ type: "reasoning", ...(isText(id) && { id }), summary: [], encrypted_content: data }];
  });
}

/** What stands between two parts of thoughts in `reasoning_content`. */
export const BETWEEN = "\n\n";

/** Thoughts of an item in words, part by part: what a model thought where it tells, else its summary. */
export function toThoughts({ content, summary }: Fields): readonly string[] {
  const texts = [content, summary].map((parts) =>
    Array.isArray(parts)
      ? (parts as readonly unknown[]).filter(isObject).flatMap(({ text }) => (isText(text) ? [text] : []))
      : [],
  );
  return texts.find((said) => said.length > 0) ?? [];
}
