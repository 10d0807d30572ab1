const BEFORE =
  /^(?:(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there)?[,.!:]?\s+|(?:can|could|would|will) you (?:please |kindly )?(?=(?:tell|explain|give|show|describe|list|help|write|translate|summarize|summarise|convert|find|name|define|compare)\b)|i(?:'d| would) like (?:you )?to know\s+|i want to know\s+|do you know\s+(?=wh|how)|tell me\s+(?=wh|how))/iu;
/** Before a capital it may be a title's first word. */
const PLEASE = /^(?:[Pp]lease|[Kk]indly)[,:]?\s+(?=\p{Ll})/u;
/** A run of commas or of marks is tried from its first character only: tried from each of them, a long run would take quadratic time. */
const AFTER = /(?<![,\s])[,\s]+(?:please|pls|thanks|thank you|thx)(?: in advance)?[.!?]*$/iu;
const REPEATED = /(?<![?!.])([?!.])[?!.]+$/;
/** Characters and words that every pattern needs. Only the start and the end of a prompt are tested. */
const POSSIBLE_FIRST = /^(?:hi|hel|hey|goo|ple|kin|can|cou|wou|wil|i |i'|i’|do |tel)/iu;
const POSSIBLE_LAST = /(?:please|pls|thanks|you|thx|advance)[.!?]?$|[.!?]{2}$/iu;
const LAST_CHARS = 16;
/** Greetings and pleas stand one before another a few times at most. */
const ROUNDS = 4;

/**
 * Removes greetings, pleas and thanks around a prompt; the rest is unchanged. "Please tell me what inflation is, thanks" becomes "what
 * inflation is". Never returns an empty prompt. English; other languages are left unchanged.
 */
export function stripPleasantries(text: string): string {
  if (!POSSIBLE_FIRST.test(text) && !POSSIBLE_LAST.test(text.slice(-LAST_CHARS))) return text;
  let left = text;
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = left.replace(BEFORE, "").replace(PLEASE, "").replace(AFTER, "").replace(REPEATED, "$1").trim();
    if (next === "" || next === left) break;
    left = next;
  }
  return left;
}
