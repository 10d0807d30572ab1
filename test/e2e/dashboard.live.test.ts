import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { RESOURCES, ROUTES } from "../../src/gateway/index.ts";
import { buildDashboard, type BuiltFile } from "../../tools/build-dashboard.ts";
import { createAdminClient, type Answer } from "../admin-client.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let files: readonly BuiltFile[];
let origin: string;
let admin: string;
let viewer: string;
let plain: string;

beforeAll(async () => {
  files = await buildDashboard();
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  origin = gateway.baseURL.replace(/\/v1$/, "");
  admin = await gateway.keys.create({ scope: "acme", user: "root", name: "<b>admin</b>", role: "admin" });
  viewer = await gateway.keys.create({ scope: "acme", user: "eve", name: "viewer", role: "viewer" });
  plain = gateway.key;
});
afterAll(() => gateway.close());

const { call, signIn } = createAdminClient(() => origin);

describe("the dashboard's page", () => {
  it("is where a browser is led from the root, and nobody else", async () => {
    const browser = await call("GET", "/", undefined, { accept: "text/html,*/*;q=0.8" });
    expect([browser.status, browser.headers.get("location")]).toEqual([302, "/dashboard"]);
    expect((await call("GET", "/", undefined, { accept: "application/json" })).status).toBe(404);
  });

  it.each([
    "/dashboard",
    "/dashboard/queue/tasks",
    "/dashboard/limits/%ZZ",
    "/dashboard/assets/dashboard.js",
    "/dashboard/assets/dashboard.css",
  ])("runs nothing but its own script: %s", async (path) => {
    const { status, headers } = await call("GET", path);
    expect(status).toBe(200);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|data:|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("has no inline script or style, and names no other origin", async () => {
    const html = await (await fetch(`${origin}/dashboard`)).text();
    expect(html).not.toMatch(/<style|\sstyle=|<script>|\son\w+=|https?:\/\//);
  });

  it("is sent once: a second request is told that nothing changed", async () => {
    const { headers } = await call("GET", "/dashboard/assets/dashboard.js");
    const etag = headers.get("etag") ?? "";
    expect((await call("GET", "/dashboard/assets/dashboard.js", undefined, { "if-none-match": etag })).status).toBe(
      304,
    );
    expect((await call("GET", "/dashboard/assets/../../package.json")).status).not.toBe(200);
    expect((await call("GET", "/dashboard/assets/%2e%2e%2fpackage.json")).status).toBe(404);
  });

  it("is under 150 KB compressed", () => {
    expect(files.reduce((sum, { packedBytes }) => sum + packedBytes, 0)).toBeLessThan(150_000);
  });

  it("is not there where the configuration says so", async () => {
    const other = await startTestGateway({ redisUrl: inject("redisUrl"), config: { dashboard: { enabled: false } } });
    const found = other.routes().map(({ method, url }) => `${method} ${url}`);
    await other.close();
    expect(found.filter((route) => /dashboard|admin\/session/.test(route))).toEqual([]);
    expect(found).toContain("GET /v1/admin/overview");
  });
});

describe("signing in", () => {
  it("gives a cookie that no script reads and no other site sends, and that Redis does not hold", async () => {
    const { status, set, cookie } = await signIn({ key: admin });
    expect(status).toBe(201);
    expect(set).toMatch(/^marrow_dashboard=[\w-]{43}; Path=\/v1\/admin; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect((await call("GET", "/v1/admin/session", undefined, cookie)).body).toMatchObject({
      role: "admin",
      scope: "acme",
    });
    const value = cookie.cookie.split("=")[1] as string;
    const stored = (await gateway.redis.send([
      "ZRANGE",
      `{${gateway.redis.app}}:gateway:sign-ins`,
      "0",
      "-1",
    ])) as string[];
    expect(stored.length).toBeGreaterThan(0);
    expect(stored.join(" ")).not.toContain(value);
  });

  it("is no other origin's, whatever the browser makes of cookies", async () => {
    const { writes } = await signIn({ key: admin });
    const foreign = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.example" },
      { origin: "null" },
    ];
    for (const headers of foreign) {
      expect((await call("POST", "/v1/admin/session", { key: admin }, headers)).status).toBe(403);
      expect((await call("POST", "/v1/admin/queues/tasks/resume", {}, { ...writes, ...headers })).status).toBe(403);
    }
    for (const headers of [{ "sec-fetch-site": "same-origin", origin: "https://behind.proxy" }, { origin }, {}])
      expect((await call("POST", "/v1/admin/queues/tasks/resume", {}, { ...writes, ...headers })).status).toBe(200);
  });

  it("is for keys that may look, and says so to others", async () => {
    expect((await signIn({ key: plain })).status).toBe(403);
    expect((await signIn({ key: `mrw_${"x".repeat(43)}` })).status).toBe(401);
    expect((await call("POST", "/v1/admin/session", { key: 5 })).status).toBe(400);
    const nobody = await call("GET", "/v1/admin/session", undefined, { cookie: "marrow_dashboard=nonsense" });
    expect([nobody.status, nobody.body["role"]]).toEqual([200, null]);
  });

  it("by a link works once", async () => {
    const token = (await gateway.signIns?.createLink()) ?? "";
    const first = await signIn({ link: token });
    expect(first.status).toBe(201);
    expect((await call("GET", "/v1/admin/session", undefined, first.cookie)).body).toMatchObject({ role: "admin" });
    expect((await signIn({ link: token })).status).toBe(401);
  });

  it("ends with the key, and by signing out", async () => {
    const key = await gateway.keys.create({ scope: "acme", user: "root", name: "short", role: "admin" });
    const [ended, left] = [await signIn({ key }), await signIn({ key: admin })];
    await call("DELETE", `/v1/admin/keys/${(await gateway.keys.identify(key)).id}`, undefined, left.writes);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await call("GET", "/v1/admin/overview", undefined, ended.cookie)).status).toBe(401);
    expect((await call("GET", "/v1/admin/session", undefined, ended.cookie)).body["role"]).toBe(null);
    const out = await call("DELETE", "/v1/admin/session", undefined, left.writes);
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await call("GET", "/v1/admin/overview", undefined, left.cookie)).status).toBe(401);
  });

  it("opens the administration and nothing else", async () => {
    const { cookie, writes } = await signIn({ key: admin });
    const chat = { model: "demo", messages: [{ role: "user", content: "hi" }] };
    expect((await call("POST", "/v1/chat/completions", chat, writes)).status).toBe(401);
    expect((await call("GET", "/v1/models", undefined, cookie)).status).toBe(401);
  });

  it("keeps a bounded number of people signed in", async () => {
    const app = gateway.redis.app;
    const set = `{${app}}:gateway:sign-ins`;
    await gateway.redis.send([
      "ZADD",
      set,
      ...Array.from({ length: 1_020 }, (_, at) => [`${Date.now() + 60_000 + at}`, `old${at}`]).flat(),
    ]);
    const { cookie } = await signIn({ key: admin });
    expect(Number(await gateway.redis.send(["ZCARD", set]))).toBe(1_000);
    expect((await call("GET", "/v1/admin/overview", undefined, cookie)).status).toBe(200);
  });
});

describe("a write of the page", () => {
  it("needs the token that only the page knows", async () => {
    const { cookie, writes } = await signIn({ key: admin });
    const body = { scope: "acme", user: "u9", name: "made by a page" };
    expect((await call("POST", "/v1/admin/keys", body, cookie)).status).toBe(403);
    const other = await signIn({ key: admin });
    const crossed = { ...cookie, "x-marrow-csrf": other.writes["x-marrow-csrf"] };
    expect((await call("POST", "/v1/admin/keys", body, crossed)).status).toBe(403);
    expect((await call("POST", "/v1/admin/keys", body, writes)).status).toBe(201);
  });

  it("is refused to a viewer on every route, by cookie and by key; looking is not", async () => {
    const { cookie, writes } = await signIn({ key: viewer });
    const byKey = { authorization: `Bearer ${viewer}` };
    const looked: string[] = [];
    for (const { method, url } of gateway.routes()) {
      const path = url.replaceAll(/:\w+/g, "x").replace("*", "demo");
      const resource = ROUTES.get(`${method} ${url}`);
      if (url === "/v1/admin/session" || (resource !== undefined && RESOURCES[resource] === "open")) continue;
      const isAdministration = url.startsWith("/v1/admin/");
      if (method === "GET" && (isAdministration || url.startsWith("/v1/models"))) {
        if (isAdministration) looked.push(`${url} ${(await call("GET", path, undefined, cookie)).status}`);
        continue;
      }
      const { status } = await call(method, path, method === "GET" ? undefined : {}, byKey);
      expect(`${method} ${url} ${status}`).toBe(`${method} ${url} 403`);
      if (isAdministration) expect((await call(method, path, {}, writes)).status).toBe(403);
    }
    expect(looked.filter((line) => / (?:401|403|5\d\d)$/.test(line))).toEqual([]);
    expect((await call("DELETE", "/v1/admin/session", undefined, writes)).status).toBe(200);
  });
});

describe("the audit log", () => {
  it("tells who did what, the latest first, page by page, and holds no body", async () => {
    const { cookie, writes } = await signIn({ key: admin });
    await call("PUT", "/v1/admin/users/%3Cimg%20src%3Dx%3E?scope=acme", { plan: null }, writes);
    await call(
      "POST",
      "/v1/admin/keys",
      { scope: "acme", user: "u1", name: "canary-body" },
      { authorization: `Bearer ${admin}` },
    );
    const { body } = await call("GET", "/v1/admin/audit?limit=2", undefined, cookie);
    expect(body).toMatchObject({
      data: [
        { act: "POST /v1/admin/keys", via: "key", status: 201, by_name: "<b>admin</b>" },
        { act: "PUT /v1/admin/users/:id", via: "dashboard", target: { id: "<img src=x>", scope: "acme" } },
      ],
    });
    expect(JSON.stringify(body)).not.toMatch(/canary-body|mrw_/);
    const next = await call("GET", `/v1/admin/audit?limit=2&after=${String(body["next"])}`, undefined, cookie);
    expect((next.body["data"] as readonly unknown[]).length).toBe(2);
    expect((await call("GET", "/v1/admin/audit?limit=101", undefined, cookie)).status).toBe(400);
  });

  it("is not filled by those who are nobody", async () => {
    const { cookie } = await signIn({ key: admin });
    const before = (await call("GET", "/v1/admin/audit?limit=1", undefined, cookie)).body["data"];
    await call("POST", "/v1/admin/session", { key: "wrong" });
    await call("POST", "/v1/admin/keys", {}, { authorization: `Bearer ${plain}` });
    expect((await call("GET", "/v1/admin/audit?limit=1", undefined, cookie)).body["data"]).toEqual(before);
  });
});

describe("the overview and the playground", () => {
  it("show a miss, an exact hit and a similar one, with the headers that say so", async () => {
    const { cookie, writes } = await signIn({ key: admin });
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const before = await call("GET", "/v1/admin/overview", undefined, cookie);
    expect(before.body).toMatchObject({ redis: { state: "ready" }, queues: [{ name: "gateway" }, { name: "tasks" }] });
    const tiers: unknown[] = [];
    for (const content of [
      "What is the capital of France?",
      "What is the capital of France?",
      "What's the capital of France?",
    ]) {
      const { status, body } = await call(
        "POST",
        "/v1/admin/playground",
        { model: "demo", messages: [{ role: "user", content }] },
        writes,
      );
      expect(status).toBe(200);
      tiers.push((body["headers"] as Record<string, string>)["x-marrow-cache"]);
      expect(body["text"]).toContain("Paris");
    }
    expect(tiers).toEqual(["miss", "exact", "similar"]);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const { body } = await call("GET", "/v1/admin/overview", undefined, cookie);
    expect(body["totals"]).toMatchObject({ cache: { miss: 1, exact: 1, similar: 1 }, errors: 0 });
    const requests = (answer: Answer["body"]) => Number((answer["totals"] as Record<string, number>)["requests"]);
    expect(requests(body) - requests(before.body)).toBe(3);
  });
});
