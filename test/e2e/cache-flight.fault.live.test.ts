import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, inject } from "vitest";
import { liveTest } from "../live.ts";

const WORKER = fileURLToPath(new URL("cache-flight-worker.ts", import.meta.url));

interface Worker {
  readonly child: ChildProcess;
  /** What it printed, a line each, once it has ended. */
  readonly lines: Promise<string[]>;
}

function start(app: string, mode: string): Worker {
  const child = spawn(process.execPath, ["--conditions=@marrow/source", WORKER, inject("redisUrl"), app, mode], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  reader.on("line", (line) => lines.push(line));
  return { child, lines: new Promise((resolve) => reader.once("close", () => resolve(lines))) };
}

describe("a question that many processes miss at once", () => {
  liveTest(
    "is asked once: 3 processes, 200 callers each",
    async ({ unique, redis }) => {
      const workers = Array.from({ length: 3 }, () => start(unique, "answer"));
      const lines = (await Promise.all(workers.map((worker) => worker.lines))).flat();
      expect(lines.filter((line) => line === "asked")).toHaveLength(1);
      expect(lines.filter((line) => line === "got Paris")).toHaveLength(600);
      expect(Number(await redis.send(["EXISTS", `{${unique}:acme}:nothing`]))).toBe(0);
    },
    30_000,
  );

  liveTest(
    "is asked once more when the one that asks is killed, and nobody hangs",
    async ({ unique }) => {
      const leader = start(unique, "hang");
      await new Promise<void>((resolve) =>
        (leader.child.stdout as NodeJS.ReadableStream).once("data", () => resolve()),
      );
      const followers = Array.from({ length: 2 }, () => start(unique, "answer"));
      await new Promise((resolve) => setTimeout(resolve, 500));
      leader.child.kill("SIGKILL");
      const lines = (await Promise.all(followers.map((worker) => worker.lines))).flat();
      expect(lines.filter((line) => line === "asked")).toHaveLength(1);
      expect(lines.filter((line) => line === "got Paris")).toHaveLength(400);
    },
    30_000,
  );
});
