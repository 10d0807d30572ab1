/**
 * What open pages of the dashboard cost a gateway that answers misses: CPU of its process for a request, while so many people look at a page, beside
 * the same with nobody there. Requests go at a steady rate, as pages ask by the clock; rounds with and without pages take turns, and each is compared
 * with the bare ones before and after it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "marrow";
import { createApiKeys } from "marrow/gateway";
import { Pool } from "undici";
import type { ManagedServer } from "../../src/redis/managed/index.ts";
import { startProgram } from "./process.ts";
import { median, quantile, round } from "./statistics.ts";

/** Pages that are open in a round: nobody, somebody at the overview, three people at the pages that ask most. */
const LANES = [[], ["overview"], ["overview", "queue", "traces"]] as const;
type Page = (typeof LANES)[number][number];

/** What a page asks, as its source under src/dashboard/pages says: a stream, and routes by how often (ms). */
const ASKS: Readonly<
  Record<Page, { readonly live?: string; readonly polls: readonly (readonly [path: string, everyMs: number])[] }>
> = {
  overview: { live: "overview", polls: [["/savings?scope=bench", 10_000]] },
  queue: {
    live: "queues",
    polls: [
      ["/queues/gateway/jobs?scope=bench&state=waiting", 3_000],
      ["/batches?scope=bench", 3_000],
    ],
  },
  traces: { polls: [["/traces?scope=bench", 3_000]] },
};
const IN_FLIGHT = 8;

/** Opens a page; answers what closes it. */
function openPage(origin: string, key: string, page: Page): () => Promise<void> {
  const pool = new Pool(origin, { connections: 2 });
  const gone = new AbortController();
  const headers = { authorization: `Bearer ${key}` };
  const ask = async (path: string) => {
    const { body } = await pool.request({ method: "GET", path: `/v1/admin${path}`, headers, signal: gone.signal });
    for await (const _ of body);
  };
  const { live, polls } = ASKS[page];
  const loops = [...polls, ...(live === undefined ? [] : [[`/live?of=${live}&scope=bench`, 500] as const])].map(
    async ([path, everyMs]) => {
      while (!gone.signal.aborted) {
        await ask(path);
        await pause(everyMs, undefined, { signal: gone.signal });
      }
    },
  );
  return async () => {
    gone.abort();
    await Promise.allSettled(loops);
    await pool.destroy();
  };
}

/** Measures in rounds of `seconds` at `rate` requests a second; figures for the line of JSON. */
export async function measurePages(
  server: ManagedServer,
  { rounds, seconds, rate }: { readonly rounds: number; readonly seconds: number; readonly rate: number },
): Promise<Record<string, number>> {
  const upstream = await startProgram("bench/support/upstream.ts", {});
  const environment = { UPSTREAM: `http://127.0.0.1:${upstream.words[0]}`, REDIS: server.url, APP: "pages" };
  const gateway = await startProgram("bench/support/marrow-gateway.ts", environment);
  const redis = await connect(server.url, { app: "pages" });
  const admin = await createApiKeys(redis).create({ scope: "bench", user: "root", name: "admin", role: "admin" });
  const origin = `http://127.0.0.1:${gateway.words[0]}`;
  const pool = new Pool(origin, { connections: IN_FLIGHT });
  const headers = { authorization: `Bearer ${gateway.words[1]}`, "content-type": "application/json" };
  let serial = 0;
  /** Answers that were no miss: a busy machine lets a lookup pass by. */
  let others = 0;

  async function ask(): Promise<void> {
    const content = `Why does engine number ${(serial += 1)} make that noise?`;
    const body = JSON.stringify({ model: "bench", messages: [{ role: "user", content }] });
    const answer = await pool.request({ method: "POST", path: "/v1/chat/completions", headers, body });
    await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`the gateway answered ${answer.statusCode}`);
    if (answer.headers["x-marrow-cache"] !== "miss") others += 1;
  }

  /** CPU of the gateway for one request, in microseconds. */
  async function costOf(pages: readonly Page[]): Promise<number> {
    const closes = pages.map((page) => openPage(origin, admin, page));
    // What opening a page asks is no part of a page that is open.
    await pause(500);
    const beganUs = gateway.cpuUs();
    const startMs = performance.now();
    const count = seconds * rate;
    let nth = 0;
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        while (nth < count) {
          const dueMs = startMs + ((nth += 1) * 1_000) / rate;
          await pause(Math.max(0, dueMs - performance.now()));
          await ask();
        }
      }),
    );
    const cost = (gateway.cpuUs() - beganUs) / count;
    await Promise.all(closes.map((close) => close()));
    return cost;
  }

  for (let warm = 0; warm < 1_000; warm += IN_FLIGHT) await Promise.all(Array.from({ length: IN_FLIGHT }, ask));
  const ratios = LANES.map((): number[] => []);
  for (let turn = 0; turn < rounds; turn += 1) {
    const before = await costOf([]);
    const order = turn % 2 === 0 ? [1, 2] : [2, 1];
    const costs: number[] = [];
    for (const lane of order) costs[lane] = await costOf(LANES[lane] as readonly Page[]);
    const bare = (before + (await costOf([]))) / 2;
    ratios[0]?.push(bare);
    for (const lane of order) ratios[lane]?.push((costs[lane] as number) / bare);
    console.log(
      `round ${turn + 1}: ${round(bare)} us; ${[1, 2].map((lane) => round((costs[lane] as number) / bare)).join(", ")} times`,
    );
  }
  if (others > serial / 20) throw new Error(`${others} of ${serial} answers were no miss`);
  console.log(`a miss without pages: ${round(median(ratios[0] as number[]))} us of CPU, ${rate} requests a second`);
  for (const lane of [1, 2]) {
    const all = ratios[lane] as number[];
    console.log(
      `${(LANES[lane] as readonly Page[]).join(", ")}: ${median(all).toFixed(3)} times [${quantile(all, 0.25).toFixed(3)}, ${quantile(all, 0.75).toFixed(3)}]`,
    );
  }
  await pool.destroy();
  await redis.close();
  for (const program of [gateway, upstream]) program.stop();
  return {
    missCpuWithPage: round(median(ratios[1] as number[])),
    missCpuWithThreePages: round(median(ratios[2] as number[])),
    missCpuUs: round(median(ratios[0] as number[])),
    missRate: rate,
    rounds,
  };
}
