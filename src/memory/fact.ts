import { hash } from "node:crypto";
import type { Unreadable } from "../redis/index.ts";
import { plainWording } from "./wording.ts";

/** Kind of a fact: a general fact, an event, a preference, or a procedure. */
export type FactKind = "semantic" | "episodic" | "preference" | "procedure";

/**
 * Trust in a fact, by its origin. `trusted`: a user or operator. `derived`: a model. `untrusted`: a tool, web page or document.
 * `quarantined`: text that looks like instructions, of any origin.
 */
export type Trust = "trusted" | "derived" | "untrusted" | "quarantined";

/** Origin of a fact. */
export interface FactSource {
  readonly session?: string | undefined;
  /** Sequence number of the turn in its session. */
  readonly sequence?: number | undefined;
  /** Role of the turn's author. */
  readonly role: string;
}

/** A fact about a subject. */
export interface Fact {
  readonly id: string;
  readonly text: string;
  readonly kind: FactKind;
  /** Topic that has one answer at a time: a newer fact with the same key supersedes this one. */
  readonly key?: string | undefined;
  /** 0 to 1. */
  readonly importance: number;
  readonly pinned: boolean;
  readonly trust: Trust;
  readonly source: FactSource;
  readonly createdAtMs: number;
  /** Time when it was last stated. */
  readonly seenAtMs: number;
  /** Number of times that it was stated. */
  readonly seen: number;
  /** Ids of the previous and the next answer. */
  readonly supersedes?: string | undefined;
  readonly supersededBy?: string | undefined;
  /** In lists: why it cannot be read. Then only its id is known. */
  readonly unreadable?: Unreadable | undefined;
}

const TRUSTS: readonly Trust[] = ["quarantined", "untrusted", "derived", "trusted"];
const BY_ROLE: ReadonlyMap<string, Trust> = new Map<string, Trust>(
  Object.entries({
    user: "trusted",
    system: "trusted",
    developer: "trusted",
    assistant: "derived",
  }),
);

/** Returns the trust of a role. Unknown roles count as tools. */
export function trustOf(role: string): Trust {
  return BY_ROLE.get(role) ?? "untrusted";
}

/** Returns the smaller trust. */
export function leastTrust(a: Trust, b: Trust): Trust {
  return TRUSTS.indexOf(a) <= TRUSTS.indexOf(b) ? a : b;
}

/** Returns the larger of two trusts, for a fact with two origins. */
export function mostTrust(a: Trust, b: Trust): Trust {
  return leastTrust(a, b) === a ? b : a;
}

/**
 * Computes a fact's id from its kind, text and key, so that a fact is stored once however often it is stated. Texts of the same words are
 * equal: see `plainWording`.
 */
export function factId(kind: FactKind, text: string, key?: string): string {
  const keyed = key === undefined ? "" : `\n${key}`;
  return hash("sha256", `${kind}\n${plainWording(text)}${keyed}`, "base64url").slice(0, 22);
}

/** Parts of a fact's rank, 0 to 1 each. */
export interface Relevance {
  readonly similarity: number;
  /** Halves with each half-life since the fact was last stated; 1 for pinned facts. */
  readonly recency: number;
  readonly importance: number;
  readonly score: number;
}

const WEIGHTS = { similarity: 0.6, recency: 0.2, importance: 0.2 } as const;

/** Scores a fact by similarity, recency and importance. Pure. */
export function relevanceOf(
  { seenAtMs, pinned, importance }: Pick<Fact, "seenAtMs" | "pinned" | "importance">,
  cosine: number,
  nowMs: number,
  halfLifeMs: number,
): Relevance {
  const similarity = Math.max(0, Math.min(1, cosine));
  const recency = pinned ? 1 : 0.5 ** (Math.max(0, nowMs - seenAtMs) / halfLifeMs);
  const score = WEIGHTS.similarity * similarity + WEIGHTS.recency * recency + WEIGHTS.importance * importance;
  return { similarity, recency, importance, score };
}

/** Returns a time after all of some facts, even if the clocks of their authors differ. Pure. */
export function timeAfter(facts: readonly Fact[], nowMs: number): number {
  return Math.max(nowMs, ...facts.map(({ seenAtMs }) => seenAtMs + 1));
}

/** Returns true if an answer is later than another one. All callers get the same order. Pure. */
export function isLater(a: Fact, b: Fact): boolean {
  return a.seenAtMs > b.seenAtMs || (a.seenAtMs === b.seenAtMs && a.id > b.id);
}

/** Fields that a list shows for a fact that cannot be read. */
export const UNREADABLE: Omit<Fact, "id"> = {
  kind: "semantic",
  text: "",
  importance: 0,
  pinned: false,
  trust: "quarantined",
  source: { role: "tool" },
  createdAtMs: 0,
  seenAtMs: 0,
  seen: 0,
};
