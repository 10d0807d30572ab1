import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The same script fills `.cache` of a clone and a user's cache directory. */
const SCRIPT = fileURLToPath(new URL("../../../script/unpack-server", import.meta.url));

/**
 * Unpacks Redis 8 into `cacheDirectory` from this machine's apt archive, without installing it: about 18 MB. Returns false if that fails,
 * as on machines without apt. Lines of the script go to `say`.
 */
export async function unpackServer(options: {
  readonly cacheDirectory: string;
  readonly say: (line: string) => void;
}): Promise<boolean> {
  const child = spawn("sh", [SCRIPT, "redis8"], {
    env: { ...process.env, MARROW_UNPACK_INTO: options.cacheDirectory },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", options.say);
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("close", (code) => resolve(code === 0));
  });
}
