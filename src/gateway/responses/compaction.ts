import { MarrowError } from "../../errors.ts";
import type { Fields } from "../../internal/fields.ts";

const VERSION = "m1";

/**
 * A summary as the opaque `encrypted_content` of a compaction item. It is encoded, not encrypted: it holds nothing but what its owner said,
 * goes back to its owner alone, and must be readable by every gateway without a key to share.
 */
export function sealSummary(summary: string): string {
  return `${VERSION}.${Buffer.from(summary, "utf8").toString("base64url")}`;
}

/** The summary in a compaction item. @throws MarrowError `invalid_input` for content that no Marrow gateway made */
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

/** What the model is told that stands in for the turns that were compacted. */
export function toSummaryText(summary: string): string {
  return `Summary of the conversation so far:\n${summary}`;
}

/** What the model is asked for when a conversation is compacted. */
export const COMPACT_INSTRUCTIONS: string =
  "Summarize the conversation so far, so that it can be continued from your summary alone. Keep every fact, name, number, decision, open task and " +
  "the user's wishes; leave out greetings. Answer with the summary only.";
