import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { expect, inject, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { readSurroundings } from "../../src/cli/surroundings.ts";
import { spawnTied } from "../../src/redis/managed/index.ts";
import { freePort, until } from "../servers.ts";

const run = promisify(execFile);
const { services, secrets } = parse(readFileSync("deploy/compose/compose.yaml", "utf8"), { merge: true }) as {
  readonly services: {
    readonly redis: { readonly command: readonly string[]; readonly healthcheck: { readonly test: string[] } };
  };
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};

it("The compose file's Redis starts with the secrets that make-secrets.sh makes, and takes Marrow's password alone", async () => {
  const home = mkdtempSync(join(tmpdir(), "marrow-compose-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  cpSync("deploy/compose/make-secrets.sh", join(home, "make-secrets.sh"));
  const make = () => run("sh", [join(home, "make-secrets.sh")], { env: { ...process.env } });
  await make();
  const fileOf = (secret: string) => join(home, secrets[secret]?.file ?? "absent");
  const password = readFileSync(fileOf("redis-password"), "utf8");
  await make();
  expect(readFileSync(fileOf("redis-password"), "utf8")).toBe(password);
  // Three users read them, none of whom owns them; the directory keeps others out.
  for (const secret of Object.keys(secrets)) expect(statSync(fileOf(secret)).mode & 0o777).toBe(0o444);
  expect(statSync(join(home, "secrets")).mode & 0o777).toBe(0o700);

  const placed = (text: string) => text.replaceAll(/\/run\/secrets\/([\w-]+)/g, (_, secret: string) => fileOf(secret));
  const [, ...args] = services.redis.command.map(placed);
  const port = await freePort();
  const server = spawnTied([
    inject("redisBinary"),
    ...args,
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    home,
  ]);
  onTestFinished(() => void server.kill("SIGKILL"));
  const surroundings = readSurroundings({
    MARROW_REDIS_URL: `redis://127.0.0.1:${port}`,
    MARROW_REDIS_PASSWORD_FILE: fileOf("redis-password"),
  });
  const client = new Redis(port, "127.0.0.1", { password: surroundings.redis?.password as string, lazyConnect: true });
  client.on("error", () => undefined);
  onTestFinished(() => client.disconnect());
  await until(async () => (await client.ping().catch(() => "")) === "PONG", "Redis");
  expect(await client.config("GET", "append*")).toEqual(expect.arrayContaining(["appendonly", "yes"]));
  const stranger = new Redis(port, "127.0.0.1");
  stranger.on("error", () => undefined);
  onTestFinished(() => stranger.disconnect());
  await expect(stranger.get("a")).rejects.toThrow("NOAUTH");
  const [, health = ""] = services.redis.healthcheck.test;
  const asked = placed(health)
    .replaceAll("$$", "$")
    .replace("redis-cli", `${dirname(inject("redisBinary"))}/redis-cli -p ${port}`);
  await run("sh", ["-c", asked]);
});
