import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Queue } from "../../src/queue/index.ts";

const WORKER = fileURLToPath(new URL("queue-worker.ts", import.meta.url));

/** How many words a job's output has, and the pause between them, in milliseconds. */
export type Payload = { words: number; pauseMs: number };
/** The queue that workers of this directory work at. */
export type KillQueue = Queue<Payload, { id: string; fence: number; by: string }>;

/** Starts a worker as a process of its own, and answers once it works. */
export async function startWorker(url: string, app: string, name: string): Promise<ChildProcess> {
  const args = ["--conditions=@marrow/source", WORKER, url, app, name];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", () => resolve());
    child.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
  });
  return child;
}
