import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { isLater, leastTrust, type Fact } from "./fact.ts";

/** What settling needs of the facts of a subject. */
interface Kept {
  /** What is so now of a key. */
  readonly answersOf: (key: string) => Promise<readonly Fact[]>;
  /** Writes a fact down; answers whether it is still there. */
  readonly change: (fact: Fact) => Promise<boolean>;
}

/** Looks at the answers of a key until they stand as they should. Each look follows all that this call wrote. */
const LOOKS_MAX = 16;
/** Longest pause before a look that follows a conflict: many who settle at once get out of each other's way. */
const PAUSE_MS_MAX = 50;

/**
 * Lets one answer of a key be so now, the last one that was given, whatever was said at the same moment and by whom. Whoever wrote an answer
 * settles it afterwards, so the last of them to write sees all that was written. One round trip when nobody else said anything.
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

/** What others write at the same moment is theirs to settle, or is seen by the next look: what was said is stored already. */
export async function orContested(change: Promise<boolean>): Promise<boolean | "contested"> {
  try {
    return await change;
  } catch (error) {
    if (MarrowError.is(error) && error.code === "conflict") return "contested";
    throw error;
  }
}

/** Those of a key's present answers that a later one takes the place of, by somebody who is trusted as much. Pure. */
export function toSettled(answers: readonly Fact[]): Fact[] {
  return answers.flatMap((one) => {
    const later = answers.find((other) => isLater(other, one) && leastTrust(one.trust, other.trust) === one.trust);
    return later === undefined ? [] : [{ ...one, supersededBy: later.id }];
  });
}
