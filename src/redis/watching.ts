import type { Cluster, Redis as IoredisClient } from "ioredis";
import { tellable } from "./failure.ts";
import type { Target } from "./target.ts";

/** Called when a connection is lost, with the reason and place without secrets, and with `undefined` when it serves again. */
export type ConnectionListener = (lost: string | undefined) => void;

/** State collected from a client's events. */
export interface Watch {
  /** Last error of the network, TLS or the server; `undefined` before the first. */
  readonly lastError: Error | undefined;
}

const WHY_CHARS_MAX = 200;

/** Follows a client's connection. Reports each change once, even if the server refuses a hundred times. */
export function watchConnection(client: IoredisClient | Cluster, target: Target, listener: ConnectionListener): Watch {
  const watch: { lastError: Error | undefined } = { lastError: undefined };
  let told: string | undefined;
  const lost = (error: Error) => {
    watch.lastError = error;
    const why = `${placeOf(target)}${whyOf(error)}`;
    if (why === told) return;
    told = why;
    listener(why);
  };
  client.on("error", lost);
  client.on("node error", lost);
  client.on("ready", () => {
    if (told !== undefined) listener(undefined);
    told = undefined;
    watch.lastError = undefined;
  });
  // The event carries no reason if the server closed the connection, and the next attempt may succeed before any other event.
  client.on("close", () => {
    if (told === undefined) lost(new Error("the connection ended"));
  });
  return watch;
}

/** Formats a target's location, without user and password. */
export function placeOf({ kind, hosts, path, master }: Target): string {
  if (path !== undefined) return path;
  const places = hosts
    .map(({ host, port }) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`))
    .join(", ");
  return kind === "sentinel" ? `${master} by the sentinels ${places}` : places;
}

/** Summarizes an error in a few words without secrets or data; "" if there is nothing to say. */
export function whyOf(reason: unknown): string {
  const found = causes(reason).findLast((error) => typeof (error as { code?: unknown }).code === "string");
  const told = found ?? (reason instanceof Error ? reason : undefined);
  if (told === undefined || told.name === "MarrowError") return "";
  const { code } = told as { code?: unknown };
  const text = tellable(told).replaceAll(/\s+/g, " ").slice(0, WHY_CHARS_MAX);
  if (text === "") return typeof code === "string" ? `: ${code}` : "";
  return `: ${text}${typeof code === "string" && !text.includes(code) ? ` (${code})` : ""}`;
}

/** Returns an error with all its causes: `cause`, the members of an aggregate, and a cluster client's last node error. */
function causes(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 4) return [];
  const { lastNodeError, errors = [] } = error as { lastNodeError?: unknown; errors?: readonly unknown[] };
  return [error, ...[error.cause, lastNodeError, ...errors].flatMap((cause) => causes(cause, depth + 1))];
}
