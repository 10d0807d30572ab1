#!/usr/bin/env node
import { MarrowError } from "../errors.ts";
import { nearestName } from "../gateway/index.ts";
import { runCache } from "./cache.ts";
import { runConfig } from "./config.ts";
import { runDoctor } from "./doctor.ts";
import { runKey } from "./key.ts";
import { runMcp } from "./mcp.ts";
import { runServe, runWorker } from "./serve.ts";

/** A command: takes its arguments, answers the exit code. */
type CommandLine = (args: readonly string[]) => Promise<number>;

const COMMANDS: ReadonlyMap<string, readonly [run: CommandLine, summary: string]> = new Map<
  string,
  readonly [run: CommandLine, summary: string]
>(
  Object.entries({
    serve: [runServe, "run the gateway (and, without MARROW_REDIS_URL, a private Redis for development)"],
    worker: [runWorker, "do the gateway's work in the background, without a port: responses, batches, webhooks"],
    config: [runConfig, "print the configuration that is in force, defaults included"],
    cache: [runCache, "cache evaluate | tune | fit --pairs FILE.jsonl: what the cache makes of labelled pairs"],
    mcp: [runMcp, "mcp [--scope NAME] [--user NAME]: one user's memory for agents, over standard input and output"],
    doctor: [runDoctor, "say what the Redis is, what it can do, and what should be mended"],
    key: [runKey, "key create [--scope NAME] [--user NAME] [--name TEXT] | key revoke KEY"],
  }),
);

const USAGE = [
  "marrow: the in-memory data layer for AI agents, on Redis",
  "",
  ...[...COMMANDS].map(([name, [, summary]]) => `  marrow ${name.padEnd(8)} ${summary}`),
].join("\n");

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;

const [name = "help", ...args] = process.argv.slice(2);
const command = COMMANDS.get(name);
if (command === undefined) {
  const asked = ["help", "--help", "-h"].includes(name);
  const nearest = nearestName(name, [...COMMANDS.keys()]);
  console.log(
    asked || nearest === undefined ? USAGE : `${USAGE}\n\nThere is no command ${name}; did you mean ${nearest}?`,
  );
  process.exitCode = asked ? 0 : EXIT_USAGE;
} else {
  try {
    process.exitCode = await command[0](args);
  } catch (error) {
    console.error(MarrowError.is(error) ? `marrow ${name}: ${error.message} (${error.code})` : error);
    process.exitCode = EXIT_FAILED;
  }
}
