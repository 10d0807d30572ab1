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

function start(app: string, how: "whole" | "stream", speed: "answers" | "hangs"): Worker {
  const child = spawn(process.execPath, ["--conditions=@marrow/source", WORKER, inject("redisUrl"), app, how, speed], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  reader.on("line", (line) => lines.push(line));
  return { child, lines: new Promise((resolve) => reader.once("close", () => resolve(lines))) };
}

const ANSWER = "got The capital of France is Paris , on the Seine .";
const count = (lines: readonly string[], line: string) => lines.filter((one) => one === line).length;

describe.each(["whole", "stream"] as const)(
  "a question that many processes miss at once, in several words, %s",
  (how) => {
    liveTest(
      "is asked once: 3 processes, 200 callers each",
      async ({ unique }) => {
        const workers = Array.from({ length: 3 }, () => start(unique, how, "answers"));
        const lines = (await Promise.all(workers.map((worker) => worker.lines))).flat();
        expect(count(lines, "asked")).toBe(1);
        expect(count(lines, ANSWER)).toBe(600);
        if (how === "stream") expect(count(lines, "as it came")).toBeGreaterThan(500);
      },
      30_000,
    );

    liveTest(
      "is asked once more when the one that asks is killed, and everybody gets a whole answer",
      async ({ unique }) => {
        const leader = start(unique, how, "hangs");
        await new Promise<void>((resolve) =>
          (leader.child.stdout as NodeJS.ReadableStream).once("data", () => resolve()),
        );
        const followers = Array.from({ length: 2 }, () => start(unique, how, "answers"));
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        leader.child.kill("SIGKILL");
        const lines = (await Promise.all(followers.map((worker) => worker.lines))).flat();
        expect(count(lines, "asked")).toBe(1);
        expect(count(lines, ANSWER)).toBe(400);
      },
      30_000,
    );
  },
);
