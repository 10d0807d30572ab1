import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readSurroundings } from "./surroundings.ts";

it("takes Redis and its secrets from variables, or from files that variables name", () => {
  const directory = mkdtempSync(join(tmpdir(), "marrow-secrets-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "url");
  writeFileSync(file, "rediss://u:p%40ss@h:7000\n");
  const password = join(directory, "password");
  writeFileSync(password, " %41:@ ");
  const read = readSurroundings({
    MARROW_REDIS_URL_FILE: file,
    MARROW_REDIS_PASSWORD_FILE: password,
    MARROW_REDIS_CA: "-----BEGIN CERTIFICATE-----",
    MARROW_REDIS_SERVER_NAME: "cache.internal",
    MARROW_REDIS_SENTINEL_PASSWORD: "watch",
    MARROW_REDIS_USERNAME: "",
  });
  expect(read).toMatchObject({
    redisUrl: "rediss://u:p%40ss@h:7000",
    redis: {
      username: undefined,
      password: " %41:@ ",
      tls: { ca: "-----BEGIN CERTIFICATE-----", serverName: "cache.internal" },
      sentinel: { password: "watch" },
    },
  });
  expect(readSurroundings({ MARROW_REDIS_URL: "" })).toMatchObject({ redisUrl: undefined });
  expect(readSurroundings({ MARROW_REDIS_URL: "redis://h" }).redis).not.toHaveProperty("tls");
  expect(() => readSurroundings({ MARROW_REDIS_URL_FILE: join(directory, "absent") })).toThrow(/absent: ENOENT/);
  expect(() => readSurroundings({ MARROW_REDIS_URL_FILE: file, MARROW_REDIS_URL: "redis://h" })).toThrow(/both/);
});
