#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { MarrowError } from "../errors.ts";
import { nearestName } from "../internal/nearest-name.ts";

/** A command: takes its arguments, answers the exit code. */
type CommandLine = (args: readonly string[]) => Promise<number>;

/** A command and what it is for. It is loaded when it is called: the gateway takes seconds, `marrow key` needs none of it. */
type Entry = readonly [load: () => Promise<CommandLine>, summary: string];

const COMMANDS: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  [
    "serve",
    [
      async () => (await import("./serve.ts")).runServe,
      "run the gateway (and, without MARROW_REDIS_URL, a private Redis for development)",
    ],
  ],
  [
    "worker",
    [
      async () => (await import("./serve.ts")).runWorker,
      "do the gateway's work in the background, without a port: responses, batches, webhooks",
    ],
  ],
  [
    "config",
    [
      async () => (await import("./config.ts")).runConfig,
      "print the configuration that is in force, defaults included",
    ],
  ],
  [
    "cache",
    [
      async () => (await import("./cache.ts")).runCache,
      "cache evaluate | tune | fit --pairs FILE.jsonl: what the cache makes of labelled pairs",
    ],
  ],
  [
    "mcp",
    [
      async () => (await import("./mcp.ts")).runMcp,
      "mcp [--scope NAME] [--user NAME]: one user's memory for agents, over standard input and output",
    ],
  ],
  [
    "doctor",
    [
      async () => (await import("./doctor.ts")).runDoctor,
      "say what the Redis is, what it can do, and what should be mended",
    ],
  ],
  [
    "health",
    [
      async () => (await import("./health.ts")).runHealth,
      "health [--ready] [--url URL]: exit code 0 if a gateway runs, or is ready; for health checks",
    ],
  ],
  [
    "size",
    [
      async () => (await import("./size.ts")).runSize,
      "size --entries N … | --from-redis: how much memory a Redis needs for a load, or has given to each role",
    ],
  ],
  [
    "prices",
    [
      async () => (await import("./prices.ts")).runPrices,
      "prices update --from FILE: makes the table of prices out of LiteLLM's public file",
    ],
  ],
  [
    "key",
    [
      async () => (await import("./key.ts")).runKey,
      "key create [--scope NAME] [--user NAME] [--name TEXT] | key revoke KEY",
    ],
  ],
]);

const USAGE = [
  "marrow: the in-memory data layer for AI agents, on Redis",
  "",
  ...[...COMMANDS].map(([name, [, summary]]) => `  marrow ${name.padEnd(8)} ${summary}`),
].join("\n");

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;

const [name = "help", ...args] = process.argv.slice(2);
const command = COMMANDS.get(name);
if (name === "--version" || name === "-v") {
  const own = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  console.log((JSON.parse(own) as { readonly version: string }).version);
} else if (command === undefined) {
  const asked = ["help", "--help", "-h"].includes(name);
  const nearest = nearestName(name, [...COMMANDS.keys()]);
  console.log(
    asked || nearest === undefined ? USAGE : `${USAGE}\n\nThere is no command ${name}; did you mean ${nearest}?`,
  );
  process.exitCode = asked ? 0 : EXIT_USAGE;
} else {
  try {
    const run = await command[0]();
    process.exitCode = await run(args);
  } catch (error) {
    console.error(MarrowError.is(error) ? `marrow ${name}: ${error.message} (${error.code})` : error);
    process.exitCode = EXIT_FAILED;
  }
}
