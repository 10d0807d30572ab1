import { describe, expect, it } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createLanes, LOOK_MS } from "./index.ts";
import { readLimits, toResetMs } from "./provider-headers.ts";

const lane = { provider: "openai", model: "m", key: "k" };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a provider's headers", () => {
  it.each([
    ["6m0s", 360_000],
    ["17ms", 17],
    ["1h2m3.5s", 3_723_500],
    ["1d", 86_400_000],
    ["20", 20_000],
    ["2026-11-23T00:00:10Z", 10_000],
    ["-1", undefined],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("say %s", (text, ms) => {
    expect(toResetMs(text, Date.parse("2026-11-23T00:00:00Z"))).toBe(ms);
  });

  it.each([
    [429, { "retry-after": "7" }, 7_000],
    [429, { "retry-after-ms": "40" }, 40],
    [503, {}, 1_000],
    [429, { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6s" }, 6_000],
    [429, { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s" }, 60_000],
    [429, { "retry-after": "86400" }, 60_000],
    [200, { "retry-after": "7" }, undefined],
    [500, {}, undefined],
  ])("of a %s with %s close a lane for %s ms", (status, headers, closedMs) => {
    expect(readLimits(status, headers).closedMs).toBe(closedMs);
  });

  it("are read as Anthropic writes them", () => {
    const headers = {
      "anthropic-ratelimit-tokens-limit": "1000",
      "anthropic-ratelimit-tokens-remaining": "40",
      "anthropic-ratelimit-tokens-reset": "2026-11-23T00:00:10Z",
    };
    const now = Date.parse("2026-11-23T00:00:00Z");
    expect(readLimits(200, headers, now).tokens).toEqual({ limit: 1_000, remaining: 40, resetMs: 10_000 });
  });
});

describe("lanes to a provider", () => {
  liveTest("close one by one for as long as a 429 says, in every process", async ({ tenant }) => {
    const [here, there] = [createLanes(tenant, { name: "l" }), createLanes(tenant, { name: "l" })];
    expect([await here.enter(lane), await there.enter(lane)]).toEqual([{ open: true }, { open: true }]);
    await here.learn(lane, 429, { "retry-after-ms": "900" });
    expect(await here.enter(lane)).toMatchObject({ open: false, reason: "closed" });
    expect(await here.enter({ ...lane, model: "other" })).toEqual({ open: true });
    expect(await here.enter({ ...lane, key: "other" })).toEqual({ open: true });
    await pause(LOOK_MS + 20);
    await there.enter(lane);
    await pause(30);
    const closed = await there.enter(lane);
    expect(closed).toMatchObject({ open: false, reason: "closed" });
    if (!closed.open) expect(closed.retryAfterMs).toBeLessThanOrEqual(900);
    // A shorter closing does not open it before its time.
    await there.learn(lane, 429, { "retry-after-ms": "50" });
    await pause(100);
    expect((await there.enter(lane)).open).toBe(false);
    await pause(900);
    expect(await here.enter(lane)).toEqual({ open: true });
  });

  liveTest("hold back what the provider said is not left, until it is again", async ({ tenant }) => {
    const lanes = createLanes(tenant, { name: "l" });
    const headers = {
      "x-ratelimit-remaining-requests": "2",
      "x-ratelimit-reset-requests": "300ms",
      "x-ratelimit-remaining-tokens": "1000",
      "x-ratelimit-reset-tokens": "10s",
    };
    await lanes.learn(lane, 200, headers);
    expect(await lanes.enter(lane, 1_001)).toMatchObject({ open: false, reason: "tokens" });
    expect((await lanes.enter(lane, 500)).open).toBe(true);
    expect((await lanes.enter(lane, 400)).open).toBe(true);
    expect(await lanes.enter(lane)).toMatchObject({ open: false, reason: "requests" });
    await pause(320);
    expect((await lanes.enter(lane, 50)).open).toBe(true);
    expect((await lanes.enter(lane, 60)).open).toBe(false);
  });

  liveTest.for([
    [{ tokens: 10, message: "Request too large for m on tokens per min (TPM): Limit 30000, Requested 45000." }, {}],
    [{ tokens: 10, code: "request_too_large" }, {}],
    [{ tokens: 10, code: "context_length_exceeded", message: "too many tokens" }, {}],
    [{ tokens: 10, message: "TPM: Limit: 100, Requested: 101" }, {}],
    [{ tokens: 5_000 }, { "x-ratelimit-limit-tokens": "4000" }],
  ] as const)(
    "stay open after a request that was refused for its own sake: %j",
    async ([request, headers], { tenant }) => {
      const lanes = createLanes(tenant, { name: "l" });
      await lanes.learn(lane, 429, { "retry-after": "600", ...headers }, request);
      expect(await lanes.enter(lane)).toEqual({ open: true });
      await lanes.learn(
        lane,
        429,
        { "retry-after": "600" },
        { tokens: 10, message: "Limit 100, Used 99, Requested 2." },
      );
      expect((await lanes.enter(lane)).open).toBe(false);
    },
  );

  liveTest("stay open after one overload, and close after several in a row", async ({ tenant }) => {
    const lanes = createLanes(tenant, { name: "l" });
    for (const status of [503, 529, 200, 503, 503]) await lanes.learn(lane, status, { "retry-after": "600" });
    expect(await lanes.enter(lane)).toEqual({ open: true });
    await lanes.learn(lane, 529, {});
    const there = createLanes(tenant, { name: "l" });
    for (const one of [lanes, there])
      expect(await one.enter(lane)).toMatchObject({ open: false, reason: "overloaded" });
  });

  liveTest("open again by hand, and need no round trip a call", async ({ counted, proxy }) => {
    const lanes = createLanes(counted.scope("acme"), { name: "l" });
    await lanes.learn(lane, 429, { "retry-after": "600" });
    await lanes.open(lane);
    expect(await lanes.enter(lane)).toEqual({ open: true });
    proxy.reset();
    for (let call = 0; call < 50; call += 1) await lanes.enter(lane);
    expect(proxy.roundTrips()).toBeLessThanOrEqual(1);
  });
});
