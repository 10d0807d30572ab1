/** The Redis that docs/guides/self-host.md sets up, by its commands: Marrow has every right and setting there that it needs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { marrowHere } from "../cli.ts";
import { ask, startTestGateway } from "../gateway.ts";
import { ownServer, type OwnServer } from "../servers.ts";

const guide = readFileSync("docs/guides/self-host.md", "utf8");
const home = mkdtempSync(join(tmpdir(), "marrow-self-host-"));
let server: OwnServer;

beforeAll(async () => {
  const commands = /^install -d[\s\S]*?(?=^systemctl)/m.exec(guide)?.[0] ?? "exit 1";
  mkdirSync(join(home, "redis"));
  const here = commands.replaceAll("/etc/marrow", `${home}/marrow`).replaceAll("/etc/redis", `${home}/redis`);
  execFileSync("sh", ["-euc", here]);
  const file = join(home, "redis", "redis.conf");
  // What the comment of the file says about servers without vector sets; a test has a port and a directory of its own.
  const config = readFileSync(file, "utf8").replaceAll(/^(?:bind|port|dir) .*$/gm, "");
  writeFileSync(file, inject("redisKind") === "redis8" ? config : config.replace(/ \+vadd .*$/m, ""));
  server = await ownServer(inject("redisBinary"), ["--include", file]);
  await server.start();
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

it("A self-hosted Redis has what `marrow doctor` asks for, by the environment that the guide writes", async () => {
  const env = /^MARROW_REDIS_URL[\s\S]*?(?=^```)/m.exec(guide)?.[0] ?? "";
  const lines = env
    .trim()
    .split("\n")
    .map((line) => line.split("=") as [string, string]);
  const { code, out } = await marrowHere(["doctor", "--json"], {
    ...Object.fromEntries(lines),
    MARROW_REDIS_URL: server.url,
    MARROW_UPSTREAM_URL: "",
    MARROW_REDIS_PASSWORD_FILE: join(home, "marrow", "secrets", "redis-password"),
  });
  expect({ code, healthy: (JSON.parse(out) as { healthy: unknown }).healthy }).toEqual({ code: 0, healthy: true });
});

it("The gateway serves chats, sessions and tasks as that user", async () => {
  const password = readFileSync(join(home, "marrow", "secrets", "redis-password"), "utf8");
  const gateway = await startTestGateway({
    redisUrl: server.url.replace("//", `//marrow:${password}@`),
    appName: "marrow",
  });
  const session = { headers: { "x-marrow-session": "s" } };
  expect((await ask(gateway.client(), "What is the capital of France?", session)).cache).toBe("miss");
  expect((await gateway.client().post<{ id: string }>("/tasks", { body: { payload: 1 } })).id).not.toBe("");
  expect((await fetch(new URL("/readyz", gateway.baseURL))).status).toBe(200);
  await gateway.close();
});
