import type { Fields } from "../../internal/fields.ts";
import { fromCarried, isCarried, toCarried } from "../models/carried-thoughts.ts";

/** Formats of thoughts by their makers, in the list that OpenRouter's API made common. */
const ANTHROPIC = "anthropic-claude-v1";

/** A client's block of thoughts as an entry of `reasoning_details`; `undefined` for one that no provider takes back. */
export function toDetail({ type, thinking, signature, data }: Fields, index: number): Fields | undefined {
  if (type === "thinking")
    return typeof signature === "string" && signature !== ""
      ? { type: "reasoning.text", text: thinking, signature, format: ANTHROPIC, index }
      : undefined;
  if (typeof data !== "string") return undefined;
  return isCarried(data) ? fromCarried(data) : { type: "reasoning.encrypted", data, format: ANTHROPIC, index };
}

/** An entry of `reasoning_details` as a block; `undefined` for one that says nothing. */
export function toThoughtBlock(detail: Fields): Fields | undefined {
  const { type, text, signature, data, format } = detail;
  if (type === "reasoning.text" && typeof text === "string")
    return { type: "thinking", thinking: text, signature: typeof signature === "string" ? signature : "" };
  if (type !== "reasoning.encrypted" || typeof data !== "string") return undefined;
  return { type: "redacted_thinking", data: format === ANTHROPIC ? data : toCarried(detail) };
}
