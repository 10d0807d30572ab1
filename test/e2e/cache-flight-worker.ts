/** One of the processes of cache-flight.fault.live.test.ts: asks 200 times at once, in several words, and prints what happens. */
import { setTimeout as sleep } from "node:timers/promises";
import { createCache } from "../../src/cache/index.ts";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { connect } from "../../src/index.ts";

const [url = "", app = "", how = "", speed = ""] = process.argv.slice(2);
const PROMPTS = ["What is the capital of France?", "Tell me the capital of France."];
const WORDS = "The capital of France is Paris , on the Seine .".split(" ");

const redis = await connect(url, { app });
const cache = createCache<string>(redis.scope("acme"), {
  name: "flight",
  embedder: staticEmbedder(),
  preset: "balanced",
  timeoutMs: 5_000,
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function answer(): Promise<string> {
  say("asked");
  await sleep(speed === "hangs" ? 60_000 : 700);
  return WORDS.join(" ");
}

async function* words(): AsyncGenerator<string> {
  say("asked");
  for (const [at, word] of WORDS.entries()) {
    await sleep(speed === "hangs" && at === 5 ? 60_000 : 150);
    yield word;
  }
}

async function ask(prompt: string): Promise<void> {
  if (how === "whole") return say(`got ${(await cache.through({ prompt }, answer)).value}`);
  const { parts } = await cache.stream({ prompt }, words, {
    toValue: (all) => all.join(" "),
    toParts: (value) => value.split(" "),
  });
  const got: string[] = [];
  let heardAt: number | undefined;
  for await (const part of parts) {
    heardAt ??= performance.now();
    got.push(part);
  }
  say(`got ${got.join(" ")}`);
  if (heardAt !== undefined && performance.now() - heardAt > 300) say("as it came");
}

await Promise.all(Array.from({ length: 200 }, (_, at) => ask(PROMPTS[at % PROMPTS.length] as string)));
await redis.close();
