import { MarrowError } from "../errors.ts";

/** What a failed command tells about itself: whether it ran, and whether waiting may help. */
export type Failure =
  /** Redis answered that it did not run the command, and a short wait may help. */
  | { readonly kind: "not_run"; readonly cause: Error; readonly demoted: boolean }
  /** There was no connection to write to: the command never left. */
  | { readonly kind: "not_sent"; readonly cause: Error }
  /** The connection ended before the answer: the command may or may not have run. */
  | { readonly kind: "lost"; readonly cause: Error }
  /** An answer that no retry changes. */
  | { readonly kind: "final"; readonly error: MarrowError };

/** Error words by which Redis says "not now, and nothing happened". READONLY and MOVED come from a fail-over. */
const NOT_RUN = new Set(["LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "MOVED", "ASK"]);
const DENIED = new Set(["NOAUTH", "WRONGPASS", "NOPERM"]);
const UNKNOWN_COMMAND = /unknown (?:redis )?command/i;
const NOT_SENT =
  /Stream isn't writeable|ClientOffline|client is offline|ClusterAllFailed|Failed to refresh slots|Connection is closed\.?$|The client is closed|None of startup nodes|Cluster isn't ready/i;
const LOST =
  /ECONNRESET|EPIPE|ECONNREFUSED|ENOENT|Socket closed|Connection (?:is closed|lost|timeout)|MaxRetriesPerRequest|max retries per request|Command aborted|Disconnects ?client|ETIMEDOUT|Too many Cluster redirections/i;

/** Tells what kind of failure a client library's error is. Pure: reads only the error's name, code and first word. */
export function classify(cause: unknown, wasConnected: boolean): Failure {
  if (MarrowError.is(cause)) return { kind: "final", error: cause };
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const word = /^-?([A-Z]+)/.exec(error.message)?.[1] ?? "";
  if (NOT_RUN.has(word)) return { kind: "not_run", cause: error, demoted: word === "READONLY" };
  if (DENIED.has(word)) return final("redis_denied", `Redis refused the credentials or rights (${word})`, error);
  if (word === "OOM") return final("redis_full", "Redis is out of memory and refuses writes", error);
  const named = `${error.name} ${(error as { code?: string }).code ?? ""} ${error.message}`;
  if (NOT_SENT.test(named)) return { kind: wasConnected ? "lost" : "not_sent", cause: error };
  if (LOST.test(named)) return { kind: "lost", cause: error };
  if (UNKNOWN_COMMAND.test(error.message))
    return final("unsupported", "the server lacks a command that this needs", error);
  return final("redis_rejected", `Redis rejected a command (${word === "" ? error.name : word})`, error);
}

/** The error of a command that was given up: says whether it may have run. */
export function unavailable(failure: Exclude<Failure, { kind: "final" }>): MarrowError {
  const mayHaveRun = failure.kind === "lost";
  return new MarrowError(
    "unavailable",
    mayHaveRun
      ? "the connection to Redis ended before the answer; the command may have run"
      : "Redis cannot be reached or cannot serve now; the command did not run",
    { cause: failure.cause, details: { mayHaveRun } },
  );
}

function final(
  code: "redis_denied" | "redis_full" | "redis_rejected" | "unsupported",
  message: string,
  cause: Error,
): Failure {
  return { kind: "final", error: new MarrowError(code, message, { cause }) };
}
