/** Runs every example, or the one that is named, and compares what it prints with its `// Output:`. Two at a time, each beside a Redis of its own. */
import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../src/redis/managed/index.ts";

const run = promisify(execFile);
const found = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
if (found === undefined) throw new Error(HOW_TO_GET_A_SERVER);
const binary = found.path;
const prints = process.argv.includes("--print");
const [only] = process.argv.slice(2);
const files = globSync(only === undefined ? "examples/*.ts" : `examples/${only}.ts`)
  .toSorted()
  .values();
const failures = await Promise.all([runNext(), runNext()]);
process.exitCode = failures.every((failed) => failed === 0) ? 0 : 1;

/** Runs examples until there are no more. Answers how many failed. */
async function runNext(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "marrow-examples-"));
  const server = await startServer({ binary, directory });
  let failed = 0;
  for (const file of files) if (!(await isGood(file, server.url))) failed += 1;
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
  return failed;
}

async function isGood(file: string, url: string): Promise<boolean> {
  const [, output = ""] = readFileSync(file, "utf8").split("// Output:\n");
  const expected = output.replaceAll(/^\/\/ ?/gm, "").trim();
  const { stdout, stderr } = await run(process.execPath, ["--conditions=@marrow/source", file], {
    env: { ...process.env, MARROW_REDIS_URL: url },
    timeout: 60_000,
  }).catch((error: unknown) => error as { stdout: string; stderr: string });
  const good = stdout.trim() === expected && expected !== "";
  if (prints) console.log(stdout);
  console.log(`${good ? "ok" : "FAILED"} ${file}`);
  if (!good) console.log(`expected:\n${expected}\nprinted:\n${stdout}\n${stderr}`);
  return good;
}
