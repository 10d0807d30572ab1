/** Runs every example, or the one that is named, against a Redis of its own and compares what it prints with its `// Output:`. */
import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../src/redis/managed/index.ts";

const run = promisify(execFile);
const binary = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
if (binary === undefined) throw new Error(HOW_TO_GET_A_SERVER);
const directory = mkdtempSync(join(tmpdir(), "marrow-examples-"));
const server = await startServer({ binary: binary.path, directory });
let failed = 0;
const [only] = process.argv.slice(2);
const prints = process.argv.includes("--print");
for (const file of globSync(only === undefined ? "examples/*.ts" : `examples/${only}.ts`).toSorted()) {
  const [, output = ""] = readFileSync(file, "utf8").split("// Output:\n");
  const expected = output.replaceAll(/^\/\/ ?/gm, "").trim();
  const { stdout, stderr } = await run(process.execPath, ["--conditions=@marrow/source", file], {
    env: { ...process.env, MARROW_REDIS_URL: server.url },
    timeout: 60_000,
  }).catch((error: unknown) => error as { stdout: string; stderr: string });
  const good = stdout.trim() === expected && expected !== "";
  if (prints) console.log(stdout);
  console.log(`${good ? "ok" : "FAILED"} ${file}`);
  if (good) continue;
  failed += 1;
  console.log(`expected:\n${expected}\nprinted:\n${stdout}\n${stderr}`);
}
await server.stop();
rmSync(directory, { recursive: true, force: true });
process.exitCode = failed === 0 ? 0 : 1;
