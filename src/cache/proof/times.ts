import type { Clause, Item } from "./clause.ts";
import type { Level } from "./level.ts";
import { isMeasured } from "./measures.ts";
import type { Veto } from "./veto.ts";

/** Returns a difference in time, or between fact and possibility or obligation. Symmetric. `isTurned`: a passive was made active. */
export function timesDiffer(a: Clause, b: Clause, level: Level, isTurned: boolean): Veto | undefined {
  const arePast = level === "balanced" && arePastAlike(a, b);
  if (conflicts(a.tenses, b.tenses) && !arePast) return "tense";
  if (pastDiffers(a, b) || (!arePast && aspectsDiffer(a, b, isTurned))) return "tense";
  return conflicts(a.modality, b.modality) || modesDiffer(a, b) ? "modality" : undefined;
}

function conflicts<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return (
    a.size > 0 &&
    b.size > 0 &&
    (a.size !== b.size || [...a].some((one) => !b.has(one))) &&
    !([...a].every((one) => b.has(one)) || [...b].every((one) => a.has(one)))
  );
}

/** Returns true for equivalent past forms: "why have I been charged" asks why I was. */
function arePastAlike(a: Clause, b: Clause): boolean {
  const isPast = ({ tenses, isPerfect }: Clause) => isPerfect || (tenses.size === 1 && tenses.has("past"));
  return isPast(a) && isPast(b) && a.isPerfect !== b.isPerfect;
}

const YEAR = /^(?:1\d|20)\d\d$/;

/** Distinguishes "how was it done" from "how to do it", and "what did it cost" from "what does it cost", unless a named year decides. */
function pastDiffers(a: Clause, b: Clause): boolean {
  if (a.tenses.has("past") === b.tenses.has("past")) return false;
  if (a.form === "how" && b.form === "how") return true;
  const isOfYear = ({ items }: Clause) => items.some(({ isNumber, word }) => isNumber && YEAR.test(word));
  return [a, b].every(({ items }) => isMeasured(items[0])) && !isOfYear(a) && !isOfYear(b);
}

/** Distinguishes completed from usual acts, and running from usual ones; for reasons the aspect hardly matters. */
function aspectsDiffer(a: Clause, b: Clause, isTurned: boolean): boolean {
  if (a.form === "why" && b.form === "why") return false;
  if (a.aspect.isDone !== b.aspect.isDone) {
    const other = a.aspect.isDone ? b : a;
    if (other.tenses.size > 0 || other.items.some(isThirdPerson)) return true;
  }
  if (isTurned || a.aspect.isUnderWay === b.aspect.isUnderWay) return false;
  return (a.aspect.isUnderWay ? b : a).tenses.size > 0;
}

/** "wins" */
function isThirdPerson({ word, entry, exact }: Item): boolean {
  return !exact && word.endsWith("s") && word !== entry.lemma && entry.parts.startsWith("v");
}

/** "wins", "caused" */
function isFinite({ word, entry, exact, mark }: Item): boolean {
  if (exact || mark !== "" || word.endsWith("ing")) return false;
  return (word !== entry.lemma && entry.parts.startsWith("v")) || (entry.also.length > 0 && word.endsWith("ed"));
}

/** Forms that ask for a possibility anyway. */
const ABLE: ReadonlySet<Clause["form"]> = new Set([
  "how",
  "want",
  "keywords",
  "explain",
  "show",
  "display",
  "exists",
  "write",
  "statement",
  "why",
] as const);

/**
 * Distinguishes obligation and possibility from fact, except that a question for a possibility may ask how to do it. Past and future need
 * their word.
 */
function modesDiffer(a: Clause, b: Clause): boolean {
  const isAsked = (one: Clause, other: Clause) => one.form === "yesno" && other.form !== "how" && other.form !== "want";
  const yesno = isAsked(a, b) || isAsked(b, a);
  const modes = ({ modality, form }: Clause) =>
    [...modality].filter((one) => one !== "can" || yesno).filter(() => form !== "how" && form !== "want");
  if (modes(a).toSorted().join(" ") !== modes(b).toSorted().join(" ")) return true;
  return a.tenses.has("future") !== b.tenses.has("future") || canDiffers(a, b);
}

/** "Who can sign it" is not "who signs it"; where I can park is where I park. */
function canDiffers(a: Clause, b: Clause): boolean {
  if (a.modality.has("can") === b.modality.has("can") || ABLE.has(a.form) || ABLE.has(b.form)) return false;
  const other = a.modality.has("can") ? b : a;
  const isMine = (clause: Clause) => clause.persons.every((one) => one === "1" || one === "2");
  if (a.form === "where" && b.form === "where" && a.persons.length > 0 && isMine(a) && isMine(b)) return false;
  return other.tenses.size > 0 || other.modality.size > 0 || other.items.some(isFinite);
}
