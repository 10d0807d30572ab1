/**
 * What the dashboard costs. First the time on the server of every GET route under /v1/admin, in an installation that is as full as it may be: CPU of
 * this process (the gateway) and of Redis for the first request and for ten more, which go on from page to page where there are pages. Then what
 * open pages cost a gateway that answers misses (`--rounds 0`: not): see bench/support/open-pages.ts.
 *
 *   npm run bench:dashboard [-- --many 100000 --rounds 16 --seconds 3 --rate 200]
 */
import { parseArgs } from "node:util";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { createApiKeys, openGateway } from "marrow/gateway";
import { demoModel } from "marrow/models";
import { fillInstallation, type Filled } from "./support/installation.ts";
import { measurePages } from "./support/open-pages.ts";
import { cpuUsOf } from "./support/process.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, round } from "./support/statistics.ts";

const { values } = parseArgs({
  options: {
    many: { type: "string", default: "20000" },
    rounds: { type: "string", default: "16" },
    seconds: { type: "string", default: "3" },
    rate: { type: "string", default: "200" },
  },
});
const MANY = Number(values.many);
const TIMES = 10;
const SERVER_MS_MAX = 300;

const server = await startBenchRedis();
const redis = await connect(server.url, { app: "bench" });
const { app, routes } = openGateway({
  redis,
  models: [demoModel()],
  embedder: staticEmbedder(),
  config: {
    logLevel: "silent",
    cache: { semantic: false },
    dashboard: { content: "visible" },
    limits: { scopeBytes: 2 ** 40 },
  },
});
await app.ready();
const key = await createApiKeys(redis).create({ scope: "acme", user: "root", name: "admin", role: "admin" });
const user = await createApiKeys(redis).create({ scope: "acme", user: "ann", name: "user" });

/** Asks the gateway as a user of the scope; under /v1/admin as its admin. A text is sent as a file. */
async function call(method: "GET" | "POST", path: string, body?: unknown): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${path.startsWith("/v1/admin") ? key : user}`,
  };
  let payload: string | undefined;
  if (typeof body === "string") {
    headers["content-type"] = "multipart/form-data; boundary=b";
    const part = (name: string, text: string) =>
      `--b\r\ncontent-disposition: form-data; name=${name}\r\n\r\n${text}\r\n`;
    payload = `${part("purpose", "batch")}${part('file; filename="in.jsonl"', body)}--b--\r\n`;
  } else if (body !== undefined) {
    headers["content-type"] = "application/json";
    payload = JSON.stringify(body);
  }
  const answer = await app.inject({ method, url: path, headers, ...(payload !== undefined && { payload }) });
  if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${answer.body}`);
  return answer.json<Record<string, unknown>>();
}

const startedMs = performance.now();
const filled = await fillInstallation(redis, call, MANY);
console.log(`filled with ${MANY} of each in ${Math.round((performance.now() - startedMs) / 1_000)} s`);

/** The paths by which each route is asked, below /v1/admin. A route that is not here ends the bench. */
function pathsOf({ job, endpoint, store, tree, entry, trace }: Filled & { readonly trace: string }) {
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const days = `from=${day(29)}&to=${day(0)}`;
  return new Map<string, readonly string[]>([
    ["/keys", ["/keys?limit=1000", "/keys?scope=acme&limit=1000"]],
    ["/plans", ["/plans"]],
    ["/users/:id", ["/users/ann"]],
    ["/upstreams", ["/upstreams"]],
    ["/spend", [`/spend?by=user&${days}`, `/spend?by=model&${days}`]],
    ["/savings", [`/savings?by=user&${days}`, `/savings?${days}`]],
    ["/session", ["/session"]],
    ["/overview", ["/overview"]],
    ["/cache", ["/cache"]],
    ["/cache/entries", ["/cache/entries?user=ann&limit=100", "/cache/entries?user=ann&words=nowhere"]],
    ["/cache/entries/:id", [`/cache/entries/${entry}`]],
    ["/queues", ["/queues"]],
    [
      "/queues/:queue/jobs",
      [
        ...["waiting", "delayed", "dead"].map((state) => `/queues/tasks/jobs?state=${state}&limit=100`),
        "/queues/tasks/jobs?state=delayed&limit=100&scope=other",
        "/queues/gateway/jobs?limit=100",
      ],
    ],
    ["/queues/:queue/jobs/:id", [`/queues/tasks/jobs/${job}`]],
    ["/queues/:queue/jobs/:id/deliveries", [`/queues/tasks/jobs/${job}/deliveries`]],
    ["/queues/:queue/endpoints", ["/queues/tasks/endpoints"]],
    ["/queues/:queue/endpoints/:id/deliveries", [`/queues/tasks/endpoints/${endpoint}/deliveries?limit=200`]],
    ["/queues/:queue/schedules", ["/queues/tasks/schedules?limit=100"]],
    ["/batches", ["/batches?limit=100"]],
    ["/users", ["/users?limit=50"]],
    ["/users/:id/sessions", ["/users/ann/sessions?limit=100"]],
    ["/users/:id/sessions/:session", ["/users/ann/sessions/long?limit=100"]],
    ["/users/:id/sessions/:session/context", ["/users/ann/sessions/long/context"]],
    ["/users/:id/facts", ["/users/ann/facts?all=true"]],
    ["/agents", ["/agents?limit=100"]],
    ["/trees", ["/trees"]],
    ["/trees/:id", [`/trees/${tree}`]],
    ["/topics", ["/topics?limit=100"]],
    ["/topics/:topic", ["/topics/topic-0"]],
    ["/topics/:topic/groups/:group/dead", ["/topics/topic-0/groups/group-0/dead?limit=100"]],
    ["/traces", ["/traces?limit=100", "/traces?near=true&limit=10"]],
    ["/traces/:id", [`/traces/${trace}`]],
    ["/vectors", ["/vectors"]],
    ["/vectors/collections", ["/vectors/collections?limit=100"]],
    ["/vectors/migrations", ["/vectors/migrations?limit=100"]],
    ["/vectors/stores", ["/vectors/stores?limit=100"]],
    ["/vectors/stores/:store", [`/vectors/stores/${store}`]],
    ["/vectors/stores/:store/files", [`/vectors/stores/${store}/files?limit=100`]],
    ["/health", ["/health"]],
    ["/audit", ["/audit?limit=100"]],
  ]);
}

/** CPU of the gateway and of Redis so far, in milliseconds. */
const serverMs = () => {
  const { user: own, system } = process.cpuUsage();
  return (own + system + cpuUsOf(server.pid() ?? 0)) / 1_000;
};

/** Requests that were not answered: a machine that is too busy. */
const failures: string[] = [];

/** Asks a path again and again, from page to page. */
async function timesOf(path: string): Promise<readonly number[]> {
  const times: number[] = [];
  let next: string | undefined;
  for (let nth = 0; nth <= TIMES; nth += 1) {
    const more =
      next === undefined
        ? ""
        : `${path.includes("?") ? "&" : "?"}${path.includes("/sessions/long") ? "before" : "after"}=${encodeURIComponent(next)}`;
    const beganMs = serverMs();
    try {
      ({ next } = (await call("GET", `/v1/admin${path}${more}`)) as { next?: string });
    } catch (error) {
      failures.push((error as Error).message.slice(0, 200));
    }
    times.push(serverMs() - beganMs);
  }
  return times;
}

const traces = (await call("GET", "/v1/admin/traces?limit=1"))["data"] as readonly { readonly id: string }[];
const paths = pathsOf({ ...filled, trace: traces[0]?.id ?? "" });
// The first list after the things were put in by hand makes their order, once.
for (const once of ["/keys", "/queues/tasks/schedules", "/vectors/collections", "/vectors/migrations"])
  await call("GET", `/v1/admin${once}`);
const slowest = { path: "", ms: 0 };
const first = { path: "", ms: 0 };
for (const { method, url } of routes()) {
  if (method !== "GET" || !url.startsWith("/v1/admin/") || url === "/v1/admin/live") continue;
  const known = paths.get(url.slice("/v1/admin".length));
  if (known === undefined) throw new Error(`${url} is not measured`);
  for (const path of known) {
    const [cold = 0, ...times] = await timesOf(path);
    const most = Math.max(...times);
    const over = Math.max(cold, most) > SERVER_MS_MAX ? "   OVER" : "";
    const told = path.replace(/[\w-]{20,}/g, "…");
    console.log(
      `${told.padEnd(64)} first ${cold.toFixed(1).padStart(7)}   median ${median(times).toFixed(1).padStart(6)}   slowest ${most.toFixed(1).padStart(6)} ms${over}`,
    );
    if (most > slowest.ms) Object.assign(slowest, { path: told, ms: most });
    if (cold > first.ms) Object.assign(first, { path: told, ms: cold });
  }
}
for (const failure of failures) console.log(failure);
await app.close();
await redis.close();
const [rounds, seconds, rate] = [Number(values.rounds), Number(values.seconds), Number(values.rate)];
const pages = rounds === 0 ? {} : await measurePages(server, { rounds, seconds, rate });
console.log(
  JSON.stringify({
    bench: "dashboard",
    many: MANY,
    failures: failures.length,
    firstServerMs: round(first.ms),
    firstServerPath: first.path,
    slowestServerMs: round(slowest.ms),
    slowestServerPath: slowest.path,
    ...pages,
  }),
);
await server.stop();
process.exit(0);
