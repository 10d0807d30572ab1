import { plain, type Token } from "./token.ts";

const BE = /^(?:is|are|am|was|were|be|been|being|get|gets|got|getting)$/;

/**
 * Distinguishes "I used to run" (a former habit), "I am used to running" (a present one) and "it is used to clean" (a purpose): the first
 * becomes "formerly", the second "accustomed". Linear.
 */
export function withHabits(tokens: readonly Token[]): readonly Token[] {
  const at = tokens.findIndex(
    ({ text, exact }, index) => text === "used" && !exact && tokens[index + 1]?.text === "to",
  );
  if (at < 0 || tokens[at + 2]?.kind !== "word") return tokens;
  let before = at - 1;
  if (tokens[before]?.text === "not") before -= 1;
  const isBound = BE.test(tokens[before]?.text ?? "");
  if (!isBound && !SUBJECT.test(tokens[before]?.text ?? "")) return tokens;
  if (!isBound) return [...tokens.slice(0, at), plain("formerly"), ...tokens.slice(at + 2)];
  const isAccustomed = tokens[at + 2]?.text.endsWith("ing") === true || isPerson(tokens, before);
  return isAccustomed ? tokens.with(at, plain("accustomed")) : tokens;
}

/** Whether somebody is used to something: "I am", "are you". */
function isPerson(tokens: readonly Token[], be: number): boolean {
  return [tokens[be - 1], tokens[be + 1]].some((token) => token !== undefined && PERSON.test(token.text));
}

const SUBJECT = /^(?:i|you|we|they|he|she|it|who|there)$/;
const PERSON = /^(?:i|you|we|they|he|she)$/;
