import { MarrowError } from "../errors.ts";
import { occupationOf, occupied } from "./occupied.ts";

/**
 * Reason why Redis cannot serve a command now. Each state may end without a change by the caller.
 *
 * - `unreachable`: no connection; `no_answer`: a deadline passed; `connections`: `maxclients` is reached
 * - `full`: `maxmemory` is reached and the policy evicts nothing (OOM)
 * - `read_only`: a replica, or a master that became one (READONLY)
 * - `no_replicas`: fewer replicas than `min-replicas-to-write` (NOREPLICAS)
 * - `persistence_failed`: the last snapshot or AOF write failed (MISCONF)
 * - `loading`: the data set is being read (LOADING)
 * - `cluster_down`: a slot is not served or is moving (CLUSTERDOWN, TRYAGAIN, MOVED, ASK)
 * - `stale`: a replica without its master (MASTERDOWN)
 * - `busy`: a script runs for too long (BUSY)
 * - `role_changed`: the server changed its role while a command blocked (UNBLOCKED)
 * - `credentials`: the password is missing or wrong (NOAUTH, WRONGPASS), as during a rotation
 * - `rights`: the user lacks a right (NOPERM), as during a change of ACLs
 */
export type OutageState =
  | "unreachable"
  | "no_answer"
  | "connections"
  | "full"
  | "read_only"
  | "no_replicas"
  | "persistence_failed"
  | "loading"
  | "cluster_down"
  | "stale"
  | "busy"
  | "role_changed"
  | "credentials"
  | "rights";

/** Description of each state for people; `/readyz` uses it too. */
export const OUTAGES: Readonly<Record<OutageState, string>> = {
  unreachable: "Redis cannot be reached",
  no_answer: "Redis gave no answer in time",
  connections: "Redis accepts no further connection (maxclients)",
  full: "Redis is out of memory and refuses writes (maxmemory)",
  read_only: "Redis is a read-only replica",
  no_replicas: "Redis refuses writes because it has too few replicas (min-replicas-to-write)",
  persistence_failed: "Redis refuses writes because it could not save its data to disk (MISCONF)",
  loading: "Redis is loading its data",
  cluster_down: "a part of the Redis Cluster is not served",
  stale: "this replica has lost its master",
  busy: "Redis is busy running a script",
  role_changed: "Redis changed its role",
  credentials: "Redis refuses the password",
  rights: "Redis refuses the gateway's commands: the rights of its user do not allow them",
};

/** Time that commands wait in each state since it was first seen, in milliseconds; afterwards they fail at once. */
const PATIENCE_MS: Readonly<Record<OutageState, number>> = {
  unreachable: 0,
  no_answer: 0,
  connections: 1_000,
  // Memory, replicas and disks take seconds to recover: a caller with an alternative should get the error at once.
  full: 0,
  no_replicas: 100,
  persistence_failed: 100,
  credentials: 0,
  rights: 0,
  read_only: 2_000,
  loading: 2_000,
  cluster_down: 2_000,
  stale: 2_000,
  busy: 2_000,
  role_changed: 2_000,
};

/** Kind of a failed command: whether it ran, and whether waiting may help. */
export type Failure =
  /** Redis did not run the command; it may succeed later. */
  | { readonly kind: "not_run"; readonly cause: Error; readonly state: OutageState }
  /** There was no connection: the command was not sent. */
  | { readonly kind: "not_sent"; readonly cause: Error }
  /** The connection ended before the reply: the command may or may not have run. */
  | { readonly kind: "lost"; readonly cause: Error }
  /** A final result; retrying does not help. */
  | { readonly kind: "final"; readonly error: MarrowError };

/** Meaning of a Redis error for a role. */
export type Verdict =
  /** Redis cannot serve now: follow the role's policy (`onUnavailable`, bypass, retry later). */
  | "not_now"
  /** Refused permanently: a right or a command is missing, and an operator must act. */
  | "refused"
  /** The command was wrong, or what it met: a key of another type, damage, a wrong argument. A bug, or something that others wrote. */
  | "misused";

/** Error prefixes that mean "not now, and nothing was changed". */
const NOT_NOW: ReadonlyMap<string, OutageState> = new Map<string, OutageState>([
  ["OOM", "full"],
  ["READONLY", "read_only"],
  ["NOREPLICAS", "no_replicas"],
  ["MISCONF", "persistence_failed"],
  ["LOADING", "loading"],
  ["BUSY", "busy"],
  ["CLUSTERDOWN", "cluster_down"],
  ["TRYAGAIN", "cluster_down"],
  ["MOVED", "cluster_down"],
  ["ASK", "cluster_down"],
  ["REDIRECT", "cluster_down"],
  ["MASTERDOWN", "stale"],
  ["NOMASTERLINK", "stale"],
  ["UNBLOCKED", "role_changed"],
  ["NOAUTH", "credentials"],
  ["WRONGPASS", "credentials"],
]);
/** Servers from 7 on word a lack of rights within a script anew; the word of the error is then `ERR`. */
const DENIED_WITHIN_SCRIPT = /^-?ERR (?:ACL failure in script|The user executing the script can't )/;
const UNKNOWN_COMMAND = /unknown (?:redis )?command/i;
const CLIENTS_MAX = /^-?ERR max number of clients/;
const SCRIPT_KILLED = /(?:Script|Function) killed by user/;
/** What clients say of a command before they write it. */
const NOT_SENT =
  /Stream isn't writeable|ClientOffline|client is offline|ClusterAllFailed|Failed to refresh slots|The client is closed|None of startup nodes|Cluster isn't ready|Command timeout during maintenance/i;
/** What clients say of one that they did not write, and of one whose reply did not come: the connection ended, or a time limit of the client. */
const CLOSED = /(?:Connection is closed|Command timed out)\.?$/i;
const LOST =
  /\bE(?:CONNRESET|PIPE|CONNREFUSED|NOENT|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)\b|Socket (?:closed|timeout)|SocketTimeout|Connection (?:is closed|lost|timeout)|MaxRetriesPerRequest|max retries per request|Command aborted|Disconnects ?client|Reconnect|sentinels? (?:is|are) unreachable|root nodes are unavailable|Too many Cluster redirections|Unknown RESP type|Command queue state error|\bProtocol error, got|answered out of step/i;
/** A server that received garbled data closes the connection. An invalid length is the caller's error instead. */
const GARBLED = /^-?ERR Protocol error: (?:expected|unauthenticated|too big (?:mbulk|bulk) count)/;
/** Servers before Redis 7 put the word of an error within a script behind the place where it happened. */
const WITHIN_SCRIPT = /^-?ERR Error running (?:script|function)[^:]*: (?:@\w+: ?\d+: ?)+-?([A-Z]+) /;
const DENIED_WITHIN_OLD_SCRIPT =
  /^-?ERR Error running (?:script|function)[^:]*: (?:@\w+: ?\d+: ?)+-?(?:ERR )?(?:ACL failure in script|The user executing the script can't )/;
/** A transaction that was discarded names why. */
const WITHIN_TRANSACTION = /^-?EXECABORT Transaction discarded because of: -?([A-Z]+) /;

/** Returns the prefix of a Redis error, such as `OOM`; "" for an error of the client library. */
export function errorWord(message: string): string {
  const nested = WITHIN_SCRIPT.exec(message) ?? WITHIN_TRANSACTION.exec(message);
  return nested?.[1] ?? /^-?([A-Z]+)(?: |$)/.exec(message)?.[1] ?? "";
}

/** An error of a client library for a command that was certainly not written to a connection. */
export class NotSent extends Error {
  constructor(cause: unknown) {
    super("the command was not sent", { cause });
  }
}

/** An error of a client library for a command that was written to a connection, and whose reply did not come. */
export class Written extends Error {
  constructor(cause: unknown) {
    super("the command was written and not answered", { cause });
  }
}

/** Classifies an error of a client library. Pure: reads only the error's name, code and message. */
export function classify(cause: unknown, wasConnected: boolean): Failure {
  if (MarrowError.is(cause)) return { kind: "final", error: cause };
  if (cause instanceof NotSent) {
    // A server that refused the connection said why.
    const why = classify(cause.cause, false);
    return why.kind === "lost" ? { kind: "not_sent", cause: why.cause } : why;
  }
  if (cause instanceof Written) {
    // An error of the server is its answer.
    const why = classify(cause.cause, true);
    return why.kind === "not_sent" ? { kind: "lost", cause: why.cause } : why;
  }
  const error = toError(cause);
  const { message } = error;
  const word = errorWord(message);
  const state = stateOf(message);
  if (state !== undefined) return { kind: "not_run", cause: error, state };
  // Redis kills only scripts that have not written yet; it was killed on purpose, so nobody starts it again here.
  if (SCRIPT_KILLED.test(message)) return { kind: "final", error: refusal("busy", error) };
  if (word === "NOPERM" || DENIED_WITHIN_SCRIPT.test(message) || DENIED_WITHIN_OLD_SCRIPT.test(message)) {
    const right = rightIn(message);
    const details = { mayHaveRun: word !== "NOPERM", state: "rights", right };
    return {
      kind: "final",
      error: new MarrowError("redis_denied", `${OUTAGES.rights} (${right})`, { cause: error, details }),
    };
  }
  const occupation = occupationOf(message);
  if (occupation !== undefined) return { kind: "final", error: occupied(occupation, { cause: error }) };
  if (GARBLED.test(message)) return { kind: "lost", cause: error };
  if (word === "DENIED") return final("redis_denied", `Redis refused the user's rights (${word})`, error);
  if ((word === "" || word === "ERR") && UNKNOWN_COMMAND.test(message))
    return { kind: "final", error: lacking(error, { command: nameOf(message) }) };
  // Only messages of the client library describe the connection: a server's error may quote the caller.
  const { code } = error as { code?: unknown };
  if (word === "" || word === message || typeof code === "string") {
    const named = `${error.name} ${typeof code === "string" ? code : ""} ${message}`;
    if (NOT_SENT.test(named) || (!wasConnected && CLOSED.test(named))) return { kind: "not_sent", cause: error };
    if (CLOSED.test(named)) return { kind: "lost", cause: error };
    if (typeof code === "string" || LOST.test(named)) return { kind: "lost", cause: error };
  }
  return final("redis_rejected", `Redis rejected a command (${word === "" ? error.name : word})`, error);
}

function toError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** Messages of Marrow and Node themselves. */
const OWN_WORDS = /^(?:the connection ended|not ready in time)$/;
/** Prefixes of server errors that are safe to log. */
const TELLABLE: ReadonlySet<string> = new Set(
  [...NOT_NOW.keys()].concat("ERR NOPERM DENIED NOPROTO NOSCRIPT WRONGTYPE EXECABORT CROSSSLOT".split(" ")),
);

/**
 * Returns the part of a client library's error that is safe to log: network and TLS messages, the prefix of a Redis error with its meaning,
 * and known messages of libraries. Any other message may contain keys, prompts or answers, and is reduced to the error's class.
 */
export function tellable(error: Error): string {
  const { message, name } = error;
  const { code } = error as { code?: unknown };
  const word = errorWord(message);
  if (word !== "" && word !== message) {
    const state = stateOf(message);
    if (!TELLABLE.has(word)) return "an error of Redis";
    return state === undefined ? `${word}, an error of Redis` : `${word} (${OUTAGES[state]})`;
  }
  if (typeof code === "string" || OWN_WORDS.test(message)) return message;
  return (
    (LOST.exec(message) ?? NOT_SENT.exec(message) ?? CLOSED.exec(message))?.[0] ??
    (/^\w{1,64}$/.test(name) ? name : "Error")
  );
}

/**
 * Builds the error of a command that was given up, with the reason and whether it may have run. `why` is the server's latest refusal of the
 * connection: a server that refuses the password is reachable.
 */
export function unavailable(failure: Exclude<Failure, { kind: "final" }>, why?: Error): MarrowError {
  if (failure.kind === "not_run") return refusal(failure.state, failure.cause);
  const mayHaveRun = failure.kind === "lost";
  const state = why === SILENT ? "no_answer" : ((why && stateOf(why.message)) ?? "unreachable");
  return new MarrowError(
    "unavailable",
    mayHaveRun
      ? "the connection to Redis ended before the answer; the command may have run"
      : `${OUTAGES[state]}; the command did not run`,
    { cause: failure.cause, details: { mayHaveRun, state } },
  );
}

/** Builds the error of a connection with mismatched replies. It never quotes a reply, which may be another tenant's. */
export function outOfStep(why: string): Error {
  return Object.assign(new Error(`Redis answered out of step: ${why}`), { code: "EPROTO" });
}

/** The error of a reply that its command cannot get, on a connection that is in step: what is stored is no record of this version. */
export function damaged(command: readonly unknown[]): MarrowError {
  const [verb] = command;
  const family = familyOf(command);
  return new MarrowError(
    "corrupt_record",
    `a stored record is unreadable: ${String(verb)} answered in a form that it cannot have (${family})`,
    { details: { command: verb, family } },
  );
}

/** The kind of key that a command is about: the part of its name behind the tag. What is behind that names users and sessions. */
function familyOf(command: readonly unknown[]): string {
  const key = command.find((word) => typeof word === "string" && /^\{[^}]*\}:/.test(word));
  return typeof key === "string" ? (/^\{[^}]*\}:([a-z0-9-]{1,32})/.exec(key)?.[1] ?? "unknown") : "unknown";
}

/** Cause of failure for a server that accepts connections and never replies. */
export const SILENT: Error = new Error("the connection is silent");

/** Returns the outage state of a server error. */
function stateOf(message: string): OutageState | undefined {
  return NOT_NOW.get(errorWord(message)) ?? (CLIENTS_MAX.test(message) ? "connections" : undefined);
}

/** Builds the error of a command without a reply in time. */
export function noAnswer(timeoutMs: number): MarrowError {
  return new MarrowError("timeout", `Redis gave no answer within ${timeoutMs} ms`, {
    details: { timeoutMs, state: "no_answer" },
  });
}

function refusal(state: OutageState, cause: Error): MarrowError {
  return new MarrowError(
    state === "full" ? "redis_full" : "unavailable",
    `${OUTAGES[state]}; the command did not run`,
    {
      cause,
      details: { mayHaveRun: false, state },
    },
  );
}

function final(code: "redis_denied" | "redis_rejected", message: string, cause: Error): Failure {
  return { kind: "final", error: new MarrowError(code, message, { cause }) };
}

/** Facts about a command that a server lacks. */
export interface Lacking {
  readonly command?: string | undefined;
  readonly server?: string | undefined;
  readonly version?: string | undefined;
}

/** Builds the error for an unsupported command. It names the command, the server and the remedy as far as they are known. */
export function lacking(cause: Error, known: Lacking): MarrowError {
  const { command, server, version = "of unknown version" } = known;
  const who = server === undefined ? "" : ` (${server} ${version})`;
  const what = command === undefined ? "" : ` (${command})`;
  return new MarrowError("unsupported", `the server${who} lacks a required command${what}; see docs/engines.md`, {
    cause,
    details: Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
  });
}

/** Returns the meaning of a Redis error, or `undefined` for other errors (an invalid option, a broken record, a bug). */
export function verdictOf(error: unknown): Verdict | undefined {
  if (!MarrowError.is(error)) return undefined;
  switch (error.code) {
    case "unavailable":
    case "timeout":
    case "redis_full":
      return "not_now";
    case "redis_denied":
      return error.details?.["state"] === "rights" ? "not_now" : "refused";
    case "unsupported":
      return "refused";
    case "redis_rejected":
      return "misused";
    case "corrupt_record":
      // Of a command, not of a record that was read.
      return error.details?.["family"] === undefined ? undefined : "misused";
    default:
      return undefined;
  }
}

/** Returns true for an error that means Redis cannot serve now and may serve the same call later. All roles use this function. */
export function cannotServe(error: unknown): boolean {
  return verdictOf(error) === "not_now";
}

/** Returns the outage state of an error, or `undefined` if {@link cannotServe} is false. */
export function outageOf(error: unknown): OutageState | undefined {
  if (!cannotServe(error)) return undefined;
  const state = (error as MarrowError).details?.["state"];
  if (typeof state === "string" && Object.hasOwn(OUTAGES, state)) return state as OutageState;
  const { code } = error as MarrowError;
  return code === "redis_full" ? "full" : code === "timeout" ? "no_answer" : "unreachable";
}

/** A state that was not seen for this long has ended. */
const ENDED_AFTER_MS = 1_000;

/**
 * Decides whether to wait for the end of a state that refuses commands. The first commands of an outage wait; later ones fail at once. Each
 * of those still sends one cheap command, so the end of the outage is noticed at once.
 */
export function createPatience(): (state: OutageState, nowMs: number) => boolean {
  const seen = new Map<OutageState, { sinceMs: number; lastMs: number }>();
  return (state, nowMs) => {
    const known = seen.get(state);
    const sinceMs = known !== undefined && nowMs - known.lastMs < ENDED_AFTER_MS ? known.sinceMs : nowMs;
    seen.set(state, { sinceMs, lastMs: nowMs });
    return nowMs - sinceMs < PATIENCE_MS[state];
  };
}

/** Returns the missing right from the server's message: a command's name, or the kind of object that the user may not access. */
function rightIn(message: string): string {
  const command = /permissions to run the [`'"]([A-Za-z._|]{1,40})[`'"]/.exec(message)?.[1];
  if (command !== undefined) return command.toUpperCase();
  return /channel/.test(message) ? "channels" : /\bkeys?\b/.test(message) ? "keys" : "commands";
}

/** The command's name in the server's answer; of the rest, which repeats arguments, nothing. */
function nameOf(message: string): string | undefined {
  return /unknown command [`'"]?([A-Za-z._]{2,32})[`'"]/i.exec(message)?.[1]?.toUpperCase();
}
