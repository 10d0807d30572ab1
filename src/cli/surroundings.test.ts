import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readEnvironment, readSurroundings } from "./surroundings.ts";

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

it("takes no variable that Kubernetes sets for a Service named marrow, and keeps those of one's own", () => {
  const links = {
    MARROW_PORT: "tcp://10.0.0.7:80",
    MARROW_SERVICE_HOST: "10.0.0.7",
    MARROW_SERVICE_PORT: "80",
    MARROW_SERVICE_PORT_HTTP: "80",
    MARROW_PORT_80_TCP: "tcp://10.0.0.7:80",
    MARROW_PORT_80_TCP_PROTO: "tcp",
    MARROW_PORT_80_TCP_PORT: "80",
    MARROW_PORT_80_TCP_ADDR: "10.0.0.7",
    MARROW_REDIS_PORT: "tcp://10.0.0.8:6379",
  };
  expect(readEnvironment(links)).toEqual({});
  const own = { MARROW_PORT: "8080", MARROW_REDIS_URL: "redis://h", MARROW_DRAIN_MS: "1" };
  expect(readEnvironment({ ...links, ...own })).toEqual(own);
});
