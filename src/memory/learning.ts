import { runScript, type ScopedRedis } from "../redis/index.ts";
import type { NewFact } from "./facts.ts";
import type { Facts } from "./facts.ts";
import type { Session } from "./handle.ts";
import { userKeys } from "./keys.ts";
import { keepProgress } from "./scripts.gen.ts";
import type { Kept } from "./turn.ts";

/** Extracts facts from finished turns, each with the number of its turn. */
export type Extract = (turns: readonly Kept[]) => Promise<readonly ExtractedFact[]> | readonly ExtractedFact[];

/** A fact extracted from a turn. */
export interface ExtractedFact extends Omit<NewFact, "source" | "trust"> {
  /** Sequence number of the turn that states it. The fact's origin is read from that turn. */
  readonly sequence: number;
}

/** Turns that one extraction is given at most. */
const TURNS_MAX = 200;
/** Extractions of one call, one after the other. */
const ROUNDS_MAX = 50;
/** Sessions whose turns wait for their extraction in one process. */
const WAITING_MAX = 10_000;

interface Parts {
  readonly redis: ScopedRedis;
  readonly name: string;
  readonly extract: Extract;
  readonly extractAfterMs: number;
  readonly open: (user: string, id: string) => Pick<Session, "read">;
  readonly factsOf: (user: string) => Facts;
}

/** Extracts facts from sessions. */
export interface Learning {
  /** Reports an append. Facts are extracted once nothing was appended for a while. */
  noted(user: string, id: string): void;
  /** Extracts facts from unprocessed turns and returns how many were found. */
  learn(user: string, id: string): Promise<number>;
}

/**
 * Starts the extraction. The position in each session is stored with it, so nothing is lost if a process dies; a failed extraction is
 * retried after the next append.
 */
export function createLearning({ redis, name, extract, extractAfterMs, open, factsOf }: Parts): Learning {
  const waiting = new Map<string, NodeJS.Timeout>();

  async function learn(user: string, id: string): Promise<number> {
    const { meta } = userKeys(redis, name, user).session(id);
    const learned: string[] = [];
    let found = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const after = Number((await redis.send(["HGET", meta, "learned_to"])) ?? 0);
      const { turns, epoch, version, createdAtMs = 0 } = await open(user, id).read({ after, limit: TURNS_MAX });
      if (turns.length === 0 && after >= version) break;
      // A question is learned from with its answer: that it comes later begins anew from there.
      const whole = turns.filter(({ incomplete, unreadable }) => incomplete !== true && unreadable === undefined);
      const facts = whole.length === 0 ? [] : await extract(whole);
      for (const { sequence, ...fact } of facts) {
        // The extractor does not decide the origin: a page in the turns may have manipulated it.
        const role = whole.find((kept) => kept.sequence === sequence)?.turn.role ?? "tool";
        const { status, fact: known } = await factsOf(user).remember({
          ...fact,
          source: { session: id, sequence, role },
        });
        if (status !== "known") learned.push(known.id);
        found += 1;
      }
      const to = Math.min(version, Math.max(after + TURNS_MAX, turns.at(-1)?.sequence ?? 0));
      const kept = await runScript(
        redis,
        keepProgress,
        { meta },
        { epoch, what: "learned", to, record: "", born: createdAtMs },
      );
      // The session was cleared, or its user deleted, during the extraction: delete the extracted facts, too.
      if (kept === -1) {
        if (learned.length > 0) await factsOf(user).forget(learned);
        return 0;
      }
      if (to >= version) break;
    }
    return found;
  }

  return {
    learn,
    noted(user, id) {
      const key = `${user.length}:${user}${id}`;
      const before = waiting.get(key);
      if (before === undefined && waiting.size >= WAITING_MAX) return;
      clearTimeout(before);
      const timer = setTimeout(() => {
        waiting.delete(key);
        learn(user, id).catch(() => {});
      }, extractAfterMs);
      timer.unref();
      waiting.set(key, timer);
    },
  };
}
