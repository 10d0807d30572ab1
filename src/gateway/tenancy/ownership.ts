import { hash } from "node:crypto";
import { MarrowError } from "../../errors.ts";

/** Whose things somebody may touch. */
export interface Reach {
  /** One user's alone: the key acts for that user, or the request names it. Absent: everything in the scope. */
  readonly only?: string | undefined;
}

/**
 * Whose a resource is.
 * - `user`: whoever it was made for. Who acts for another user does not see it.
 * - `shared`: the same; what was made for no user in particular is the scope's: all of its keys read it, those that act for any user change it.
 * - `scope`: the scope's; all of its keys use it.
 * - `keeper`: the scope's; only keys that act for any user use it.
 * - `admin`: for keys of that role.
 * - `open`: for everybody, without a key.
 */
export type Belonging = "user" | "shared" | "scope" | "keeper" | "admin" | "open";

/** A resource by its name in the table. */
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
  | "health";

/** Each resource of the gateway, and whose it is. `docs/roles/gateway.md` has the same table. */
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
  health: "open",
};

const rows = (resource: Resource, start: string, routes: string): (readonly [string, Resource])[] =>
  routes
    .trim()
    .split(/\s*\n\s*/)
    .map((route) => {
      const [method = "", path = ""] = route.split(" ");
      return [`${method} ${start}${path}`, resource];
    });

const WEBHOOKS = `
  POST
  GET
  GET /:id
  POST /:id
  DELETE /:id
  POST /:id/rotate
  POST /:id/test
  GET /:id/deliveries
  POST /:id/redrive`;

/** What each route is about. A route that is not here fails a test: whoever adds one says whose its things are. */
export const ROUTES: ReadonlyMap<string, Resource> = new Map([
  ...rows("health", "", "GET /healthz\nGET /readyz\nGET /metrics"),
  ...rows("model", "/v1/models", "GET\nGET /*"),
  ...rows("embedding", "/v1/embeddings", "POST"),
  ...rows(
    "model",
    "/v1",
    "POST /moderations\nPOST /images/generations\nPOST /audio/speech\nPOST /completions\nPOST /rerank",
  ),
  ...rows("session", "/v1/chat/completions", "POST"),
  ...rows("session", "/v1/messages", "POST"),
  ...rows("model", "/v1/messages/count_tokens", "POST"),
  ...rows(
    "response",
    "/v1/responses",
    "POST\nPOST /compact\nPOST /input_tokens\nGET /:id\nPOST /:id/cancel\nDELETE /:id\nGET /:id/input_items",
  ),
  ...rows("batch", "/v1/batches", "POST\nGET\nGET /:id\nPOST /:id/cancel"),
  ...rows(
    "task",
    "/v1/tasks",
    "POST\nGET /:id\nPOST /:id/cancel\nPOST /:id/signal\nPOST /:id/promote\nDELETE /:id\nGET /:id/stream",
  ),
  ...rows(
    "task worker",
    "/v1/tasks",
    "POST /claim\nPOST /:id/extend\nPOST /:id/write\nPOST /:id/progress\nPOST /:id/step\nPOST /:id/finish\nPOST /:id/fail\nPOST /:id/release",
  ),
  ...rows(
    "limit",
    "/v1/limits",
    "GET\nGET /:limit\nPUT /:limit\nDELETE /:limit\nPOST /:limit/take\nPOST /:limit/peek\nPOST /:limit/settle",
  ),
  ...rows("webhook", "/v1/webhooks", WEBHOOKS),
  ...rows("webhook", "/v1/tasks/webhooks", WEBHOOKS),
  ...rows("agent card", "/a2a/:agent/.well-known/agent-card.json", "GET"),
  ...rows("A2A task", "/a2a/:agent", "POST"),
  ...rows(
    "conversation",
    "/v1/conversations",
    "POST\nGET /:conversation\nPOST /:conversation\nDELETE /:conversation\nPOST /:conversation/items\nGET /:conversation/items\nGET /:conversation/items/:item\nDELETE /:conversation/items/:item",
  ),
  ...rows(
    "memory",
    "/v1/memories",
    "POST\nGET\nPOST /recall\nPOST /forget\nGET /:id\nGET /:id/history\nPOST /:id\nDELETE /:id",
  ),
  ...rows(
    "cache entry",
    "/v1/caches/:cache",
    "POST /entries\nPOST /entries/search\nDELETE /entries/:id\nDELETE /entries\nPOST /flush",
  ),
  ...rows("memory", "/mcp", "POST\nGET\nDELETE"),
  ...rows("file", "/v1/files", "POST\nGET\nGET /:id\nGET /:id/content\nDELETE /:id"),
  ...rows(
    "vector store",
    "/v1/vector_stores",
    "POST\nGET\nGET /:store\nPOST /:store\nDELETE /:store\nPOST /:store/search",
  ),
  ...rows(
    "vector store",
    "/v1/vector_stores/:store/files",
    "POST\nGET\nGET /:id\nPOST /:id\nDELETE /:id\nGET /:id/content",
  ),
  ...rows("vector store", "/v1/vector_stores/:store/file_batches", "POST\nGET /:id\nPOST /:id/cancel\nGET /:id/files"),
  ...rows("administration", "/v1/admin/keys", "POST\nGET\nPOST /:id\nDELETE /:id"),
  ...rows("administration", "/v1/admin/plans", "GET\nPUT /:id\nDELETE /:id"),
  ...rows(
    "administration",
    "/v1/admin/users/:id",
    "GET\nPUT\nPOST /block\nPOST /unblock\nPOST /override\nPOST /boost\nPOST /restore",
  ),
  ...rows("administration", "/v1/admin/lanes/open", "POST"),
  ...rows("administration", "/v1/admin/upstreams", "GET"),
  ...rows("administration", "/v1/admin/reload", "POST"),
  ...rows("administration", "/v1/admin/spend", "GET"),
  ...rows("administration", "/v1/admin/savings", "GET"),
]);

/** What a route is about; a `HEAD` as the `GET` beside it. */
export function resourceOf(method: string, url: string | undefined): Resource | undefined {
  return ROUTES.get(`${method === "HEAD" ? "GET" : method} ${url ?? ""}`);
}

/** Whether somebody may read a thing; `owner` is absent for one that is the scope's, which the users of a `shared` resource read too. */
export function mayRead({ only }: Reach, owner: string | undefined, shared = false): boolean {
  return only === undefined || owner === only || (shared && owner === undefined);
}

/** Whether somebody may change a thing. */
export function mayChange({ only }: Reach, owner: string | undefined): boolean {
  return only === undefined || owner === only;
}

/** Throws what a thing that may be seen but not changed is answered with. */
export function refuseChange(): never {
  throw new MarrowError("forbidden", "this is the scope's: it is changed by keys that act for any user");
}

/** What ids of a user's jobs begin with: 16 characters that tell the user to nobody who does not know the name. */
export function tagOf(user: string): string {
  return `u${hash("sha256", JSON.stringify(["user", user]), "hex").slice(0, 14)}-`;
}

/** A key under which requests are taken for one; of one user it is no other's. At most 256 characters. */
export function ownKey({ only }: Reach, key: string | undefined): string | undefined {
  if (key === undefined || only === undefined) return key;
  return `${tagOf(only)}${hash("sha256", key, "hex")}`;
}
