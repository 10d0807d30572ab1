import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { afterEach, inject } from "vitest";
import { createApiKeys, openGateway, resolveConfig, type GatewayConfigInput } from "../src/gateway/index.ts";
import { createCoolDowns } from "../src/gateway/models/cool-downs.ts";
import { createLaneGates } from "../src/gateway/tenancy/lanes.ts";
import { openModels, type LiveModels } from "../src/gateway/models/model-source.ts";
import { connect, type Redis } from "../src/index.ts";
import { startFaultyUpstream, type Fault, type FaultyUpstream } from "./faulty-upstream.ts";

/** A gateway before upstreams of a test. */
export interface RoutingGateway {
  readonly url: string;
  readonly key: string;
  readonly redis: Redis;
  readonly models: LiveModels;
  /** Asks a chat; `user` and `session` are its own where none is given. */
  readonly ask: (model: string, options?: AskOptions) => Promise<Told>;
  close(): Promise<void>;
}

interface AskOptions {
  readonly stream?: boolean;
  readonly user?: string;
  readonly session?: string;
  readonly timeoutMs?: number;
  readonly content?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** What a client was told. */
export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The error of a failed answer, or of an event within a stream. */
  readonly error: { readonly message: string; readonly code: string } | undefined;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number } | undefined;
  /** Whether it has its end. */
  readonly whole: boolean;
  readonly tookMs: number;
}

/** Starts upstreams and gateways that end with their test. */
export function routingTests(): {
  readonly upstream: (name: string, next?: (nth: number) => Fault) => Promise<FaultyUpstream>;
  readonly gateway: (config: GatewayConfigInput, app?: string) => Promise<RoutingGateway>;
} {
  const open: { close(): Promise<void> }[] = [];
  const kept = <T extends { close(): Promise<void> }>(one: T): T => {
    open.push(one);
    return one;
  };
  afterEach(async () => {
    for (const one of open.splice(0).toReversed()) await one.close();
  });
  return {
    upstream: async (name, next = () => ({ kind: "ok" })) => kept(await startFaultyUpstream(name, next)),
    gateway: async (config, app) => kept(await startGateway(config, app)),
  };
}

async function startGateway(
  input: GatewayConfigInput,
  appName = `r${randomUUID().slice(0, 8)}`,
): Promise<RoutingGateway> {
  const redis = await connect(inject("redisUrl"), { app: appName });
  const config = { logLevel: "silent" as const, demo: { enabled: false }, ...input };
  const laneOf = createLaneGates(redis);
  const models = openModels(resolveConfig(config), { own: [], laneOf, coolDowns: createCoolDowns(redis) });
  const { app } = openGateway({ redis, config, models, lanes: laneOf });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const key = await createApiKeys(redis).create({
    scope: "acme",
    user: "u1",
    name: "test",
    actsFor: "any",
    role: "admin",
  });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1`;
  return {
    url,
    key,
    redis,
    models,
    async ask(model, { stream = false, user, session, timeoutMs, content = `q ${randomUUID()}`, more = {} } = {}) {
      const sinceMs = performance.now();
      const response = await fetch(`${url}/chat/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          ...(user !== undefined && { "x-marrow-user": user }),
          ...(session !== undefined && { "x-marrow-session": session }),
          ...(timeoutMs !== undefined && { "x-marrow-timeout-ms": String(timeoutMs) }),
        },
        body: JSON.stringify({
          model,
          messages: [{ role: "user", content }],
          stream,
          stream_options: stream ? { include_usage: true } : undefined,
          ...more,
        }),
      });
      const body = await response.text();
      const tookMs = performance.now() - sinceMs;
      const told =
        response.headers.get("content-type")?.includes("event-stream") === true ? readStream(body) : readWhole(body);
      return { status: response.status, headers: response.headers, tookMs, ...told };
    },
    async close() {
      app.server.closeAllConnections();
      await app.close();
      await models.close();
      await redis.close();
    },
  };
}

type Read = Pick<Told, "text" | "error" | "usage" | "whole">;

function readWhole(body: string): Read {
  const { choices, error, usage } = JSON.parse(body) as {
    choices?: readonly { message: { content: string } }[];
    error?: Told["error"];
    usage?: Told["usage"];
  };
  return { text: choices?.[0]?.message.content ?? "", error, usage, whole: choices !== undefined };
}

function readStream(body: string): Read {
  let [text, whole]: [string, boolean] = ["", false];
  let error: Told["error"];
  let usage: Told["usage"];
  for (const [, data = ""] of body.matchAll(/^data: (.*)$/gm)) {
    if (data === "[DONE]") {
      whole = true;
      continue;
    }
    const event = JSON.parse(data) as {
      error?: Told["error"];
      usage?: Told["usage"];
      choices?: { delta?: { content?: string } }[];
    };
    error ??= event.error;
    usage = event.usage ?? usage;
    text += event.choices?.[0]?.delta?.content ?? "";
  }
  return { text, error, usage, whole };
}
