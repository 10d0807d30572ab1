import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** A server program. */
export interface ServerBinary {
  readonly path: string;
  /** Such as `8.0.2`. */
  readonly version: string;
  readonly engine: "Redis" | "Valkey";
}

const run = promisify(execFile);
const VERSION_WAIT_MS = 5_000;
const PROGRAMS = ["redis-server", "valkey-server"];

/** Servers in order of preference: Redis 8 has vector sets; on the others vectors are searched within the process. */
const WANTED: readonly { readonly engine: ServerBinary["engine"]; readonly majorMin: number }[] = [
  { engine: "Redis", majorMin: 8 },
  { engine: "Valkey", majorMin: 8 },
  { engine: "Redis", majorMin: 7 },
];

/**
 * Finds a server program on `path` or in the directory that `script/unpack-server` fills. Prefers Redis 8 or newer, then Valkey 8 or newer,
 * then Redis 7. Returns `undefined` if there is none; {@link HOW_TO_GET_A_SERVER} then helps.
 */
export async function findServer(options: {
  readonly path: string;
  readonly cacheDirectory: string;
}): Promise<ServerBinary | undefined> {
  const directories = [...options.path.split(delimiter).filter(Boolean), join(options.cacheDirectory, "redis", "bin")];
  const found: ServerBinary[] = [];
  for (const directory of directories)
    for (const program of PROGRAMS) {
      const binary = await look(join(directory, program));
      if (binary !== undefined) found.push(binary);
    }
  for (const { engine, majorMin } of WANTED) {
    const best = found.find((one) => one.engine === engine && Number.parseInt(one.version, 10) >= majorMin);
    if (best !== undefined) return best;
  }
  return undefined;
}

/** Instructions for a user without a server. */
export const HOW_TO_GET_A_SERVER: string = [
  "Marrow needs Redis 7.0 or newer, or Valkey 8 or newer, and found neither. Any one of these is enough:",
  "  MARROW_REDIS_URL=redis://host:6379   a server that you have",
  "  sudo apt install redis-server        Debian and Ubuntu (on Debian marrow dev unpacks one without installing it)",
  "  brew install redis                   macOS",
  "  docker run -p 6379:6379 redis:8      a container, then MARROW_REDIS_URL=redis://localhost:6379",
].join("\n");

async function look(path: string): Promise<ServerBinary | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ["--version"], { timeout: VERSION_WAIT_MS });
    // A program may be installed under the other engine's name, so read the engine and version that it prints.
    const [, engine, version] = /^(Redis|Valkey) server v=(\d+\.\d+\.\d+)/.exec(stdout) ?? [];
    if (engine === undefined || version === undefined) return undefined;
    return { path, version, engine: engine as ServerBinary["engine"] };
  } catch {
    return undefined;
  }
}
