import {
  createCache,
  toFingerprint,
  wipeCache,
  type AnswerCost,
  type Cache,
  type Preset,
  type Question,
  type SampledEntry,
} from "../cache/index.ts";
import type { Embedder } from "../embedders/index.ts";
import { lacksAsked, questionOf, toStoredAnswer, toUsed, type Sharing, type StoredAnswer } from "../flow/index.ts";
import type { ChatCompletion, Prices } from "../models/index.ts";
import { keyTag, type ScopedRedis } from "../redis/index.ts";
import type { LogRecord } from "./records.ts";
import type { Outcome } from "./tally.ts";

/** One configuration of the cache for a replay. */
export interface Setting {
  readonly preset: Preset;
  readonly ttlMs: number;
}

/** Outcome of a request with one setting, and the stored questions near it. */
export interface Played {
  readonly outcome: Outcome;
  /** Entries that expired before it. */
  readonly ended: number;
  /** Stored question that served it, if its wording differs. */
  readonly near?: { readonly prompt: string; readonly similarity: number; readonly answer: string } | undefined;
  /** Nearest stored question that was refused, if refusals are wanted. */
  readonly refused?: { readonly prompt: string; readonly similarity: number; readonly veto: string } | undefined;
  /** The stored entry. */
  readonly entry?: SampledEntry | undefined;
}

/** Position of a request in its log. */
export interface Place {
  /** Number of its line, from 1. */
  readonly line: number;
  /** Position of its line, in bytes. */
  readonly offset: number;
}

/** A saved position of an earlier run. */
export interface Noted {
  /** Lines played so far. */
  readonly lines: number;
  readonly nowMs: number;
}

/** A request with everything that does not depend on the setting, computed once. */
export interface Prepared {
  readonly user: string;
  readonly nowMs: number;
  readonly place: Place;
  readonly question: Question | undefined;
  readonly completion: ChatCompletion | undefined;
  /** Cost of its answer; absent if the log has none. */
  readonly cost: AnswerCost | undefined;
}

/** Plays requests through one configuration of the real cache, at the log's time. */
export interface Player {
  readonly setting: Setting;
  play(asked: Prepared): Promise<Played>;
  /**
   * Restores Redis to a saved position after a run was killed beyond it: deletes entries of later lines, and stores entries again that
   * expired since. `requestsAt` reads the requests of a line.
   */
  rewind(to: Noted, requestsAt: (place: Place, nowMs: number) => Promise<readonly Prepared[]>): Promise<void>;
  /** Reports that a position was saved: no run goes back beyond it. */
  noted(): Promise<void>;
  /** Deletes everything that it stored. */
  wipe(): Promise<void>;
}

/** Dependencies of a player. */
export interface PlayerParts {
  readonly redis: ScopedRedis;
  readonly setting: Setting;
  readonly embedder: Embedder | undefined;
  readonly minScore: number | undefined;
  /** Whether refused neighbours are reported. */
  readonly explains: boolean;
}

/** Longest life that the server gives an entry: the log's time ends it before. */
const SERVER_LIFE_MS = 30 * 86_400_000;
const TIMEOUT_MS = 10_000;
/** Ended entries that are taken away at once, and subjects that are read at once. */
const PAGE = 500;

/** Name of the cache of a setting, within the scope of a replay. */
export const CACHE_NAME = "chat";

/** Prepares the parts of a request that all settings share. Pure. */
export function prepare(
  { user, request, completion, micros, tookMs }: LogRecord,
  {
    nowMs,
    place,
    sharing,
    prices,
  }: Pick<Prepared, "nowMs" | "place"> & {
    readonly sharing: Sharing;
    readonly prices: Prices;
  },
): Prepared {
  const question = questionOf({ request, user, key: "replay" }, sharing);
  const used = completion && toUsed(request, completion, prices);
  return { user, nowMs, place, question, completion, cost: costOf(used, micros, tookMs) };
}

function costOf(
  used: ReturnType<typeof toUsed> | undefined,
  micros: number | undefined,
  tookMs: number,
): AnswerCost | undefined {
  if (used === undefined) return undefined;
  const { tokens: _, model: __, ...cost } = used;
  return { ...cost, micros: cost.micros ?? micros, tookMs };
}

/**
 * Opens a player, with the data that it stored before: its entries, their expiry and the line of each (a list, because TTLs follow the
 * log's time), those that expired since the last saved position, and their subjects.
 */
export function createPlayer({ redis, setting, embedder, minScore, explains }: PlayerParts): Player {
  let nowMs = 0;
  const options = {
    name: CACHE_NAME,
    embedder,
    preset: setting.preset,
    minScore,
    ttlMs: SERVER_LIFE_MS,
    // Entries end in the order in which they were stored.
    timeBoundTtlMs: false as const,
    timeoutMs: TIMEOUT_MS,
  };
  const cache: Cache<StoredAnswer> = createCache<StoredAnswer>(redis, options, () => nowMs);
  const start = `${keyTag(redis)}:replay`;
  const [ends, gone, subjects] = [`${start}:ends`, `${start}:gone`, `${start}:subjects`];
  let headEndsAtMs: number | undefined;
  const known = new Set<string>();

  /** Deletes entries that have expired in the log's time. */
  async function sweep(): Promise<number> {
    let count = 0;
    headEndsAtMs ??= toEnd(await redis.send(["LINDEX", ends, "0"]));
    while (headEndsAtMs <= nowMs) {
      const some = ((await redis.send(["LRANGE", ends, "0", String(PAGE - 1)])) as readonly string[]).map(toStay);
      const over = some.filter(({ endsAtMs }) => endsAtMs <= nowMs);
      // Moved before they are taken away: a run that goes on from the note before stores them again.
      await Promise.all(over.map(() => redis.send(["LMOVE", ends, gone, "LEFT", "RIGHT"])));
      await Promise.all(over.map(({ id }) => cache.forget({ id })));
      count += over.length;
      headEndsAtMs = some[over.length]?.endsAtMs ?? toEnd(await redis.send(["LINDEX", ends, "0"]));
    }
    return count;
  }

  async function look(question: Question) {
    const wanted = { maxAgeMs: setting.ttlMs - 1, explain: explains };
    const found = await cache.lookup(question, wanted);
    return found.hit && lacksAsked(question, found.value) ? { hit: false as const } : found;
  }

  async function keep(
    question: Question,
    { user, place, completion, cost }: Prepared,
  ): Promise<SampledEntry | undefined> {
    const answer = completion && toStoredAnswer(completion);
    if (answer === undefined) return undefined;
    const { id, partition } = toFingerprint(question);
    const endsAtMs = nowMs + setting.ttlMs;
    // Recorded first, so that entries of a killed run are found.
    await redis.send(["RPUSH", ends, `${endsAtMs}:${place.line}:${place.offset}:${id}`]);
    if (!known.has(user)) {
      if (known.size >= PAGE) known.clear();
      known.add(user);
      await redis.send(["SADD", subjects, user]);
    }
    if (!(await cache.store(question, answer, { cost, subject: user }))) {
      await redis.send(["RPOP", ends]);
      return undefined;
    }
    if (headEndsAtMs === Infinity) headEndsAtMs = endsAtMs;
    return { id, partition, subject: user };
  }

  /** Stores the entries of a line again, as of its time. */
  async function again({ id, endsAtMs, ...place }: Stay, requestsAt: Parameters<Player["rewind"]>[1]): Promise<void> {
    nowMs = endsAtMs - setting.ttlMs;
    for (const { question, completion, cost, user } of await requestsAt(place, nowMs)) {
      const answer = completion && toStoredAnswer(completion);
      if (question === undefined || answer === undefined || toFingerprint(question).id !== id) continue;
      await cache.store(question, answer, { cost, subject: user });
      return;
    }
  }

  return {
    setting,

    async play(asked) {
      ({ nowMs } = asked);
      const ended = await sweep();
      const { question, cost } = asked;
      if (question === undefined) return { ended, outcome: { kind: "uncacheable", cost, stored: false } };
      const { followUp, text } = toFingerprint(question);
      if (followUp) return { ended, outcome: { kind: "follow_up", cost, stored: false } };
      const found = await look(question);
      if (found.hit) {
        const isExact = found.match === "exact";
        const { content } = found.value.message;
        const answer = typeof content === "string" ? content : "";
        const near = isExact ? undefined : { prompt: found.prompt, similarity: found.similarity, answer };
        return { ended, outcome: { kind: isExact ? "exact" : "similar", cost: found.cost }, near };
      }
      const candidate = found.explanation?.candidates.find(
        ({ veto, prompt }) => veto !== undefined && prompt !== undefined,
      );
      const entry = await keep(question, asked);
      return {
        ended,
        outcome: { kind: "miss", cost, stored: entry !== undefined },
        entry,
        ...(candidate?.prompt !== undefined &&
          candidate.prompt !== text && {
            refused: { prompt: candidate.prompt, similarity: candidate.similarity, veto: String(candidate.veto) },
          }),
      };
    },

    async rewind({ lines, nowMs: notedMs }, requestsAt) {
      const last = async (list: string) => {
        const [element] = (await redis.send(["LRANGE", list, "-1", "-1"])) as readonly string[];
        return element === undefined ? undefined : toStay(element);
      };
      for (let stay = await last(ends); stay !== undefined && stay.line > lines; stay = await last(ends)) {
        await cache.forget({ id: stay.id });
        await redis.send(["RPOP", ends]);
      }
      for (let stay = await last(gone); stay !== undefined && stay.endsAtMs > notedMs; stay = await last(gone)) {
        const isLater = stay.line > lines;
        if (isLater) await cache.forget({ id: stay.id });
        else await again(stay, requestsAt);
        // A run killed in between repeats this.
        await redis.send(isLater ? ["RPOP", gone] : ["LMOVE", gone, ends, "RIGHT", "LEFT"]);
      }
      headEndsAtMs = undefined;
      await redis.send(["UNLINK", gone]);
    },

    async noted() {
      await redis.send(["UNLINK", gone]);
    },

    async wipe() {
      for (;;) {
        const some = (await redis.send(["SRANDMEMBER", subjects, String(PAGE)])) as readonly string[];
        if (some.length === 0) break;
        await wipeCache(redis, { name: CACHE_NAME, cache, subjects: some });
        await redis.send(["SREM", subjects, ...some]);
      }
      await redis.send(["UNLINK", ends, gone, subjects]);
    },
  };
}

/** An entry in a list: when it ends, and which line stored it. */
interface Stay extends Place {
  readonly endsAtMs: number;
  readonly id: string;
}

function toStay(element: string): Stay {
  const [endsAtMs = "", line = "", offset = "", ...id] = element.split(":");
  return { endsAtMs: Number(endsAtMs), line: Number(line), offset: Number(offset), id: id.join(":") };
}

/** Returns the expiry of a list element's entry; infinite for an empty list. */
function toEnd(element: unknown): number {
  return typeof element === "string" ? toStay(element).endsAtMs : Infinity;
}
