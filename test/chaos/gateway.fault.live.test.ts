/** A gateway under mixed traffic while its Redis goes through every state in which it cannot serve. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis as Ioredis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createLimiter, type Limiter } from "../../src/limiter/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { startProxy, type RespProxy } from "../resp-proxy.ts";
import { ownServer, until, type OwnServer } from "../servers.ts";

/** A chat's own bound, which is the connection's, and what an answer may take beyond it on a busy machine. */
const DEADLINE_MS = 2_000;
const BEYOND_MS = 1_000;
/** How long each state lasts, and how soon all must be well after its end. */
const STATE_MS = 2_000;
const RECOVERY_MS = 3_000;

let server: OwnServer;
let proxy: RespProxy;
let gateway: TestGateway;
let limiters: Record<"refuse" | "local" | "allow", Limiter>;
/** Connections of the test's own, past the proxy. */
let admin: Ioredis;
let other: Ioredis;
const lines: string[] = [];
const elsewhere = mkdtempSync(join(tmpdir(), "marrow-chaos-"));

beforeAll(async () => {
  // The gateway has a user of its own, whose rights an operator may take.
  const user = ["--user", "marrow", "on", ">chaos", "~*", "&*", "+@all"];
  const settings = ["--busy-reply-threshold", "100", "--enable-protected-configs", "yes", ...user];
  server = await ownServer(inject("redisBinary"), ["--appendonly", "yes", "--appendfsync", "always", ...settings]);
  await server.start();
  proxy = await startProxy(server.url);
  [admin, other] = [server, server].map(({ port }) => new Ioredis(port, "127.0.0.1", { retryStrategy: () => 50 })) as [
    Ioredis,
    Ioredis,
  ];
  for (const client of [admin, other]) client.on("error", () => {});
  const limits = {
    userRequests: { limit: 1e6, windowMs: 60_000 },
    userTokens: { limit: 1e9, windowMs: 60_000 },
    appRequests: { limit: 1e6, windowMs: 60_000 },
  };
  gateway = await startTestGateway({
    redisUrl: proxy.url.replace("redis://", "redis://marrow:chaos@"),
    appName: "chaos",
    background: true,
    config: { limits },
    log: (line) => void lines.push(line),
  });
  const rules = [{ id: "r", by: "user", limit: 1e6, windowMs: 60_000 }] as const;
  const limiterOf = (onUnavailable: "refuse" | "local" | "allow") =>
    createLimiter(gateway.redis.scope("acme"), { name: onUnavailable, rules, onUnavailable });
  limiters = { refuse: limiterOf("refuse"), local: limiterOf("local"), allow: limiterOf("allow") };
});
afterAll(async () => {
  admin.disconnect();
  other.disconnect();
  await gateway.close();
  await proxy.close();
  await server.stop();
  rmSync(elsewhere, { recursive: true, force: true });
});

interface Answer {
  readonly kind: string;
  readonly status: number;
  readonly ms: number;
  readonly cache: string | null;
  readonly degraded: boolean;
}

let asked = 0;
async function chat(kind: string, content: string, more: object = {}, session?: string): Promise<Answer> {
  const startMs = performance.now();
  const response = await fetch(`${gateway.baseURL}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${gateway.key}`,
      "content-type": "application/json",
      ...(session !== undefined && { "x-marrow-session": session }),
    },
    body: JSON.stringify({ model: "scripted", messages: [{ role: "user", content }], ...more }),
  });
  const text = await response.text();
  const cache = response.headers.get("x-marrow-cache");
  const degraded = response.headers.get("x-ratelimit-degraded") === "1";
  // An error within a stream comes with status 200.
  const status = text.includes('"error"') && response.ok ? 599 : response.status;
  return { kind, status, ms: performance.now() - startMs, cache, degraded };
}

const KNOWN = "What is the capital of France?";
const fresh = () => `Please tell me about item ${(asked += 1)} of the list`;
const traffic: readonly (() => Promise<Answer>)[] = [
  () => chat("fresh", fresh()),
  () => chat("exact", KNOWN),
  () => chat("similar", "What's the capital of France?"),
  () => chat("stream", fresh(), { stream: true }),
  () => chat("session", fresh(), {}, "s1"),
  () => chat("session stream", fresh(), { stream: true }, "s2"),
];

/** Asks all kinds at once, over and over, until it is stopped. */
function drive(): { stop(): Promise<readonly Answer[]> } {
  const answers: Answer[] = [];
  let stopped = false;
  const loops = traffic.map(async (ask) => {
    while (!stopped) {
      answers.push(await ask());
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  });
  return {
    async stop() {
      stopped = true;
      await Promise.all(loops);
      return answers;
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const set = (...words: string[]) => admin.call("CONFIG", "SET", ...words);

interface Outage {
  readonly name: string;
  /** What `/readyz` may call it. */
  readonly states: readonly string[];
  /** What it must have called it at least once. */
  readonly told?: string;
  /** The right of which `/readyz` and one line of the log say that it is missing. */
  readonly missing?: readonly string[];
  /** Whether exact hits are served. */
  readonly reads: boolean;
  /** What alone fails for certain. @default both limits and the cache */
  readonly fails?: "limits" | "stores";
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
}

const silent = ["no_answer", "unreachable"];
const spoiled = (what: string, states: readonly string[], how: (bytes: Buffer) => Buffer | string): Outage => ({
  name: `is behind a proxy that ${what}`,
  states,
  reads: false,
  begin: async () => proxy.spoil(how),
  end: async () => proxy.spoil(undefined),
});
const outages: readonly Outage[] = [
  {
    name: "is frozen",
    states: ["no_answer"],
    reads: false,
    begin: async () => server.freeze(),
    end: async () => server.thaw(),
  },
  {
    name: "is paused by CLIENT PAUSE",
    states: ["no_answer"],
    reads: false,
    // Nobody can end it, so it ends by itself.
    begin: () => admin.call("CLIENT", "PAUSE", String(STATE_MS), "ALL"),
    end: () => admin.ping(),
  },
  {
    name: "is full",
    states: ["full"],
    reads: true,
    begin: () => set("maxmemory", "1"),
    end: () => set("maxmemory", "0"),
  },
  {
    name: "became a replica",
    states: ["read_only"],
    reads: true,
    begin: () => admin.call("REPLICAOF", "127.0.0.1", "1"),
    end: () => admin.call("REPLICAOF", "NO", "ONE"),
  },
  {
    name: "became a replica that lost its master and serves nothing",
    // Known once a read was refused for as long as it is waited out; a connection that is dialled again meanwhile is not ready.
    states: ["read_only", "stale", "loading", "unreachable"],
    told: "stale",
    reads: false,
    async begin() {
      await set("replica-serve-stale-data", "no");
      await admin.call("REPLICAOF", "127.0.0.1", "1");
    },
    async end() {
      await admin.call("REPLICAOF", "NO", "ONE");
      await set("replica-serve-stale-data", "yes");
    },
  },
  {
    name: "has too few replicas",
    states: ["no_replicas"],
    reads: true,
    begin: () => set("min-replicas-to-write", "1"),
    end: () => set("min-replicas-to-write", "0"),
  },
  {
    name: "could not save",
    states: ["persistence_failed"],
    reads: true,
    async begin() {
      home = String(((await admin.config("GET", "dir")) as unknown[])[1]);
      await set("save", "3600 1000000", "dir", "/proc");
      await admin.call("BGSAVE");
      await until(async () => /rdb_last_bgsave_status:err/.test(await admin.info("persistence")), "a failed snapshot");
    },
    async end() {
      await set("save", "", "dir", home);
      await admin.call("BGSAVE");
      await until(async () => /rdb_last_bgsave_status:ok/.test(await admin.info("persistence")), "a snapshot");
    },
  },
  {
    name: "is busy with a script",
    states: ["busy", ...silent],
    reads: false,
    begin: async () => void other.call("EVAL", "while true do end", "0").catch(() => {}),
    end: () => admin.call("SCRIPT", "KILL"),
  },
  {
    name: "was killed",
    states: [...silent, "loading"],
    reads: false,
    begin: () => server.kill(),
    end: () => server.start(),
  },
  {
    name: "is restarted",
    states: [...silent, "loading"],
    reads: false,
    async begin() {
      await server.kill();
      await server.start();
    },
    end: async () => {},
  },
  {
    name: "vanished behind half-open connections",
    states: silent,
    reads: false,
    begin: async () => proxy.halfOpen(),
    end: async () => {},
  },
  {
    name: "answers later than chats wait",
    states: ["slow", ...silent],
    told: "slow",
    reads: false,
    begin: async () => proxy.delay(300),
    end: async () => proxy.delay(0),
  },
  spoiled("repeats each reply", silent, (bytes) => Buffer.concat([bytes, bytes])),
  spoiled("answers several commands by one error", [...silent, "loading"], () => "-LOADING one for all\r\n"),
  spoiled("garbles each reply", silent, (bytes) => Buffer.concat([Buffer.from("?"), bytes.subarray(1)])),
  {
    name: "refuses the password, which is rotated",
    states: ["credentials", "unreachable"],
    told: "credentials",
    reads: false,
    async begin() {
      await rights("resetpass", ">another");
      await admin.call("CLIENT", "KILL", "USER", "marrow");
    },
    end: () => rights("resetpass", ">chaos"),
  },
  {
    name: "took the right to run scripts",
    states: ["rights"],
    missing: ["EVALSHA"],
    reads: true,
    begin: () => rights("-@scripting"),
    end: () => rights("+@scripting"),
  },
  {
    name: "took a command that scripts of limits send",
    states: ["rights"],
    missing: ["SETRANGE"],
    reads: true,
    fails: "limits",
    begin: () => rights("-setrange"),
    end: () => rights("+setrange"),
  },
  {
    name: "took a command that scripts of the cache send",
    states: ["rights"],
    missing: ["SET"],
    reads: true,
    fails: "stores",
    begin: () => rights("-set"),
    end: () => rights("+set"),
  },
  {
    name: "took the keys of scopes",
    states: ["rights"],
    missing: ["keys of scopes"],
    reads: false,
    begin: () => rights("resetkeys", "~{chaos}:*"),
    end: () => rights("allkeys"),
  },
];
const rights = (...rules: string[]) => admin.call("ACL", "SETUSER", "marrow", ...rules);
let home = "";

async function isWell(): Promise<boolean> {
  const ready = await fetch(gateway.baseURL.replace("/v1", "/readyz"));
  await ready.text();
  const [first, again] = [await chat("fresh", `Anew: ${fresh()}`), await chat("exact", KNOWN)];
  return ready.status === 200 && first.cache === "miss" && !first.degraded && again.cache === "exact";
}

describe("the gateway under mixed traffic, when Redis", () => {
  it.each(outages.map((outage) => [outage.name, outage] as const))(
    "%s, answers every chat in time, tells the state, and recovers",
    async (_, outage) => {
      expect((await chat("exact", KNOWN)).status).toBe(200);
      await until(isWell, "a good beginning");
      // What the machine takes for all of it when nothing is wrong: on a busy one that is allowed beside the bounds.
      const quietMs = performance.now();
      expect(await isWell()).toBe(true);
      const slackMs = 3 * (performance.now() - quietMs);
      const driven = drive();
      await pause(200);
      await outage.begin();
      const beganMs = performance.now();
      const states = new Set<string>();
      const lacking = new Set<string>();
      const logged = lines.length;
      const decisions: unknown[] = [];
      while (performance.now() - beganMs < STATE_MS) {
        const ready = await fetch(gateway.baseURL.replace("/v1", "/readyz"));
        const { state, missing = [] } = (await ready.json()) as { state?: string; missing?: readonly string[] };
        if (state !== undefined) states.add(state);
        for (const right of missing) lacking.add(right);
        const taken = await Promise.all(
          Object.entries(limiters).map(async ([policy, limiter]) => {
            const { allowed, degraded } = await limiter.take({ user: "u" });
            return !degraded || allowed === (policy !== "refuse");
          }),
        );
        decisions.push(...taken);
        await pause(50);
      }
      await outage.end();
      const endedMs = performance.now();
      await until(isWell, "the gateway to recover");
      const recoveryMs = performance.now() - endedMs;
      const answers = await driven.stop();

      const wrong = answers.filter(({ status }) => status !== 200);
      expect(wrong).toEqual([]);
      const slowest = answers.reduce((max, answer) => (answer.ms > max.ms ? answer : max));
      expect(slowest.ms).toBeLessThan(DEADLINE_MS + BEYOND_MS + slackMs);
      expect(decisions.every(Boolean)).toBe(true);
      expect(recoveryMs).toBeLessThan(RECOVERY_MS + slackMs);
      for (const state of states) expect(outage.states).toContain(state);
      if (outage.told !== undefined) expect([...states]).toContain(outage.told);
      if (outage.missing !== undefined) {
        expect([...lacking]).toEqual(expect.arrayContaining([...outage.missing]));
        const told = lines.slice(logged).filter((line) => line.includes("lacks rights"));
        expect(told.length).toBeGreaterThan(0);
        expect(told.length).toBeLessThanOrEqual(lacking.size);
        for (const right of outage.missing) expect(told.join("\n")).toContain(right);
        // Rights that were away for less than a look are told of once.
        await until(
          async () => lines.slice(logged).some((line) => line.includes("has its rights again")),
          "the log to say that all is well",
        );
      }
      if (outage.name !== "is restarted") {
        expect(states.size).toBeGreaterThan(0);
        const without = answers.filter(({ degraded }) => degraded);
        if (outage.fails !== "stores") expect(without.length).toBeGreaterThan(0);
        const during = outage.fails === "stores" ? answers : without;
        const bypassed = during.some(({ kind, cache }) => kind === "fresh" && cache === "bypass");
        if (outage.fails === undefined) expect(bypassed).toBe(true);
        if (outage.fails === "limits") expect(bypassed).toBe(false);
        if (outage.reads) expect(during.some(({ kind, cache }) => kind === "exact" && cache === "exact")).toBe(true);
      }
      if (process.env["MARROW_CHAOS"] === "say")
        process.stderr.write(
          `${outage.name}: ${answers.length} answers, slowest ${Math.round(slowest.ms)} ms, recovered in ${Math.round(recoveryMs)} ms, ${[...states].join()}\n`,
        );
    },
    30_000,
  );
});
