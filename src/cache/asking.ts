import { createFlights, type Follow, type Lead } from "../relay/index.ts";
import { decodeRecordInTurns, encodePlainInTurns, type ScopedRedis } from "../redis/index.ts";
import { isAway, unlessAway } from "./away.ts";
import type { Embedding } from "./embedding.ts";
import { createJudge, type JudgeOptions } from "./judge.ts";
import type { CacheKeys } from "./keys.ts";
import type { RunningPolicy } from "./policy.ts";
import { prove, read } from "./proof/index.ts";
import { toFingerprint, type Fingerprint, type Question } from "./question.ts";
import type { Sealing } from "./sealing.ts";
import { CODE_BYTES, nearestCodes, toCode } from "./sign-code.ts";

/**
 * Outcome of joining a flight: leading it, following another caller, or an answer that was stored meanwhile. A leader is `overtaken` if the
 * flight of a question like its own ended before it could be followed: it looks up again before it calls the model.
 */
export type Asking<T> = Leading<T> | Follow<T> | { readonly role: "made" };

/** A leader's flight. */
export type Leading<T> = Lead<T> & { readonly overtaken?: true | undefined };

/** Content of a flight's channel: parts of an answer, and the answer once it is complete. */
export type Told<V> = { readonly part: unknown } | { readonly value: V };

/** Questions under way that a new one is held against: the nearest by their codes. */
const COMPARED = 2;

/** Options of `join`. */
export interface JoinOptions {
  /** Whether to report an answer that was stored since the lookup. @default true */
  readonly look?: boolean | undefined;
  /** A running lookup; if it hits, the flight is not joined. @default none */
  readonly beside?: Promise<{ readonly hit: boolean } | undefined> | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Parts {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly timeoutMs: number;
  readonly sealing: Sealing;
  readonly policy: Pick<RunningPolicy<never>, "serves">;
  readonly judge: JudgeOptions;
  readonly embedding: Embedding;
}

/** Coalesces concurrent calls for the same question, and for questions near enough to it, across processes. */
export interface AskingTogether {
  readonly join: <T>(question: string | Question, options?: JoinOptions) => Promise<Asking<T>>;
}

/** Opens the coalescing of one cache. Parts are JSON, and sealed like entries. */
export function createAsking(parts: Parts): AskingTogether {
  const { redis, keys, timeoutMs, sealing, policy, judge, embedding } = parts;
  const flights = createFlights<unknown>(redis, {
    prefix: keys.flights,
    timeoutMs,
    isAway,
    // An answer that is not JSON cannot be shared; the other callers ask for themselves.
    encode(part, id) {
      const seal = (record: Buffer | string) =>
        sealing.seal(Buffer.isBuffer(record) ? record : Buffer.from(record), id);
      try {
        const record = encodePlainInTurns(part);
        return record instanceof Promise ? record.then(seal).catch(() => undefined) : seal(record);
      } catch {
        return undefined;
      }
    },
    decode: (bytes, id) => decodeRecordInTurns(sealing.open(bytes, id)),
  });

  /** Builds a running question's key for comparison: a code of its vector, then its text. */
  async function wordsOf(question: Fingerprint, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    if (!(await embedding.works())) return undefined;
    const vector = await embedding.vectorOf(question, signal);
    return vector && Buffer.concat([toCode(vector), sealing.seal(Buffer.from(question.text), question.id)]);
  }

  /** The likeliest of the questions that others ask just now, when its answer would serve this one as well. */
  async function nearestOf(
    question: Fingerprint,
    own: Buffer,
    others: Lead<unknown>["others"],
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const reading = read(question.text);
    const near = nearestCodes(own, others, COMPARED)
      .map(({ id, words }) => ({ id, text: String(sealing.open(words.subarray(CODE_BYTES), id)) }))
      // Most can be told apart by their words, which is cheaper than by their vectors.
      .filter(({ text }) => prove(reading, read(text), judge.level, { quick: true }).proven);
    if (near.length === 0) return undefined;
    const texts = near.map(({ text }) => text);
    const similarities = await embedding.similarities(question, texts, signal);
    const hold = createJudge(question.text, judge);
    const likeliest = near
      .map(({ id, text }, at) => ({ id, ...hold(text, similarities[at] as number) }))
      .filter(({ refusal }) => refusal === undefined)
      .toSorted((a, b) => b.score - a.score)[0];
    return likeliest !== undefined && (await policy.serves(likeliest)) ? likeliest.id : undefined;
  }

  return {
    async join<T>(asked: string | Question, { look = true, beside, signal }: JoinOptions = {}): Promise<Asking<T>> {
      const question = toFingerprint(asked);
      const { id, partition } = question;
      const words = embedding.isOff ? undefined : await unlessAway(wordsOf(question, signal));
      const asking = await flights.join({
        id,
        group: words && { name: partition, words },
        made: look ? keys.body(id) : undefined,
      });
      try {
        if (beside !== undefined && (await beside)?.hit === true) {
          if (asking.role === "lead") void asking.leave();
          return { role: "made" };
        }
        if (words === undefined || asking.role !== "lead" || asking.others.length === 0) return asking as Asking<T>;
        const near = await unlessAway(nearestOf(question, words, asking.others, signal));
        if (near === undefined) return asking as Asking<T>;
        const other = await flights.follow(near);
        // The one that would serve has ended by now.
        if (other === undefined) return { ...asking, overtaken: true } as Asking<T>;
        await asking.leave(near);
        return other as Asking<T>;
      } catch (error) {
        // A flight whose leader has given up would be renewed and followed in vain.
        if (asking.role === "lead") await asking.leave();
        throw error;
      }
    },
  };
}
