import { existsSync, statSync, unwatchFile, watchFile, type Stats } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MarrowError } from "../errors.ts";
import { fromEnvironment, resolveConfig, type GatewayConfigInput } from "../gateway/operator.ts";
import { readEnvironment } from "./surroundings.ts";

/** Where `marrow prices update` writes, and where the table is read from when the configuration names no other. */
export const PRICES_FILE = "marrow.prices.json";

const FILES = ["marrow.config.ts", "marrow.config.json"];

/** Reads `marrow.config.ts` or `.json` of the working directory, then lets the environment set single fields over it. */
export async function loadConfig(): Promise<GatewayConfigInput> {
  const present = FILES.filter((file) => existsSync(file));
  if (present.length > 1)
    throw new MarrowError("invalid_option", `there may be one of ${FILES.join(" and ")}, not both`);
  const [file] = present;
  const written: GatewayConfigInput = file === undefined ? {} : await importConfig(file);
  const given = fromEnvironment(readEnvironment());
  // A switch in the environment overrides only its own field of the file.
  const background = given.background && { background: { ...written.background, ...given.background } };
  const prices = existsSync(PRICES_FILE) ? { pricesFile: PRICES_FILE } : {};
  const config = { ...prices, ...written, ...given, ...background };
  resolveConfig(config);
  return config;
}

/**
 * Reads as {@link loadConfig}, again and again: a file that was there once must not be missing later, since nothing at all is a configuration,
 * too.
 */
export function createConfigReader(): () => Promise<GatewayConfigInput> {
  let wasThere = false;
  return async () => {
    const isThere = FILES.some((file) => existsSync(file));
    if (wasThere && !isThere)
      throw new MarrowError("invalid_option", `the file of the configuration (${FILES.join(" or ")}) is gone`);
    const config = await loadConfig();
    wasThere ||= isThere;
    return config;
  };
}

/** Calls `onChange` when a configuration file changes, also if a link points elsewhere. Returns a function that stops it. */
export function watchConfig(onChange: () => void): () => void {
  const files = [...FILES, PRICES_FILE].map((file) => resolve(file));
  // A missing file triggers one call without a change.
  const hear = (now: Stats, before: Stats) => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) onChange();
  };
  for (const file of files) watchFile(file, { interval: WATCH_MS, persistent: false }, hear);
  return () => files.forEach((file) => unwatchFile(file, hear));
}

/** Polling interval of files, in milliseconds: watching a directory misses mounted files. */
const WATCH_MS = 1_000;

async function importConfig(file: string): Promise<GatewayConfigInput> {
  const url = pathToFileURL(resolve(file));
  // A module is read once for each name that it has: another time of change is another name.
  url.searchParams.set("changed", String(statSync(file).mtimeMs));
  const options = file.endsWith(".json") ? { with: { type: "json" } } : {};
  try {
    const { default: config } = (await import(url.href, options)) as { default: GatewayConfigInput };
    return config;
  } catch (cause) {
    throw new MarrowError("invalid_option", `${file} cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** Returns why a file cannot be read. Parsers' messages quote the text, which may contain keys. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown";
  const { message } = cause;
  if (!(cause instanceof SyntaxError)) return message;
  const place = /at position \d+(?: \(line \d+ column \d+\))?/.exec(message)?.[0];
  return `it is not well-formed${place === undefined ? "" : `, ${place}`}`;
}
