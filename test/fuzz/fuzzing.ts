import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { format } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { expect, inject, it, vi } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { createApiKeys, openGateway } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { demoModel, openaiModel } from "../../src/models/index.ts";
import { startScriptedModel, type ScriptedAnswer } from "../../src/testing/index.ts";
import { ownServer } from "../servers.ts";
import { judgeAnswer, judgeLine } from "./judge.ts";
import { createRandom, type Random } from "./random.ts";
import { createIds, toRequest, type FuzzRequest, type Route } from "./requests.ts";
import { malformedRequest, sendBytes } from "./sockets.ts";

// One seed in CI, so that a change is judged by what it changed; `MARROW_FUZZ_SEED=random` looks for more.
const ASKED = process.env["MARROW_FUZZ_SEED"] ?? "4242";
const FIRST_SEED = ASKED === "random" ? Date.now() % 1_000_000 : Number(ASKED);
// Two files send half of the requests each, so that two run at once.
const COUNT = Math.ceil(Number(process.env["MARROW_FUZZ"] ?? 100_000) / 2);
const BODY_BYTES_MAX = 1_048_576;
const LANES = 48;
/** A stream that goes on is left after this; all else must have been answered by the later bound. */
const LEAVE_MS = 400;
const ANSWER_MS = 15_000;
const STREAMS = /\/stream$|\/claim$|^\/v1\/responses|^\/a2a/;
const SOCKETS_PART = 50;
const MIB = 1_048_576;
/** What the heap and the process may grow by between the first third and the end: caches with bounds fill up. */
const HEAP_GROWTH_MAX = 128 * MIB;
const RSS_GROWTH_MAX = 384 * MIB;
/** Limits are on, so that their admin routes are there, and never reached. */
const PLENTY = { limit: 2 ** 40 };
const LIMITS = [
  "userRequests",
  "userTokens",
  "appRequests",
  "keyUsers",
  "userReads",
  "userWrites",
  "appReads",
  "appWrites",
];
const UPSTREAM_KEY = "sk-fuzz-upstream-000000000000";

/** A model that mostly answers, and fails in the ways that models do. */
function script(random: Random): () => ScriptedAnswer {
  const secret = `the key ${UPSTREAM_KEY} of https://user:hunter2@internal.example/ is over its quota`;
  return () => {
    const roll = random.next();
    if (roll < 0.03) return { status: 500, raw: JSON.stringify({ error: { message: secret, code: "boom" } }) };
    if (roll < 0.05) return { status: 400, raw: JSON.stringify({ error: { message: `bad: ${secret}`, type: "x" } }) };
    if (roll < 0.06) return { status: 401, raw: secret };
    if (roll < 0.07) return { raw: "<html>not json</html>", contentType: "text/html" };
    if (roll < 0.08) return { content: "cut", cutAfter: 1 };
    if (roll < 0.1)
      return {
        message: {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        finishReason: "tool_calls",
      };
    return "a heap is a tree";
  };
}

/** The test of one half, 0 or 1; its seed is `MARROW_FUZZ_SEED` plus that. */
export function fuzzGateway(half: 0 | 1): void {
  const seed = FIRST_SEED + half;
  it(
    `holds its promises for ${COUNT} requests to all routes that their author did not choose (seed ${seed})`,
    async () => {
      expect(await sendAll(seed)).toEqual([]);
    },
    Math.max(600_000, COUNT * 20),
  );
}

/** Sends one half of the requests; what was wrong with the answers and the log. */
async function sendAll(seed: number): Promise<readonly string[]> {
  const server = await ownServer(inject("redisBinary"), ["--maxmemory", "0"]);
  await server.start();
  const random = createRandom(seed);
  const redis = await connect(server.url, { app: `fuzz${randomUUID().slice(0, 8)}` });
  const model = await startScriptedModel(script(random));
  const lines: string[] = [];
  const wrong: string[] = [];
  const secrets: string[] = [UPSTREAM_KEY, "hunter2"];
  const told = new Map<string, number>();
  const note = (what: string, at: string) => {
    const times = (told.get(what) ?? 0) + 1;
    told.set(what, times);
    if (wrong.length < 60 && times <= 2) wrong.push(`${what}: ${at}`);
  };
  const upstream = openaiModel({
    baseUrl: model.baseUrl,
    apiKey: UPSTREAM_KEY,
    ids: ["scripted"],
    firstByteTimeoutMs: 2_000,
    idleTimeoutMs: 2_000,
  });
  const { app, routes, startBackground } = openGateway({
    redis,
    models: [demoModel({ firstTokenMs: 0, tokenMs: 0 }), upstream],
    embedder: staticEmbedder(),
    config: {
      logLevel: "debug",
      bodyBytesMax: BODY_BYTES_MAX,
      limits: {
        ...Object.fromEntries(LIMITS.map((name) => [name, PLENTY])),
        scopeBytes: 2 ** 50,
      },
      vectorStores: { fileBytesMax: BODY_BYTES_MAX },
    },
    log: {
      write(line) {
        const fault = judgeLine(line, secrets);
        if (fault !== undefined) note(fault, line.slice(0, 600));
        else if (/"code":"(internal|redis_rejected|corrupt_record)"/.test(line) && lines.length < 20) lines.push(line);
      },
    },
  });
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  // Most answers are errors, and nobody reads their stacks.
  const frames = Error.stackTraceLimit;
  Error.stackTraceLimit = 4;
  // Libraries print to the console what they think should be seen.
  const printed = [vi.spyOn(console, "error"), vi.spyOn(console, "warn"), vi.spyOn(console, "log")];
  for (const spy of printed)
    spy.mockImplementation((...words: unknown[]) => {
      const line = format(...words);
      const fault = judgeLine(line, secrets);
      if (fault !== undefined) note(`${fault}, by a library`, line.slice(0, 600));
    });
  process.on("unhandledRejection", onFault).on("uncaughtException", onFault);
  const background = startBackground();
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const keys = createApiKeys(redis);
  const plain = await keys.create({ scope: "acme", user: "ann", name: "plain" });
  const broad = await keys.create({ scope: "acme", user: "eve", name: "broad", actsFor: "any" });
  const admin = await keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
  secrets.push(plain, broad, admin);
  const bus = createBus(redis.scope("acme"));
  const agent = await bus.register({ name: "teller" }, async () => "hello");
  const all = routes();
  // A route that reads a body has more ways to be wrong.
  const drawn = all.flatMap((route) => Array.from({ length: route.method === "POST" ? 3 : 1 }, () => route));
  const ids = createIds(random);
  const counts = new Map<string, number>();
  const statuses = new Map<number, number>();
  let before: Memory | undefined;
  let left = COUNT;

  const failures = new Map<string, number>();
  const isReal = ({ method, url }: Route) => url === "/mcp" && method === "POST";
  const sendInside = (request: FuzzRequest, signal: AbortSignal) => app.inject({ ...request, signal } as InjectOptions);

  async function ask(route: Route, request: FuzzRequest): Promise<void> {
    const mayGoOn = STREAMS.test(route.url);
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), mayGoOn ? LEAVE_MS : ANSWER_MS);
    const answering = isReal(route) ? sendReal(port, request, stop.signal) : sendInside(request, stop.signal);
    const answer = await answering.catch((error: unknown) => error as Error);
    clearTimeout(timer);
    if (answer instanceof Error) {
      if (!mayGoOn) note(`no answer, ${route.method} ${route.url}`, `${answer.message} ${show(request)}`);
      return;
    }
    if (answer.statusCode >= 500) {
      const failure = `${answer.statusCode} ${/"code":"(\w+)"/.exec(answer.body)?.[1] ?? ""}`;
      failures.set(failure, (failures.get(failure) ?? 0) + 1);
    }
    statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
    const type = answer.headers["content-type"]?.toString() ?? "";
    // The answers that make a key are the only ones that show it.
    const isKey = /^\/v1\/admin\/keys(?:\/:id\/rotate)?$/.test(route.url) && answer.statusCode === 201;
    const fault = judgeAnswer(route.url, { status: answer.statusCode, type, body: answer.body }, isKey ? [] : secrets);
    if (fault !== undefined)
      note(
        `${fault}, ${route.method} ${route.url}`,
        `${show(request)} -> ${answer.statusCode} ${answer.body.slice(0, 200)}`,
      );
    if (answer.statusCode < 300 && type.startsWith("application/json")) ids.learn(route.url, safeJson(answer.body));
  }

  async function lane(): Promise<void> {
    while (left > 0) {
      left -= 1;
      if (left % SOCKETS_PART === 0) {
        const bytes = malformedRequest(random, plain);
        const text = await sendBytes(port, bytes, LEAVE_MS);
        const fault = judgeSocket(bytes, text, secrets);
        if (fault !== undefined) note(fault, `${JSON.stringify(bytes.slice(0, 300))} -> ${text.slice(0, 200)}`);
        counts.set("(sockets)", (counts.get("(sockets)") ?? 0) + 1);
        continue;
      }
      const route = random.pick(drawn);
      const name = `${route.method} ${route.url}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await ask(route, toRequest(random, route, ids, [plain, broad, admin, admin, admin], BODY_BYTES_MAX));
      if (before === undefined && left < (COUNT * 2) / 3) before = memory();
    }
  }

  try {
    await Promise.all(Array.from({ length: LANES }, lane));
    const after = memory();
    report(seed, counts, statuses, failures, told, lines, before, after);
    expect(faults).toEqual([]);
    expect(all.filter(({ method, url }) => !counts.has(`${method} ${url}`))).toEqual([]);
    expect((await app.inject({ url: "/healthz" })).statusCode).toBe(200);
    expect(after.heap - (before?.heap ?? 0)).toBeLessThan(HEAP_GROWTH_MAX);
    expect(after.rss - (before?.rss ?? 0)).toBeLessThan(RSS_GROWTH_MAX);
    return wrong;
  } finally {
    Error.stackTraceLimit = frames;
    for (const spy of printed) spy.mockRestore();
    process.off("unhandledRejection", onFault).off("uncaughtException", onFault);
    await agent.close();
    await bus.close();
    app.server.closeAllConnections();
    await background.close();
    await app.close();
    await upstream.close();
    await model.close();
    await redis.close();
    await server.stop();
  }
}

function judgeSocket(sent: string, text: string, secrets: readonly string[]): string | undefined {
  if (text === "" || sent.startsWith("HEAD")) return undefined;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  if (status === 100) return undefined;
  // A request that was answered before its end may be told once more that it was cut.
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? text.length);
  const start = text.indexOf("\r\n\r\n") + 4;
  const body = text.slice(start, start + length);
  const type = /content-type: ([^\r]*)/i.exec(text)?.[1] ?? "";
  return judgeAnswer("", { status, type, body: /transfer-encoding: chunked/i.test(text) ? "" : body }, secrets);
}

/** Prints how many requests each route got, how they were answered, and what was wrong. */
function report(
  seed: number,
  counts: ReadonlyMap<string, number>,
  statuses: ReadonlyMap<number, number>,
  failures: ReadonlyMap<string, number>,
  told: ReadonlyMap<string, number>,
  lines: readonly string[],
  before: Memory | undefined,
  after: Memory,
): void {
  const mib = (bytes: number) => Math.round(bytes / MIB);
  const routes = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const answers = [...statuses].toSorted(([a], [b]) => a - b);
  const text = [
    `fuzz: seed ${seed}`,
    ...routes.map(([name, count]) => `${String(count).padStart(7)} ${name}`),
    `statuses: ${answers.map(([status, count]) => `${status}: ${count}`).join(", ")}`,
    `since a third: heap ${mib(after.heap - (before?.heap ?? 0))} MiB more, RSS ${mib(after.rss - (before?.rss ?? 0))} MiB more`,
    ...[...failures].map(([failure, count]) => `${String(count).padStart(7)} ${failure}`),
    ...[...told].map(([what, count]) => `${count} times ${what}`),
    ...lines.map((line) => line.trimEnd()),
  ];
  process.stdout.write(`${text.join("\n")}\n`);
}

/** Sends a request over HTTP: for a library that asks more of its socket than `inject` has. */
async function sendReal(
  port: number,
  { method, url, headers, payload }: FuzzRequest,
  signal: AbortSignal,
): Promise<LightMyRequestResponse> {
  const answer = await fetch(`http://127.0.0.1:${port}${url}`, {
    method,
    headers,
    signal,
    ...(payload !== undefined && { body: payload }),
  });
  const body = await answer.text();
  return { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body } as LightMyRequestResponse;
}

interface Memory {
  readonly heap: number;
  readonly rss: number;
}

function memory(): Memory {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed: heap, rss } = process.memoryUsage();
  return { heap, rss };
}

function show({ method, url, headers, payload }: FuzzRequest): string {
  const { authorization: _, ...rest } = headers;
  return `${method} ${url.slice(0, 200)} ${JSON.stringify(rest).slice(0, 200)} ${String(payload ?? "").slice(0, 500)}`;
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
