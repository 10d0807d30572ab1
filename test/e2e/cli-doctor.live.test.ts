/** What `marrow doctor` says of an installation: its server, its configuration and its upstreams. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { createServer as createHttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { quantile, toReplicas, toSlowest, warningsOfMeasured } from "../../src/cli/doctor-server.ts";
import { reachAll } from "../../src/cli/doctor-upstreams.ts";
import { connect } from "../../src/index.ts";
import { createCli, marrowHere } from "../cli.ts";

/** Any answer: its fields are looked at by their matchers. */
// oxlint-disable-next-line typescript/no-explicit-any
type Answer = Record<string, any>;

async function doctor(env: Readonly<Record<string, string>>) {
  const { code, out } = await marrowHere(["doctor", "--json"], { MARROW_REDIS_URL: inject("redisUrl"), ...env });
  const answer = JSON.parse(out) as Answer;
  return { code, out, answer, server: (answer["servers"] as Answer[])[0] as Answer };
}

async function admin() {
  const app = `d${randomUUID().slice(0, 8)}`;
  const redis = await connect(inject("redisUrl"), { app });
  onTestFinished(() => redis.close());
  return { app, redis };
}

describe("a server", () => {
  it("is measured: rights, clock, latency, replicas, slow log and keys by role", async () => {
    const { app, redis } = await admin();
    const keys = Array.from({ length: 50 }, (_, at) => `{${app}:acme}:cache:${at}`);
    await Promise.all(keys.map((key) => redis.send(["SET", key, "v", "PX", "60000"])));
    const { server } = await doctor({ MARROW_APP: app });
    const { measured } = server as { measured: Answer };
    expect(measured).toMatchObject({ rightsMissing: [], latency: { pings: expect.any(Number) as number } });
    const { pings, p50Ms, p99Ms } = measured["latency"] as Record<string, number>;
    expect(pings).toBeLessThanOrEqual(200);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms as number);
    const { aheadMs, withinMs } = measured["clock"] as Record<string, number>;
    expect(Math.abs(aheadMs as number)).toBeLessThanOrEqual((withinMs as number) + 100);
    expect(measured["replicas"]).toMatchObject({ connected: expect.any(Number) as number });
    const { total, sampled, roles } = measured["keys"] as { total: number; sampled: number; roles: Answer[] };
    expect([total >= 50, sampled > 0 && sampled <= 500]).toEqual([true, true]);
    expect(roles.reduce((sum, { share }) => sum + Number(share), 0)).toBeCloseTo(1, 1);
  }, 30_000);

  it("has a slow log, of which the names of commands are told and never their arguments", async () => {
    const { app, redis } = await admin();
    const [, before] = (await redis.send(["CONFIG", "GET", "slowlog-log-slower-than"])) as string[];
    await redis.send(["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    onTestFinished(
      async () => void (await redis.send(["CONFIG", "SET", "slowlog-log-slower-than", before ?? "10000"])),
    );
    await redis.send(["SET", `{${app}:acme}:cache:slow`, "canary-of-a-prompt", "PX", "60000"]);
    const { out, server } = await doctor({ MARROW_APP: app });
    const { count, slowest } = (server["measured"] as Answer)["slowLog"] as { count: number; slowest: Answer[] };
    expect(count).toBeGreaterThan(0);
    expect(slowest[0]).toEqual({ command: expect.stringMatching(/^[A-Z.]+$/), ms: expect.any(Number) });
    expect(out).not.toContain("canary-of-a-prompt");
  }, 30_000);

  it("that lets a user ask nothing is told of as unknown, and which rights are missing", async () => {
    const { app, redis } = await admin();
    const rules = ["on", ">secret-word", "~*", "&*", "-@all", "+hello", "+client", "+ping", "+eval", "+evalsha"];
    await redis.send(["ACL", "SETUSER", app, ...rules]);
    onTestFinished(async () => void (await redis.send(["ACL", "DELUSER", app])));
    const env = { MARROW_APP: app, MARROW_REDIS_USERNAME: app, MARROW_REDIS_PASSWORD: "secret-word" };
    const { code, out, server } = await doctor(env);
    expect(code).toBe(1);
    expect(server).toMatchObject({
      state: "ready",
      measured: {
        clock: null,
        replicas: null,
        slowLog: null,
        keys: null,
        latency: { pings: expect.any(Number) as number },
      },
    });
    expect((server["measured"] as Answer)["rightsMissing"]).toContain("HSET");
    expect(server["warnings"]).toContainEqual(expect.stringMatching(/^the user of Redis lacks rights: .*and \d+ more/));
    const text = await marrowHere(["doctor"], { MARROW_REDIS_URL: inject("redisUrl"), ...env });
    expect(text.out).toMatch(/slow log {10}unknown \(the user may not read it\)/);
    expect(out + text.out + text.err).not.toContain("secret-word");
    await redis.send(["ACL", "SETUSER", app, "-ping", "-eval", "-evalsha"]);
    const nothing = await doctor(env);
    expect(nothing).toMatchObject({ code: 1, server: { state: "away", error: { code: "redis_denied" } } });
  }, 30_000);
});

describe("users with the rights that the manual names", () => {
  it("lack none: the gateway's at its Redis, the cache's at the second", async () => {
    const { app, redis } = await admin();
    const manual = readFileSync("docs/operations.md", "utf8");
    const lines = [...manual.matchAll(/^ACL SETUSER marrow on >PASSWORD (.*)$/gm)].map(([, rules = ""]) => rules);
    const users = [`${app}-cache`, `${app}-gateway`];
    for (const [at, user] of users.entries()) {
      const rules = (lines[at] as string).replaceAll("marrow", app).split(" ");
      await redis.send(["ACL", "SETUSER", user, "on", ">secret-word", ...rules]);
      onTestFinished(async () => void (await redis.send(["ACL", "DELUSER", user])));
    }
    const [cache, gateway] = users.map((user) => urlOf(user, "secret-word"));
    const { answer, out } = await doctor({
      MARROW_APP: app,
      MARROW_REDIS_URL: gateway as string,
      MARROW_CACHE_REDIS_URL: cache as string,
    });
    const servers = answer["servers"] as Answer[];
    expect(servers.map(({ state, measured }) => [state, (measured as Answer)["rightsMissing"]])).toEqual([
      ["ready", []],
      ["ready", []],
    ]);
    expect(out).not.toContain("secret-word");
  }, 30_000);
});

/** The test's server by another user, over a socket or a port. */
function urlOf(user: string, password: string): string {
  return inject("redisUrl").replace("://", `://${user}:${password}@`);
}

describe("what was read of a server", () => {
  it("tells names of commands alone, the slowest first", () => {
    const line = (micros: number, ...words: string[]) => [1, 1, micros, words, "127.0.0.1:1", ""];
    const lines = [
      line(10, "get", "k"),
      line(2_000, "EVALSHA", "x"),
      line(3_000, "ft.search", "i"),
      line(50, "a secret"),
    ];
    expect(toSlowest([...lines, line(9, "GET", "k"), "odd"])).toEqual([
      { command: "FT.SEARCH", ms: 3 },
      { command: "EVALSHA", ms: 2 },
      { command: "other", ms: 0.05 },
    ]);
    expect([quantile([3, 1, 2], 0.5), quantile([1, 2, 3], 0.99), quantile([], 0.5)]).toEqual([2, 3, 0]);
  });

  it("warns of replicas behind, clocks apart and a far Redis", () => {
    const info = [
      "role:slave",
      "master_link_status:down",
      "connected_slaves:3",
      "slave0:ip=10.0.0.1,port=1,state=online,offset=1,lag=0",
      "slave1:ip=10.0.0.2,port=1,state=online,offset=1,lag=40",
      "slave2:ip=10.0.0.3,port=1,state=wait_bgsave,offset=0,lag=0",
    ].join("\r\n");
    expect(toReplicas(info)).toEqual({ connected: 3, behind: 2, masterLink: "down" });
    expect(toReplicas("")).toBeUndefined();
    const measured = {
      rightsMissing: ["HSET"],
      latency: { pings: 200, p50Ms: 40, p99Ms: 80 },
      clock: { aheadMs: -3_000, withinMs: 20 },
      replicas: toReplicas(info),
      slowLog: undefined,
      keys: undefined,
    };
    expect(warningsOfMeasured(measured).map((warning) => warning.slice(0, 30))).toEqual([
      "the user of Redis lacks rights",
      "the clocks of this machine and",
      "a round trip to Redis takes 40",
      "2 replicas are not in sync",
      "this replica has lost its mast",
    ]);
    const well = { ...measured, rightsMissing: [], latency: undefined, clock: { aheadMs: 1_010, withinMs: 20 } };
    expect(warningsOfMeasured({ ...well, replicas: undefined })).toEqual([]);
  });
});

describe("the configuration and its upstreams", () => {
  it("are told: what is on and why, what cannot work, and who answers", async () => {
    const asked: string[] = [];
    const up = createHttpServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? "no key"}`);
      response.writeHead(401).end();
    });
    await new Promise<void>((resolve) => void up.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void up.close());
    const { port } = up.address() as AddressInfo;
    const env = { MARROW_UPSTREAM_URL: `http://127.0.0.1:${port}/v1?secret=word`, MARROW_UPSTREAM_KEY: "secret-key" };
    const { answer, out } = await doctor(env);
    expect(answer["configuration"]).toMatchObject({
      tiers: { "exact answers": "on", judge: "off (cache.judge names no model)" },
      warnings: [],
    });
    expect(answer["upstreams"]).toEqual([
      expect.objectContaining({ host: `127.0.0.1:${port}`, reachable: true, says: "401" }),
    ]);
    expect(asked).toEqual(["/v1 no key"]);
    expect(out).not.toMatch(/secret/);
    const away = await doctor({ ...env, MARROW_UPSTREAM_URL: "http://127.0.0.1:1/v1" });
    expect([away.code, away.answer["healthy"]]).toEqual([1, false]);
    expect(away.answer["upstreams"]).toEqual([expect.objectContaining({ reachable: false, says: "ECONNREFUSED" })]);
  }, 30_000);

  it("are held against what the server has", async () => {
    const { app, redis } = await admin();
    const directory = mkdtempSync(join(tmpdir(), "marrow-doctor-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const config = {
      defaultPlan: "free",
      vectorStores: { engine: "search" },
      cache: { judge: "nobody", semantic: false },
    };
    writeFileSync(join(directory, "marrow.config.json"), JSON.stringify({ ...config, demo: { enabled: false } }));
    const env = { MARROW_REDIS_URL: inject("redisUrl"), MARROW_APP: app };
    const { code, out } = await createCli(directory)(["doctor"], env);
    expect(code).toBe(1);
    expect(out).toMatch(/Warning: defaultPlan: there is no plan free/);
    expect(out).toMatch(/Warning: vectorStores\.engine is search, which this server lacks/);
    expect(out).toMatch(/Warning: cache\.judge\.model: no upstream and no route serves nobody/);
    expect(out).toMatch(/similar answers {3}off \(cache\.semantic is false\)/);
    await redis.send(["HSET", `{${app}}:gateway:plans`, "free", "stored"]);
    expect((await createCli(directory)(["doctor"], env)).out).not.toContain("defaultPlan");
    await redis.send(["DEL", `{${app}}:gateway:plans`]);
  }, 30_000);

  it("waits for a silent upstream, and for many, for a bounded time", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const baseUrl = (at: number) => `http://user:secret@127.0.0.1:${port}/${at}`;
    const endpoints = Array.from({ length: 40 }, (_, at) => ({ name: `u${at}`, baseUrl: baseUrl(at) }));
    const begun = performance.now();
    const reached = await reachAll(endpoints, { waitMs: 5_000, allMs: 300 });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(reached[0]).toMatchObject({ host: `127.0.0.1:${port}`, reachable: false, says: "no answer in time" });
    expect(reached.at(-1)).toMatchObject({ name: "u39", reachable: "unknown" });
    const [one] = await reachAll(endpoints.slice(0, 1), { waitMs: 100 });
    expect(one).toMatchObject({ reachable: false, says: "no answer in time" });
  });
});
