import { isObject, isText, type Fields } from "../../internal/fields.ts";

/** Marks thoughts that only an endpoint of the Responses API takes back, in the list that OpenRouter's API made common. */
const FORMAT = "openai-responses-v1";

/** An item of thoughts as an entry of `reasoning_details`; `undefined` for one that cannot be given back. */
export function toDetail({ id, encrypted_content: data }: Fields, index: number): Fields | undefined {
  return isText(data) ? { type: "reasoning.encrypted", data, id, format: FORMAT, index } : undefined;
}

/** The items of thoughts in `reasoning_details`. Those of another make are left out: no endpoint reads another's. */
export function toReasoningItems(details: unknown): readonly Fields[] {
  if (!Array.isArray(details)) return [];
  return (details as readonly unknown[]).filter(isObject).flatMap(({ type, data, id, format }) => {
    if (type !== "reasoning.encrypted" || format !== FORMAT || !isText(data)) return [];
    return [{ type: "reasoning", ...(isText(id) && { id }), summary: [], encrypted_content: data }];
  });
}

/** Thoughts of an item in words: what a model thought where it tells, else its summary. */
export function toThoughts({ content, summary }: Fields): string {
  const texts = [content, summary].map((parts) =>
    Array.isArray(parts)
      ? (parts as readonly unknown[]).filter(isObject).flatMap(({ text }) => (isText(text) ? [text] : []))
      : [],
  );
  return (texts.find((said) => said.length > 0) ?? []).join("\n\n");
}
