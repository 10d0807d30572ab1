import { execFile } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Redis as Client } from "ioredis";
import { afterAll, expect, inject, it } from "vitest";
import { ask, startTestGateway } from "../gateway.ts";
import { freePort, ownServer } from "../servers.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-restore-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A server whose data is in a directory of the test's. */
async function serverIn(name: string) {
  const directory = join(home, name);
  mkdirSync(directory);
  return { directory, server: await ownServer(inject("redisBinary"), ["--dir", directory]) };
}

it("A snapshot that is copied to another server has keys, sessions and jobs in it, and Marrow goes on there", async () => {
  const session = { headers: { "x-marrow-session": "s" } };
  const first = await serverIn("first");
  await first.server.start();
  const before = await startTestGateway({ redisUrl: first.server.url, appName: "restored" });
  await ask(before.client(), "first question", session);
  const { id } = await before.client().post<{ id: string }>("/tasks", { body: { payload: { n: 1 } } });
  const saving = new Client(first.server.port, "127.0.0.1");
  await saving.save();
  saving.disconnect();
  await before.close();
  await first.server.stop();

  const second = await serverIn("second");
  copyFileSync(join(first.directory, "dump.rdb"), join(second.directory, "dump.rdb"));
  await second.server.start();
  const after = await startTestGateway({ redisUrl: second.server.url, appName: "restored" });
  const client = after.client({ apiKey: before.key });
  await ask(client, "second question", session);
  expect(JSON.stringify(after.model.requests.at(-1)?.body["messages"])).toContain("first question");
  const { data } = await client.post<{ data: { id: string }[] }>("/tasks/claim", { body: {} });
  expect(data).toMatchObject([{ id, payload: { n: 1 } }]);
  await after.close();
  await second.server.stop();
}, 60_000);

const run = promisify(execFile);

/** Runs a server of a configuration file that says `appendonly yes`, by commands as the documents write them. */
async function persistentServer(name: string) {
  const directory = join(home, name);
  const bin = join(directory, "bin");
  mkdirSync(bin, { recursive: true });
  const port = await freePort();
  const config = join(directory, "redis.conf");
  writeFileSync(config, `port ${port}\nbind 127.0.0.1\ndir ${directory}\nsave ""\nappendonly yes\nlogfile redis.log\n`);
  const programs = dirname(inject("redisBinary"));
  const command = (program: string, line: string) =>
    writeFileSync(join(bin, program), `#!/bin/sh\nexec ${line}\n`, { mode: 0o755 });
  command("redis-server", `"${programs}/redis-server" "$@"`);
  command("redis-cli", `"${programs}/redis-cli" -p ${port} "$@"`);
  command("systemctl", `"${programs}/redis-server" "${config}" --daemonize yes`);
  const shell = async (script: string) => {
    const text = `set -e\n${script.replaceAll("/etc/redis/redis.conf", config)}`;
    const env = { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
    return (await run("sh", ["-c", text], { env, timeout: 30_000 })).stdout;
  };
  const up = "until redis-cli PING | grep -q PONG; do sleep 0.1; done\n";
  return {
    directory,
    shell,
    ask: (line: string) => shell(`${up}redis-cli ${line}`),
    stop: () => shell("redis-cli SHUTDOWN NOSAVE || true"),
  };
}

it("A snapshot is restored to a server with an AOF by the commands of the documents, and an AOF directory by a start", async () => {
  const documented = /```\n(redis-server [\s\S]*?)```/.exec(readFileSync("docs/upgrading.md", "utf8"))?.[1] ?? "";
  const first = await persistentServer("aof-first");
  await first.shell("systemctl start redis-server");
  await first.ask("SET kept yes");
  await first.ask("SAVE");
  await first.ask("SHUTDOWN");

  const second = await persistentServer("aof-second");
  copyFileSync(join(first.directory, "dump.rdb"), join(second.directory, "dump.rdb"));
  expect(await second.shell(documented)).toContain("aof_last_bgrewrite_status:ok");
  expect(await second.ask("GET kept")).toBe("yes\n");
  expect(await second.ask("CONFIG GET appendonly")).toBe("appendonly\nyes\n");
  await second.stop();

  const third = await persistentServer("aof-third");
  cpSync(join(second.directory, "appendonlydir"), join(third.directory, "appendonlydir"), { recursive: true });
  await third.shell("systemctl start redis-server");
  expect(await third.ask("GET kept")).toBe("yes\n");
  await third.stop();
}, 60_000);
