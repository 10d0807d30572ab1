import { createFlights, type Follow, type Lead } from "../relay/index.ts";
import { decodeRecord, encodeRecord, type ScopedRedis } from "../redis/index.ts";
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
 * What becomes of someone who asks: they ask the model for all, read along with who does, or the answer, or that to a question near enough, was
 * stored a moment ago.
 */
export type Asking<T> = Lead<T> | Follow<T> | { readonly role: "made" };

/** What `through` and `stream` tell one another: pieces of an answer, and the answer once there is one. */
export type Told<V> = { readonly part: unknown } | { readonly value: V };

/** Questions under way that a new one is held against: the nearest by their codes. */
const COMPARED = 2;

/** Bounds of one joining. */
export interface JoinOptions {
  /** Whether an answer that was stored since the lookup is told of, also that to a question near enough. @default true */
  readonly look?: boolean | undefined;
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

/** One asking of each question, and of those that are near enough to it, over all processes. */
export interface AskingTogether {
  readonly join: <T>(question: string | Question, options?: JoinOptions) => Promise<Asking<T>>;
}

/** Makes it. Parts are JSON, and sealed like entries. */
export function createAsking(parts: Parts): AskingTogether {
  const { redis, keys, timeoutMs, sealing, policy, judge, embedding } = parts;
  const flights = createFlights<unknown>(redis, {
    prefix: keys.flights,
    timeoutMs,
    isAway,
    encode(part, id) {
      try {
        return sealing.seal(encodeRecord(part), id);
      } catch {
        // What is no JSON can be told to nobody; the others ask for themselves.
        return undefined;
      }
    },
    decode: (bytes, id) => decodeRecord(sealing.open(bytes, id)),
  });

  /** What a question under way is known by: a code of its vector, then its text. */
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
  ): Promise<{ readonly id: string; readonly made: boolean } | undefined> {
    const reading = read(question.text);
    const near = nearestCodes(own, others, COMPARED)
      .map(({ id, words, made }) => ({ id, made, text: String(sealing.open(words.subarray(CODE_BYTES), id)) }))
      // Most are told apart by their words, which costs less than their vectors.
      .filter(({ text }) => prove(reading, read(text), judge.level, { quick: true }).proven);
    if (near.length === 0) return undefined;
    const texts = near.map(({ text }) => text);
    const similarities = await embedding.similarities(question, texts, signal);
    const hold = createJudge(question.text, judge);
    const likeliest = near
      .map(({ id, made, text }, at) => ({ id, made, ...hold(text, similarities[at] as number) }))
      .filter(({ refusal }) => refusal === undefined)
      .toSorted((a, b) => b.score - a.score)[0];
    // Of an answer that is there, the lookup that finds it asks the policy.
    const isServed = likeliest !== undefined && (likeliest.made || (await policy.serves(likeliest)));
    return isServed ? likeliest : undefined;
  }

  return {
    async join<T>(asked: string | Question, { look = true, signal }: JoinOptions = {}): Promise<Asking<T>> {
      const question = toFingerprint(asked);
      const { id, partition } = question;
      const words = await unlessAway(wordsOf(question, signal));
      const asking = await flights.join({
        id,
        group: words && { name: partition, words },
        made: look ? keys.body(id) : undefined,
      });
      try {
        if (words === undefined || asking.role !== "lead") return asking as Asking<T>;
        const others = look ? asking.others : asking.others.filter(({ made }) => !made);
        if (others.length === 0) return asking as Asking<T>;
        const near = await unlessAway(nearestOf(question, words, others, signal));
        if (near?.made === true) {
          await asking.leave();
          return { role: "made" };
        }
        const other = near === undefined ? undefined : await flights.follow(near.id);
        if (near === undefined || other === undefined) return asking as Asking<T>;
        await asking.leave(near.id);
        return other as Asking<T>;
      } catch (error) {
        // A lead that its caller never hears of would be renewed for ever, and followed in vain.
        if (asking.role === "lead") await asking.leave();
        throw error;
      }
    },
  };
}
