import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../src/redis/managed/index.ts";

declare module "vitest" {
  interface ProvidedContext {
    redisUrl: string;
    redisBinary: string;
  }
}

/** One Redis for all live tests, started here and stopped at the end; each test has a key space of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binary = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
  if (binary === undefined) throw new Error(HOW_TO_GET_A_SERVER);
  const directory = mkdtempSync(join(tmpdir(), "marrow-test-"));
  const server = await startServer({ binary: binary.path, directory });
  project.provide("redisUrl", server.url);
  project.provide("redisBinary", binary.path);
  return async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}
