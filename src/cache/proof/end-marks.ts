/** Repeated marks equal a single one at the end of a plain question: "What is inflation???". */
const PLAIN_QUESTION =
  /^(?:what|which|who|whom|whose|when|where|why|how|is|are|am|was|were|do|does|did|can|could|should|would|will|has|have|had|may|must)\b[\p{L}\p{M}\p{N}\s,'’-]*$/iu;
const WORD_BEFORE = /\p{L}{3}$/u;
const TOUCHED = /[\p{L}\p{M}\p{N}"'`)\]}%°$€£…]$/u;

/**
 * The marks at the end of a sentence where they are more than its end: the factorials of "5!!", the directory of "git add ..", the pattern of
 * "a.?". Empty for others. Linear.
 */
export function endMarksOf(sentence: string): string {
  let to = sentence.length;
  while (to > 0 && /\s/.test(sentence[to - 1] as string)) to -= 1;
  let from = to;
  while (from > 0 && /[.?!]/.test(sentence[from - 1] as string)) from -= 1;
  const [body, marks] = [sentence.slice(0, from), sentence.slice(from, to)];
  if (marks === "") return "";
  const tip = body.slice(-8);
  if (marks.length > 1) {
    const isPlain = marks.includes("?") && !marks.includes(".") && WORD_BEFORE.test(tip) && PLAIN_QUESTION.test(body);
    return isPlain ? "" : marks;
  }
  // "What is this ?" has a space as in French; in "ls ." the mark counts.
  if (TOUCHED.test(tip) || (marks !== "." && /\s$/.test(tip))) return "";
  return marks;
}
