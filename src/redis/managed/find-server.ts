import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** A server program that was found. */
export interface ServerBinary {
  readonly path: string;
  /** Such as `8.0.2`. */
  readonly version: string;
}

/** First version with vector sets, which the semantic cache needs. */
export const SERVER_MAJOR_MIN = 8;

const run = promisify(execFile);
const VERSION_WAIT_MS = 5_000;

/**
 * Finds a Redis server program of version 8 or newer: first on PATH, then in the directory that `script/bootstrap` fills.
 * Answers `undefined` when there is none; {@link HOW_TO_GET_A_SERVER} says what to do then.
 */
export async function findServer(options: {
  readonly path: string;
  readonly cacheDirectory: string;
}): Promise<ServerBinary | undefined> {
  const directories = [...options.path.split(delimiter).filter(Boolean), join(options.cacheDirectory, "redis", "bin")];
  for (const directory of directories) {
    const path = join(directory, "redis-server");
    const version = await versionOf(path);
    if (version !== undefined && Number.parseInt(version, 10) >= SERVER_MAJOR_MIN) return { path, version };
  }
  return undefined;
}

/** What to tell a person who has no server. */
export const HOW_TO_GET_A_SERVER: string = [
  `Marrow needs a Redis of version ${SERVER_MAJOR_MIN} or newer. Any one of these is enough:`,
  "  MARROW_REDIS_URL=redis://host:6379   a server that you have",
  "  script/bootstrap                     a private one under .cache/redis (Debian and Ubuntu)",
  "  brew install redis                   macOS",
  "  docker run -p 6379:6379 redis:8      a container, then MARROW_REDIS_URL=redis://localhost:6379",
].join("\n");

async function versionOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ["--version"], { timeout: VERSION_WAIT_MS });
    // Other engines install themselves under this name too, and count their versions in their own way.
    return /^Redis server v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
