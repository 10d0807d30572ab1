import { isHeard, type RedisCommandSignal } from "../internal/signals.ts";
import type { Command } from "./connection.ts";

/** Names of the scripts that ran while somebody listened, by their digest: as many as there are scripts. */
const names = new Map<string, string>();

/** Registers a script's name for the signals of its runs. */
export function nameScript({ sha1, name }: { readonly sha1: string; readonly name: string }): void {
  if (isHeard("redis:command") && !names.has(sha1)) names.set(sha1, name);
}

/** Builds the signal of a command: its name and its script's name, and no arguments. */
export function toSignal(command: Command): RedisCommandSignal {
  const digest = command[1];
  return {
    command: String(command[0] ?? "").toUpperCase(),
    script: typeof digest === "string" ? names.get(digest) : undefined,
  };
}
