import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { devSurroundings } from "../../src/cli/dev.ts";
import { nodeComplaint } from "../../src/cli/node-version.ts";

const MAIN = resolve("src/cli/main.ts");

/** `marrow dev` in an empty directory, of a user whose home is empty, with what `path` has. */
function startDev(path: string) {
  const home = mkdtempSync(join(tmpdir(), "marrow-dev-"));
  const child = spawn(process.execPath, ["--conditions=@marrow/source", MAIN, "dev"], {
    cwd: home,
    env: { HOME: home, PATH: path, MARROW_PORT: "0", NODE_COMPILE_CACHE: resolve(".cache/compile") },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (piece) => (text += piece));
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(home, { recursive: true, force: true });
  });
  /** The first group of what is printed, once it is. */
  const printed = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const [, found] = pattern.exec(text) ?? [];
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`marrow dev ended: ${text}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  return { home, printed, ended, text: () => text };
}

describe("marrow dev", () => {
  it("serves the demo model over a Redis that it finds, with data in the user's directory and a link that signs in", async () => {
    const dev = startDev(`${dirname(inject("redisBinary"))}:/usr/bin:/bin`);
    const url = await dev.printed(/listens on (http\S+)\/v1/);
    const key = await dev.printed(/API key[^:]*: (mrw_\S+)/);
    expect(await dev.printed(/Dashboard[^:]*: (http\S+)/)).toMatch(`${url}/dashboard#link=`);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "What is the capital of France?" }] }),
    });
    expect(await answer.text()).toContain("Paris");
    expect(existsSync(join(dev.home, ".local/share/marrow"))).toBe(true);
    expect(existsSync(join(dev.home, ".marrow"))).toBe(false);
    expect(await dev.printed(/((?:Redis|Valkey) \d+\.\d+\.\d+ at \S+, data in \S+)/)).toBeTruthy();
  });

  it("tells the ways to a server in one line each where there is none, and apt cannot unpack one", async () => {
    const dev = startDev("/nowhere");
    expect(await dev.ended).toBe(1);
    for (const way of ["MARROW_REDIS_URL=", "sudo apt install redis-server", "brew install redis", "docker run"])
      expect(dev.text()).toContain(way);
    expect(dev.text()).not.toContain("    at ");
  });

  it("keeps data and the unpacked server in the user's own directories", () => {
    expect(devSurroundings({ XDG_CACHE_HOME: "/c" }, "/home/ada")).toMatchObject({
      dataDirectory: "/home/ada/.local/share/marrow",
      cacheDirectory: "/c/marrow",
    });
    expect(devSurroundings({ MARROW_DATA: "/d", MARROW_CACHE: "/e" }, "/home/ada")).toMatchObject({
      dataDirectory: "/d",
      cacheDirectory: "/e",
    });
  });

  it("finds its script in the package, and says what the README says of servers", () => {
    const { files } = JSON.parse(readFileSync("package.json", "utf8")) as { files: string[] };
    expect(files).toContain("script/unpack-server");
    const supported = /Redis 7\.0 or newer, or Valkey 8 or newer/;
    for (const file of ["README.md", "docs/operations.md", "src/redis/managed/find-server.ts"])
      expect(readFileSync(file, "utf8")).toMatch(supported);
  });
});

describe("a Node that is too old", () => {
  it("is told which one is needed: the one that package.json says", () => {
    const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };
    const [, needed = ""] = /^>=(\d+\.\d+)$/.exec(engines.node) ?? [];
    for (const old of ["16.20.2", "20.20.2", "22.18.9"])
      expect(nodeComplaint(old)).toContain(`Node ${needed} or newer`);
    for (const fine of ["22.19.0", "24.21.0", "30.0.0"]) expect(nodeComplaint(fine)).toBeUndefined();
  });

  it("parses what says so: nothing else is loaded before", () => {
    const main = readFileSync("src/cli/main.ts", "utf8");
    expect([...main.matchAll(/^import .* from "(.*)";$/gm)].map(([, file]) => file)).toEqual(["./node-version.ts"]);
    expect(readFileSync("src/cli/node-version.ts", "utf8")).not.toMatch(/^import /m);
  });
});
