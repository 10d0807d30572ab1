import { hash } from "node:crypto";
import type { Unreadable } from "../redis/index.ts";
import { plainWording } from "./wording.ts";

/** What kind of thing is known: a fact, something that happened, what somebody likes, how something is done. */
export type FactKind = "semantic" | "episodic" | "preference" | "procedure";

/**
 * How far what is known can be trusted, by who said it: `trusted` a user, an operator; `derived` a model; `untrusted` a tool, a page, a
 * document; `quarantined` it reads like orders, whoever said it.
 */
export type Trust = "trusted" | "derived" | "untrusted" | "quarantined";

/** Where something known comes from. */
export interface FactSource {
  readonly session?: string | undefined;
  /** Sequence number of the turn in its session. */
  readonly sequence?: number | undefined;
  /** Role of who said it. */
  readonly role: string;
}

/** Something known of a subject. */
export interface Fact {
  readonly id: string;
  readonly text: string;
  readonly kind: FactKind;
  /** What it is about, when there is one answer at a time: a newer one supersedes it. */
  readonly key?: string | undefined;
  /** 0 to 1. */
  readonly importance: number;
  readonly pinned: boolean;
  readonly trust: Trust;
  readonly source: FactSource;
  readonly createdAtMs: number;
  /** When it was said last. */
  readonly seenAtMs: number;
  /** How often it was said. */
  readonly seen: number;
  /** The one before it, and the one after it. */
  readonly supersedes?: string | undefined;
  readonly supersededBy?: string | undefined;
  /** In lists: why it cannot be read; then only its id is known. */
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

/** How far somebody of a role is trusted. Roles that are not known are tools. */
export function trustOf(role: string): Trust {
  return BY_ROLE.get(role) ?? "untrusted";
}

/** The smaller of two. */
export function leastTrust(a: Trust, b: Trust): Trust {
  return TRUSTS.indexOf(a) <= TRUSTS.indexOf(b) ? a : b;
}

/** The larger of two: something known from two sides. */
export function mostTrust(a: Trust, b: Trust): Trust {
  return leastTrust(a, b) === a ? b : a;
}

/**
 * One id for one text of one kind, and of one key if it has any, so that it is known once whoever says it, and however often. Texts of the
 * same words are one text: see `plainWording`.
 */
export function factId(kind: FactKind, text: string, key?: string): string {
  const keyed = key === undefined ? "" : `\n${key}`;
  return hash("sha256", `${kind}\n${plainWording(text)}${keyed}`, "base64url").slice(0, 22);
}

/** What makes a fact's rank, 0 to 1 each. */
export interface Relevance {
  readonly similarity: number;
  /** Halves with each half-life since it was said last; 1 for what is pinned. */
  readonly recency: number;
  readonly importance: number;
  readonly score: number;
}

const WEIGHTS = { similarity: 0.6, recency: 0.2, importance: 0.2 } as const;

/** Ranks a fact by how near, how recent and how important it is. Pure. */
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

/** When something is said that follows some facts, whatever the clocks of those who said these. Pure. */
export function timeAfter(facts: readonly Fact[], nowMs: number): number {
  return Math.max(nowMs, ...facts.map(({ seenAtMs }) => seenAtMs + 1));
}

/** Whether one of two answers is the later: all who compare them come to the same. Pure. */
export function isLater(a: Fact, b: Fact): boolean {
  return a.seenAtMs > b.seenAtMs || (a.seenAtMs === b.seenAtMs && a.id > b.id);
}

/** What a list says of a fact that cannot be read. */
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
