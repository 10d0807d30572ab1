import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { ownServer } from "../servers.ts";

const WORKER = fileURLToPath(new URL("memory-append-worker.ts", import.meta.url));
const [PROCESSES, APPENDS] = [8, 1_000];

describe("a session that 8 processes append to, 1,000 turns each", () => {
  it("holds every turn once, in one order without a gap, though Redis is killed twice in between", async () => {
    const server = await ownServer(inject("redisBinary"), ["--appendonly", "yes", "--appendfsync", "always"]);
    await server.start();
    let retries = 0;
    const reached = { 1: 0, 400: 0 };
    const workers = Array.from({ length: PROCESSES }, (_, at) => {
      const args = ["--conditions=@marrow/source", WORKER, server.url, "many", `p${at}`, String(APPENDS)];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line === "after 1") reached[1] += 1;
        if (line === "after 400") reached[400] += 1;
        if (line.startsWith("retries")) retries += Number(line.split(" ")[1]);
      });
      return new Promise<number | null>((resolve) => child.once("close", resolve));
    });
    // Not before all of them have begun: who finds no Redis at its start gives up.
    for (const [after, processes] of [
      [1, PROCESSES],
      [400, 2],
    ] as const) {
      await expect.poll(() => reached[after], { timeout: 60_000 }).toBeGreaterThanOrEqual(processes);
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await server.start();
    }
    expect(await Promise.all(workers)).toEqual(Array.from({ length: PROCESSES }, () => 0));
    expect(retries).toBeGreaterThan(0);

    const redis = await connect(server.url, { app: "many" });
    const session = createMemory(redis.scope("acme"), { name: "m" }).session({ user: "u", id: "s" });
    const said: string[] = [];
    for (let after = 0; ;) {
      const { turns } = await session.read({ after, limit: 5_000 });
      for (const { sequence, turn } of turns) {
        expect(sequence).toBe((after += 1));
        said.push(String(turn.content));
      }
      if (turns.length === 0) break;
    }
    expect(said).toHaveLength(PROCESSES * APPENDS);
    expect(new Set(said).size).toBe(PROCESSES * APPENDS);
    for (let at = 0; at < PROCESSES; at += 1) {
      const own = said
        .filter((content) => content.startsWith(`p${at}:`))
        .map((content) => Number(content.split(":")[1]));
      expect(own).toEqual(Array.from({ length: APPENDS }, (_, turn) => turn + 1));
    }
    await redis.close();
    await server.stop();
  }, 120_000);
});
