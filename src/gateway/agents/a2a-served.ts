import {
  A2A_VERSION_HEADER,
  Extensions,
  formatSSEErrorEvent,
  formatSSEEvent,
  HTTP_EXTENSION_HEADER,
} from "@a2a-js/sdk";
import { RequestMalformedError } from "@a2a-js/sdk/errors";
import {
  DefaultRequestHandler,
  defaultServerCallContextBuilder,
  JsonRpcTransportHandler,
  validateVersion,
} from "@a2a-js/sdk/server";
import type { FastifyReply, FastifyRequest } from "fastify";
import { createA2A, startA2APush, type A2A } from "../../a2a/index.ts";
import type { AgentInfo } from "../../bus/index.ts";
import { MarrowError } from "../../errors.ts";
import type { Door } from "../http/door.ts";
import { executeOnBus, toAgentCard } from "./a2a-agent.ts";
import type { GatewayConfig } from "../config/config.ts";
import { sendEvents } from "../http/event-stream.ts";
import { header, userOf } from "../tenancy/identity.ts";
import { tellUnkept } from "../tenancy/keeping.ts";
import type { GatewayApp } from "../parts.ts";

/** Path parameters of a request. */
export interface Named {
  Params: { readonly agent: string };
}

interface Served {
  readonly a2a: A2A;
  readonly handler: DefaultRequestHandler;
  readonly close: () => Promise<void>;
}

/** Agents that are kept ready. */
const SERVED_MAX = 1_000;

/** Handles requests at `/a2a/{agent}`. */
export interface A2AAnswers {
  readonly card: (request: FastifyRequest<Named>) => Promise<unknown>;
  readonly call: (request: FastifyRequest<Named>, reply: FastifyReply) => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

/** Serves agents of a scope's bus as A2A 1.0 does, over JSON-RPC; any gateway serves any task. */
export function serveA2A(
  { app, redis, buses }: GatewayApp,
  { webhooks, publicUrl, host, port }: GatewayConfig,
  door: Door,
): A2AAnswers {
  const served = new Map<string, Served>();

  /** An agent that was registered, also when it cannot be reached just now. @throws MarrowError `not_found` */
  async function find(request: FastifyRequest<Named>): Promise<AgentInfo> {
    const name = request.params.agent;
    const states = ["online", "draining", "unreachable"] as const;
    const [agent] = await buses(request.principal.scope)
      .find({ name, states })
      .catch((error: unknown) => {
        // No agent can have such a name.
        if (MarrowError.is(error, "invalid_input")) return [];
        throw error;
      });
    if (agent === undefined)
      throw new MarrowError("not_found", "there is no agent of this name", { details: { path: "agent" } });
    return agent;
  }

  /** Returns a card's URL: the configured one, or else the request's host if the gateway is known by that name. */
  function urlOf({ protocol, host: named, params, headers }: FastifyRequest<Named>): string {
    const own = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const base = publicUrl ?? (door.knowsHost(headers.host) ? `${protocol}://${named}` : own);
    return `${base.replace(/\/+$/, "")}/a2a/${encodeURIComponent(params.agent)}`;
  }

  function open(scope: string, agent: AgentInfo, url: string): Served {
    const key = JSON.stringify([scope, agent.card.name]);
    const known = served.get(key);
    if (known !== undefined) return known;
    if (served.size >= SERVED_MAX) void closeAll();
    const options = { name: agent.card.name, resume: true, push: webhooks };
    const onError = (error: unknown) =>
      app.log.warn(
        { code: MarrowError.is(error) ? error.code : "internal" },
        "a task of an agent failed in the background",
      );
    const a2a = createA2A(redis.scope(scope), { ...options, onError });
    const push = startA2APush(redis, { ...options, onError });
    const handler = new DefaultRequestHandler(
      toAgentCard(agent, url),
      a2a.taskStore,
      a2a.executor(executeOnBus(buses(scope), agent.card.name, onError)),
      a2a.eventBusManager,
      a2a.pushNotificationStore,
      a2a.pushNotificationSender,
    );
    const made = { a2a, handler, close: async () => void (await Promise.all([a2a.close(), push.close()])) };
    served.set(key, made);
    return made;
  }

  function closeAll(): Promise<unknown> {
    const all = [...served.values()];
    served.clear();
    return Promise.all(all.map(({ close }) => close()));
  }

  async function call(request: FastifyRequest<Named>, reply: FastifyReply): Promise<unknown> {
    const agent = await find(request);
    const { handler } = open(request.principal.scope, agent, urlOf(request));
    const rpc = new JsonRpcTransportHandler(handler);
    const id = (request.body as { readonly id?: unknown } | null)?.id ?? null;
    const user = userOf(request, undefined);
    try {
      const requested = header(request, A2A_VERSION_HEADER.toLowerCase());
      const context = defaultServerCallContextBuilder({
        extensions: Extensions.parseServiceParameter(header(request, HTTP_EXTENSION_HEADER.toLowerCase())),
        user: { isAuthenticated: true, userName: user },
        headers: {},
        ...(requested !== undefined && { requestedVersion: requested }),
      });
      validateVersion(context.requestedVersion, await handler.getAgentCard(), "JSONRPC");
      checkIds(request.body);
      const answer = await rpc.handle(request.body as Record<string, unknown>, context);
      if (!(Symbol.asyncIterator in answer)) {
        if ("error" in answer) tellUnkept(request);
        return reply.send(answer);
      }
      const events = answer;
      // A failure before the first event is a normal error response.
      const first = await events.next();
      return await sendEvents(
        reply,
        { "x-accel-buffering": "no" },
        toTexts(first, events, id),
        () => void events.return(undefined),
      );
    } catch (error) {
      tellUnkept(request);
      return reply.send({ jsonrpc: "2.0", id, error: JsonRpcTransportHandler.mapToJSONRPCError(error) });
    }
  }

  return {
    card: async (request) => toAgentCard(await find(request), urlOf(request)),
    call,
    close: closeAll,
  };
}

/** An id that may stand in a line of the log: the SDK prints those of tasks that it does not find. */
const ID = /^[\x21-\x7e]{0,256}$/;

/** @throws RequestMalformedError for an id with blanks, line breaks or characters beyond ASCII, or a long one */
function checkIds(body: unknown): void {
  const { params } = (body ?? {}) as { readonly params?: Readonly<Record<string, unknown>> | null };
  const { message } = (params ?? {}) as { readonly message?: Readonly<Record<string, unknown>> | null };
  const references = message?.["referenceTaskIds"];
  const ids = {
    "params.id": params?.["id"],
    "params.taskId": params?.["taskId"],
    "message.messageId": message?.["messageId"],
    "message.taskId": message?.["taskId"],
    "message.contextId": message?.["contextId"],
    ...Object.fromEntries(
      (Array.isArray(references) ? references : []).map((id: unknown, at) => [`message.referenceTaskIds.${at}`, id]),
    ),
  };
  for (const [path, id] of Object.entries(ids))
    if (typeof id === "string" && !ID.test(id))
      throw new RequestMalformedError(`${path} must be at most 256 printable ASCII characters without blanks`);
}

type Events = AsyncGenerator<unknown, void, undefined>;

async function* toTexts(first: IteratorResult<unknown, void>, events: Events, id: unknown): AsyncGenerator<string> {
  try {
    for (let next = first; next.done !== true; next = await events.next()) yield formatSSEEvent(next.value);
  } catch (error) {
    yield formatSSEErrorEvent({ jsonrpc: "2.0", id, error: JsonRpcTransportHandler.mapToJSONRPCError(error) });
  }
}
