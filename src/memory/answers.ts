import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { isLater, leastTrust, type Fact } from "./fact.ts";

/** Functions that {@link settleAnswers} uses to read and change a subject's facts. */
interface Kept {
  /** Returns the current facts of a key. */
  readonly answersOf: (key: string) => Promise<readonly Fact[]>;
  /** Writes a fact down; answers whether it is still there. */
  readonly change: (fact: Fact) => Promise<boolean>;
}

/** Most reads of a key's answers until they are consistent. Each read follows all writes of this call. */
const LOOKS_MAX = 16;
/** Longest pause before a look that follows a conflict: many who settle at once get out of each other's way. */
const PAUSE_MS_MAX = 50;

/**
 * Leaves one current answer for a key: the latest one, even if several callers wrote at the same moment. Every writer calls this after its
 * write, so the last one sees all answers. One round trip if no other caller wrote.
 */
export async function settleAnswers({ answersOf, change }: Kept, mine: Fact): Promise<void> {
  if (mine.key === undefined) return;
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const answers = await answersOf(mine.key);
    const wrong = toSettled(answers);
    // Two who settle at once can each take the other's answer out.
    if (answers.length === 0 && mine.supersededBy === undefined) wrong.push(mine);
    if (wrong.length === 0) return;
    const written = await Promise.all(wrong.map((one) => orContested(change(one))));
    if (written.includes("contested")) await sleep(Math.random() * Math.min(PAUSE_MS_MAX, 2 ** look));
    // It was forgotten meanwhile.
    else if (!written.some(Boolean)) return;
  }
}

/** Ignores a conflict with a concurrent writer: that writer settles the answers, or the next read sees them. */
export async function orContested(change: Promise<boolean>): Promise<boolean | "contested"> {
  try {
    return await change;
  } catch (error) {
    if (MarrowError.is(error) && error.code === "conflict") return "contested";
    throw error;
  }
}

/** Selects a key's answers that a later answer of at least the same trust supersedes. Pure. */
export function toSettled(answers: readonly Fact[]): Fact[] {
  return answers.flatMap((one) => {
    const later = answers.find((other) => isLater(other, one) && leastTrust(one.trust, other.trust) === one.trust);
    return later === undefined ? [] : [{ ...one, supersededBy: later.id }];
  });
}
