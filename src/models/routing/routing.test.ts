import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MarrowError } from "../../errors.ts";
import { chooseByLoad, chooseByName } from "./choose.ts";
import { newHealth, noteCall, standingOf, type HealthRules } from "./health.ts";
import { nextStep, type Situation } from "./next-step.ts";
import { BUDGET_WINDOW_MS, createRetryBudget } from "./retry-budget.ts";
import { judgeFailure, tellingOf, type Verdict } from "./verdict.ts";

const failed = (status: number, error?: object) =>
  new MarrowError("model_failed", "it failed", { details: { status, error } });

describe("a failure of an upstream", () => {
  it.each<[unknown, Partial<Verdict>]>([
    [failed(400), { kind: "client", elsewhere: false }],
    [failed(422, { message: "tools.0 is invalid" }), { kind: "client", elsewhere: false }],
    [failed(415), { kind: "client", elsewhere: false }],
    [failed(451), { kind: "client", elsewhere: false }],
    [new MarrowError("aborted", "a"), { kind: "aborted", elsewhere: false, counts: false }],
    [new Error("a bug"), { kind: "client", elsewhere: false }],
    [
      new MarrowError("rate_limited", "a", { details: { retryAfterMs: 5 } }),
      { kind: "limited", counts: false, isUnsent: true, afterMs: 5 },
    ],
    [
      new MarrowError("invalid_input", "a"),
      { kind: "uncarried", elsewhere: true, again: false, counts: false, isUnsent: true },
    ],
    [new MarrowError("timeout", "a"), { kind: "failed", elsewhere: true, counts: true }],
    [failed(429), { kind: "limited", elsewhere: true, again: true, counts: true }],
    [failed(401), { kind: "refused", elsewhere: true, again: false, counts: true }],
    [failed(404), { kind: "refused", elsewhere: true, again: false, counts: true }],
    [failed(501), { kind: "failed", elsewhere: true, again: false }],
    [failed(503), { kind: "failed", elsewhere: true, again: true, counts: true }],
    [failed(413), { kind: "context", elsewhere: true, counts: false }],
    [failed(400, { code: "context_length_exceeded" }), { kind: "context", counts: false }],
    [failed(400, { message: "This model's maximum context length is 8192 tokens." }), { kind: "context" }],
    [failed(400, { message: "prompt is too long: 210000 tokens > 200000 maximum" }), { kind: "context" }],
    [
      failed(400, { message: "The input token count (9000) exceeds the maximum number of tokens allowed (8192)." }),
      { kind: "context" },
    ],
    [
      failed(422, { message: "inputs tokens + max_new_tokens must be <= 4096. Given: 5000 exceeds" }),
      { kind: "context" },
    ],
    [
      failed(400, { message: "This model's maximum prompt length is 131072 but the request contains 140000 tokens." }),
      { kind: "context" },
    ],
    [failed(400, { message: "Range of input length should be [1, 30720]" }), { kind: "context" }],
    [failed(400, { message: "API key not valid. Please pass a valid API key." }), { kind: "refused", elsewhere: true }],
    [failed(400, { message: "the tool's parameter api_key is required" }), { kind: "client" }],
    [failed(302), { kind: "failed", elsewhere: true, counts: true }],
    [failed(400, { message: "the name is too long" }), { kind: "client" }],
    [failed(400, { message: "max_tokens must be positive" }), { kind: "client" }],
  ])("is judged by what it says: %s", (error, verdict) => {
    expect(judgeFailure(error)).toMatchObject(verdict);
  });

  it("is told before others when the client can act on it", () => {
    const [down, full, limit] = [failed(503), failed(400, { code: "context_length_exceeded" }), failed(429)];
    expect(tellingOf([down, limit])).toBe(limit);
    expect(tellingOf([down, limit, full])).toBe(full);
    expect(tellingOf([])).toBeUndefined();
    const [late, soon] = [9_000, 5].map(
      (retryAfterMs) => new MarrowError("rate_limited", "a", { details: { retryAfterMs } }),
    );
    expect(tellingOf([limit, late, soon])).toBe(soon);
  });
});

describe("a retry budget", () => {
  it("never gives out more than a share of the requests and a reserve within ten seconds", () => {
    const events = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 3_000 }), asks: fc.boolean() }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(events, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(5), (story, share, reserve) => {
        const budget = createRetryBudget({ share, reserve });
        const [requests, taken]: [number[], number[]] = [[], []];
        let nowMs = 5_000_000;
        for (const { afterMs, asks } of story) {
          nowMs += afterMs;
          if (asks) {
            budget.began(nowMs);
            requests.push(nowMs);
          } else if (budget.take(nowMs)) {
            // What is given back at once was never taken.
            budget.giveBack(nowMs);
            if (budget.take(nowMs)) taken.push(nowMs);
          } else continue;
          if (asks) continue;
          const within = (times: readonly number[]) => times.filter((at) => at > nowMs - BUDGET_WINDOW_MS * 0.9).length;
          const since = (times: readonly number[]) => times.filter((at) => at > nowMs - BUDGET_WINDOW_MS).length;
          expect(within(taken)).toBeLessThanOrEqual(Math.floor(since(requests) * share) + reserve);
        }
      }),
    );
  });
});

const rules: HealthRules = { failures: 3, errorRate: 0.5, callsMin: 10, firstMs: 100, longestMs: 350 };

describe("the health of an upstream", () => {
  it("is benched by failures in a row, seen again by a probe, left longer each time, and healed by one success", () => {
    const health = newHealth();
    const note = (isFailed: boolean, sinceMs: number, nowMs: number) =>
      noteCall(health, { failed: isFailed, sinceMs }, nowMs, rules);
    expect([note(true, 1, 10), note(true, 2, 20), note(true, 3, 30)]).toEqual([
      undefined,
      undefined,
      { kind: "benched", forMs: 100 },
    ]);
    expect([standingOf(health, 129), standingOf(health, 130)]).toEqual(["cooling", "due"]);
    // What began before says nothing new.
    expect([note(false, 5, 131), note(true, 6, 132)]).toEqual([undefined, undefined]);
    expect(note(true, 131, 140)).toEqual({ kind: "benched", forMs: 200 });
    expect(note(true, 345, 350)).toEqual({ kind: "benched", forMs: 350 });
    expect(note(false, 701, 710)).toEqual({ kind: "healed" });
    expect(standingOf(health, 711)).toBe("well");
    expect([note(true, 712, 712), note(true, 713, 713)]).toEqual([undefined, undefined]);
  });

  it("is benched by a rate of errors, and not by few among many", () => {
    const [ill, well] = [newHealth(), newHealth()];
    const changes = (health: typeof ill, every: number) =>
      Array.from({ length: 40 }, (_, at) =>
        noteCall(health, { failed: at % every === 0, sinceMs: at }, 1_000 + at, rules),
      );
    expect(changes(ill, 2).some((change) => change?.kind === "benched")).toBe(true);
    expect(changes(well, 3).every((change) => change === undefined)).toBe(true);
  });
});

describe("a choice within a group", () => {
  const group = [
    { id: "a", weight: 1 },
    { id: "b", weight: 3 },
  ];

  it("follows weights when all are idle, and load when they are not", () => {
    let at = 0;
    const random = () => (at = (at * 16_807 + 11) % 2_147_483_647) / 2_147_483_647;
    const drawn = Array.from({ length: 4_000 }, () => chooseByLoad(group, () => 0, random)?.id);
    const share = drawn.filter((id) => id === "b").length / drawn.length;
    expect(share).toBeGreaterThan(0.7);
    expect(share).toBeLessThan(0.8);
    expect(chooseByLoad(group, ({ id }) => (id === "b" ? 30 : 1), random)?.id).toBe("a");
    expect(chooseByLoad([], () => 0, random)).toBeUndefined();
  });

  it("keeps names where they were when one leaves, and shares them by weight", () => {
    const three = [...group, { id: "c", weight: 2 }];
    const names = Array.from({ length: 1_000 }, (_, n) => `session-${n}`);
    const before = names.map((name) => chooseByName(three, name)?.id);
    const after = names.map((name) => chooseByName(group, name)?.id);
    for (const [n, id] of before.entries()) if (id !== "c") expect(after[n]).toBe(id);
    const ofB = before.filter((id) => id === "b").length / names.length;
    expect(ofB).toBeGreaterThan(0.44);
    expect(ofB).toBeLessThan(0.56);
  });
});

describe("the next step of a request", () => {
  const verdicts = {
    failed: { kind: "failed", elsewhere: true, again: true, counts: true },
    refused: { kind: "refused", elsewhere: true, again: false, counts: true },
    context: { kind: "context", elsewhere: true, again: false, counts: false },
  } as const satisfies Record<string, Verdict>;
  const [a, b, c] = [
    { id: "a", weight: 1, model: "m" },
    { id: "b", weight: 1, model: "m" },
    { id: "c", weight: 1, model: "n" },
  ] as const;
  type Known = typeof a | typeof b | typeof c;
  const step = (more: Partial<Situation<Known>> = {}, attemptsMax = 4) =>
    nextStep<Known>(
      {
        groups: [[a, b], [c]],
        nowMs: 1_000,
        deadlineMs: 4_000,
        standingOf: () => "well",
        untilOf: () => 0,
        loadOf: () => 0,
        isFull: () => false,
        calls: [],
        sticky: undefined,
        random: () => 0,
        ...more,
      },
      { attemptsMax, backoffMs: 100, backoffMaxMs: 400 },
    );

  it("goes through groups in order, each with its part of the time, then waits and asks again", () => {
    expect(step()).toEqual({ target: a, waitMs: 0, timeoutMs: 1_000, probe: false });
    const calls = [{ target: a, verdict: verdicts.failed }];
    expect(step({ calls })?.target).toBe(b);
    const more = [...calls, { target: b, verdict: verdicts.refused }];
    expect(step({ calls: more })).toMatchObject({ target: c, timeoutMs: 3_000 });
    const all = [...more, { target: c, verdict: verdicts.failed }];
    expect(step({ calls: all, random: () => 0.5 })).toMatchObject({ target: a, waitMs: 50 });
    expect(step({ calls: [...all, { target: a, verdict: verdicts.failed }] })).toBeUndefined();
  });

  it("asks the maker of its reasoning first, in whichever group, while that is well, free and unasked", () => {
    const isMaker = (target: Known) => target === c;
    expect(step({ isMaker, sticky: "s" })?.target).toBe(c);
    expect(step({ isMaker, isFull: (target) => target === c })?.target).toBe(a);
    expect(step({ isMaker, calls: [{ target: c, verdict: verdicts.failed }] })?.target).toBe(a);
    for (const standing of ["cooling", "due"] as const)
      expect(step({ isMaker, standingOf: (target) => (target === c ? standing : "well") })?.target).toBe(a);
  });

  it("passes over full windows, benched and full upstreams, and asks the soonest when all are benched", () => {
    expect(step({ calls: [{ target: a, verdict: verdicts.context }] })?.target).toBe(c);
    expect(step({ standingOf: ({ id }) => (id === "a" ? "cooling" : "well") })?.target).toBe(b);
    expect(step({ isFull: ({ id }) => id === "a" })?.target).toBe(b);
    expect(step({ isFull: () => true })?.target).toBe(a);
    expect(step({ isFull: ({ model }) => model === "m" })?.target).toBe(c);
    const dueAndFull = {
      standingOf: ({ id }: Known) => (id === "a" ? "due" : "well"),
      isFull: ({ id }: Known) => id === "a",
    } as const;
    expect(step(dueAndFull)).toMatchObject({ target: b, probe: false });
    expect(step({ standingOf: () => "cooling", untilOf: ({ id }) => ({ a: 9, b: 5, c: 7 })[id] })?.target).toBe(b);
    expect(step({ standingOf: ({ id }) => (id === "b" ? "due" : "well") })).toMatchObject({ target: b, probe: true });
    expect(step({ nowMs: 4_000 })).toBeUndefined();
    expect(step({ groups: [[]] })).toBeUndefined();
    const patient = { ...verdicts.failed, afterMs: 5_000 };
    expect(
      step({
        calls: [
          { target: a, verdict: patient },
          { target: b, verdict: verdicts.failed },
          { target: c, verdict: patient },
        ],
      })?.target,
    ).toBe(b);
    expect(step({ groups: [[a]], calls: [{ target: a, verdict: patient }] })).toBeUndefined();
  });
  it("passes over whom nothing was sent to, once each without an attempt", () => {
    const unsent = {
      kind: "limited",
      elsewhere: true,
      again: true,
      counts: false,
      isUnsent: true,
      afterMs: 50,
    } as const;
    const passed = [a, b].map((target) => ({ target, verdict: unsent }));
    expect(step({ calls: passed }, 1)).toMatchObject({ target: c, timeoutMs: 3_000 });
    const benched = { standingOf: ({ id }: Known) => (id === "a" ? "well" : "cooling"), untilOf: () => 5 } as const;
    expect(step({ calls: passed.slice(0, 1), ...benched }, 1)?.target).toBe(b);
    const all = [...passed, { target: c, verdict: unsent }];
    expect(step({ calls: all }, 1)).toMatchObject({ target: a, waitMs: 50 });
    expect(step({ calls: [...all, { target: a, verdict: unsent }] }, 1)).toBeUndefined();
  });
});
