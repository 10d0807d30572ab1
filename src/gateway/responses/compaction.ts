import { MarrowError } from "../../errors.ts";
import type { Fields } from "../../internal/fields.ts";

const VERSION = "m1";

/**
 * Encodes a summary as the opaque `encrypted_content` of a compaction item. It is not encrypted: it only contains its owner's text, is only
 * returned to them, and must be readable by every gateway without a shared key.
 */
export function sealSummary(summary: string): string {
  return `${VERSION}.${Buffer.from(summary, "utf8").toString("base64url")}`;
}

/** Decodes the summary of a compaction item. @throws MarrowError `invalid_input` for content that no Marrow gateway made */
export function openSummary(item: Fields, path: string): string {
  const content = item["encrypted_content"];
  if (typeof content === "string" && content.startsWith(`${VERSION}.`))
    return Buffer.from(content.slice(VERSION.length + 1), "base64url").toString("utf8");
  throw new MarrowError(
    "invalid_input",
    `${path}.encrypted_content: must come from POST /v1/responses/compact of this gateway`,
    {
      details: { path: `${path}.encrypted_content` },
    },
  );
}

/** Returns the text that replaces the compacted turns for the model. */
export function toSummaryText(summary: string): string {
  return `Summary of the conversation so far:\n${summary}`;
}

/** Instructions to the model that compacts a conversation. */
export const COMPACT_INSTRUCTIONS: string =
  "Summarize the conversation so far, so that it can be continued from your summary alone. Keep every fact, name, number, decision, open task and " +
  "the user's wishes; leave out greetings. Answer with the summary only.";
