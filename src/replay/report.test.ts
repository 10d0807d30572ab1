import { describe, expect, it } from "vitest";
import { toHtml } from "./html.ts";
import { choose, meet, type NearPair } from "./pairs.ts";
import { toPairReport, toSettingReport, type ReplayReport } from "./report.ts";
import { count, EMPTY, end } from "./tally.ts";

const cost = { promptTokens: 10, completionTokens: 5, micros: 2_000, tookMs: 100 };

describe("what a setting came to", () => {
  it("counts hits, money and the most entries that lived at one time", () => {
    let tally = count(EMPTY, { kind: "miss", cost, stored: true });
    tally = count(tally, { kind: "miss", cost, stored: true });
    tally = count(end(tally, 2), { kind: "exact", cost });
    tally = count(tally, { kind: "similar", cost: { ...cost, micros: undefined } });
    const report = toSettingReport({ preset: "strict", ttlMs: 3_600_000, tally, bytesEach: 1_000, hasVectors: true });
    expect(report).toMatchObject({
      requests: 4,
      hits: 2,
      hit_share: 0.5,
      saved: { prompt_tokens: 20, cost: 0.002, seconds: 0.2 },
      spent: { cost: 0.004 },
      saved_share: 1 / 3,
      unpriced: 1,
      memory: { entries_most: 2, bytes: 2_000 },
    });
    expect(report.memory.server_bytes).toBeGreaterThan(3_000_000);
  });
});

describe("near pairs", () => {
  const pairs = () => ({ served: new Map<string, NearPair>(), refused: new Map<string, NearPair>() });
  const met = { asked: "a", stored: "b", similarity: 0.9, micros: 10 };

  it("that saved most come first; those to look at are what strict refused, and what all did", () => {
    const known = pairs();
    meet(known, { ...met, asked: "dear", served: ["strict"], micros: 100 });
    meet(known, { ...met, asked: "loose", served: ["aggressive"] });
    meet(known, { ...met, asked: "middle", served: ["balanced", "aggressive"] });
    meet(known, { ...met, asked: "loose", served: ["aggressive"] });
    meet(known, { ...met, asked: "far", similarity: 0.7, served: [], refused: "words", micros: 0 });
    meet(known, { ...met, asked: "near", similarity: 0.95, served: [], refused: "numbers", micros: 0 });
    const { valuable, doubtful } = choose(known, 4);
    expect(valuable.map(({ asked, hits, micros }) => [asked, hits, micros])).toEqual([
      ["dear", 1, 100],
      ["loose", 2, 20],
      ["middle", 1, 10],
    ]);
    expect(doubtful.map(({ asked }) => asked)).toEqual(["loose", "middle", "near", "far"]);
    expect(choose(known, 1).doubtful).toHaveLength(1);
  });

  it("are kept in a bounded number", () => {
    const known = pairs();
    for (let n = 0; n < 5_000; n += 1) meet(known, { ...met, asked: `q${n}`, served: ["strict"], micros: n });
    expect(known.served.size).toBeLessThan(1_000);
    expect(choose(known, 1).valuable[0]?.asked).toBe("q4999");
  });
});

describe("the report as a page", () => {
  const hostile = `</td><script>alert(1)</script><img src=x onerror=alert(2)>"'&\u202E`;
  const pair: NearPair = {
    asked: hostile,
    stored: hostile,
    similarity: 0.5,
    served: [],
    refused: hostile,
    hits: 1,
    micros: 1,
  };
  const report: ReplayReport = {
    object: "replay.report",
    version: "1",
    log: {
      lines: 3,
      requests: 1,
      formats: { plain: 1 },
      from: hostile,
      to: hostile,
      broken: 2,
      broken_lines: [2, 3],
      too_long: 0,
      other: 0,
      refused: {},
      without_answer: 0,
      without_time: 0,
    },
    embedder: hostile,
    settings: [toSettingReport({ preset: "strict", ttlMs: 86_400_000, tally: EMPTY, bytesEach: 0, hasVectors: true })],
    valuable: [toPairReport(pair)],
    doubtful: [toPairReport(pair)],
    judge: { model: hostile, asked: 1, failed: 0, cost: 0 },
  };

  it("needs no script, loads nothing and escapes every text of the log", () => {
    const html = toHtml(report);
    expect(html).not.toMatch(/<script|<img|onerror=alert\(2\)>|\u202E|<link|src=["']|href=/);
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).toContain("default-src 'none'");
    expect(html).toContain("2 broken lines (2, 3)");
    const tags = [...html.matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag);
    expect([...new Set(tags)].filter((tag) => !TAGS.has(tag ?? ""))).toEqual([]);
  });
});

const TAGS = new Set("html head meta title style body h1 h2 p div table tr th td em".split(" "));
