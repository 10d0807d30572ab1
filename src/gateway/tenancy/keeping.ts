import type { FastifyRequest } from "fastify";

/** Posts of these routes keep nothing of their body. */
const KEEPS_NOTHING: ReadonlySet<string> = new Set([
  "/v1/responses/input_tokens",
  "/v1/responses/compact",
  "/v1/messages/count_tokens",
]);
/** Posts that read, or change a thing by its name alone. */
const NAMING = /\/(?:search|recall|cancel|promote|forget|test|rotate|redrive)$/;
/** Methods of A2A that store their input. */
const A2A_KEEPING: ReadonlySet<unknown> = new Set([
  "SendMessage",
  "SendStreamingMessage",
  "CreateTaskPushNotificationConfig",
]);

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns true if a route stores part of a body on success; only that is booked. Turns of sessions and conversations are counted when they
 * are added. `embedder` is the model whose vectors the gateway caches.
 */
export function keeps(url: string, body: unknown, embedder: string | undefined): boolean {
  if (KEEPS_NOTHING.has(url) || NAMING.test(url)) return false;
  const fields = (typeof body === "object" && body !== null ? body : {}) as Fields;
  switch (url) {
    case "/v1/responses":
      return fields["store"] !== false;
    case "/v1/embeddings":
      return embedder !== undefined && fields["model"] === embedder;
    case "/mcp":
      return (Array.isArray(body) ? (body as unknown[]) : [body]).some(isRemembering);
    case "/a2a/:agent":
      return A2A_KEEPING.has(fields["method"]);
    default:
      return true;
  }
}

/** Of MCP's methods and tools only this one keeps anything. */
function isRemembering(message: unknown): boolean {
  const { method, params } = (message ?? {}) as Fields;
  return method === "tools/call" && ((params ?? {}) as Fields)["name"] === "remember";
}

const unkept = new WeakSet<FastifyRequest>();

/** Marks a request that stored nothing although its HTTP status is a success, because JSON-RPC reports errors that way. */
export function tellUnkept(request: FastifyRequest): void {
  unkept.add(request);
}

/** Returns true for a request that was marked by {@link tellUnkept}. */
export function isUnkept(request: FastifyRequest): boolean {
  return unkept.has(request);
}

/** How the stored thing of a request is counted. */
export interface KeptOptions {
  /** Bytes of the thing. @default those of the request's body */
  readonly bytes?: number | undefined;
  /** Adds to the bytes of the thing, which is new: other bytes of it are counted elsewhere. @default at least these bytes are counted */
  readonly adds?: boolean | undefined;
}

type Keeping = (id: string, options: KeptOptions) => Promise<void>;
const keepings = new WeakMap<FastifyRequest, Keeping>();

/** Sets what {@link tellKept} does for a request. */
export function onKept(request: FastifyRequest, keep: Keeping): void {
  keepings.set(request, keep);
}

/**
 * Counts the reserved bytes of a request for the thing that it stored. Await it before the client learns the thing's id, so that deleting the
 * thing finds its bytes. Routes whose answer is a body with the id of what they made need not call it.
 */
export async function tellKept(request: FastifyRequest, id: string, options: KeptOptions = {}): Promise<void> {
  await keepings.get(request)?.(id, options);
}

type Forgetting = (ids: readonly string[], deleted: readonly string[]) => Promise<void>;
const forgettings = new WeakMap<FastifyRequest, Forgetting>();

/** Sets what {@link tellForgotten} does for a request. */
export function onForgotten(request: FastifyRequest, forget: Forgetting): void {
  forgettings.set(request, forget);
}

/**
 * Releases the bytes of things that are no more, other than by a path that names them: those that the request `deleted`, and others whose bytes
 * an earlier request may have left, because it broke before it released them.
 */
export async function tellForgotten(
  request: FastifyRequest,
  ids: readonly string[],
  deleted: readonly string[],
): Promise<void> {
  await forgettings.get(request)?.(ids, deleted);
}

/** Routes that call {@link tellKept} for all that they store. */
const TELLING: ReadonlySet<string> = new Set(["/v1/responses", "/mcp"]);

/** Returns true if a request to this route stored nothing unless it was told by {@link tellKept}. */
export function tellsKept(url: string): boolean {
  return TELLING.has(url);
}
