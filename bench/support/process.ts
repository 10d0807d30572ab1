import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** A program under measurement. */
export interface Program {
  readonly pid: number;
  /** The words that it printed after `port`. */
  readonly words: readonly string[];
  /** CPU time of all its threads so far, in microseconds. */
  cpuUs(): number;
  /** Sends a word to a program that answers each with a message, and waits for this answer. */
  tell(word: string): Promise<void>;
  stop(): void;
}

/** Starts a node program that prints `port …` when it is ready, in a directory of its own if one is named. */
export async function startProgram(
  file: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  cwd?: string,
): Promise<Program> {
  const child = spawn(process.execPath, ["--conditions=@marrow/source", file, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  // A program that is told nothing must not keep this process.
  child.channel?.unref();
  process.once("exit", () => child.kill("SIGKILL"));
  const words = await new Promise<string[]>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${file} ended with ${code}`)));
    createInterface({ input: child.stdout as Readable }).on("line", (line) => {
      if (line.startsWith("port ")) resolve(line.split(" ").slice(1));
    });
  });
  return {
    pid: child.pid ?? 0,
    words,
    cpuUs: () => cpuUsOf(child.pid ?? 0),
    tell: async (word) => {
      child.channel?.ref();
      const answered = once(child, "message");
      child.send(word);
      await answered;
      child.channel?.unref();
    },
    stop: () => child.kill("SIGKILL"),
  };
}

/** CPU time of a process's threads, in microseconds, from the scheduler's own books. */
export function cpuUsOf(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // The thread ended between the two reads.
    }
  }
  return ns / 1000;
}
