import { describe, expect, it } from "vitest";
import type { Fault } from "../faulty-upstream.ts";
import { routingTests, type Told } from "../routing.ts";

const { upstream, gateway } = routingTests();
const OK = { kind: "ok" } as const;
const quick = { backoffMs: 10, backoffMaxMs: 50 } as const;

describe("an upstream whose provider said when to come back", () => {
  /** Upstreams in order, each with what it answers, and no call beyond the first but as many as `retryReserve`. */
  async function inOrder(faults: readonly Fault[], retryReserve: number) {
    const ups = await Promise.all(faults.map((fault, at) => upstream(`u${at}`, () => fault)));
    const door = await gateway({
      limits: { enabled: false },
      routing: { ...quick, retryReserve, retryShare: 0, coolDown: { failures: 100 } },
      upstreams: ups.map(({ baseUrl }, at) => ({ name: `u${at}`, baseUrl, models: ["m"] })),
    });
    return { ups, ...door };
  }
  const limited = (retryAfter: string): Fault => ({ kind: "status", status: 429, retryAfter });
  const brief = ({ status, headers }: Told) => [
    status,
    headers.get("x-marrow-upstream"),
    headers.get("x-marrow-attempts"),
  ];

  it("is passed over meanwhile, which is no call and costs no retry", async () => {
    const { ask, ups } = await inOrder([limited("20"), OK], 1);
    expect(brief(await ask("m"))).toEqual([200, "u1", "2"]);
    for (let n = 0; n < 6; n += 1) expect(brief(await ask("m", { stream: n % 2 === 0 }))).toEqual([200, "u1", "1"]);
    expect(ups.map(({ calls }) => calls.length)).toEqual([1, 7]);
  });

  it("is passed over however many others are", async () => {
    const { ask } = await inOrder([...Array.from({ length: 5 }, () => limited("20")), OK], 10);
    expect((await ask("m")).status).toBe(429);
    expect(brief(await ask("m"))).toEqual([200, "u5", "1"]);
  });

  it("is named by the soonest time where all are", async () => {
    const { ask, ups } = await inOrder([limited("30"), limited("12"), limited("20")], 10);
    await ask("m");
    const told = await ask("m");
    expect(brief(told)).toEqual([429, null, "0"]);
    expect(Number(told.headers.get("retry-after"))).toBeLessThanOrEqual(12);
    expect(ups.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  });
});
