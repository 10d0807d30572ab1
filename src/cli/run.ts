import { readFileSync } from "node:fs";
import { MarrowError } from "../errors.ts";
import { nearestName } from "../internal/nearest-name.ts";
import { usageOf, type Command, type Given } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { isUsage, readCommand, usageError } from "./read-command.ts";

/** Runs a command and returns the exit code. */
type Run = (given: Given) => Promise<number>;

/** Implementation of each command, loaded on demand: the gateway takes seconds to load, and `marrow key` does not need it. */
const RUNS: ReadonlyMap<string, () => Promise<Run>> = new Map<string, () => Promise<Run>>([
  ["serve", async () => (await import("./serve.ts")).runServe],
  ["dev", async () => (await import("./dev.ts")).runDev],
  ["worker", async () => (await import("./serve.ts")).runWorker],
  ["config", async () => (await import("./config.ts")).runConfig],
  ["cache", async () => (await import("./cache.ts")).runCache],
  ["key", async () => (await import("./key.ts")).runKey],
  ["queue", async () => (await import("./queue.ts")).runQueue],
  ["sessions", async () => (await import("./sessions.ts")).runSessions],
  ["topics", async () => (await import("./topics.ts")).runTopics],
  ["replay", async () => (await import("./replay.ts")).runReplay],
  ["doctor", async () => (await import("./doctor.ts")).runDoctor],
  ["health", async () => (await import("./health.ts")).runHealth],
  ["size", async () => (await import("./size.ts")).runSize],
  ["mcp", async () => (await import("./mcp.ts")).runMcp],
  ["prices", async () => (await import("./prices.ts")).runPrices],
  ["completion", async () => (await import("./completion.ts")).runCompletion],
]);

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;
const HELP: ReadonlySet<string> = new Set(["help", "--help", "-h"]);
const SUMMARY = "marrow: the in-memory data layer for AI agents, on Redis";

/** Runs a command line of `marrow`: prints the result or the error, and returns the exit code. */
export async function runMarrow([name = "help", ...args]: readonly string[]): Promise<number> {
  if (name === "--version" || name === "-v") return tellVersion(args);
  const command = COMMANDS.get(HELP.has(name) ? (args[0] ?? "") : name);
  if (command === undefined) return tellUnknown(name, args);
  const asks = HELP.has(name) || args.some((one) => one === "--help" || one === "-h");
  if (asks) {
    console.log(toHelp(HELP.has(name) ? (args[0] ?? "") : name, command));
    return 0;
  }
  try {
    const given = readCommand(name, command, args);
    const load = RUNS.get(name) as () => Promise<Run>;
    return await (
      await load()
    )(given);
  } catch (error) {
    tellError(error, name, args);
    return isUsage(error) ? EXIT_USAGE : EXIT_FAILED;
  }
}

function tellVersion(args: readonly string[]): number {
  const own = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(own) as { readonly version: string };
  console.log(args.includes("--json") ? JSON.stringify({ version, node: process.versions.node }) : version);
  return 0;
}

function tellUnknown(name: string, args: readonly string[]): number {
  const asked = HELP.has(name) && args.length === 0;
  const wrong = HELP.has(name) ? (args[0] ?? "") : name;
  if (!asked && args.includes("--json")) {
    tellError(noCommand(wrong), wrong, args);
    return EXIT_USAGE;
  }
  const nearest = asked ? undefined : nearestName(wrong, [...COMMANDS.keys()]);
  const lines = [...COMMANDS].map(([called, { says }]) => `  marrow ${called.padEnd(10)} ${says}`);
  const usage = [
    SUMMARY,
    "",
    ...lines,
    "",
    "marrow COMMAND --help shows details; --json prints the result as JSON.",
  ].join("\n");
  if (asked) console.log(usage);
  else
    console.error(
      `${usage}\n\nmarrow: ${noCommand(wrong).message}${nearest === undefined ? "" : `; did you mean ${nearest}?`}`,
    );
  return asked ? 0 : EXIT_USAGE;
}

function noCommand(wrong: string): MarrowError {
  return usageError(`there is no command ${JSON.stringify(wrong.slice(0, 60))}`, "command");
}

function toHelp(called: string, { says, acts }: Command): string {
  const lines = [...acts].flatMap(([word, act]) => [
    `  ${usageOf(called, word, act)}`,
    ...(word === "" ? [] : [`      ${act.says}`]),
  ]);
  return [`marrow ${called}: ${says}`, "", ...lines].join("\n");
}

/** Errors go where errors go; as JSON where answers are. */
function tellError(error: unknown, name: string, args: readonly string[]): void {
  const absent = absentPackage(error);
  if (absent !== undefined)
    return console.error(
      `marrow ${name}: the package ${absent} is not installed. The gateway needs packages that the library does not: npm install --include=optional`,
    );
  if (!MarrowError.is(error)) return console.error(error);
  const { code, message, details } = error;
  const path = details?.["path"];
  console.error(
    args.includes("--json")
      ? JSON.stringify({ error: { code, message, ...(typeof path === "string" && { param: path }) } })
      : `marrow ${name}: ${message} (${code})`,
  );
}

/** The package that an import did not find: one that `--omit=optional` left out. */
function absentPackage(error: unknown): string | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === "ERR_MODULE_NOT_FOUND" ? /^Cannot find package '([^']+)'/.exec(String(message))?.[1] : undefined;
}
