import { describe, expect, it } from "vitest";
import type { Fault } from "../faulty-upstream.ts";
import { routingTests, type Told } from "../routing.ts";

const { upstream, gateway } = routingTests();
const OK = { kind: "ok" } as const;
const quick = { backoffMs: 10, backoffMaxMs: 50 } as const;

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

describe("an upstream whose provider said when to come back", () => {
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

describe("a request that is passed on", () => {
  it.each(["embeddings", "moderations"])("keeps a provider's limit, and tells of it: /%s", async (path) => {
    const { url, key, ups } = await inOrder([limited("20"), OK], 1);
    const send = async () => {
      const answer = await fetch(`${url}/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "m", input: "hello" }),
      });
      await answer.text();
      return ["x-marrow-upstream", "x-marrow-attempts"].map((name) => answer.headers.get(name));
    };
    expect(await send()).toEqual(["u1", "2"]);
    for (let n = 0; n < 3; n += 1) expect(await send()).toEqual(["u1", "1"]);
    expect(ups.map(({ calls }) => calls.length)).toEqual([1, 4]);
  });

  it("is refused with the time left where one upstream alone serves its model, as a chat is", async () => {
    const { url, key, ups, ask } = await inOrder([limited("20")], 0);
    const send = () =>
      fetch(`${url}/embeddings`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "m", input: "hello" }),
      });
    expect((await send()).status).toBe(429);
    const told = await send();
    expect([told.status, Number(told.headers.get("retry-after")) > 10]).toEqual([429, true]);
    expect((await ask("m")).status).toBe(429);
    expect(ups[0]?.calls).toHaveLength(1);
  });
});

describe("an upstream that says to come back after the end of time", () => {
  it.each(["99999999999999999999", "1e999", "Fri, 31 Dec 9999 23:59:59 GMT"])("%s is told as a day", async (after) => {
    const { ask } = await inOrder([limited(after)], 0);
    expect((await ask("m")).headers.get("retry-after")).toBe("86400");
  });
});

describe("an upstream that is overloaded", () => {
  const overloaded: Fault = { kind: "status", status: 503, retryAfter: "20" };

  it("is passed over once it said so three times", async () => {
    const { ask, ups } = await inOrder([overloaded, OK], 3);
    for (let n = 0; n < 3; n += 1) expect(brief(await ask("m"))).toEqual([200, "u1", "2"]);
    expect(brief(await ask("m"))).toEqual([200, "u1", "1"]);
    expect(ups[0]?.calls).toHaveLength(3);
  });

  it("is told as unavailable, not as a limit, where nobody else is left", async () => {
    const { ask, url, key, ups } = await inOrder([overloaded], 0);
    for (let n = 0; n < 3; n += 1) await ask("m");
    const told = await ask("m");
    expect([told.status, told.error?.code, Number(told.headers.get("retry-after")) > 10]).toEqual([
      503,
      "model_failed",
      true,
    ]);
    const response = await fetch(`${url}/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "m", max_tokens: 5, messages: [{ role: "user", content: "hello" }] }),
    });
    expect([response.status, await response.json()]).toMatchObject([529, { error: { type: "overloaded_error" } }]);
    expect(ups[0]?.calls).toHaveLength(3);
  });
});

describe("an upstream whose API has no place for a field of the request", () => {
  const seeded = { more: { seed: 5 } } as const;

  it("is passed over, which is no call and costs no retry", async () => {
    let isWell = false;
    const [first, last] = [
      await upstream("first", () => (isWell ? OK : { kind: "status", status: 503 })),
      await upstream("last"),
    ];
    const { ask } = await gateway({
      limits: { enabled: false },
      routing: { ...quick, retryReserve: 1, retryShare: 0 },
      upstreams: [
        { name: "ant", kind: "anthropic", baseUrl: "http://127.0.0.1:9/v1" },
        { name: "first", baseUrl: first.baseUrl },
        { name: "last", baseUrl: last.baseUrl },
      ],
      routes: { r: { groups: [["first/m"], ["ant/m"], ["last/m"]] }, s: { groups: [["ant/m"], ["last/m"]] } },
    });
    expect(brief(await ask("r", seeded))).toEqual([200, "last", "2"]);
    isWell = true;
    for (const stream of [false, true])
      expect(brief(await ask("s", { ...seeded, stream }))).toEqual([200, "last", "1"]);
  });

  it("is what the client is told of, where no other can carry it, and only there", async () => {
    const down = await upstream("down", () => ({ kind: "status", status: 500 }));
    const { ask } = await gateway({
      routing: { ...quick, attemptsMax: 2 },
      upstreams: [
        { name: "ant", kind: "anthropic", baseUrl: "http://127.0.0.1:9/v1" },
        { name: "res", kind: "responses", baseUrl: "http://127.0.0.1:9/v1" },
        { name: "down", baseUrl: down.baseUrl },
      ],
      routes: { none: { groups: [["ant/m", "res/m"]] }, one: { groups: [["ant/m"], ["down/m"]] } },
    });
    const told = await ask("none", seeded);
    expect([brief(told), told.error?.code]).toEqual([[400, null, "0"], "invalid_input"]);
    expect(told.error?.message).toContain("seed");
    expect(brief(await ask("one", seeded))).toEqual([502, null, "2"]);
  });
});
