import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

const IMPORTS = `
  import { Redis } from "ioredis";
  import { createCache, isPersonal, isTimeBound, loadProofs, prove, readPrompt, toFingerprint } from "./src/cache/index.ts";
  import { fromIoredis } from "./src/index.ts";
  import { staticEmbedder } from "./src/embedders/index.ts";
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  const timeOf = (work) => {
    const sinceMs = cpuMs();
    work();
    return cpuMs() - sinceMs;
  };
  const lookUp = () => {
    const [one, other] = ["Who wrote the ballads of the northern harbour?", "Which author wrote the northern harbour's ballads?"];
    for (const prompt of [one, other]) [toFingerprint(prompt), isPersonal(prompt), readPrompt(prompt).readable()];
    prove(readPrompt(one), readPrompt(other), "strict");
  };
`;

/** The CPU time of a new process of loading the proofs at once, and of the first lookups behind it, in milliseconds. */
const AT_ONCE = `${IMPORTS}
  console.log(JSON.stringify({ loadMs: timeOf(loadProofs), firstMs: timeOf(lookUp) }));
`;

/** The CPU time of a new process of making a cache, of the longest turn while it waits for work, and of the first lookups then. */
const IN_TURNS = `${IMPORTS}
  const embedder = process.env.EMBEDS === "yes" ? staticEmbedder() : undefined;
  const redis = fromIoredis(new Redis({ lazyConnect: true })).scope("s");
  let [startedMs, longestMs, turns] = [cpuMs(), 0, 0];
  const madeMs = timeOf(() => createCache(redis, { name: "c", embedder }));
  startedMs = cpuMs();
  const timer = setInterval(() => {
    const nowMs = cpuMs();
    longestMs = Math.max(longestMs, nowMs - startedMs);
    startedMs = nowMs;
    turns += 1;
    if (turns < 500) return;
    clearInterval(timer);
    console.log(JSON.stringify({ madeMs, longestMs, firstMs: timeOf(lookUp) }));
  }, 1);
`;

/** Runs a program in a process of its own. */
function run(program: string, env: Readonly<Record<string, string>> = {}): unknown {
  const args = ["--conditions=@marrow/source", "--input-type=module-typescript", "--eval", program];
  const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", stdio, env: { ...process.env, ...env } }));
}

const atOnce = () => run(AT_ONCE) as { readonly loadMs: number; readonly firstMs: number };

/** The CPU time of a new process of the first answer that a cache without an embedder stores, by whether it had time before. */
const STORED = `${IMPORTS}
  const redis = fromIoredis(new Redis({ lazyConnect: true })).scope("s");
  createCache(redis, { name: "c" });
  const ask = () => [isPersonal, isTimeBound].map((is) => is("who said what about the newest price of gold, anna or the mayor, and is the weather here?"));
  setTimeout(() => console.log(JSON.stringify({ firstMs: timeOf(ask) })), process.env.WAITS === "yes" ? 1_500 : 0);
`;

/** A busy machine may spoil one measurement: the least of some counts. */
const leastOf = (measure: () => number) => Math.min(...Array.from({ length: 3 }, measure));

it(
  "the first lookups of a process find word lists that are loaded, and code that is compiled",
  { timeout: 60_000 },
  () => {
    const share = () => {
      const { loadMs, firstMs } = atOnce();
      return firstMs / loadMs;
    };
    expect(leastOf(share)).toBeLessThan(0.1);
  },
);

it(
  "a cache with an embedder loads them in turns of the event loop, and one without it no word lists",
  { timeout: 120_000 },
  () => {
    interface Times {
      readonly madeMs: number;
      readonly longestMs: number;
      readonly firstMs: number;
    }
    const inTurns = (embeds: "yes" | "no") => run(IN_TURNS, { EMBEDS: embeds }) as Times;
    const cold = inTurns("no");
    const warm = Array.from({ length: 3 }, () => inTurns("yes"));
    const atOnceMs = leastOf(() => atOnce().loadMs);
    const least = (of: keyof Times) => Math.min(...warm.map((times) => times[of]));
    expect(least("firstMs")).toBeLessThan(0.2 * cold.firstMs);
    expect(least("madeMs")).toBeLessThan(0.1 * atOnceMs);
    expect(least("longestMs")).toBeLessThan(0.6 * atOnceMs);
    expect(cold.longestMs).toBeLessThan(0.4 * atOnceMs);
  },
);

it("the first answer that a cache without an embedder stores finds expressions compiled", { timeout: 60_000 }, () => {
  const first = (waits: "yes" | "no") => leastOf(() => (run(STORED, { WAITS: waits }) as { firstMs: number }).firstMs);
  expect(first("yes")).toBeLessThan(0.4 * first("no"));
});
