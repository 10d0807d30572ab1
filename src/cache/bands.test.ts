import { describe, expect, it } from "vitest";
import { bandsOf, COUNTS_MAX, isProven, servedBy, withAudit, type Ledger } from "./bands.ts";

/** A small repeatable generator of numbers from 0 to 1. */
function generator(seed: number): () => number {
  let state = seed * 7_919 + 1;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

interface Stream {
  readonly seed: number;
  readonly target: number;
  readonly length: number;
  readonly auditRate?: number;
  /** True precision at a score, for the nth question. */
  readonly precision: (score: number, nth: number) => number;
}

/** Plays a cache: what is withheld is compared always, what is served seldom; served bands are looked at after every audit. */
function play({ seed, target, length, auditRate = 0.05, precision }: Stream) {
  const random = generator(seed);
  const ledgers = new Map<string, Ledger>();
  const proven = new Set<string>();
  let served = servedBy([]);
  const out = { served: 0, expected: 0, last: 0, servedAt: [] as number[] };
  for (let nth = 0; nth < length; nth += 1) {
    const score = 1 - random() ** 2;
    const truth = precision(score, nth);
    const isServed = served.has(score);
    if (isServed) {
      out.served += 1;
      out.expected += truth;
      out.last = nth;
      out.servedAt.push(nth);
    }
    if (isServed && random() >= auditRate) continue;
    const right = random() < truth;
    for (const band of bandsOf(score)) {
      if (random() >= served.share(score, band, auditRate)) continue;
      const ledger = withAudit(ledgers.get(band), right, target);
      if (ledger === undefined) ledgers.delete(band);
      else ledgers.set(band, ledger);
      const before = proven.size;
      if (ledger !== undefined && isProven(band, ledger, target)) proven.add(band);
      else if (!proven.delete(band)) continue;
      if (proven.size !== before) served = servedBy([...proven]);
    }
  }
  return out;
}

const STREAMS = 300;
/** Streams of 300 whose served answers were right with a true share below the target. */
const missed = (stream: Omit<Stream, "seed">) =>
  Array.from({ length: STREAMS }, (_, seed) => play({ ...stream, seed: seed + 1 })).filter(
    ({ served, expected }) => served > 0 && expected / served < stream.target - 1e-9,
  ).length;

describe("a calibrated policy", () => {
  describe.each([0.95, 0.97, 0.99])("with a target of %d", (target) => {
    it.each([
      ["a little below the target everywhere", () => target - 0.01],
      ["right at scores that are high, far below at others", (score: number) => (score > 0.9 ? target - 0.002 : 0.6)],
      ["worse the higher the score", (score: number) => Math.min(0.999, 1.02 - score * (1.05 - target))],
      [
        "wrong in narrow bands",
        (score: number) => (Math.floor(score * 40) % 3 === 0 ? target - 0.1 : target + 0.3 * (1 - target)),
      ],
    ])("misses it in at most 5 %% of 300 streams that are %s, however often it looks", (_, precision) => {
      expect(missed({ target, length: 500, precision })).toBeLessThanOrEqual(STREAMS * 0.05);
    });

    it("serves soon where the true precision is well above it", () => {
      const well = 1 - (1 - target) / 20;
      const length = Math.ceil(20 / (1 - target));
      const streams = Array.from({ length: 20 }, (_, seed) =>
        play({ seed: seed + 1, target, length, precision: () => well }),
      );
      expect(streams.filter(({ served }) => served > length / 4).length).toBeGreaterThanOrEqual(18);
    });

    it("finds the band that works among bands that do not", () => {
      const precision = (score: number) => (score > 0.8 ? 1 - (1 - target) / 20 : 0.5);
      const length = Math.ceil(80 / (1 - target));
      const { served, expected } = play({ seed: 3, target, length, precision });
      expect(served).toBeGreaterThan(length / 20);
      expect(expected / served).toBeGreaterThanOrEqual(target);
    });
  });

  it("withdraws when the evidence turns, after some dozens of audits", () => {
    const turns = 4_000;
    const { servedAt } = play({
      seed: 5,
      target: 0.97,
      length: 12_000,
      auditRate: 0.1,
      precision: (_, nth) => (nth < turns ? 0.999 : 0.6),
    });
    expect(servedAt.filter((nth) => nth < turns).length).toBeGreaterThan(2_000);
    expect(servedAt.filter((nth) => nth > turns + 1_500)).toEqual([]);
  });

  it("lets old audits fade, and never counts more than so many", () => {
    let ledger: Ledger | undefined;
    for (let nth = 0; nth < COUNTS_MAX + 5; nth += 1) ledger = withAudit(ledger, nth % 1_000 !== 0, 0.9);
    expect(ledger && ledger.right + ledger.wrong).toBeLessThan(COUNTS_MAX / 2 + 10);
    expect(ledger?.wrong).toBeGreaterThanOrEqual(5);
  });

  it.each([0, 0.3, 0.85, 0.999, 1, 1.000001, -0.1])("has a band of every width for the score %d", (score) => {
    const bands = bandsOf(score);
    expect(bands).toHaveLength(6);
    expect(bands[0]).toBe("0.0");
    expect(new Set(bands.map((band) => band.split(".")[0])).size).toBe(6);
  });
});
