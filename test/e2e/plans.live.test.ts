import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ask, askStream, startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let admin: string;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    lanes: true,
    config: {
      cache: { enabled: false },
      plans: {
        free: { requestsPerMinute: 2, tokensPerDay: 1_000, concurrentStreams: 1 },
        team: { budgetPerMonth: 0.001 },
        closed: { requestsPerMinute: 0 },
      },
      prices: { scripted: { input: 1, output: 10 } },
      spendLabels: ["key", "user", "model"],
    },
    script: ({ body }) => {
      const said = JSON.stringify(body);
      if (said.includes("slow down for ten")) return { status: 429, headers: { "retry-after": "600" } };
      if (said.includes("slow down")) return { status: 429, headers: { "retry-after-ms": "600" } };
      if (said.includes("take your time")) return { content: "one two three four", eventDelayMs: 80 };
      return "fine";
    },
  });
  admin = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
});
afterAll(() => gateway.close());

interface Managed {
  readonly id: string;
  readonly key: string;
  readonly data: readonly Record<string, unknown>[];
  readonly limits: readonly { readonly id: string; readonly remaining: number }[];
  readonly plan?: string | null;
}

/** One call of the admin API. */
async function manage(method: string, path: string, body?: unknown, key = admin) {
  const response = await fetch(`${gateway.baseURL}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Managed };
}

describe("the admin API", () => {
  it("is for keys whose role is admin", async () => {
    for (const [method, path] of [
      ["GET", "/keys"],
      ["GET", "/plans"],
      ["GET", "/users/ann"],
      ["GET", "/spend"],
    ] as const)
      expect((await manage(method, path, undefined, gateway.key)).status).toBe(403);
    expect((await manage("GET", "/keys", undefined, "mrw_nobody")).status).toBe(401);
  });

  it("makes, lists, changes and ends keys, and shows what a key is only once", async () => {
    const made = await manage("POST", "/keys", { scope: "acme", user: "kim", name: "kim's", plan: "free" });
    expect(made).toMatchObject({ status: 201, body: { scope: "acme", user: "kim", plan: "free", role: null } });
    const { id, key } = made.body;
    const listed = await manage("GET", "/keys");
    expect(listed.body.data).toContainEqual(expect.objectContaining({ id, user: "kim", plan: "free" }));
    expect(JSON.stringify(listed.body)).not.toContain(key);
    expect((await manage("POST", `/keys/${id}`, { plan: null })).body).toMatchObject({ id, plan: null });
    expect((await manage("POST", `/keys/${id}`, { plan: "nothing" })).status).toBe(404);
    expect((await manage("DELETE", `/keys/${id}`)).body).toMatchObject({ deleted: true });
    await expect(ask(gateway.client({ apiKey: key }), "hello")).rejects.toMatchObject({ status: 401 });
    expect((await manage("DELETE", `/keys/${id}`)).status).toBe(404);
    expect((await manage("POST", "/keys", { scope: "acme", user: 7 })).status).toBe(400);
  });
});

describe("a plan", () => {
  it("limits a key by requests a minute, and the official client waits as it is told", async () => {
    const { body } = await manage("POST", "/keys", { scope: "acme", user: "free-user", plan: "free" });
    const client = gateway.client({ apiKey: body.key });
    const { headers } = await ask(client, "one");
    expect(headers.get("ratelimit-policy")).toContain('"key-requests";q=2;w=60');
    expect(headers.get("ratelimit-policy")).toContain('"key-tokens-day";q=1000;qu="tokens";w=86400');
    await ask(client, "two");
    const refused = await ask(client, "three").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
    const { headers: told } = refused as InstanceType<typeof OpenAI.RateLimitError>;
    const waitMs = Number(told.get("retry-after-ms"));
    expect(waitMs).toBeGreaterThan(0);
    expect(told.get("x-should-retry")).toBe(String(waitMs <= 60_000));
  });

  it("is a user's own in the next call after it is set, and its tokens are counted over the day", async () => {
    await manage("PUT", "/users/day-user", { plan: "free" });
    const client = gateway.client({ headers: { "x-marrow-user": "day-user" } });
    await expect(ask(client, "x".repeat(8_000))).rejects.toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    const { body } = await manage("GET", "/users/day-user");
    expect(body).toMatchObject({ plan: "free", blocked: false });
    const tokens = body.limits.find(({ id }) => id === "user-tokens-day");
    expect(tokens?.remaining).toBe(1_000);
    await manage("PUT", "/users/day-user", { plan: null });
    expect((await manage("GET", "/users/day-user")).body.plan).toBeNull();
  });

  it("bounds streams at the same time, and gives the place back when one ends or its client leaves", async () => {
    const { body } = await manage("POST", "/keys", { scope: "acme", user: "streamer" });
    await manage("PUT", "/plans/stream", { concurrentStreams: 1 });
    await manage("POST", `/keys/${body.id}`, { plan: "stream" });
    const client = gateway.client({ apiKey: body.key });
    const first = askStream(client, "take your time");
    await pause(60);
    await expect(askStream(client, "me too")).rejects.toMatchObject({ status: 429 });
    expect((await ask(client, "no stream")).text).toBe("fine");
    await first;
    await expect.poll(async () => (await askStream(client, "now").catch(() => ({ text: "" }))).text).toBe("fine");
  });

  it("bounds what a month may cost, by the prices of the models", async () => {
    await manage("PUT", "/users/spender", { plan: "team" });
    const client = gateway.client({ headers: { "x-marrow-user": "spender" } });
    // A budget of a thousand millionths, of which the answer's bound alone would take all.
    await expect(ask(client, "hello", { max_tokens: 200 })).rejects.toMatchObject({ status: 429 });
    await ask(client, "hello", { max_tokens: 20 });
    const { body } = await manage("GET", "/users/spender");
    const budget = body.limits.find(({ id }) => id === "user-budget");
    expect(budget?.remaining).toBeLessThan(1_000);
    expect(budget?.remaining).toBeGreaterThan(500);
  });
});

describe("a limit that is spent for longer than a minute", () => {
  it("tells when it is whole again, and that retrying by itself makes no sense", async () => {
    await manage("PUT", "/plans/small", { budgetPerMonth: 0.000_25 });
    await manage("PUT", "/users/poor", { plan: "small" });
    const client = gateway.client({ headers: { "x-marrow-user": "poor" } });
    await ask(client, "hello", { max_tokens: 20 });
    const refused = (await ask(client, "hello", { max_tokens: 24 }).catch((error: unknown) => error)) as {
      readonly status: number;
      readonly headers: Headers;
    };
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
    expect(refused.headers.get("x-should-retry")).toBe("false");
  });
});

describe("names that every object has", () => {
  it("are names of plans, users and models like others", async () => {
    await expect(manage("PUT", "/plans/__proto__", { requestsPerMinute: 0 })).resolves.toMatchObject({ status: 400 });
    for (const plan of ["constructor", "toString", "hasOwnProperty"]) {
      expect((await manage("POST", "/keys", { scope: "acme", user: "x", plan })).status).toBe(404);
      expect((await manage("PUT", "/users/proto", { plan })).status).toBe(404);
    }
    await manage("PUT", "/plans/constructor", { requestsPerMinute: 0 });
    const { body } = await manage("POST", "/keys", { scope: "acme", user: "valueOf", plan: "constructor" });
    await expect(ask(gateway.client({ apiKey: body.key }), "hello")).rejects.toMatchObject({ status: 429 });
    expect((await manage("GET", "/plans")).body.data).toMatchObject({ constructor: { requestsPerMinute: 0 } });
    await manage("DELETE", "/plans/constructor");
    await expect(ask(gateway.client(), "hello", { model: "constructor" })).rejects.toMatchObject({ status: 404 });
  });
});

describe("a lane that a provider closed", () => {
  it("is opened by an admin", async () => {
    const client = gateway.client({ headers: { "x-marrow-user": "lane-admin" } });
    await expect(ask(client, "slow down for ten minutes")).rejects.toMatchObject({ status: 429 });
    await expect(ask(client, "hello")).rejects.toMatchObject({ status: 429 });
    expect((await manage("POST", "/lanes/open", { model: "scripted" }, gateway.key)).status).toBe(403);
    expect((await manage("POST", "/lanes/open", { model: "scripted" })).body).toMatchObject({ opened: 1 });
    expect((await ask(client, "hello")).text).toBe("fine");
  });
});

describe("a user", () => {
  it("is blocked, boosted and given other limits by hand", async () => {
    const client = gateway.client({ headers: { "x-marrow-user": "bob" } });
    await manage("POST", "/users/bob/block", { for_ms: 60_000 });
    await expect(ask(client, "hello")).rejects.toMatchObject({ status: 429 });
    expect((await manage("GET", "/users/bob")).body).toMatchObject({ blocked: true });
    await manage("POST", "/users/bob/unblock", {});
    await manage("POST", "/users/bob/override", { limits: { "user-requests": 1 } });
    await manage("POST", "/users/bob/boost", { more: { "user-requests": 1 }, for_ms: 60_000 });
    await ask(client, "one");
    await ask(client, "two");
    await expect(ask(client, "three")).rejects.toMatchObject({ status: 429 });
    await manage("POST", "/users/bob/restore", {});
    expect((await ask(client, "four")).text).toBe("fine");
    expect((await manage("POST", "/users/bob/override", { limits: { nothing: 1 } })).status).toBe(400);
    expect((await manage("POST", "/users/bob/boost", { more: {} })).status).toBe(400);
  });

  it("are counted before they are looked at", async () => {
    const many = Object.fromEntries(Array.from({ length: 9_000 }, (_, nth) => [`limit-${nth}`, "wrong"]));
    for (const [path, body] of [
      ["/users/bob/override", { limits: many }],
      ["/users/bob/boost", { more: many, for_ms: 60_000 }],
    ] as const) {
      const { status, body: refused } = await manage("POST", path, body);
      expect(status).toBe(400);
      expect(JSON.stringify(refused)).toContain("must be at most 64 limits");
    }
  });
});

describe("spending", () => {
  it("is told by key, user and model, by API and in the metrics", async () => {
    const { body: key } = await manage("POST", "/keys", { scope: "shop", user: "till" });
    const client = gateway.client({ apiKey: key.key });
    await ask(client, "hello");
    await askStream(client, "hello again");
    const byUser = await manage("GET", "/spend?scope=shop&by=user");
    const [row] = byUser.body.data as unknown as [Record<string, number>];
    expect(row).toMatchObject({ name: "till", requests: 2 });
    expect(row["cost"]).toBeCloseTo((row["prompt_tokens"]! + 10 * row["completion_tokens"]!) / 1_000_000, 9);
    expect((await manage("GET", "/spend?scope=shop&by=key")).body.data).toMatchObject([{ name: key.id }]);
    expect((await manage("GET", "/spend?scope=shop&by=model")).body.data).toMatchObject([{ name: "scripted" }]);
    expect((await manage("GET", "/spend?scope=shop&from=2020-01-01&to=2020-01-31")).body.data).toEqual([]);
    expect((await manage("GET", "/spend?from=yesterday")).status).toBe(400);
    const headers = { authorization: `Bearer ${admin}` };
    const metrics = await (await fetch(gateway.baseURL.replace("/v1", "/metrics"), { headers })).text();
    expect(metrics).toContain(`marrow_spend_tokens_total{key="${key.id}",user="till",model="scripted",kind="prompt"}`);
  });
});

describe("a provider's own limit", () => {
  it("closes its model for as long as the provider said, and nobody asks it meanwhile", async () => {
    const client = gateway.client({ headers: { "x-marrow-user": "lane-user" } });
    await expect(ask(client, "please slow down")).rejects.toMatchObject({ status: 429 });
    const asked = gateway.model.requests.length;
    const refused = await ask(client, "hello").catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    const { headers } = refused as InstanceType<typeof OpenAI.RateLimitError>;
    expect(Number(headers.get("retry-after-ms"))).toBeGreaterThan(0);
    expect(Number(headers.get("retry-after-ms"))).toBeLessThanOrEqual(600);
    expect(gateway.model.requests).toHaveLength(asked);
    expect((await ask(client, "hello", { model: "demo" })).text).not.toBe("");
    // The official client waits and asks again by itself.
    const patient = gateway.client({ maxRetries: 2, headers: { "x-marrow-user": "lane-user" } });
    expect((await ask(patient, "hello")).text).toBe("fine");
  });
});
