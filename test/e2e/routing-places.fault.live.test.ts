import { describe, expect, inject, it } from "vitest";
import { createCoolDowns } from "../../src/gateway/models/cool-downs.ts";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import type { FaultyUpstream } from "../faulty-upstream.ts";
import { routingTests, type Told } from "../routing.ts";

const { upstream, gateway } = routingTests();
const slow = (ms: number) => () => ({ kind: "slow", ms }) as const;
const upstreamOf = ({ headers }: Told) => headers.get("x-marrow-upstream");
const callsOf = (ups: readonly FaultyUpstream[]) => ups.map(({ calls }) => calls.length);

/** A route with a group for each of two upstreams, which have so many places. */
async function twoGroups(
  [firstMs, secondMs]: readonly [number, number],
  [first, second]: readonly [object, object],
  hedgeAfterMs?: number,
) {
  const ups = [await upstream("first", slow(firstMs)), await upstream("second", slow(secondMs))] as const;
  const config: GatewayConfigInput = {
    limits: { enabled: false },
    upstreams: [
      { name: "first", baseUrl: ups[0].baseUrl, ...first },
      { name: "second", baseUrl: ups[1].baseUrl, ...second },
    ],
    routes: { r: { groups: [["first/m"], ["second/m"]], hedgeAfterMs } },
  };
  return { ups, ...(await gateway(config)) };
}

describe("a route whose first group has no place free", () => {
  it.each<[string, object, number]>([
    ["concurrency", { concurrency: 2, scopeShare: 1 }, 2],
    ["a scope's share of it", { concurrency: 4, scopeShare: 0.5 }, 2],
  ])("goes over to the next group at once: %s", async (_, places, fits) => {
    const { ask, ups } = await twoGroups([1_500, 0], [places, {}]);
    const told = await Promise.all(Array.from({ length: 6 }, (__, n) => ask("r", { stream: n % 2 === 0, user: "u" })));
    expect(told.map(({ status, headers }) => [status, headers.get("x-marrow-attempts")])).toEqual(
      Array.from({ length: 6 }, () => [200, "1"]),
    );
    expect(callsOf(ups)).toEqual([fits, 6 - fits]);
  });

  it("takes the place that is free first, where no group has one", async () => {
    const few = { concurrency: 1, scopeShare: 1 };
    const { ask, ups } = await twoGroups([2_500, 300], [few, few]);
    const held = [ask("r"), ask("r")];
    await expect.poll(() => callsOf(ups)).toEqual([1, 1]);
    const told = await ask("r");
    expect([upstreamOf(told), told.headers.get("x-marrow-attempts")]).toEqual(["second", "1"]);
    expect((await Promise.all(held)).map(upstreamOf)).toEqual(["first", "second"]);
  });
});

describe("an upstream that is asked beside another", () => {
  it("wins without a word against the slower one", async () => {
    const { ask, models } = await twoGroups([700, 0], [{}, {}], 50);
    for (let n = 0; n < 6; n += 1) expect(upstreamOf(await ask("r"))).toBe("second");
    expect(models.standings().map(({ upstream: name, standing }) => [name, standing])).toEqual([
      ["first", "well"],
      ["second", "well"],
    ]);
  });
});

describe("an upstream whose probe was a process's that died", () => {
  it("is seen again within two seconds", async () => {
    let isWell = false;
    const only = await upstream("only", () => (isWell ? { kind: "ok" } : { kind: "status", status: 500 }));
    const other = await upstream("other");
    const app = `died${Date.now()}`;
    const { ask } = await gateway(
      {
        limits: { enabled: false },
        routing: { backoffMs: 10, backoffMaxMs: 50, retryReserve: 1_000, coolDown: { failures: 2, firstMs: 300 } },
        upstreams: [
          { name: "only", baseUrl: only.baseUrl, models: ["m"] },
          { name: "other", baseUrl: other.baseUrl, models: ["m"] },
        ],
      },
      app,
    );
    await ask("m");
    await ask("m");
    const dead = await connect(inject("redisUrl"), { app });
    const { host, pathname } = new URL(only.baseUrl);
    expect(await createCoolDowns(dead).claim(`only ${host}${pathname}\nm`)).toBe(true);
    await dead.close();
    isWell = true;
    const sinceMs = performance.now();
    await expect.poll(async () => upstreamOf(await ask("m")), { interval: 50, timeout: 5_000 }).toBe("only");
    expect(performance.now() - sinceMs).toBeLessThan(2_500);
  });

  it("is kept by one that lives, and left by one that is done", async () => {
    const redis = await connect(inject("redisUrl"), { app: `lives${Date.now()}` });
    const [one, two] = [createCoolDowns(redis), createCoolDowns(redis)];
    expect([await one.claim("t"), await two.claim("t")]).toEqual([true, false]);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await two.claim("t")).toBe(false);
    one.unclaim("t");
    expect(await two.claim("t")).toBe(true);
    two.unclaim("t");
    await redis.close();
  });
});
