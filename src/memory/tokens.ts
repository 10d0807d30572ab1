import { mediaTokens } from "../internal/token-estimate.ts";
import type { Turn } from "./turn.ts";

/** Tokens that a turn takes in a request. */
export type CountTokens = (turn: Turn) => number;

/** Tokens that each turn takes beside its words: its role and its ends, in OpenAI's chat format. */
const TOKENS_A_TURN = 3;

let loading: Promise<CountTokens> | undefined;

/**
 * Counts turns by OpenAI's encoding o200k_base: the role, all text of the content, names, and calls of tools as JSON, and three tokens for
 * each turn. Pictures, recordings and documents count flat by their kind, however many bytes they have. The table is loaded once a process, at the first call (about 0.2 s).
 */
export function loadCountTokens(): Promise<CountTokens> {
  return (loading ??= import("gpt-tokenizer/encoding/o200k_base").then(
    ({ countTokens }) =>
      (turn) =>
        TOKENS_A_TURN +
        mediaOf(turn.content) +
        countTokens(textOf(turn), { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }),
  ));
}

/** Everything that a model reads of a turn; the item beside it says the same once more. */
function textOf({ role, content, item: _, ...rest }: Turn): string {
  const text = typeof content === "string" ? content : partsOf(content);
  const more = Object.keys(rest).length === 0 ? "" : JSON.stringify(rest);
  return `${role}\n${text}${more}`;
}

function partsOf(content: unknown): string {
  if (content === undefined || content === null) return "";
  if (!Array.isArray(content)) return JSON.stringify(content);
  return content
    .map((part: { text?: unknown } | string | null) => {
      if (typeof part === "string") return part;
      if (typeof part?.text === "string") return part.text;
      return isMedia(part) ? "" : JSON.stringify(part);
    })
    .join("\n");
}

function isMedia(part: unknown): boolean {
  return (
    typeof part === "object" && part !== null && mediaTokens(part as Readonly<Record<string, unknown>>) !== undefined
  );
}

/** Flat tokens of everything in a content that is no text. */
function mediaOf(content: unknown): number {
  if (!Array.isArray(content)) return 0;
  return content.filter(isMedia).reduce<number>((sum, part) => sum + (mediaTokens(part as object as never) ?? 0), 0);
}
