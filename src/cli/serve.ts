import { constants } from "node:os";
import { serve, type Served } from "../gateway/index.ts";
import type { Given } from "./command.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { createConfigReader, watchConfig } from "./load-config.ts";
import { readSurroundings, type Surroundings } from "./surroundings.ts";

/** Prints a sign-in link for the dashboard, which anyone who can read the terminal or log may use. */
const LINK = "sign-in-link";

/** `marrow serve [--sign-in-link]`: runs until SIGINT or SIGTERM. */
export async function runServe({ has }: Given): Promise<number> {
  return serveUntilStopped({ surroundings: readSurroundings(), withLink: has(LINK) });
}

/** Runs the gateway until SIGINT or SIGTERM, and prints the first API key and, if wanted, a link that signs in to the dashboard. */
export async function serveUntilStopped(how: {
  readonly surroundings: Surroundings;
  readonly withLink: boolean;
}): Promise<number> {
  const served = await begin(true, how.surroundings);
  const stopped = stopAsked();
  if (served.firstKey !== undefined) showKey(served.firstKey);
  console.log(`Marrow listens on ${served.url}/v1`);
  const link = how.withLink ? await served.createSignInLink() : undefined;
  if (link !== undefined) console.log(`Dashboard, signs in once within ten minutes: ${link}`);
  return untilStopped(served, stopped);
}

/** Runs `marrow worker`: background work until SIGINT or SIGTERM; unfinished jobs are returned to the queue. */
export async function runWorker(): Promise<number> {
  const surroundings = readSurroundings();
  const served = await begin(false, surroundings);
  const stopped = stopAsked();
  const still = startHeartbeat(surroundings.dataDirectory, (line) => console.log(line));
  console.log("Marrow works in the background");
  try {
    return await untilStopped(served, stopped);
  } finally {
    still();
  }
}

async function begin(listens: boolean, surroundings: Surroundings): Promise<Served> {
  const say = (line: string) => console.log(line);
  const read = createConfigReader();
  const config = await read();
  const served = await serve({ ...surroundings, config, read, say, onFirstKey: showKey, listens });
  const reload = () => void served.reload();
  process.on("SIGHUP", reload);
  const unwatch = watchConfig(() => void served.reload(false));
  return {
    ...served,
    close() {
      process.off("SIGHUP", reload);
      unwatch();
      return served.close();
    },
  };
}

function showKey(key: string): void {
  console.log(`API key, shown only this once: ${key}`);
}

async function untilStopped(served: Served, stopped: Promise<void>): Promise<number> {
  await stopped;
  console.log("stopping; a second signal ends the process at once");
  const isWhole = await served.close();
  if (!isWhole) console.log("stopped; unfinished requests were cut off, and unfinished jobs returned to their queue");
  const code = isWhole ? 0 : EXIT_CUT;
  // Anything that still keeps the process alive is cut off, too.
  setTimeout(() => process.exit(code), LINGER_MS).unref();
  return code;
}

const EXIT_CUT = 1;
const LINGER_MS = 1_000;
/** A terminal's Ctrl-C reaches a program twice when npm started it. */
const SAME_MS = 300;

/** Resolves at the first signal. The second one ends the process with 128 plus the signal's number, as shells expect. */
function stopAsked(): Promise<void> {
  let firstMs: number | undefined;
  return new Promise((resolve) => {
    const hear = (signal: "SIGINT" | "SIGTERM") => {
      const nowMs = performance.now();
      if (firstMs === undefined) {
        firstMs = nowMs;
        return resolve();
      }
      if (signal === "SIGINT" && nowMs - firstMs < SAME_MS) return;
      process.exit(128 + constants.signals[signal]);
    };
    process.on("SIGINT", hear);
    process.on("SIGTERM", hear);
  });
}
