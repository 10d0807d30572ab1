import { hash } from "node:crypto";
import { MarrowError } from "../../errors.ts";

/** Restricts a request to the resources of one user. */
export interface Reach {
  /** The only user: the key acts for that user, or the request names it. @default everything in the scope */
  readonly only?: string | undefined;
}

/**
 * Ownership of a resource.
 *
 * - `user`: its user. Requests for another user do not see it.
 * - `shared`: the same, except that items without a user belong to the scope: all of its keys read them, those that act for any user change
 * them.
 * - `scope`: the scope; all of its keys use it.
 * - `keeper`: the scope; only keys that act for any user use it.
 * - `admin`: only keys of that role.
 * - `open`: everybody, without a key.
 */
export type Belonging = "user" | "shared" | "scope" | "keeper" | "admin" | "open";

/** Name of a resource in the table. */
export type Resource =
  | "session"
  | "conversation"
  | "memory"
  | "response"
  | "task"
  | "batch"
  | "A2A task"
  | "file"
  | "vector store"
  | "cache entry"
  | "agent card"
  | "embedding"
  | "model"
  | "webhook"
  | "task worker"
  | "limit"
  | "administration"
  | "dashboard"
  | "health";

/** Ownership of each resource of the gateway. `docs/roles/gateway.md` has the same table. */
export const RESOURCES: Readonly<Record<Resource, Belonging>> = {
  session: "user",
  conversation: "user",
  memory: "user",
  response: "user",
  task: "user",
  batch: "user",
  "A2A task": "user",
  file: "shared",
  "vector store": "shared",
  "cache entry": "shared",
  "agent card": "scope",
  embedding: "scope",
  model: "scope",
  webhook: "keeper",
  "task worker": "keeper",
  limit: "keeper",
  administration: "admin",
  dashboard: "open",
  health: "open",
};

/**
 * Returns true if the caller may read an item; `owner` is absent for one of the scope, which the users of a `shared` resource may read,
 * too.
 */
export function mayRead({ only }: Reach, owner: string | undefined, shared = false): boolean {
  return only === undefined || owner === only || (shared && owner === undefined);
}

/** Purposes of files that a batch reads and writes: they have its requests and answers. */
const OF_BATCHES: ReadonlySet<string> = new Set(["batch", "batch_output"]);

/** Returns true if the caller may read a file: those of a batch are not shared, like the batch. */
export function mayReadFile(
  reach: Reach,
  { owner, purpose }: { readonly owner?: string | undefined; readonly purpose: string },
): boolean {
  return mayRead(reach, owner, !OF_BATCHES.has(purpose));
}

/** Returns true if the caller may change an item. */
export function mayChange({ only }: Reach, owner: string | undefined): boolean {
  return only === undefined || owner === only;
}

/** Throws the error for an item that may be read but not changed. */
export function refuseChange(): never {
  throw new MarrowError("forbidden", "this belongs to the whole scope: only keys that act for any user may change it");
}

/** Returns the prefix of ids of a user's jobs: 16 characters that do not reveal the user. */
export function tagOf(user: string): string {
  return `u${hash("sha256", JSON.stringify(["user", user]), "hex").slice(0, 14)}-`;
}

/** The name under which the bytes of a user's fact count. Ids of facts are the same for all users who say the same. */
export function factThing(user: string, id: string): string {
  return `memory:${tagOf(user)}${id}`;
}

/** Returns the idempotency key, distinct for each user. At most 256 characters. */
export function ownKey({ only }: Reach, key: string | undefined): string | undefined {
  if (key === undefined || only === undefined) return key;
  return `${tagOf(only)}${hash("sha256", key, "hex")}`;
}
