import { runScript, type ScopedRedis } from "../../redis/index.ts";
import { digestOf, toAliasRecord } from "../alias.ts";
import type { Questions } from "../questions.ts";
import type { Embedding } from "../embedding.ts";
import type { Entries, Opened } from "../entries.ts";
import type { StoredEntry } from "../entry.ts";
import type { Refusal } from "../judge.ts";
import type { CacheKeys } from "../keys.ts";
import type { Fingerprint } from "../question.ts";
import { claimPair, makeAlias, settleVerdict } from "../scripts.gen.ts";
import type { Sealing } from "../sealing.ts";
import type { JudgeJob } from "./job.ts";
import { createLane } from "./lane.ts";
import type { ResolvedJudging } from "./options.ts";
import { hearJudge, type Judged, type Verdict } from "./verdict.ts";
import { dropOldest } from "../../internal/drop-oldest.ts";

/** A stored wording that was near but not served. */
export interface NearMiss {
  /** Id of its entry. */
  readonly id: string;
  readonly similarity: number;
  readonly refusal: Refusal;
  readonly entry: StoredEntry;
  /** Stored body of the entry. */
  readonly body: Buffer;
}

/** An entry that the judge found to answer the question. */
export interface JudgedSame extends Opened {
  readonly id: string;
}

/** Counters of judging in one scope. */
export type JudgeCount =
  | "same"
  | "different"
  | "unsure"
  | `unsure.${string}`
  | "known"
  | "busy"
  | "dropped"
  | "over_budget"
  | "aliases"
  | "alias_full"
  | "alias_ended"
  | "broke";

/** A running judge of one cache. */
export interface Judging {
  /** Lowest cosine of near misses to judge. */
  readonly floor: number;
  /** Number of near misses to fetch. It exceeds the number of judged ones, because several may be wordings of one entry. */
  readonly wanted: number;
  /**
   * Offers near misses of a question to the judge. In `serving` it waits, within the deadline, for an entry that may be served; in
   * `background` it returns `undefined` at once.
   */
  offer(question: Fingerprint, near: readonly NearMiss[], subject: string | undefined): Promise<JudgedSame | undefined>;
  /** Returns true if a question was offered to the judge since it was last stored, so that an alias may replace its answer. */
  offered(question: Fingerprint): boolean;
  /** Judges a job now, and makes the alias. */
  judge(job: JudgeJob): Promise<JudgedSame | undefined>;
  /** Stores a user's verdict on a pair. */
  overrule(wording: string, entry: string, verdict: Verdict): Promise<void>;
}

/** Dependencies of judging. */
export interface JudgingParts<V> {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly options: ResolvedJudging<V>;
  readonly entries: Entries;
  readonly embedding: Embedding;
  readonly sealing: Sealing;
  readonly index: { readonly name: string; readonly quantisation: "Q8" | "BIN"; readonly links: number };
  readonly questions: Pick<Questions, "add">;
  /** Most bytes of the cache; absent if there is no bound. */
  readonly bytesMax: number | undefined;
  readonly timeoutMs: number;
  readonly count: (what: JudgeCount) => void;
}

const CODES = { same: 1, different: 2, unsure: 3 } as const;
/**
 * Largest difference between the clocks of this process and of Redis. In doubt, a question counts as asked before its user was forgotten.
 */
const CLOCKS_DIFFER_MS = 60_000;
/** Over the judge's own time: the commands around it. */
const LEASE_BESIDE_MS = 2_000;
/** A judge that failed may be well again soon. */
const FAULT_TTL_MS = 60_000;
const UNSURE_PART = 100;
/** Questions whose store may still come. */
const OFFERED_MAX = 1_000;
/** Bytes of an alias beside its record and its vector: keys and index. */
const BESIDE_BYTES = 400;

/** Makes the judge of one cache. */
export function createJudging<V>(parts: JudgingParts<V>): Judging {
  const { redis, keys, options, entries, embedding, sealing, index, questions, bytesMax, timeoutMs, count } = parts;
  const lane = createLane(options, () => count("broke"));
  const pending = new Set<string>();
  const serving = new Map<string, Promise<JudgedSame | undefined>>();
  const offered = new Set<string>();
  const pushes = { minute: 0, count: 0 };

  /** Judges the entries of a job until one is the same. A later question repeats any step that is lost. */
  async function judge(job: JudgeJob): Promise<JudgedSame | undefined> {
    const { question, entries: ids, versions } = job;
    if (await isForgotten(job)) return undefined;
    const versionOf = new Map(ids.map((id, at) => [id, versions[at]]));
    let left = ids.slice(0, options.candidatesMax).filter((id) => id !== question.id);
    while (left.length > 0) {
      const { which, what, aside } = await claim(question.id, left);
      const id = left[which - 1];
      if (what === "busy") count("busy");
      if (what === "spent") count("over_budget");
      if (id === undefined || (what !== "ask" && what !== "same")) return undefined;
      left = left.slice(which);
      const found = await entries.read(id);
      if (found === undefined || digestOf(found.body) !== versionOf.get(id)) {
        if (what === "ask") await settle(question.id, id, { verdict: "unsure", reason: "failed" }, aside);
        continue;
      }
      if (what === "same") {
        count("known");
        return (await alias(job, id, found)) ? { ...found, id } : undefined;
      }
      const judged = await hear(question, found);
      if (judged.verdict === "same") {
        const [still] = await Promise.all([alias(job, id, found), settle(question.id, id, judged, aside)]);
        return still ? { ...found, id } : undefined;
      }
      await settle(question.id, id, judged, aside);
    }
    return undefined;
  }

  async function hear({ text }: Fingerprint, { entry }: Opened): Promise<Judged> {
    const beganMs = performance.now();
    const pair = { asked: text, stored: entry.text, answer: entry.value as V };
    const judged = await hearJudge(options.ask, pair, options.timeoutMs);
    count(judged.verdict);
    if (judged.reason !== undefined) count(`unsure.${judged.reason}`);
    try {
      options.onJudged({ ...judged, ms: performance.now() - beganMs });
    } catch {
      // A listener that fails must not cost the verdict.
    }
    return judged;
  }

  async function claim(wording: string, ids: readonly string[]) {
    const reply = await runScript(
      redis,
      claimPair,
      keys.judging,
      {
        lease_ms: options.timeoutMs + LEASE_BESIDE_MS,
        per_minute: options.perMinute,
        day_micros: options.microsPerDay ?? "",
        pairs: ids.map((id) => pairOf(wording, id)),
      },
      { timeoutMs },
    );
    const [which, what, aside] = reply as [number, "same" | "ask" | "busy" | "spent" | "none", number];
    return { which, what, aside };
  }

  async function settle(
    wording: string,
    entry: string,
    { verdict, reason, micros = 0 }: Judged,
    aside: number,
  ): Promise<void> {
    const fault = reason === "timeout" || reason === "failed";
    const unsureMs = Math.ceil(options.verdictTtlMs / UNSURE_PART);
    const ttlMs = verdict !== "unsure" ? options.verdictTtlMs : fault ? Math.min(FAULT_TTL_MS, unsureMs) : unsureMs;
    const values = { code: CODES[verdict], ttl_ms: ttlMs, verdicts_max: options.verdictsMax, micros, aside };
    await runScript(redis, settleVerdict, keys.judging, { pair: pairOf(wording, entry), ...values }, { timeoutMs });
  }

  /** Makes the alias; returns false when the entry ended, or was stored anew, while it was judged. */
  async function alias({ question, subject, askedAtMs }: JudgeJob, entry: string, { body }: Opened): Promise<boolean> {
    const digest = digestOf(body);
    const vector = (await embedding.works()) ? await embedding.vectorOf(question) : undefined;
    const record = toAliasRecord({ text: question.text, digest }, question.id, entry, sealing);
    const { inScript, add } = await questions.add(question, vector, options.verdictTtlMs);
    const making = runScript(
      redis,
      makeAlias,
      {
        target: keys.body(entry),
        own: keys.body(question.id),
        aliases: keys.aliases,
        vectors: keys.vectors(question, index.name),
        subject: subject === undefined ? keys.body(entry) : keys.subject(subject),
        ...keys.stock,
        epoch: keys.epoch,
        forgotten: subject === undefined ? keys.epoch : keys.forgotten(subject),
      },
      {
        id: question.id,
        entry,
        digest,
        record,
        partition: subject === undefined ? "" : question.partition,
        vector: inScript,
        quantisation: index.quantisation,
        links: index.links,
        aliases_max: options.aliasesMax,
        bytes: BESIDE_BYTES + record.length + Math.ceil((vector?.length ?? 0) / 4),
        bytes_max: bytesMax ?? "",
        asked_ms: askedAtMs - CLOCKS_DIFFER_MS,
      },
      { timeoutMs },
    );
    const [made] = await Promise.all([making, add?.()]);
    count(made === "made" ? "aliases" : made === "full" ? "alias_full" : "alias_ended");
    return made !== "ended";
  }

  /** Returns whether the asking user was forgotten since; then the question goes nowhere, not even to the judge. */
  async function isForgotten({ subject, askedAtMs }: JudgeJob): Promise<boolean> {
    if (subject === undefined) return false;
    const at = await redis.send(["GET", keys.forgotten(subject)], { timeoutMs });
    return at !== null && Number(at) >= askedAtMs - CLOCKS_DIFFER_MS;
  }

  /** Returns whether another push fits into this minute: a queue must not fill faster than its pairs may be judged. */
  function mayPush(): boolean {
    const minute = Math.floor(Date.now() / 60_000);
    if (pushes.minute !== minute) Object.assign(pushes, { minute, count: 0 });
    pushes.count += 1;
    return pushes.count <= options.perMinute;
  }

  function later(job: JudgeJob): void {
    const { id } = job.question;
    if (pending.has(id)) return;
    note(id);
    if (options.later !== undefined) {
      if (!mayPush()) return count("dropped");
      const pushed = orUndefined(() => options.later?.(job));
      if (pushed !== undefined) return void Promise.resolve(pushed).catch(() => count("dropped"));
    }
    pending.add(id);
    if (!lane.add(() => judge(job).finally(() => pending.delete(id)))) {
      pending.delete(id);
      count("dropped");
    }
  }

  function note(id: string): void {
    offered.add(id);
    dropOldest(offered, OFFERED_MAX);
  }

  return {
    floor: options.floor,
    wanted: 2 * options.candidatesMax,

    async offer(question, near, subject) {
      const eligible = distinct(
        near.filter(({ similarity, refusal }) => similarity >= options.floor && !options.hard.has(refusal)),
      );
      const askedAtMs = Date.now();
      const jobOf = (those: readonly NearMiss[]): JudgeJob => {
        const first = those.slice(0, options.candidatesMax);
        const versions = first.map(({ body }) => digestOf(body));
        return { question, entries: first.map(({ id }) => id), versions, askedAtMs, subject };
      };
      if (eligible.length === 0) return undefined;
      if (options.mode === "background") {
        later(jobOf(eligible));
        return undefined;
      }
      const { text: asked } = question;
      const paying = eligible.filter(({ entry }) =>
        orUndefined(() => options.paysOff({ asked, stored: entry.text, answer: entry.value as V })),
      );
      if (paying.length === 0) {
        later(jobOf(eligible));
        return undefined;
      }
      note(question.id);
      // Requests for one question at once wait for one judge.
      const judging = serving.get(question.id) ?? lane.now(() => judge(jobOf(paying)));
      if (judging === undefined) {
        later(jobOf(paying));
        return undefined;
      }
      serving.set(question.id, judging);
      void judging.catch(() => {}).finally(() => serving.delete(question.id));
      return within(
        options.deadlineMs,
        judging.catch(() => {
          count("broke");
          return undefined;
        }),
      );
    },

    offered: ({ id }) => offered.delete(id),
    judge,
    overrule: (wording, entry, verdict) => settle(wording, entry, { verdict }, 0),
  };
}

/** Each entry once: it may have many wordings. */
function distinct(near: readonly NearMiss[]): readonly NearMiss[] {
  const seen = new Set<string>();
  return near.filter(({ id }) => !seen.has(id) && seen.add(id) !== undefined);
}

/** Calls a function of the caller's; `undefined` if it throws. */
function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** A pair has one verdict, whichever of its wordings came first. */
function pairOf(one: string, other: string): string {
  return one < other ? `${one}.${other}` : `${other}.${one}`;
}

/** Awaits work for a bounded time, then returns `undefined`; the work continues. */
async function within<T>(ms: number, work: Promise<T | undefined>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
