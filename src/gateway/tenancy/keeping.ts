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
