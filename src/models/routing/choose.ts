import { hash } from "node:crypto";

/** A candidate in the choice of an upstream. */
export interface Candidate {
  /** Name of the upstream and its model, equal in every process. */
  readonly id: string;
  readonly weight: number;
}

/**
 * Chooses one of a group: draws two by weight and takes the one with fewer calls in flight for its weight ("the power of two choices").
 * Idle ones are chosen by weight alone.
 */
export function chooseByLoad<T extends Candidate>(
  group: readonly T[],
  loadOf: (candidate: T) => number,
  random: () => number,
): T | undefined {
  const first = draw(group, random);
  const second = draw(
    group.filter((one) => one !== first),
    random,
  );
  if (first === undefined || second === undefined) return first;
  return loadOf(second) / second.weight < loadOf(first) / first.weight ? second : first;
}

/**
 * Chooses a member of a group by a key: the highest of weighted hashes (rendezvous). Every process chooses the same, and if one leaves the
 * group only its own keys move.
 * @source https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
 */
export function chooseByName<T extends Candidate>(group: readonly T[], name: string): T | undefined {
  let [best, highest]: [T | undefined, number] = [undefined, -Infinity];
  for (const one of group) {
    const digest = hash("sha256", `${one.id}\0${name}`, "buffer");
    // 48 bits, in the open interval from 0 to 1.
    const unit = (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48;
    const score = -one.weight / Math.log(unit);
    if (score > highest) [best, highest] = [one, score];
  }
  return best;
}

function draw<T extends Candidate>(group: readonly T[], random: () => number): T | undefined {
  const all = group.reduce((sum, { weight }) => sum + weight, 0);
  let at = random() * all;
  for (const one of group) {
    at -= one.weight;
    if (at < 0) return one;
  }
  return group.at(-1);
}
