import { withPackage } from "../../internal/optional-package.ts";
import type { GatewayApp } from "../parts.ts";

/** Far more than the arguments of any tool may have: the SDK repeats a wrong name of a tool in its answer. */
const BODY_BYTES_MAX = 262_144;

/**
 * Registers `POST /mcp`: the Model Context Protocol over streamable HTTP, for the user of the API key. Requests are independent, so any
 * gateway may answer them. Without the optional package of the protocol's SDK it returns 501.
 */
export function registerMcp({ app, tenants }: GatewayApp): void {
  // Loaded at once, so that the first request does not wait for it.
  const loading = withPackage("@modelcontextprotocol/sdk", "/mcp", () => import("./mcp-served.ts"));
  loading.catch((error: unknown) => app.log.info({ code: "unsupported" }, (error as Error).message));
  const bodyLimit = Math.min(app.initialConfig.bodyLimit ?? BODY_BYTES_MAX, BODY_BYTES_MAX);
  app.post("/mcp", { bodyLimit }, async (request, reply) => {
    const { answerMcp } = await loading;
    await answerMcp(request, reply, tenants(request.principal.scope).memory);
  });

  // There is no session to listen to or to end.
  for (const method of ["GET", "DELETE"] as const) {
    app.route({
      method,
      url: "/mcp",
      handler: (_, reply) =>
        reply
          .code(405)
          .header("allow", "POST")
          .send({ jsonrpc: "2.0", error: { code: -32_000, message: "method not allowed" }, id: null }),
    });
  }
}
