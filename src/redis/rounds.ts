import { MarrowError } from "../errors.ts";

/** Rounds of one reading of a list or a scan: 100 million ids in pages of 512. */
export const ROUNDS_MAX = 200_000;

/**
 * Bounds a loop whose end the server decides, such as one over the cursors of SCAN: a server that always answers another cursor would keep
 * it going. Returns what the loop calls once a round.
 * @throws MarrowError `timeout` from the round after `most` rounds
 */
export function boundRounds(what: string, most: number = ROUNDS_MAX): () => void {
  let rounds = 0;
  return () => {
    rounds += 1;
    if (rounds <= most) return;
    throw new MarrowError("timeout", `${what} did not end within ${most} rounds`, { details: { rounds: most } });
  };
}
