import { isObject, type Fields } from "../../internal/fields.ts";

/** Marks thoughts that only Anthropic's models take back, in the list that OpenRouter's API made common. */
const FORMAT = "anthropic-claude-v1";

/**
 * A block of thoughts as an entry of `reasoning_details`: a client that sends its assistant messages back as they came sends them, too, and
 * the model goes on thinking where it was. `undefined` for a block that holds none.
 */
export function toDetail({ type, thinking, signature, data }: Fields, index: number): Fields | undefined {
  if (type === "thinking") return { type: "reasoning.text", text: thinking ?? "", signature, format: FORMAT, index };
  if (type === "redacted_thinking") return { type: "reasoning.encrypted", data, format: FORMAT, index };
  return undefined;
}

/** The blocks of thoughts in `reasoning_details`: the signed ones, for this API refuses others. Those of another make are left out. */
export function toBlocks(details: unknown): readonly Fields[] {
  if (!Array.isArray(details)) return [];
  return (details as readonly unknown[])
    .filter(isObject)
    .flatMap(({ type, text, signature, data, format }): Fields[] => {
      if (format !== FORMAT) return [];
      if (type === "reasoning.text" && typeof signature === "string" && signature !== "")
        return [{ type: "thinking", thinking: typeof text === "string" ? text : "", signature }];
      return type === "reasoning.encrypted" && typeof data === "string" ? [{ type: "redacted_thinking", data }] : [];
    });
}
