import { mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readHeartbeat, startHeartbeat } from "./heartbeat.ts";

it("A worker lives while its file is younger than 30 s; a directory without one has none", () => {
  const directory = mkdtempSync(join(tmpdir(), "marrow-beat-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  expect(readHeartbeat(directory)).toBeUndefined();
  onTestFinished(startHeartbeat(join(directory, "data"), () => undefined));
  expect(readHeartbeat(join(directory, "data"))).toMatchObject({ isAlive: true });
  utimesSync(join(directory, "data", "worker.alive"), new Date(0), new Date(60_000));
  expect(readHeartbeat(join(directory, "data"), 100_000)).toEqual({ silentMs: 40_000, isAlive: false });
});

it("A worker whose directory cannot be written to says so once, and works on", () => {
  const said: string[] = [];
  onTestFinished(startHeartbeat("/dev/null/x", (line) => said.push(line)));
  expect(said).toEqual([expect.stringContaining("ENOTDIR")]);
});
