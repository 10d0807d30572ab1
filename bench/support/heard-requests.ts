import { Pool } from "undici";
import { startProgram, type Program } from "./process.ts";
import { median, quantile, round } from "./statistics.ts";

/** Who listens, by lane. The first lane stands twice: what tells the two apart is no cost of signals. */
const LANES = [
  ["nobody", "nobody"],
  ["nobody again", "nobody"],
  ["metrics", "metrics"],
  ["bare spans", "bare"],
  ["traces", "traces"],
  ["traces, sampled out", "sampled out"],
] as const;
type Lane = (typeof LANES)[number][0];
const KINDS = ["exact", "miss"] as const;
const IN_FLIGHT = 64;
const CPU_SETTLES_MS = 20;
/** Share of a lane's rounds that the rest of the machine disturbed least. */
const UNDISTURBED = 0.1;

/** What whole requests are measured with. */
export interface RequestBench {
  readonly redisUrl: string;
  readonly upstreamUrl: string;
  /** Gateways. Each has its own luck with the compiler and the heap, which all lanes share. */
  readonly processes: number;
  readonly rounds: number;
  /** Requests of a lane in a round, and of a process before the first one. */
  readonly requests: number;
  readonly warm: number;
}

/** CPU of a request in one process, in microseconds: a figure for each round, by lane. */
type Costs = ReadonlyMap<Lane, number[]>;

/**
 * CPU of a whole request, by who listens. Each process switches between the lanes in short rounds, so that a lane is compared with another in the same
 * process at nearly the same time. Prints a line for each kind and lane: the median; the median and quartiles of its ratio to the first lane in the same
 * round; and the ratio of their least disturbed rounds. Answers these ratios by kind and lane.
 */
export async function compareRequests(bench: RequestBench): Promise<Record<string, number>> {
  const gateways = await Promise.all(
    Array.from({ length: bench.processes }, async (_, at) => {
      const env = { UPSTREAM: bench.upstreamUrl, REDIS: bench.redisUrl, APP: `lane${at}` };
      const program = await startProgram("bench/support/heard-gateway.ts", env, ["--expose-gc"]);
      return { program, ask: asker(program) };
    }),
  );
  const ratios: Record<string, number> = {};
  for (const kind of KINDS) {
    for (const { program, ask } of gateways) {
      await ask(kind, 1);
      await program.tell("record");
      await ask(kind, 1);
      for (const [, listens] of LANES) {
        await program.tell(listens);
        await ask(kind, Math.ceil(bench.warm / LANES.length));
      }
    }
    const costs = gateways.map((): Costs => new Map(LANES.map(([name]) => [name, []])));
    for (let turn = 0; turn < bench.rounds; turn += 1) {
      const order = LANES.map((_, at) => LANES[(at + turn) % LANES.length] as (typeof LANES)[number]);
      for (const [name, listens] of turn % 2 === 0 ? order : order.toReversed())
        for (const [at, { program, ask }] of gateways.entries()) {
          await program.tell(listens);
          await ask(kind, IN_FLIGHT);
          const before = program.cpuUs();
          await ask(kind, bench.requests);
          costs[at]?.get(name)?.push((program.cpuUs() - before) / bench.requests);
        }
    }
    for (const [name] of LANES) {
      const { us, ratio, least } = compare(name, costs);
      const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratio, share).toFixed(3));
      console.log(
        `${kind}, ${name}: ${round(us)} us, ${middle} times nobody [${low}, ${high}], undisturbed ${least.toFixed(3)} times`,
      );
      if (name === "nobody") continue;
      ratios[camelCase(`${kind} ${name}`)] = Number(middle);
      ratios[camelCase(`${kind} ${name} undisturbed`)] = Number(least.toFixed(3));
    }
  }
  for (const { program } of gateways) program.stop();
  return ratios;
}

/** A lane beside the first one, over all processes. */
function compare(name: Lane, costs: readonly Costs[]): { us: number; ratio: number[]; least: number } {
  const of = (lane: Lane) => costs.map((cost) => cost.get(lane) ?? []);
  const [mine, first] = [of(name), of("nobody")];
  const least = (all: readonly number[]) => quantile(all, UNDISTURBED);
  return {
    us: median(mine.flat()),
    ratio: mine.flatMap((all, at) => all.map((cost, turn) => cost / (first[at]?.[turn] ?? Number.NaN))),
    least: median(mine.map((all, at) => least(all) / least(first[at] ?? []))),
  };
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
