import { resolve } from "node:path";
import type { Given } from "./command.ts";
import { readHeartbeat } from "./heartbeat.ts";
import { print } from "./print.ts";
import { usageError } from "./read-command.ts";
import { isServiceLink } from "./service-links.ts";

/** Longest wait for the gateway's response, in milliseconds. */
const WAIT_MS = 2_000;

/**
 * Runs `marrow health` for health checks of containers: checks that a gateway's process runs, or with `--ready` that Redis serves it. Exit
 * code 0 if so, else 1. With `--worker` it checks the worker of this data directory. It reads no configuration, which would take longer
 * than the check: the port is that of `--url`, or `MARROW_PORT`.
 */
export async function runHealth(given: Given): Promise<number> {
  if (given.has("worker")) return tellWorker(given);
  const url = given.text("url") ?? `http://127.0.0.1:${portOf(process.env["MARROW_PORT"])}`;
  const path = given.has("ready") ? "/readyz" : "/healthz";
  if (!URL.canParse(path, url)) throw usageError("--url must be a URL such as http://127.0.0.1:8080", "url");
  try {
    const answer = await fetch(new URL(path, url), {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(WAIT_MS),
    });
    const { status, state } = (await answer.json()) as { readonly status: string; readonly state?: string };
    print(given, { path, ok: answer.ok, status, ...(state !== undefined && { state }) }, () => [
      `${path}: ${status}${state === undefined ? "" : ` (${state})`}`,
    ]);
    return answer.ok ? 0 : 1;
  } catch (error) {
    const { cause, message } = error as Error & { readonly cause?: { readonly code?: string } };
    const why = cause?.code ?? message;
    print(given, { path, ok: false, status: "no answer", why }, () => [`${path}: no answer (${why})`]);
    return 1;
  }
}

function portOf(variable: string | undefined): string {
  return variable === undefined || variable === "" || isServiceLink("MARROW_PORT", variable) ? "8080" : variable;
}

/** Checks a worker, which has no port, by its heartbeat file in the data directory, `MARROW_DATA`. */
function tellWorker(given: Given): number {
  for (const other of ["url", "ready"])
    if (given.has(other)) throw usageError(`--${other} has no effect beside --worker`, other);
  const beat = readHeartbeat(resolve(process.env["MARROW_DATA"] || ".marrow"));
  const ok = beat?.isAlive === true;
  print(given, { ok, ...beat }, () => [
    beat === undefined ? "worker: none has run here" : `worker: ${ok ? "alive" : "silent"} (${beat.silentMs} ms)`,
  ]);
  return ok ? 0 : 1;
}
