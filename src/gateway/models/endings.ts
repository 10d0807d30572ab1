/** What a finish reason says of an answer: `unknown` for a reason that this table does not have. */
export type Ending = "complete" | "length" | "filtered" | "unknown";

/** Reasons by what they say: those of chat completions, and words that servers of models use in their place. */
const ENDINGS: ReadonlyMap<unknown, Ending> = new Map([
  ...["stop", "tool_calls", "function_call", "tool_use", "end_turn", "stop_sequence", "eos", "eos_token"].map(
    (reason) => [reason, "complete"] as const,
  ),
  ...["length", "max_tokens", "max_output_tokens", "model_length"].map((reason) => [reason, "length"] as const),
  ...["content_filter", "refusal", "safety"].map((reason) => [reason, "filtered"] as const),
]);

/** Longest reason that is passed on, in characters. */
const REASON_CHARS_MAX = 64;

/**
 * Returns what a finish reason says. An absent reason is that of a complete answer, because streams without one are refused elsewhere. Case
 * does not matter. Pure.
 */
export function endingOf(reason: unknown): Ending {
  if (typeof reason !== "string" || reason === "") return "complete";
  return ENDINGS.get(reason.toLowerCase()) ?? "unknown";
}

/** Returns a reason that no table knows, for a client. */
export function shownReason(reason: unknown): string {
  return String(reason).slice(0, REASON_CHARS_MAX);
}
