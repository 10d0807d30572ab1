import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import OpenAI from "openai";
import { afterEach, inject } from "vitest";
import { staticEmbedder } from "../src/embedders/index.ts";
import {
  createApiKeys,
  openGateway,
  type ApiKeys,
  type GatewayConfigInput,
  type OpenGateway,
  type Route,
} from "../src/gateway/index.ts";
import { createLaneGates } from "../src/gateway/tenancy/lanes.ts";
import { connect, type Redis } from "../src/index.ts";
import { demoModel, upstreamModel, type UpstreamKind } from "../src/models/index.ts";
import {
  startScriptedModel,
  type ScriptedAnswer,
  type ScriptedModel,
  type ScriptedRequest,
} from "../src/testing/index.ts";

/** A gateway that listens, with a scripted model behind it and the official client before it. */
export interface TestGateway {
  readonly app: FastifyInstance;
  readonly routes: () => readonly Route[];
  readonly baseURL: string;
  readonly key: string;
  readonly keys: ApiKeys;
  readonly redis: Redis;
  readonly signIns: OpenGateway["signIns"];
  readonly model: ScriptedModel;
  /** The official client of a key, without retries of its own. */
  readonly client: (options?: {
    readonly apiKey?: string;
    readonly maxRetries?: number;
    readonly headers?: Record<string, string>;
  }) => OpenAI;
  close(): Promise<void>;
}

/** What a gateway of a test is like. */
export interface TestGatewayOptions {
  readonly redisUrl: string;
  readonly appName?: string;
  readonly config?: GatewayConfigInput;
  /** The API that its model speaks. @default "chat" */
  readonly kind?: UpstreamKind;
  /** Whether the model's own limits are kept. @default false */
  readonly lanes?: boolean;
  /** Whether it does work in the background. @default false */
  readonly background?: boolean;
  readonly script?: (request: ScriptedRequest, nth: number) => ScriptedAnswer;
  /** Hears the lines of the log. */
  readonly log?: (line: string) => void;
}

/** Starts a gateway on a free port. Its model ids are `demo` and `scripted`. */
export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const redis = await connect(options.redisUrl, { app: options.appName ?? `g${randomUUID().slice(0, 8)}` });
  const model = await startScriptedModel(options.script);
  const lanes = createLaneGates(redis);
  const upstream = upstreamModel(options.kind ?? "chat", {
    baseUrl: model.baseUrl,
    ids: ["scripted"],
    firstByteTimeoutMs: 2_000,
    idleTimeoutMs: 2_000,
    ...(options.lanes === true && { lane: lanes(model.baseUrl, "key") }),
  });
  const { app, routes, signIns, startBackground } = openGateway({
    redis,
    lanes,
    models: [demoModel({ firstTokenMs: 0, tokenMs: 0 }), upstream],
    embedder: staticEmbedder(),
    config: { logLevel: options.log === undefined ? "silent" : "debug", ...options.config },
    ...(options.log !== undefined && { log: { write: options.log } }),
  });
  const background = options.background === true ? startBackground() : undefined;
  await app.listen({ host: "127.0.0.1", port: 0 });
  const keys = createApiKeys(redis);
  const key = await keys.create({ scope: "acme", user: "u1", name: "test", actsFor: "any" });
  const baseURL = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1`;
  return {
    app,
    routes,
    baseURL,
    key,
    keys,
    redis,
    signIns,
    model,
    client: ({ apiKey = key, maxRetries = 0, headers = {} } = {}) =>
      new OpenAI({ baseURL, apiKey, maxRetries, defaultHeaders: headers }),
    async close() {
      app.server.closeAllConnections();
      await background?.close();
      await app.close();
      await upstream.close();
      await model.close();
      await redis.close();
    },
  };
}

/** The model, headers of the request, and any field of its body. */
type AskOptions = { readonly model?: string; readonly headers?: Record<string, string> } & Record<string, unknown>;

/** Asks one question and answers the text with the headers of the answer. */
export async function ask(
  client: OpenAI,
  content: string,
  { model = "scripted", headers = {}, ...more }: AskOptions = {},
): Promise<{ text: string | null | undefined; cache: string | null; headers: Headers; usage: unknown }> {
  const { data, response } = await client.chat.completions
    .create(
      { model, messages: [{ role: "user", content }], ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming,
      { headers },
    )
    .withResponse();
  return {
    text: data.choices[0]?.message.content,
    cache: response.headers.get("x-marrow-cache"),
    headers: response.headers,
    usage: data.usage,
  };
}

/** The same as a stream, read to its end. */
export async function askStream(
  client: OpenAI,
  content: string,
  { model = "scripted", headers = {}, ...more }: AskOptions = {},
): Promise<{ text: string; cache: string | null; usage: unknown; finish: string | null | undefined }> {
  const { data, response } = await client.chat.completions
    .create(
      {
        model,
        messages: [{ role: "user", content }],
        stream: true,
        ...more,
      } as OpenAI.ChatCompletionCreateParamsStreaming,
      { headers },
    )
    .withResponse();
  let text = "";
  let usage: unknown;
  let finish: string | null | undefined;
  for await (const chunk of data) {
    text += chunk.choices[0]?.delta.content ?? "";
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  return { text, cache: response.headers.get("x-marrow-cache"), usage, finish };
}

type Script = NonNullable<TestGatewayOptions["script"]>;

/** Starts gateways that work in the background, for the tests of a file: each ends with its test. */
export function gatewaysInBackground(): (
  script?: Script,
  options?: Partial<TestGatewayOptions>,
) => Promise<TestGateway> {
  const started: TestGateway[] = [];
  afterEach(async () => {
    for (const gateway of started.splice(0).toReversed()) await gateway.close();
  });
  return async (script, options = {}) => {
    const gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      background: true,
      config: { webhooks: { allowHttp: true, allowNetworks: ["127.0.0.0/8"] } },
      ...(script !== undefined && { script }),
      ...options,
    });
    started.push(gateway);
    return gateway;
  };
}
