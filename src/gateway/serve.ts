import type { AddressInfo } from "node:net";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { MarrowError } from "../errors.ts";
import { demoModel, openaiModel } from "../models/index.ts";
import { connect, type ConnectOptions } from "../redis/index.ts";
import { findServer, HOW_TO_GET_A_SERVER, startServer, type ManagedServer } from "../redis/managed/index.ts";
import { decideEngine } from "../vectors/index.ts";
import { createApiKeys } from "./api-keys.ts";
import { openGateway } from "./app.ts";
import { createEmbedder } from "./embedder.ts";
import { createLaneGates } from "./lanes.ts";
import { createMcpServer } from "./mcp.ts";
import { createTenantMemory } from "./tenants.ts";
import { VERSION } from "./version.ts";
import { resolveConfig, type GatewayConfigInput } from "./config.ts";

/** Engines as the start line names them. */
const TIERS = {
  vectorset: "vector sets (engine vectorset)",
  search: "search commands (engine search)",
  local: "comparing in this process, because the server has no vector search (engine local)",
} as const;

/** How a gateway process is run. */
export interface ServeOptions {
  readonly config: GatewayConfigInput;
  /** A Redis of yours. Absent: one is found and run under `dataDirectory`, for development only. */
  readonly redisUrl?: string | undefined;
  /** How it is reached: certificates, credentials. */
  readonly redis?: ConnectOptions | undefined;
  /** Where the managed Redis keeps its data. */
  readonly dataDirectory: string;
  /** Where `script/bootstrap` puts a Redis. */
  readonly cacheDirectory: string;
  /** Directories searched for a `redis-server`. */
  readonly path: string;
  /** Hears one line for each step. */
  readonly say: (line: string) => void;
  /** Whether a port is opened, or only the work in the background done. @default true */
  readonly listens?: boolean | undefined;
}

/** A gateway that listens, or works in the background alone. */
export interface Served {
  /** `undefined` without a port. */
  readonly url: string | undefined;
  /** The first API key, when this start made it: the only time that it is seen. */
  readonly firstKey: string | undefined;
  /** Ends listening, lets running answers finish, and stops what was started. */
  close(): Promise<void>;
}

/**
 * Finds or starts Redis, connects, begins the work in the background and opens the gateway's port.
 * @throws MarrowError `unavailable` without any Redis, with the ways to get one
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { say, listens = true } = options;
  const config = resolveConfig(options.config);
  const { redis, managed } = await openRedis(options, config.app);
  try {
    const { engine: server, version } = await redis.capabilities();
    say(`Redis: ${server} ${version ?? ""}${managed === undefined ? "" : ", managed, for development"}`);
    const engine = await decideEngine(redis, config.engine);
    say(`Similar questions, facts and vector stores are found by: ${TIERS[engine]}`);
    const laneOf = createLaneGates(redis);
    const upstreams = config.upstreams.map(({ models: ids, ...upstream }) =>
      openaiModel({ ...upstream, ids, lane: laneOf(upstream.baseUrl, upstream.apiKey) }),
    );
    const demo = config.demo.enabled ? [demoModel({ firstTokenMs: config.demo.firstTokenMs })] : [];
    const { app, startBackground } = openGateway({
      redis,
      config: options.config,
      models: [...demo, ...upstreams],
      embedder: createEmbedder(config.embedder, redis, () =>
        say("the store of embeddings failed; vectors are made anew"),
      ),
    });
    const background = config.background.enabled || !listens ? startBackground() : undefined;
    const close = async () => {
      await background?.close();
      await app.close();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
      await redis.close();
      await managed?.stop();
    };
    if (!listens) {
      await app.ready();
      return { url: undefined, firstKey: undefined, close };
    }
    const firstKey = config.auth === "keys" ? await createApiKeys(redis).createFirst() : undefined;
    await app.listen({ host: config.host, port: config.port }).catch((cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "it is taken: set MARROW_PORT to another one" : String(cause.code);
      throw new MarrowError("invalid_option", `port ${config.port} cannot be opened: ${why}`, {
        cause,
        details: { path: "port" },
      });
    });
    const { port } = app.server.address() as AddressInfo;
    const host = config.host.includes(":") ? `[${config.host}]` : config.host;
    return {
      url: `http://${host}:${port}`,
      firstKey,
      close,
    };
  } catch (error) {
    await redis.close();
    await managed?.stop();
    throw error;
  }
}

/** One user's memory as a server of the Model Context Protocol, not connected yet. */
export async function openMemory(
  options: ServeOptions,
  { scope, user }: { readonly scope: string; readonly user: string },
): Promise<{ readonly server: McpServer; close(): Promise<void> }> {
  const config = resolveConfig(options.config);
  const { redis, managed } = await openRedis(options, config.app);
  const embedder = createEmbedder(config.embedder, redis, () => {});
  const server = createMcpServer({
    memory: createTenantMemory(redis.scope(scope), config, embedder),
    user,
    version: VERSION,
  });
  return {
    server,
    async close() {
      await server.close();
      await redis.close();
      await managed?.stop();
    },
  };
}

async function openRedis(options: ServeOptions, app: string) {
  const managed = options.redisUrl === undefined ? await startManaged(options) : undefined;
  const how = managed === undefined ? options.redis : undefined;
  return { redis: await connect(options.redisUrl ?? managed?.url ?? "", { ...how, app }), managed };
}

async function startManaged({ path, cacheDirectory, dataDirectory, say }: ServeOptions): Promise<ManagedServer> {
  const binary = await findServer({ path, cacheDirectory });
  if (binary === undefined) throw new MarrowError("unavailable", HOW_TO_GET_A_SERVER);
  return startServer({ binary: binary.path, directory: dataDirectory, onEvent: say });
}
