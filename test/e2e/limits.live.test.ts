import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createApiKeys, createGateway } from "../../src/gateway/index.ts";
import { createLimiter, type Rule } from "../../src/limiter/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { liveTest } from "../live.ts";

let gateway: TestGateway;
let other: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  other = await startTestGateway({ redisUrl: inject("redisUrl"), appName: gateway.redis.app });
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly allowed: boolean;
    readonly permit: string;
    readonly counted: boolean;
    readonly refused_by: string;
    readonly retry_after_ms: number | null;
    readonly rules: readonly { readonly id: string; readonly remaining: number; readonly used: number }[];
    readonly data: readonly { readonly name: string }[];
    readonly error: { readonly code: string; readonly message: string; readonly param: string | null };
  };
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  { key = gateway.key, at = gateway } = {},
): Promise<Told> {
  const response = await fetch(`${at.baseURL}/limits${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Told["body"] };
}

let names = 0;
/** Declares a limit of its own: 3 requests and 100 tokens a user, 2 slots for all. */
async function declare(rules: readonly object[] = RULES, more: object = {}): Promise<string> {
  const name = `l${(names += 1)}`;
  expect(await call("PUT", `/${name}`, { rules, ...more })).toMatchObject({ status: 200 });
  return name;
}
const RULES = [
  { id: "requests", by: "user", algorithm: "fixedWindow", limit: 3, window_ms: 600_000 },
  { id: "tokens", by: "user", unit: "tokens", algorithm: "fixedWindow", limit: 100, window_ms: 600_000 },
  { id: "slots", by: "app", unit: "concurrency", limit: 2 },
];
const ann = { subjects: { user: "ann" } };
const leftOf = ({ body }: Told) => body.rules.map(({ remaining }) => remaining);

describe("a limit over HTTP", () => {
  it("takes from all levels and units or from none, and tells how each stands, in the body and in the headers", async () => {
    const name = await declare();
    const first = await call("POST", `/${name}/take`, { ...ann, costs: { tokens: 60 } });
    expect(first).toMatchObject({ status: 200, body: { object: "limit.decision", allowed: true, degraded: false } });
    expect(leftOf(first)).toEqual([2, 40, 1]);
    expect(first.headers.get("x-ratelimit-remaining-tokens")).toBe("40");
    expect(first.headers.get("ratelimit")).toContain('"requests";r=2');
    const refused = await call("POST", `/${name}/take`, { ...ann, costs: { tokens: 60 } });
    expect(refused).toMatchObject({ status: 429, body: { allowed: false, refused_by: "tokens" } });
    expect(refused.body.error).toMatchObject({ code: "rate_limit_exceeded" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(leftOf(await call("POST", `/${name}/peek`, ann))).toEqual([2, 40, 1]);
    const never = await call("POST", `/${name}/take`, { ...ann, costs: { tokens: 101 } });
    expect(never.body.retry_after_ms).toBeNull();
    expect(never.headers.get("x-should-retry")).toBe("false");
  });

  it("settles what a call came to at any gateway, once however often it is sent, and tells the same each time; another settlement is none", async () => {
    const name = await declare();
    const { body } = await call("POST", `/${name}/take`, { ...ann, costs: { tokens: 60 }, reserve: true });
    const settle = () => call("POST", `/${name}/settle`, { permit: body.permit, costs: { tokens: 25 } }, { at: other });
    expect(await settle()).toMatchObject({ status: 200, body: { object: "limit.settlement", counted: true } });
    expect(await settle()).toMatchObject({ status: 200, body: { counted: true } });
    expect((await Promise.all([settle(), settle(), settle()])).map((one) => one.body.counted)).toEqual([
      true,
      true,
      true,
    ]);
    expect((await call("POST", `/${name}/settle`, { permit: body.permit, costs: { tokens: 0 } })).body.counted).toBe(
      false,
    );
    expect(leftOf(await call("POST", `/${name}/peek`, ann))).toEqual([2, 75, 2]);
  });

  it("gives a reservation and a slot back when nobody settles within the lease", async () => {
    const name = await declare(RULES, { lease_ms: 500 });
    const { body } = await call("POST", `/${name}/take`, { ...ann, costs: { tokens: 60 }, reserve: true });
    await expect
      .poll(async () => leftOf(await call("POST", `/${name}/peek`, ann)), { timeout: 5_000 })
      .toEqual([2, 100, 2]);
    expect((await call("POST", `/${name}/settle`, { permit: body.permit, costs: { tokens: 99 } })).body.counted).toBe(
      false,
    );
    expect(leftOf(await call("POST", `/${name}/peek`, ann))).toEqual([2, 100, 2]);
  });

  it("does not count a settlement after the lease's end, whether or not anybody looked meanwhile", async () => {
    const name = await declare(RULES, { lease_ms: 500 });
    for (const looks of [true, false]) {
      const { body } = await call("POST", `/${name}/take`, { ...ann, costs: { tokens: 60 }, reserve: true });
      await new Promise((resolve) => setTimeout(resolve, 700));
      if (looks) await call("POST", `/${name}/peek`, ann);
      const settle = () => call("POST", `/${name}/settle`, { permit: body.permit, costs: { tokens: 99 } });
      expect([looks, (await settle()).body.counted, (await settle()).body.counted]).toEqual([looks, false, false]);
      expect(leftOf(await call("POST", `/${name}/peek`, ann)).slice(1)).toEqual([100, 2]);
    }
  });

  it("lets a take wait for a slot", async () => {
    const name = await declare([{ id: "slots", by: "app", unit: "concurrency", limit: 1 }]);
    const { body } = await call("POST", `/${name}/take`, {});
    const waiting = call("POST", `/${name}/take`, { wait_ms: 5_000 });
    await call("POST", `/${name}/settle`, { permit: body.permit });
    expect(await waiting).toMatchObject({ status: 200, body: { allowed: true } });
    expect(await call("POST", `/${name}/take`, {})).toMatchObject({ status: 429, body: { refused_by: "slots" } });
  });

  it("is the library's limiter of that name: both count in one place", async () => {
    const rules: Rule[] = [{ id: "requests", by: "user", limit: 3, windowMs: 600_000 }];
    const name = await declare([{ id: "requests", by: "user", limit: 3, window_ms: 600_000 }]);
    const library = createLimiter(gateway.redis.scope("acme"), { name, rules, onUnavailable: "refuse" });
    expect((await library.take({ user: "ann" })).allowed).toBe(true);
    expect(leftOf(await call("POST", `/${name}/take`, ann))).toEqual([1]);
    expect((await library.peek({ user: "ann" })).rules[0]?.remaining).toBe(1);
  });

  it("never lets fifty callers at two gateways take more than there is", async () => {
    const name = await declare([{ id: "requests", by: "user", limit: 7, window_ms: 600_000 }]);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => call("POST", `/${name}/take`, ann, { at: at % 2 === 0 ? gateway : other })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(7);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(43);
  });

  it("counts by the calendar and in buckets", async () => {
    const name = await declare([
      {
        id: "day",
        by: "org",
        unit: "cost",
        algorithm: "fixedWindow",
        limit: 1_000,
        calendar: "day",
        time_zone: "Europe/Berlin",
      },
      { id: "rate", by: "org", algorithm: "tokenBucket", limit: 60, window_ms: 60_000, burst: 2 },
    ]);
    const org = { subjects: { org: "o" }, costs: { cost: 400 } };
    expect(leftOf(await call("POST", `/${name}/take`, org))).toEqual([600, 1]);
  });

  it("is declared as often as one likes, changed, listed and taken back", async () => {
    const name = await declare();
    await call("POST", `/${name}/take`, ann);
    expect(await call("PUT", `/${name}`, { rules: RULES })).toMatchObject({
      status: 200,
      body: { name, object: "limit", rules: RULES },
    });
    expect(leftOf(await call("POST", `/${name}/take`, ann))).toEqual([1, 100, 0]);
    const wider = RULES.map((rule) => ({ ...rule, limit: rule.limit * 2 }));
    await call("PUT", `/${name}`, { rules: wider });
    expect(leftOf(await call("POST", `/${name}/peek`, ann))).toEqual([4, 200, 2]);
    expect((await call("GET", "")).body.data.map((one) => one.name)).toContain(name);
    expect(await call("GET", `/${name}`)).toMatchObject({ body: { rules: wider } });
    expect(await call("DELETE", `/${name}`)).toMatchObject({ status: 200, body: { deleted: true } });
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/take"],
    ] as const)
      expect(await call(method, `/${name}${path}`, method === "POST" ? ann : undefined)).toMatchObject({ status: 404 });
  });

  it("refuses what makes no sense, by the name of the field", async () => {
    const name = await declare();
    const rule = { id: "a", by: "user", limit: 1, window_ms: 1_000 };
    for (const [body, field] of [
      [{ rules: [] }, "rules"],
      [{ rules: Array.from({ length: 17 }, (_, at) => ({ ...rule, id: `r${at}` })) }, "rules"],
      [{ rules: [rule, rule] }, "rules"],
      [{ rules: [{ ...rule, limit: -1 }] }, "rules.0.limit"],
      [{ rules: [{ ...rule, limit: 0.0001 }] }, "limit"],
      [{ rules: [{ ...rule, window_ms: 1 }] }, "rules.0.window_ms"],
      [{ rules: [{ id: "a", by: "user", limit: 1 }] }, "rules.0.window_ms"],
      [{ rules: [{ ...rule, windowMs: 1_000 }] }, "windowMs"],
      [{ rules: [{ ...rule, burst: 3 }] }, "rules.0.burst"],
      [{ rules: [{ ...rule, unit: "concurrency" }] }, "rules.0.window_ms"],
      [{ rules: [{ ...rule, calendar: "day" }] }, "rules.0.algorithm"],
      [
        { rules: [{ id: "a", by: "u", limit: 1, algorithm: "fixedWindow", calendar: "day", time_zone: "Mars" }] },
        "timeZone",
      ],
      [{ rules: [rule], lease_ms: 1 }, "lease_ms"],
    ] as const) {
      const answer = await call("PUT", `/${name}`, body);
      expect([answer.status, answer.body.error.message]).toEqual([400, expect.stringContaining(field)]);
    }
    for (const [act, body, field] of [
      ["take", { subjects: { user: "ann" }, costs: { tokens: -1 } }, "costs.tokens"],
      ["take", { subjects: { user: "ann" }, costs: { token: 1 } }, "token"],
      ["take", { subjects: {} }, "user"],
      ["take", { subjects: { user: "x".repeat(513) } }, "subjects.user"],
      ["take", { ...ann, wait_ms: 31_000 }, "wait_ms"],
      ["settle", { permit: "nonsense" }, "permit"],
    ] as const) {
      const answer = await call("POST", `/${name}/${act}`, body);
      expect([act, answer.status, answer.body.error.message]).toEqual([act, 400, expect.stringContaining(field)]);
    }
    expect(await call("PUT", "/chat", { rules: [rule] })).toMatchObject({ status: 400 });
    expect(await call("POST", "/http-writes/take", ann)).toMatchObject({ status: 400 });
    const { body } = await call("POST", `/${name}/take`, ann);
    const changed = await declare([rule]);
    expect(await call("POST", `/${changed}/settle`, { permit: body.permit })).toMatchObject({ status: 409 });
  });

  it("is one of a hundred that a scope may have, and no other scope's", async () => {
    const key = await gateway.keys.create({ scope: "many", user: "u", name: "many", actsFor: "any" });
    const rules = [{ id: "a", by: "user", limit: 1, window_ms: 1_000 }];
    for (let at = 0; at < 100; at += 1) await call("PUT", `/m${at}`, { rules }, { key });
    expect(await call("PUT", "/m100", { rules }, { key })).toMatchObject({ status: 413 });
    expect(await call("PUT", "/m7", { rules }, { key })).toMatchObject({ status: 200 });
    expect(await call("GET", "/m7")).toMatchObject({ status: 404 });
  });

  it("is for keys that act for any user", async () => {
    const name = await declare();
    const key = await gateway.keys.create({ scope: "acme", user: "bob", name: "bob", actsFor: "own" });
    for (const [method, path, body] of [
      ["PUT", `/${name}`, { rules: RULES }],
      ["POST", `/${name}/take`, { subjects: { user: "bob" } }],
      ["DELETE", `/${name}`, undefined],
    ] as const)
      expect(await call(method, path, body, { key })).toMatchObject({ status: 403 });
  });
});

describe("a limit's cost over HTTP", () => {
  liveTest(
    "is the library's: one round trip to take, to look and to settle",
    async ({ counted: redisOfApp, proxy, redis }) => {
      const app = createGateway({ redis: redisOfApp, models: [], config: { logLevel: "silent" } });
      const key = await createApiKeys(redis).create({ scope: "acme", user: "u", name: "n", actsFor: "any" });
      const send = async (method: "PUT" | "POST", path: string, payload: object) => {
        const headers = { authorization: `Bearer ${key}` };
        const answer = await app.inject({ method, url: `/v1/limits/l${path}`, headers, payload });
        expect(answer.statusCode).toBe(200);
        return answer.json();
      };
      // A subject that is known; what it keeps is counted by now.
      await send("PUT", "", { rules: RULES.slice(0, 2) });
      await send("POST", "/settle", await send("POST", "/take", ann).then(({ permit }) => ({ permit })));
      const counted = () => redis.send(["EXISTS", `{${redis.app}:acme}:gateway:bytes:sizes`]);
      await expect.poll(counted, { timeout: 15_000 }).toBe(1);
      const trips = async (act: () => Promise<unknown>) => {
        proxy.reset();
        await act();
        return proxy.roundTrips();
      };
      let permit = "";
      expect(await trips(async () => ({ permit } = await send("POST", "/take", { ...ann, reserve: true })))).toBe(1);
      expect(await trips(() => send("POST", "/peek", ann))).toBe(1);
      expect(await trips(() => send("POST", "/settle", { permit, costs: { tokens: 5 } }))).toBe(1);
      await app.close();
    },
  );
});

describe("what takes keep in Redis", () => {
  it("counts among the bytes of the scope: a full one keeps no new subjects, and the known ones go on", async () => {
    const small = await startTestGateway({
      redisUrl: inject("redisUrl"),
      config: { limits: { scopeBytes: 300_000 } },
    });
    try {
      const of = { at: small, key: small.key };
      const log = { unit: "requests", algorithm: "slidingLog", limit: 100_000, window_ms: 31 * 86_400_000 };
      const rules = Array.from({ length: 16 }, (_, nth) => ({ id: `r${nth}`, by: `s${nth}`, ...log }));
      await call("PUT", "/logs", { rules }, of);
      await call("PUT", "/users", { rules: RULES }, of);
      const first = await call("POST", "/users/take", ann, of);
      expect(first).toMatchObject({ status: 200 });
      const take = (nth: number) => {
        const subjects = Object.fromEntries(rules.map(({ by }) => [by, `${nth}`.padStart(400, "x")]));
        return call("POST", "/logs/take", { subjects }, of);
      };
      const taken: Told[] = [];
      for (let nth = 0; nth < 200 && taken.at(-1)?.status !== 413; nth += 1) taken.push(await take(nth));
      expect(taken.length).toBeLessThan(150);
      expect(taken.at(-1)?.body.error.message).toContain("scope-bytes");
      expect(await call("POST", "/users/take", { subjects: { user: "bob" } }, of)).toMatchObject({ status: 413 });
      // Each settlement is remembered, so that it counts once.
      expect(await call("POST", "/users/settle", { permit: first.body.permit }, of)).toMatchObject({ status: 413 });
      const { rules: known } = (await call("POST", "/users/peek", ann, of)).body;
      expect(known[0]?.remaining).toBe(2);
    } finally {
      await small.close();
    }
  });
});
