import type { Fields } from "../../internal/fields.ts";

/** Formats of thoughts by their makers, in the list that OpenRouter's API made common. */
const ANTHROPIC = "anthropic-claude-v1";
/** Marks a redacted block that holds another maker's thoughts: clients of this API give such blocks back as they came. */
const CARRIED = "marrow1.";
/** Characters of carried thoughts that are read. */
const CARRIED_CHARS_MAX = 4_194_304;

/** A client's block of thoughts as an entry of `reasoning_details`; `undefined` for one that no provider takes back. */
export function toDetail({ type, thinking, signature, data }: Fields, index: number): Fields | undefined {
  if (type === "thinking")
    return typeof signature === "string" && signature !== ""
      ? { type: "reasoning.text", text: thinking, signature, format: ANTHROPIC, index }
      : undefined;
  if (typeof data !== "string") return undefined;
  return data.startsWith(CARRIED) ? fromCarried(data) : { type: "reasoning.encrypted", data, format: ANTHROPIC, index };
}

/** An entry of `reasoning_details` as a block; `undefined` for one that says nothing. */
export function toThoughtBlock(detail: Fields): Fields | undefined {
  const { type, text, signature, data, format } = detail;
  if (type === "reasoning.text" && typeof text === "string")
    return { type: "thinking", thinking: text, signature: typeof signature === "string" ? signature : "" };
  if (type !== "reasoning.encrypted" || typeof data !== "string") return undefined;
  const kept = format === ANTHROPIC ? data : CARRIED + Buffer.from(JSON.stringify(detail)).toString("base64url");
  return { type: "redacted_thinking", data: kept };
}

function fromCarried(data: string): Fields | undefined {
  if (data.length > CARRIED_CHARS_MAX) return undefined;
  try {
    const {
      type,
      data: held,
      id,
      format,
    } = JSON.parse(Buffer.from(data.slice(CARRIED.length), "base64url").toString("utf8")) as Fields;
    return type === "reasoning.encrypted" ? { type, data: held, id, format } : undefined;
  } catch {
    return undefined;
  }
}
