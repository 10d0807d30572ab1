import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Memory } from "../../memory/index.ts";
import { userOf } from "../tenancy/identity.ts";
import { tellUnkept } from "../tenancy/keeping.ts";
import { VERSION } from "../version.ts";
import { createMcpServer } from "./mcp.ts";

/** Handles one request of the Model Context Protocol over streamable HTTP. */
export async function answerMcp(request: FastifyRequest, reply: FastifyReply, memory: Memory): Promise<void> {
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
    // Marked before the response is sent, so that the mark is set when it has been sent.
    if (failed > 0 && succeeded === 0) tellUnkept(request);
    return send(message, options);
  };
  await transport.handleRequest(request.raw, reply.raw, request.body);
}
