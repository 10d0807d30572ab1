import { isObject } from "./fields.ts";
import { isWords } from "./long-text.ts";

/** Returns the text of a content: the string itself, or the texts of a list's parts. Empty for anything else. */
export function textIn(content: unknown): string {
  if (isWords(content)) return String(content);
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) =>
      isObject(part) && isWords(part["text"]) && part["type"] !== "reasoning" ? String(part["text"]) : "",
    )
    .join("");
}

/**
 * Returns the reasoning among the parts of a content, in the forms `{ type: "thinking", thinking }` (Mistral) or `{ type: "reasoning",
 * summary }` (Databricks), a text or parts.
 */
export function thoughtsIn(content: unknown): string {
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) => {
      if (!isObject(part)) return "";
      if (part["type"] === "thinking") return textIn(part["thinking"]);
      return part["type"] === "reasoning" ? textIn(part["summary"] ?? part["text"]) : "";
    })
    .join("");
}
