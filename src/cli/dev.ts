import { homedir } from "node:os";
import { resolve } from "node:path";
import { MarrowError } from "../errors.ts";
import { findServer, HOW_TO_GET_A_SERVER, unpackServer } from "../redis/managed/index.ts";
import { readEnvironment, readSurroundings, type Surroundings } from "./surroundings.ts";

/**
 * `marrow dev`: the gateway on a machine with nothing else, with a private Redis that it finds or unpacks, the demo model unless an upstream is
 * set, and a link that signs in to the dashboard. Data and the unpacked Redis are in the user's own directories, wherever it is called.
 */
export async function runDev(): Promise<number> {
  const surroundings = devSurroundings();
  const say = (line: string) => console.log(line);
  if (surroundings.redisUrl === undefined) {
    const { path, cacheDirectory, dataDirectory } = surroundings;
    const find = () => findServer({ path, cacheDirectory });
    const binary = (await find()) ?? ((await unpackServer({ cacheDirectory, say })) ? await find() : undefined);
    if (binary === undefined) throw new MarrowError("unavailable", HOW_TO_GET_A_SERVER);
    say(`${binary.engine} ${binary.version} at ${binary.path}, data in ${dataDirectory}`);
  }
  // Loaded once there is a server: it takes the most time of all.
  const { serveUntilStopped } = await import("./serve.ts");
  return serveUntilStopped({ surroundings, withLink: true });
}

/** Where `marrow dev` keeps things: as `marrow serve`, but by default in the user's directories, not in the working one. */
export function devSurroundings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  home: string = homedir(),
): Surroundings {
  const values = readEnvironment(environment);
  const inHome = (variable: string, otherwise: string) =>
    resolve(values[variable] ?? resolve(home, otherwise), "marrow");
  return {
    ...readSurroundings(environment),
    dataDirectory: resolve(values["MARROW_DATA"] ?? inHome("XDG_DATA_HOME", ".local/share")),
    cacheDirectory: resolve(values["MARROW_CACHE"] ?? inHome("XDG_CACHE_HOME", ".cache")),
  };
}
