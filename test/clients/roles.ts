import { randomUUID } from "node:crypto";
import { Role, TaskState, type Message, type Task } from "@a2a-js/sdk";
import {
  ClientFactory,
  ClientFactoryOptions,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
} from "@a2a-js/sdk/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { LangCache } from "@redis-ai/langcache";
import { expect } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import type { TestGateway } from "../gateway.ts";
import { trialsOf, type Trial } from "./trial.ts";

const originOf = ({ baseURL }: TestGateway) => new URL(baseURL).origin;

/** Clients of other protocols than OpenAI's: the semantic cache, memory over MCP, agents over A2A. */
export const roleTrials: readonly Trial[] = [
  ...trialsOf("@redis-ai/langcache", {
    async "semantic cache"(gateway) {
      const cache = new LangCache({ serverURL: originOf(gateway), apiKey: gateway.key, cacheId: "clients" });
      const attributes = { language: "en" };
      const { entryId } = await cache.set({ prompt: "What is the capital of France?", response: "Paris", attributes });
      const { data } = await cache.search({ prompt: "what is France's capital", attributes });
      expect(data).toMatchObject([{ id: entryId, response: "Paris", attributes }]);
      await cache.deleteById(entryId);
      expect(await cache.deleteQuery({ attributes })).toEqual({ deletedEntriesCount: 0 });
      await cache.flush();
    },
  }),
  ...trialsOf("@modelcontextprotocol/sdk", {
    async memory(gateway) {
      const client = new Client({ name: "trial", version: "1" });
      const headers = { authorization: `Bearer ${gateway.key}`, "x-marrow-user": "mcp trial" };
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`${originOf(gateway)}/mcp`), { requestInit: { headers } }),
      );
      const call = (name: string, given: Record<string, unknown>) => client.callTool({ name, arguments: given });
      await call("remember", { text: "Ada lives in Oslo", said_by: "user" });
      const { structuredContent } = await call("recall", { about: "where does Ada live?" });
      expect(structuredContent).toMatchObject({ memories: [{ text: "Ada lives in Oslo" }] });
      await client.close();
    },
  }),
  ...trialsOf("@a2a-js/sdk", {
    async agents(gateway) {
      const bus = createBus(gateway.redis.scope("acme"));
      const agent = await bus.register({ name: "echo" }, async ({ body }) => `heard ${JSON.stringify(body)}`);
      const withKey: typeof fetch = (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set("authorization", `Bearer ${gateway.key}`);
        return fetch(input, { ...init, headers });
      };
      const options = ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
        transports: [new JsonRpcTransportFactory({ fetchImpl: withKey })],
        cardResolver: new DefaultAgentCardResolver({ fetchImpl: withKey }),
      });
      const client = await new ClientFactory(options).createFromUrl(`${originOf(gateway)}/a2a/echo/`);
      const message: Message = {
        messageId: randomUUID(),
        contextId: "",
        taskId: "",
        role: Role.ROLE_USER,
        parts: [
          { content: { $case: "text", value: "hello" }, metadata: undefined, filename: "", mediaType: "text/plain" },
        ],
        metadata: undefined,
        extensions: [],
        referenceTaskIds: [],
      };
      const task = (await client.sendMessage({
        tenant: "",
        message,
        configuration: undefined,
        metadata: undefined,
      })) as Task;
      expect(task.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
      expect(JSON.stringify(task)).toContain("hello");
      await agent.close();
      await bus.close();
    },
  }),
];
