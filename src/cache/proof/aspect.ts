import { lookUp } from "./lexicon.ts";
import type { Token } from "./token.ts";
import { CONJUNCTIONS, FUNCTION_WORDS, MODALS, PREPOSITIONS, TENSES } from "./words/function-words.ts";

/** Aspect of a sentence, in addition to its tense. */
export interface Aspect {
  /** It is done: "has shipped", "could have caused". */
  readonly isDone: boolean;
  /** It is under way: "is being shipped". */
  readonly isUnderWay: boolean;
}

/** Words between "has" and its participle, at most: "has the new team won". */
const REACH = 6;

/** Reads the aspect of a sentence. Linear. */
export function aspectOf(tokens: readonly Token[]): Aspect {
  return {
    isDone: tokens.some((_, at) => isPerfectAt(tokens, at)),
    isUnderWay: tokens.some(
      ({ text }, at) =>
        text === "being" &&
        isParticiple(tokens[at + 1]) &&
        // "The name that is being used" is the name in use.
        !(BE.test(tokens[at - 1]?.text ?? "") && RELATIVE.test(tokens[at - 2]?.text ?? "")) &&
        tokens.slice(Math.max(0, at - REACH), at).some((token) => BE.test(token.text)),
    ),
  };
}

const BE = /^(?:is|are|am|was|were)$/;
const RELATIVE = /^(?:that|which|who)$/;
const HAVE = /^(?:has|have|had)$/;
const MAIN_VERB_BEHIND = /^(?:do|does|did|to)$/;
const OWNS = /^(?:a|an|the|some|any|no|all|more|most|many|less|few|my|your|its|their)$/;

function isPerfectAt(tokens: readonly Token[], at: number): boolean {
  if (!HAVE.test(tokens[at]?.text ?? "") || MAIN_VERB_BEHIND.test(tokens[at - 1]?.text ?? "")) return false;
  const isOwner = OWNS.test(tokens[at + 1]?.text ?? "");
  for (let next = at + 1; next <= at + REACH && next < tokens.length; next += 1) {
    const token = tokens[next] as Token;
    if (token.text === "been") return true;
    if (token.kind !== "word" || TENSES.has(token.text) || MODALS.has(token.text) || CONJUNCTIONS.has(token.text))
      return false;
    // "The state that has the largest populated area" owns it.
    if (isParticiple(token) && (!isOwner || isClosed(tokens[next + 1]))) return true;
  }
  return false;
}

function isClosed(next: Token | undefined): boolean {
  return next === undefined || next.kind !== "word" || PREPOSITIONS.has(next.text) || FUNCTION_WORDS.has(next.text);
}

const SAME_FORM = new Set("come become overcome run put cut hit set read let cost hurt shut quit beat".split(" "));

/** Whether a word is a participle of the past: "shipped", "won". */
function isParticiple(token: Token | undefined): boolean {
  if (token?.kind !== "word" || token.exact || FUNCTION_WORDS.has(token.text)) return false;
  const { text } = token;
  if (SAME_FORM.has(text)) return true;
  const { lemma, also } = lookUp(text);
  if (text.endsWith("ed")) return lemma !== text || also.length > 0;
  return lemma !== text && !/(?:s|ing)$/.test(text) && lookUp(lemma).parts.includes("v");
}
