import { hash } from "node:crypto";
import { PRESETS, type Preset } from "../cache/index.ts";

/** Two near questions, and each preset's decision about them. */
export interface NearPair {
  readonly asked: string;
  readonly stored: string;
  readonly similarity: number;
  /** Presets that served the stored answer, strictest first; empty if all refused it. */
  readonly served: readonly Preset[];
  /** Reason of the most permissive preset's refusal. */
  readonly refused?: string | undefined;
  /** Requests served by the stored answer and their savings in millionths, by the preset that served most. */
  readonly hits: number;
  readonly micros: number;
  /** Verdict of the judge, if there is one. */
  readonly verdict?: "same" | "different" | "unsure" | undefined;
  /** Beginning of the stored answer, for a judge. */
  readonly answer?: string | undefined;
}

/** A pair of near questions in one request. */
export interface Meeting extends Pick<NearPair, "asked" | "stored" | "similarity" | "served" | "refused" | "answer"> {
  readonly micros: number;
}

/** Near pairs found, a bounded number of each kind. */
export interface NearPairs {
  readonly served: ReadonlyMap<string, NearPair>;
  readonly refused: ReadonlyMap<string, NearPair>;
}

/** Pairs of one kind that are kept; when there are twice as many, those that matter least go. */
const KEPT = 500;
/** Characters of a question and of an answer that are kept. */
const QUESTION_CHARS_MAX = 4_000;
const ANSWER_CHARS_MAX = 600;

/** Adds a found pair, in place. */
export function meet(pairs: NearPairs, meeting: Meeting): void {
  const kind = (meeting.served.length > 0 ? pairs.served : pairs.refused) as Map<string, NearPair>;
  const key = hash("sha256", JSON.stringify([meeting.asked, meeting.stored]), "base64url");
  const known = kind.get(key);
  const cut = (text: string, most: number) => text.slice(0, most).toWellFormed();
  kind.set(key, {
    ...meeting,
    asked: cut(meeting.asked, QUESTION_CHARS_MAX),
    stored: cut(meeting.stored, QUESTION_CHARS_MAX),
    ...(meeting.answer !== undefined && { answer: cut(meeting.answer, ANSWER_CHARS_MAX) }),
    served: PRESETS.filter((preset) => meeting.served.includes(preset) || known?.served.includes(preset) === true),
    hits: (known?.hits ?? 0) + 1,
    micros: (known?.micros ?? 0) + meeting.micros,
  });
  if (kind.size < 2 * KEPT) return;
  const order = meeting.served.length > 0 ? byWorth : bySimilarity;
  const kept = [...kind].toSorted(([, one], [, other]) => order(one, other)).slice(0, KEPT);
  kind.clear();
  for (const [name, pair] of kept) kind.set(name, pair);
}

/** Pairs that saved most, and pairs that most need review. */
export interface Chosen {
  readonly valuable: readonly NearPair[];
  readonly doubtful: readonly NearPair[];
}

/**
 * Selects a number of each. Doubtful pairs are those that a looser preset served and a stricter one did not (the loosest and least similar
 * first), and those that every preset refused (the most similar first). Half are of each kind if there are enough. Pure.
 */
export function choose({ served, refused }: NearPairs, most: number): Chosen {
  const all = [...served.values()];
  const unproven = all.filter(({ served: by }) => !by.includes("strict")).toSorted(byDoubt);
  const missed = [...refused.values()].toSorted(bySimilarity);
  const half = Math.max(Math.ceil(most / 2), most - missed.length);
  const doubtful = unproven.slice(0, half);
  return {
    valuable: all.toSorted(byWorth).slice(0, most),
    doubtful: [...doubtful, ...missed.slice(0, most - doubtful.length)],
  };
}

const byWorth = (one: NearPair, other: NearPair) => other.micros - one.micros || other.hits - one.hits;
const bySimilarity = (one: NearPair, other: NearPair) => other.similarity - one.similarity;
const strictness = ({ served: [strictest = "aggressive"] }: NearPair) => PRESETS.indexOf(strictest);
const byDoubt = (one: NearPair, other: NearPair) =>
  strictness(other) - strictness(one) || one.similarity - other.similarity;
