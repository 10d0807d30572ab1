import { checkSealed } from "../answer-bounds.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import { withStrings } from "../../internal/long-text.ts";

/** Marks reasoning that only Anthropic's models accept back, in the list that OpenRouter's API introduced. */
const FORMAT = "anthropic-claude-v1";

/**
 * Converts a reasoning block to an entry of `reasoning_details`. A client that sends assistant messages back unchanged includes it, and the
 * model continues its reasoning. `undefined` for other blocks.
 * @throws MarrowError `model_failed` for a longer thought, signature or encrypted reasoning than any model's
 */
export function toDetail({ type, thinking, signature, data }: Fields, index: number): Fields | undefined {
  checkSealed(thinking, "a thought");
  checkSealed(signature, "a signature");
  checkSealed(data, "encrypted reasoning");
  if (type === "thinking") return { type: "reasoning.text", text: thinking ?? "", signature, format: FORMAT, index };
  if (type === "redacted_thinking") return { type: "reasoning.encrypted", data, format: FORMAT, index };
  return undefined;
}

/** Returns the signed reasoning blocks in `reasoning_details`; this API refuses unsigned ones. Entries of other formats are left out. */
export function toBlocks(details: unknown): readonly Fields[] {
  if (!Array.isArray(details)) return [];
  return withStrings(details as readonly unknown[])
    .filter(isObject)
    .flatMap(({ type, text, signature, data, format }): Fields[] => {
      if (format !== FORMAT) return [];
      if (type === "reasoning.text" && typeof signature === "string" && signature !== "")
        return [{ type: "thinking", thinking: typeof text === "string" ? text : "", signature }];
      return type === "reasoning.encrypted" && typeof data === "string" ? [{ type: "redacted_thinking", data }] : [];
    });
}
