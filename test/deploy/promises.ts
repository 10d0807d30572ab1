import { globSync, readFileSync } from "node:fs";
import { COMMANDS } from "../../src/cli/commands.ts";

/** The commands that `marrow` has. */
export function cliCommands(): string[] {
  return [...COMMANDS.keys()];
}

/** Tells whether Marrow reads an environment variable: one of its own, or that with `_FILE`. */
export function environmentNames(): (name: string) => boolean {
  const files = [
    "src/gateway/config/environment.ts",
    ...globSync("src/cli/*.ts").filter((file) => !file.includes(".test.")),
  ];
  const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
  const names = new Set([...text.matchAll(/\bMARROW_[A-Z_]*[A-Z]\b/g)].map(([name]) => name));
  return (name) => names.has(name) || names.has(name.replace(/_FILE$/, ""));
}

/** Names of the metrics that the gateway has, as its sources declare them. */
export function metricNames(): string[] {
  const text = ["http/metrics", "http/signal-metrics", "tenancy/spend-metrics"].map((file) =>
    readFileSync(`src/gateway/${file}.ts`, "utf8"),
  );
  return [...text.join("\n").matchAll(/name: "(marrow_\w+)"/g)].map(([, name = ""]) => name);
}
