import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findServer, startServer, type ManagedServer } from "../../src/redis/managed/index.ts";

/** A Redis of the bench's own, without persistence costs; its data goes with it. */
export async function startBenchRedis(): Promise<ManagedServer> {
  const binary = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
  if (binary === undefined) throw new Error("no Redis of version 8: run script/bootstrap");
  const directory = mkdtempSync(join(tmpdir(), "marrow-bench-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return startServer({ binary: binary.path, directory, args: ["--appendonly", "no", "--save", ""] });
}
