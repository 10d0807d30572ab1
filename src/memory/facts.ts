import type { Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkNumber, checkObject, checkOneOf, checkText, refuse } from "../internal/check.ts";
import { checkScope, encodeKeyPart, type ScopedRedis, type Unreadable } from "../redis/index.ts";
import { createVectors, type EngineChoice, type Match, type StoredEntry, type Vectors } from "../vectors/index.ts";
import {
  factId,
  leastTrust,
  mostTrust,
  relevanceOf,
  timeAfter,
  trustOf,
  UNREADABLE,
  type Fact,
  type FactKind,
  type FactSource,
  type Relevance,
  type Trust,
} from "./fact.ts";
import { orContested, settleAnswers } from "./answers.ts";
import { findOrders } from "./injection.ts";
import { plainWording, sameWording } from "./wording.ts";

/** Options of `createFacts`. */
export interface FactsOptions {
  /** Name of these facts within the scope. */
  readonly name: string;
  readonly embedder: Embedder;
  /**
   * Facts kept per subject, superseded ones included, 1 to 100,000. Beyond that the lowest-ranked ones are deleted, pinned ones never.
   * @default 1_000
   */
  readonly factsMax?: number | undefined;
  /** Time after which a fact counts half as recent, in milliseconds. @default 30 days */
  readonly halfLifeMs?: number | undefined;
  /** Vector engine for recall, as in `marrow/vectors`. @default "auto", the engine recorded for the installation */
  readonly engine?: EngineChoice | undefined;
}

/** A fact to remember. */
export interface NewFact {
  /** 1 to 4,000 characters. */
  readonly text: string;
  /** @default "semantic" */
  readonly kind?: FactKind | undefined;
  /** Topic that has one answer at a time ("home city"): an earlier answer is superseded. @default none */
  readonly key?: string | undefined;
  /** 0 to 1. @default 0.5 */
  readonly importance?: number | undefined;
  /** Whether the fact is never deleted for lack of space and never loses recency. @default false */
  readonly pinned?: boolean | undefined;
  /** Origin; its role decides the trust. @default { role: "user" } */
  readonly source?: FactSource | undefined;
  /** Lower trust than the origin's; a higher one has no effect. @default the origin's */
  readonly trust?: Trust | undefined;
}

/** Result of `remember`. */
export interface Remembered {
  /** `new`; `known`: stated again, so its count grew; `superseding`: it replaced an earlier answer of its key. */
  readonly status: "new" | "known" | "superseding";
  readonly fact: Fact;
}

/** Options of `recall`. */
export interface RecallOptions {
  /** 1 to 100. @default 5 */
  readonly limit?: number | undefined;
  readonly kinds?: readonly FactKind[] | undefined;
  /** Least trust. `untrusted` facts are only returned on request, `quarantined` ones never. @default "derived" */
  readonly atLeast?: "trusted" | "derived" | "untrusted" | undefined;
  /** Least cosine similarity, 0 to 1. @default 0.2 */
  readonly minSimilarity?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A recalled fact with the parts of its rank. */
export interface Recalled extends Fact {
  readonly relevance: Relevance;
}

/** Facts about one subject. */
export interface Facts {
  /**
   * Remembers a fact. The same words are stored once. Three to four round trips, five to nine with a key, because concurrent answers of the
   * key are checked too.
   * @throws MarrowError `invalid_input`, `embedder_failed`
   */
  remember(fact: NewFact): Promise<Remembered>;
  /** Recalls facts by similarity to a text, recency and importance, most relevant first. One round trip. */
  recall(about: string, options?: RecallOptions): Promise<Recalled[]>;
  /** Returns one fact, also a superseded one. One round trip. */
  get(id: string): Promise<Fact | undefined>;
  /** Returns a fact and those that it superseded, newest first; at most 100. */
  history(id: string): Promise<Fact[]>;
  /** Lists all facts, newest first; superseded and quarantined ones only with `all`. Reads every fact of the subject. */
  list(options?: { readonly all?: boolean | undefined }): Promise<Fact[]>;
  /** Changes a fact. Returns whether it exists. */
  update(
    id: string,
    change: { readonly pinned?: boolean | undefined; readonly importance?: number | undefined },
  ): Promise<boolean>;
  /** Deletes facts and returns how many existed. Superseded facts must be named too. One round trip. */
  forget(ids: readonly string[]): Promise<number>;
  /** Deletes all facts of the subject and returns how many there were. */
  forgetAll(): Promise<number>;
}

const ATTRIBUTES = { kind: "tag", trust: "tag", current: "boolean", key: "tag" } as const;
const TEXT_CHARS_MAX = 4_000;
const DAY_MS = 86_400_000;
const KINDS: readonly FactKind[] = ["semantic", "episodic", "preference", "procedure"];
const LEVELS: Readonly<Record<"trusted" | "derived" | "untrusted", readonly Trust[]>> = {
  trusted: ["trusted"],
  derived: ["trusted", "derived"],
  untrusted: ["trusted", "derived", "untrusted"],
};
/** Nearest facts whose words are compared. Texts that differ only in numbers may have the same vector, so one is not enough. */
const ALIKE = 20;
/** Near facts that are ranked. */
const CANDIDATES = 100;
/** Answers of one key that are settled at once. */
const ANSWERS_MAX = 100;
const HISTORY_MAX = 100;

/** Opens the facts of a scope; `subject` returns those of one user or another subject. @throws MarrowError `invalid_option` */
export function createFacts(redis: ScopedRedis, options: FactsOptions): { subject(name: string): Facts } {
  const { embedder, name } = options;
  const factsMax = checkInteger("factsMax", options.factsMax ?? 1_000, { min: 1, max: 100_000 });
  const halfLifeMs = checkInteger("halfLifeMs", options.halfLifeMs ?? 30 * DAY_MS, { min: 1 });
  const collection = createVectors(checkScope(redis), {
    name: `facts.${checkText("name", name, 100)}`,
    dimensions: embedder.dimensions,
    metric: "cosine",
    index: "hnsw",
    engine: options.engine,
    // All of a subject's facts are compared with: pinned ones may be more than factsMax.
    mirrorMax: 1_000_000,
    attributes: ATTRIBUTES,
    fingerprint: embedder.fingerprint,
    listed: false,
  });

  async function embed(text: string, signal?: AbortSignal): Promise<Float32Array> {
    const [vector] = await embedder.embed([text], { signal });
    if (vector === undefined) throw new MarrowError("embedder_failed", "the embedder returned no vector");
    // The embedder knows none of the words: the fact is near to nothing and found by its id alone.
    if (vector.every((number) => number === 0)) vector[0] = 1e-6;
    return vector;
  }

  function subjectOf(vectors: Vectors<typeof ATTRIBUTES>): Facts {
    async function store(fact: Fact, vector: Float32Array): Promise<void> {
      const { id, kind, trust, key, supersededBy } = fact;
      const attributes = { kind, trust, current: supersededBy === undefined, ...(key !== undefined && { key }) };
      const [result] = await vectors.upsert([{ id, vector, attributes, payload: fact }]);
      if (result?.stored === false) throw result.error;
    }

    async function change(fact: Fact): Promise<boolean> {
      const { id, trust, key, supersededBy } = fact;
      const attributes = { trust, current: supersededBy === undefined, ...(key !== undefined && { key }) };
      return vectors.update(id, { attributes, payload: fact });
    }

    /** Finds existing facts: the same words, the same statement in other words, or an earlier answer of the key. */
    async function findKnown(fact: Fact, vector: Float32Array) {
      const { id, kind, key, text, trust } = fact;
      // A fact without a key takes the key that is given later.
      const ids = key === undefined ? [id] : [id, factId(kind, text)];
      const [near, kept, answers, former] = await Promise.all([
        vectors.search({ vector, limit: ALIKE, where: { kind, current: true } }),
        vectors.get(ids),
        key === undefined ? [] : answersOf(key, vector),
        // Without its key, an answer from before is found by its words.
        key === undefined ? vectors.search({ vector, limit: ALIKE, where: { kind, current: false } }) : [],
      ]);
      const suits = (other: Fact) => other.key === undefined || key === undefined || other.key === key;
      const same = kept.find((entry) => entry !== undefined && suits(toFact(entry)));
      // A web page must not choose the key of a user's fact.
      const isAlike = (match: Match<typeof ATTRIBUTES>) => {
        const other = toFact(match);
        const asTrusted = leastTrust(other.trust, trust) === trust;
        return suits(other) && asTrusted && sameWording(text, other.text);
      };
      const alike = near.find(isAlike);
      const again = former.filter(isAlike);
      // A text that is the answer of two keys restates neither.
      const keys = new Set(again.map((match) => toFact(match).key));
      return { same: same ?? alike ?? (keys.size === 1 ? again[0] : undefined), answers };
    }

    /** Returns the current answers of a key. There are several only if they were given at the same moment. */
    async function answersOf(key: string, vector: Float32Array): Promise<Fact[]> {
      return (await vectors.search({ vector, limit: ANSWERS_MAX, where: { key, current: true }, exact: true })).map(
        toFact,
      );
    }

    /** Counts a known fact once more. If it had been superseded, it becomes current again and supersedes the current answer. */
    async function rememberAgain(known: Fact, said: Fact, answers: readonly Fact[]): Promise<Remembered> {
      const { supersededBy, ...current } = known;
      // The most trusted statement decides the wording and origin: a less trusted one may have phrased it differently.
      const others = answers.filter(({ id }) => id !== known.id);
      // A less trusted statement supersedes nothing.
      const weaker = others.filter(({ trust }) => leastTrust(trust, said.trust) === trust);
      const mayTakeOver = weaker.length === others.length;
      const [other] = others;
      const takesKey = said.key !== undefined && known.key === undefined && mayTakeOver;
      const supersedes = mayTakeOver && (supersededBy !== undefined || takesKey || weaker.length > 0);
      const raised = mostTrust(known.trust, said.trust) !== known.trust;
      const again: Fact = {
        ...current,
        ...(raised && { text: said.text, trust: said.trust, source: said.source }),
        ...(takesKey && { key: said.key }),
        importance: Math.max(known.importance, said.importance),
        pinned: known.pinned || said.pinned,
        seenAtMs: timeAfter(others, said.seenAtMs),
        seen: known.seen + 1,
      };
      if (other === undefined || !supersedes) {
        const kept = supersededBy !== undefined && !mayTakeOver ? { ...again, supersededBy } : again;
        await change(kept);
        return { status: "known", fact: kept };
      }
      const revived = { ...again, supersedes: other.id };
      await change(revived);
      for (const one of others) await orContested(change({ ...one, supersededBy: revived.id }));
      return { status: "superseding", fact: revived };
    }

    /** Deletes the lowest-ranked facts above the bound, and a twentieth more, so that this does not run on each write. */
    async function keepWithin(): Promise<void> {
      const count = await vectors.count();
      if (count <= factsMax) return;
      const facts = await all();
      const now = Date.now();
      const least = facts
        .filter(({ pinned }) => !pinned)
        .map((fact) => ({
          id: fact.id,
          worth: relevanceOf(fact, fact.supersededBy === undefined ? 1 : 0, now, halfLifeMs).score,
        }))
        .toSorted((a, b) => a.worth - b.worth)
        .slice(0, count - factsMax + Math.floor(factsMax / 20));
      await vectors.delete(least.map(({ id }) => id));
    }

    /** Reads all readable facts; calls `onUnreadable` for the others. */
    async function all(onUnreadable: (id: string, code: Unreadable) => void = () => {}): Promise<Fact[]> {
      const facts: Fact[] = [];
      for await (const page of vectors.scan({ onUnreadable })) facts.push(...page.map(toFact));
      return facts;
    }

    const facts: Facts = {
      async remember(given) {
        const fact = toNewFact(checkObject("fact", given));
        // Texts that are one fact have one vector, whatever embeds them.
        const vector = await embed(plainWording(fact.text));
        const { same, answers } = await findKnown(fact, vector);
        if (same !== undefined) {
          const known = toFact(same);
          // A fact superseded under its key may be stated again without the key.
          const named = fact.key !== undefined || known.key === undefined || known.supersededBy === undefined;
          const present = named ? answers : await answersOf(known.key, vector);
          const again = await rememberAgain(known, fact, present);
          await settleAnswers({ answersOf: (key) => answersOf(key, vector), change }, again.fact);
          return again;
        }
        // A less trusted statement supersedes nothing: a web page's claim about a user does not replace the user's own words.
        const superseded = answers.filter(({ trust }) => leastTrust(trust, fact.trust) === trust);
        const [first] = superseded;
        const said = { ...fact, seenAtMs: timeAfter(answers, fact.seenAtMs) };
        const kept: Fact = first === undefined ? said : { ...said, supersedes: first.id };
        await store(kept, vector);
        // The new answer is stored before the old one is superseded, so there is always one.
        for (const one of superseded) await orContested(change({ ...one, supersededBy: kept.id }));
        await settleAnswers({ answersOf: (key) => answersOf(key, vector), change }, kept);
        await keepWithin();
        return { status: first === undefined ? "new" : "superseding", fact: kept };
      },

      async recall(about, { limit = 5, kinds, atLeast = "derived", minSimilarity = 0.2, signal } = {}) {
        checkInteger("limit", limit, { min: 1, max: 100 }, "invalid_input");
        checkNumber("minSimilarity", minSimilarity, { min: 0, max: 1 }, "invalid_input");
        checkOneOf("atLeast", atLeast, ["trusted", "derived", "untrusted"], "invalid_input");
        const vector = await embed(checkText("about", about, 100_000, "invalid_input"), signal);
        const trust = { in: LEVELS[atLeast] };
        const where = { current: true, trust, ...(kinds !== undefined && { kind: { in: kinds } }) };
        const now = Date.now();
        return (await vectors.search({ vector, limit: CANDIDATES, minSimilarity, where }))
          .map((match) => {
            const fact = toFact(match);
            return { ...fact, relevance: relevanceOf(fact, match.similarity, now, halfLifeMs) };
          })
          .toSorted((a, b) => b.relevance.score - a.relevance.score || (a.id < b.id ? -1 : 1))
          .slice(0, limit);
      },

      async get(id) {
        const [found] = await vectors.get([checkText("id", id, 64, "invalid_input")]);
        return found && toFact(found);
      },

      async history(id) {
        const chain: Fact[] = [];
        const seen = new Set<string>();
        for (let next: string | undefined = id; next !== undefined && !seen.has(next) && chain.length < HISTORY_MAX;) {
          seen.add(next);
          const fact: Fact | undefined = await facts.get(next);
          if (fact !== undefined) chain.push(fact);
          next = fact?.supersedes;
        }
        return chain;
      },

      async list({ all: everything = false } = {}) {
        const lost: Fact[] = [];
        const found = await all((id, unreadable) => lost.push({ ...UNREADABLE, id, unreadable }));
        const listed = found
          .filter(({ supersededBy, trust }) => everything || (supersededBy === undefined && trust !== "quarantined"))
          .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1));
        return [...listed, ...lost];
      },

      async update(id, { pinned, importance }) {
        const fact = await facts.get(id);
        if (fact === undefined) return false;
        return change({
          ...fact,
          ...(pinned !== undefined && { pinned }),
          ...(importance !== undefined && {
            importance: checkNumber("importance", importance, { min: 0, max: 1 }, "invalid_input"),
          }),
        });
      },

      async forget(ids) {
        if (!Array.isArray(ids)) refuse("ids", "a list of ids", ids, "invalid_input");
        return vectors.delete(ids);
      },

      async forgetAll() {
        const count = await vectors.count();
        await vectors.drop();
        return count;
      },
    };
    return facts;
  }

  return {
    subject(of) {
      encodeKeyPart("subject", of);
      return subjectOf(collection.namespace(of));
    },
  };
}

function toFact({ payload }: Pick<Match<typeof ATTRIBUTES> | StoredEntry<typeof ATTRIBUTES>, "payload">): Fact {
  return payload as Fact;
}

/** Checks a fact, and lowers its trust according to its origin and words. */
function toNewFact({
  text,
  kind = "semantic",
  key,
  importance = 0.5,
  pinned = false,
  source = { role: "user" },
  trust,
}: NewFact): Fact {
  checkText("text", text, TEXT_CHARS_MAX, "invalid_input");
  checkOneOf("kind", kind, KINDS, "invalid_input");
  checkText("source.role", checkObject("source", source).role, 64, "invalid_input");
  const said = trustOf(source.role);
  const allowed =
    trust === undefined ? said : leastTrust(said, checkOneOf("trust", trust, LEVELS.untrusted, "invalid_input"));
  const now = Date.now();
  return {
    id: factId(kind, text, key),
    text,
    kind,
    ...(key !== undefined && { key: checkText("key", key, 256, "invalid_input") }),
    importance: checkNumber("importance", importance, { min: 0, max: 1 }, "invalid_input"),
    pinned,
    trust: findOrders(text) === undefined ? allowed : "quarantined",
    source,
    createdAtMs: now,
    seenAtMs: now,
    seen: 1,
  };
}
