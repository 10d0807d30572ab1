import { Pool } from "undici";
import { startProgram, type Program } from "./process.ts";
import { median, quantile, round } from "./statistics.ts";

/** Who listens, by lane. The first lane stands twice: what tells its two processes apart is no cost of signals. */
const LANES = [
  ["nobody", "nobody"],
  ["nobody again", "nobody"],
  ["metrics", "metrics"],
  ["traces", "traces"],
  ["traces, sampled out", "sampled out"],
] as const;
const KINDS = ["exact", "miss"] as const;
const IN_FLIGHT = 64;
const CPU_SETTLES_MS = 20;

/** What whole requests are measured with. */
export interface RequestBench {
  readonly redisUrl: string;
  readonly upstreamUrl: string;
  readonly rounds: number;
  /** Requests of a lane in a round, and before the first one. */
  readonly requests: number;
  readonly warm: number;
}

/**
 * CPU of a whole request, by who listens: each lane is a gateway process of its own, and takes its turn in short rounds. Prints a line for each kind and
 * lane: the median, and the median and quartiles of its ratio to the first lane in the same round. Answers the ratios by kind and lane.
 */
export async function compareRequests(bench: RequestBench): Promise<Record<string, number>> {
  const lanes = await Promise.all(
    LANES.map(async ([name, listens], at) => {
      const env = { UPSTREAM: bench.upstreamUrl, REDIS: bench.redisUrl, APP: `lane${at}`, LISTENS: listens };
      const program = await startProgram("bench/support/heard-gateway.ts", env);
      return { name, program, ask: asker(program) };
    }),
  );
  const ratios: Record<string, number> = {};
  for (const kind of KINDS) {
    for (const { ask } of lanes) await ask(kind, bench.warm);
    const costs = new Map(LANES.map(([name]) => [name, [] as number[]]));
    for (let turn = 0; turn < bench.rounds; turn += 1) {
      const order = lanes.map((_, at) => lanes[(at + turn) % lanes.length] as (typeof lanes)[number]);
      for (const { name, program, ask } of turn % 2 === 0 ? order : order.toReversed()) {
        const before = program.cpuUs();
        await ask(kind, bench.requests);
        costs.get(name)?.push((program.cpuUs() - before) / bench.requests);
      }
    }
    const first = costs.get("nobody") ?? [];
    for (const { name } of lanes) {
      const mine = costs.get(name) ?? [];
      const all = mine.map((cost, at) => cost / (first[at] ?? Number.NaN));
      const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(all, share).toFixed(3));
      console.log(`${kind}, ${name}: ${round(median(mine))} us, ${middle} times nobody [${low}, ${high}]`);
      if (name !== "nobody") ratios[camelCase(`${kind} ${name}`)] = Number(middle);
    }
  }
  for (const { program } of lanes) program.stop();
  return ratios;
}

/** A name of a figure: "exactNobodyAgain". */
export function camelCase(words: string): string {
  return words.replaceAll(/[ ,]+(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Sends requests of a kind to a program, so many at once, and waits until what they left behind is done. */
function asker({ words }: Program): (kind: (typeof KINDS)[number], count: number) => Promise<void> {
  const pool = new Pool(`http://127.0.0.1:${words[0]}`, { connections: IN_FLIGHT });
  let serial = 0;
  async function askOne(kind: (typeof KINDS)[number]): Promise<void> {
    serial += 1;
    const content =
      kind === "exact" ? "What is the capital of Peru?" : `Why does the thing ${serial} make noise number ${serial}?`;
    const { statusCode, body } = await pool.request({
      path: "/v1/chat/completions",
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${words[1]}` },
      body: JSON.stringify({ model: "bench", messages: [{ role: "user", content }] }),
    });
    await body.dump();
    if (statusCode !== 200) throw new Error(`a gateway answered ${statusCode}`);
  }
  return async (kind, count) => {
    let left = count;
    const caller = async () => {
      while (left > 0) {
        left -= 1;
        await askOne(kind);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
    await new Promise((resolve) => void setTimeout(resolve, CPU_SETTLES_MS));
  };
}
