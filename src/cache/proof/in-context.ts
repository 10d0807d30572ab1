import { lookUp } from "./lexicon.ts";
import { isCapital, type Token } from "./token.ts";
import {
  CONJUNCTIONS,
  FUNCTION_WORDS,
  MODALS,
  PERSONS,
  PREPOSITIONS,
  QUANTIFIERS,
  TENSES,
} from "./words/function-words.ts";

/** The number behind a name: "Elizabeth I". */
export function isOrdinal({ raw }: Token, before: Token | undefined, next: Token | undefined): boolean {
  if (raw !== "I" || before?.kind !== "word" || !isCapital(before.raw) || FUNCTION_WORDS.has(before.text)) return false;
  return next === undefined || next.kind === "stop" || PREPOSITIONS.has(next.text) || TENSES.has(next.text);
}

/** Whether "a" is a letter, and no article: nothing follows that it could stand before. */
export function isLetter(next: Token | undefined): boolean {
  return (
    next === undefined ||
    next.kind !== "word" ||
    PREPOSITIONS.has(next.text) ||
    CONJUNCTIONS.has(next.text) ||
    TENSES.has(next.text)
  );
}

/** Whether "do" or "have" is a verb behind its auxiliary, and no auxiliary itself. */
export function isBareVerb(text: string, before: Token | undefined): boolean {
  return (
    /^(?:do|have|has|had)$/.test(text) &&
    (MODALS.has(before?.text ?? "") || /^(?:to|not|will|do|did|does)$/.test(before?.text ?? ""))
  );
}

/** Whether "has" before a word is a verb, and no auxiliary. */
export function isOwned(next: Token | undefined): boolean {
  if (next === undefined || next.kind === "symbol") return false;
  if (
    next.kind === "number" ||
    /^(?:a|an|the|some|any|no|all|more|most|many|less|few|my|your|its|their)$/.test(next.text)
  )
    return true;
  if (PERSONS.has(next.text) || next.text === "not" || next.text === "been" || QUANTIFIERS.has(next.text)) return false;
  const { parts, lemma, degree } = lookUp(next.text);
  return degree !== "" || (/^[na]/.test(parts) && !(parts.includes("v") && lemma !== next.text));
}

/** Whether "may" is the month. */
export function isMonth(before: Token | undefined, next: Token | undefined): boolean {
  return (
    next?.kind === "number" ||
    /^(?:in|on|by|since|until|of|this|last|next|during|before|after)$/.test(before?.text ?? "") ||
    before?.kind === "number"
  );
}

/** Whether "more" or "most" before a word grades it: adjectives and adverbs, not nouns. */
export function isGraded(next: Token | undefined): boolean {
  return next?.kind === "word" && /^[ar]/.test(lookUp(next.text).parts);
}

/** Whether "to" before a word makes an infinitive. */
export function isVerb(next: Token | undefined, afterNext: Token | undefined): boolean {
  if (next?.kind !== "word" || next.exact || /^\p{Lu}/u.test(next.raw)) return false;
  if (/^(?:be|have|do|get|not|log_in|log_out|sign_up|top_up|set_up|back_up|turn_on|turn_off)$/.test(next.text))
    return true;
  const { parts, lemma } = lookUp(next.text);
  if (parts.startsWith("v")) return lemma === next.text || parts === "v";
  return (
    parts.includes("v") &&
    /^(?:the|a|an|my|your|his|her|our|their|it|this|that|me|you|them|for|in|with|some|all)$/.test(afterNext?.text ?? "")
  );
}

/** Whether a word behind "got" is a participle: "it got charged". */
export function isParticiple(next: Token | undefined): boolean {
  return (
    next !== undefined &&
    (next.text.endsWith("ed") ||
      ["stolen", "paid", "lost", "built", "sent", "broken", "hit", "stuck", "rid", "to"].includes(next.text))
  );
}
