import type { Fields } from "../../internal/fields.ts";
import { withStrings } from "../../internal/long-text.ts";
import { fromCarried, isCarried, toCarried } from "../models/carried-thoughts.ts";

/** Reasoning formats by maker, in the list that OpenRouter's API introduced. */
const ANTHROPIC = "anthropic-claude-v1";

/** Converts a client's reasoning block to an entry of `reasoning_details`; `undefined` for one that no provider accepts back. */
export function toDetail(block: Fields, index: number): Fields | undefined {
  const { type, thinking, signature, data } = withStrings(block);
  if (type === "thinking")
    return typeof signature === "string" && signature !== ""
      ? { type: "reasoning.text", text: thinking, signature, format: ANTHROPIC, index }
      : undefined;
  if (typeof data !== "string") return undefined;
  return isCarried(data) ? fromCarried(data) : { type: "reasoning.encrypted", data, format: ANTHROPIC, index };
}

/** Converts an entry of `reasoning_details` to a block; `undefined` for an empty one, or one too long to be carried. */
export function toThoughtBlock(detail: Fields): Fields | undefined {
  const { type, text, signature, data, format } = detail;
  if (type === "reasoning.text" && typeof text === "string")
    return { type: "thinking", thinking: text, signature: typeof signature === "string" ? signature : "" };
  if (type !== "reasoning.encrypted" || typeof data !== "string") return undefined;
  const shown = format === ANTHROPIC ? data : toCarried(detail);
  return shown === undefined ? undefined : { type: "redacted_thinking", data: shown };
}
