import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Memory } from "../../memory/index.ts";
import { userOf } from "../tenancy/identity.ts";
import { tellForgotten, tellKept } from "../tenancy/keeping.ts";
import { VERSION } from "../version.ts";
import { createMcpServer } from "./mcp.ts";

/** Handles one request of the Model Context Protocol over streamable HTTP. */
export async function answerMcp(request: FastifyRequest, reply: FastifyReply, memory: Memory): Promise<void> {
  const server = createMcpServer({
    memory,
    user: userOf(request, undefined),
    version: VERSION,
    onRemembered: (id, bytes) => tellKept(request, id, { bytes }),
    onForgotten: (ids, forgotten) => tellForgotten(request, ids, forgotten),
  });
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  reply.hijack();
  const closed = closingOf(reply.raw);
  void closed.then(() => {
    void transport.close();
    void server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(request.raw, reply.raw, request.body);
  // Tools may run until the answer is written.
  await closed;
}

/** Resolves when an answer is written or its client has left, which may be before its work begins. */
async function closingOf(raw: FastifyReply["raw"]): Promise<void> {
  if (!raw.closed) await new Promise<void>((resolve) => raw.once("close", () => resolve()));
}
