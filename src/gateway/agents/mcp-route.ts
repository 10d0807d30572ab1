import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { userOf } from "../tenancy/identity.ts";
import { createMcpServer } from "./mcp.ts";
import { tellUnkept } from "../tenancy/keeping.ts";
import type { GatewayApp } from "../parts.ts";
import { VERSION } from "../version.ts";

/**
 * `POST /mcp`: the Model Context Protocol over streamable HTTP, for the user of the API key. Each request stands alone, so any gateway may
 * answer it.
 */
export function registerMcp({ app, tenants }: GatewayApp): void {
  app.post("/mcp", async (request, reply) => {
    const { memory } = tenants(request.principal.scope);
    const server = createMcpServer({ memory, user: userOf(request, undefined), version: VERSION });
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    reply.hijack();
    reply.raw.once("close", () => {
      void transport.close();
      void server.close();
    });
    await server.connect(transport);
    const send = transport.send.bind(transport);
    let failed = 0;
    let succeeded = 0;
    transport.send = (message, options) => {
      if ("error" in message || ("result" in message && message.result["isError"] === true)) failed += 1;
      else if ("result" in message) succeeded += 1;
      // Told before the answer leaves, so that it is known when the answer has left.
      if (failed > 0 && succeeded === 0) tellUnkept(request);
      return send(message, options);
    };
    await transport.handleRequest(request.raw, reply.raw, request.body);
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
