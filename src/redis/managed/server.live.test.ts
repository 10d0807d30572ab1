import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, inject, it } from "vitest";
import { until } from "../../../test/servers.ts";
import { connect } from "../index.ts";
import { findServer, startServer, type ManagedServer } from "./index.ts";

const directories: string[] = [];
const servers: ManagedServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "marrow-managed-"));
  directories.push(directory);
  return directory;
}

async function start(directory: string): Promise<ManagedServer> {
  const server = await startServer({ binary: inject("redisBinary"), directory });
  servers.push(server);
  return server;
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("the managed server", () => {
  it("keeps its data over a stop and a crash", async () => {
    const directory = newDirectory();
    const first = await start(directory);
    const redis = await connect(first.url);
    await redis.send(["SET", "a", "1"]);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    process.kill(first.pid() ?? 0, "SIGKILL");
    await until(async () => (await redis.send(["GET", "a"]).catch(() => null)) === "1", "the server after its crash");
    await redis.close();
    await first.stop();
    const again = await connect((await start(directory)).url);
    expect(await again.send(["GET", "a"])).toBe("1");
    await again.close();
  });

  it("is one for all who name one directory, and another for another", async () => {
    const directory = newDirectory();
    const [first, second, other] = [await start(directory), await start(directory), await start(newDirectory())];
    expect(second.url).toBe(first.url);
    expect([first.pid() !== undefined, second.pid()]).toEqual([true, undefined]);
    expect(other.url).not.toBe(first.url);
  });

  it("ends with its holder, also on SIGKILL, and the next one takes over with the data", async () => {
    const directory = newDirectory();
    const script = `
      import { startServer } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
      const server = await startServer({ binary: process.argv[1], directory: process.argv[2] });
      console.log(server.pid());
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, [
      "--conditions=@marrow/source",
      "--input-type=module",
      "-e",
      script,
      inject("redisBinary"),
      directory,
    ]);
    const pid = await new Promise<number>((resolve) =>
      holder.stdout.once("data", (data) => resolve(Number(String(data)))),
    );
    const second = await start(directory);
    expect(second.pid()).toBeUndefined();
    const redis = await connect(second.url);
    await redis.send(["SET", "a", "1"]);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    holder.kill("SIGKILL");
    await until(() => !isAlive(pid), "the server's end");
    await until(() => second.pid() !== undefined, "the take-over");
    await until(async () => (await redis.send(["GET", "a"]).catch(() => null)) === "1", "the data");
    await redis.close();
  });

  it.each([
    ["a process that is gone", "999999 1"],
    ["another process of the same id", `${process.ppid} 1`],
  ])("starts where the lock was left by %s", async (_, owner) => {
    const directory = newDirectory();
    writeFileSync(join(directory, "lock"), owner);
    expect((await start(directory)).pid()).toBeDefined();
  });

  it("is not found where there is none, and is told by its version where there is one", async () => {
    expect(await findServer({ path: "/nowhere", cacheDirectory: "/nowhere" })).toBeUndefined();
    const directory = newDirectory();
    const path = join(directory, "redis-server");
    const say = (version: string) => writeFileSync(path, `#!/bin/sh\necho "${version}"\n`, { mode: 0o755 });
    const find = () => findServer({ path: directory, cacheDirectory: "/nowhere" });
    say("Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1");
    expect(await find()).toEqual({ path, version: "8.0.2", engine: "Redis" });
    for (const other of ["Redis server v=6.2.14 sha=0", "Valkey server v=7.2.5 sha=0", "KeyDB server v=8.0.0"]) {
      say(other);
      expect(await find()).toBeUndefined();
    }
    // Valkey may be installed under Redis' name; its versions are not Redis'.
    say("Valkey server v=9.1.2 sha=00000000:0");
    expect(await find()).toEqual({ path, version: "9.1.2", engine: "Valkey" });
    say("Redis server v=7.0.15 sha=00000000:0");
    expect(await find()).toEqual({ path, version: "7.0.15", engine: "Redis" });
    writeFileSync(join(directory, "valkey-server"), '#!/bin/sh\necho "Valkey server v=8.1.1 sha=0"\n', { mode: 0o755 });
    expect(await find()).toMatchObject({ version: "8.1.1", engine: "Valkey" });
    say("Redis server v=8.0.2 sha=00000000:0");
    expect(await find()).toMatchObject({ version: "8.0.2", engine: "Redis" });
  });
});
