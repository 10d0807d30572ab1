import { MarrowError } from "../errors.ts";

/** What the owner of a borrowed connection uses it for, so that it answers no commands of others. */
export type Occupation = "transaction" | "subscriber" | "monitor";

const WHY: Readonly<Record<Occupation, string>> = {
  transaction: "the connection is inside a transaction of its owner (MULTI)",
  subscriber: "the connection is in subscriber mode",
  monitor: "the connection is in monitor mode",
};

/** Messages of the client libraries and of servers for a command in another mode. */
const MESSAGES: readonly (readonly [RegExp, Occupation])[] = [
  [/^Connection in subscriber mode,|^-?ERR Can't execute '[^']*': only \(P\|S\)SUBSCRIBE /, "subscriber"],
  [/^Connection is in monitoring mode,|^-?ERR Replica can't interact with the keyspace/, "monitor"],
];

/**
 * Builds the error `redis_rejected` of a command on a connection that its owner uses otherwise. `details`: `occupation`, and `mayHaveRun`: within
 * a transaction, whether the server has queued the command, which runs at the owner's EXEC.
 */
export function occupied(
  occupation: Occupation,
  { cause, mayHaveRun = false }: { readonly cause?: unknown; readonly mayHaveRun?: boolean } = {},
): MarrowError {
  const happened = mayHaveRun ? "the command runs when the owner sends EXEC" : "the command did not run";
  return new MarrowError("redis_rejected", `${WHY[occupation]}; ${happened}. Give Marrow a connection of its own`, {
    cause,
    details: { occupation, mayHaveRun },
  });
}

/** Returns the occupation of a connection by the error of a command, or `undefined`. */
export function occupationOf(message: string): Occupation | undefined {
  return MESSAGES.find(([pattern]) => pattern.test(message))?.[1];
}

/** Commands that end a transaction. */
const ENDS: ReadonlySet<string> = new Set(["EXEC", "DISCARD", "RESET"]);

/** Follows the transaction that is open on a connection, by what was sent or answered. */
export function createTransaction(): {
  /** Whose transaction is open: one that was opened by way of Marrow is its caller's business. */
  openFor(): "marrow" | "owner" | undefined;
  /** Notes a command that runs now, in any letter case, and by whom it was sent. */
  note(verb: string, by: "marrow" | "owner"): void;
  /** Forgets it: the connection is another one. */
  forget(): void;
} {
  let open: "marrow" | "owner" | undefined;
  return {
    openFor: () => open,
    note(verb, by) {
      if (open === undefined) {
        if (verb.length === MULTI.length && verb.toUpperCase() === MULTI) open = by;
      } else if (ENDS.has(verb.toUpperCase())) open = undefined;
    },
    forget: () => (open = undefined),
  };
}

const MULTI = "MULTI";

/** Whether a reply is the status of a command that was queued for a transaction, or a stored text like it. */
export function isQueued(reply: unknown): boolean {
  if (typeof reply === "string") return reply === QUEUED;
  return Buffer.isBuffer(reply) && reply.length === QUEUED.length && reply.toString("latin1") === QUEUED;
}

const QUEUED = "QUEUED";
