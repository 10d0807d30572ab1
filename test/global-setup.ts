import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../src/redis/managed/index.ts";
import { startSearchServer } from "./search-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    redisUrl: string;
    redisBinary: string;
    /** Which server it is: `redis8`, `redis7`, `valkey9`. */
    redisKind: string;
  }
}

/** One Redis for all live tests, started here and stopped at the end; each test has a key space of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binary = await serverProgram(process.env["MARROW_TEST_SERVER"]);
  const directory = mkdtempSync(join(tmpdir(), "marrow-test-"));
  const server = await startServer({ binary, directory });
  // Every test over a server with FT.*, or over the stand-in; each test is an installation with indexes of its own, so those are not bounded here.
  const inSearch = process.env["MARROW_TEST_ENGINE"] === "search";
  const real = inSearch ? process.env["MARROW_SEARCH_URL"] : undefined;
  const search =
    inSearch && real === undefined ? await startSearchServer(server.url, "redis", { fieldsMax: 10 }) : undefined;
  project.provide("redisUrl", real ?? search?.url ?? server.url);
  project.provide("redisBinary", binary);
  const version = execFileSync(binary, ["--version"], { encoding: "utf8" });
  const [, engine = "redis", major = "8"] = /^(Redis|Valkey) server v=(\d+)/.exec(version) ?? [];
  project.provide("redisKind", `${engine.toLowerCase()}${major}`);
  return async () => {
    await search?.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}

/** Servers that `script/unpack-server` provides, beside the Redis 8 that the bootstrap does. */
const UNPACKED: ReadonlyMap<string, string> = new Map([
  ["redis7", ".cache/redis7/bin/redis-server"],
  ["valkey8", ".cache/valkey8/bin/valkey-server"],
  ["valkey9", ".cache/valkey9/bin/valkey-server"],
]);

/** The program that `MARROW_TEST_SERVER` means: `redis8` (the default), `redis7`, `valkey8`, `valkey9`, or a path of your own. */
async function serverProgram(wanted: string | undefined): Promise<string> {
  if (wanted === undefined || wanted === "" || wanted === "redis8") {
    const found = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
    if (found === undefined) throw new Error(HOW_TO_GET_A_SERVER);
    return found.path;
  }
  const unpacked = UNPACKED.get(wanted);
  if (unpacked === undefined && !existsSync(wanted))
    throw new Error(`MARROW_TEST_SERVER must be redis8, ${[...UNPACKED.keys()].join(", ")}, or the path of a server`);
  if (unpacked !== undefined) execFileSync("script/unpack-server", [wanted], { stdio: "inherit" });
  return resolve(unpacked ?? wanted);
}
