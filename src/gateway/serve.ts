import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { withPackage } from "../internal/optional-package.ts";
import { demoModel } from "../models/index.ts";
import { readServerFacts, warningsOf } from "../redis/index.ts";
import { decideEngine } from "../vectors/index.ts";
import { createApiKeys } from "./tenancy/api-keys.ts";
import { openGateway } from "./app.ts";
import { createCoolDowns } from "./models/cool-downs.ts";
import { createEmbedder } from "./models/embedder.ts";
import { createLaneGates } from "./tenancy/lanes.ts";
import { openModels } from "./models/model-source.ts";
import { onceServed } from "./once-served.ts";
import { openRedis, type Opened, type RedisPlaces } from "./config/open-redis.ts";
import { createReloading } from "./config/reloading.ts";
import { createTenantMemory } from "./tenancy/tenants.ts";
import { VERSION } from "./version.ts";
import { resolveConfig, type GatewayConfig, type GatewayConfigInput } from "./config/config.ts";

/** Engines as the start line names them. */
const TIERS = {
  vectorset: "vector sets (engine vectorset)",
  search: "search commands (engine search)",
  local: "comparing in this process, because the server has no vector search (engine local)",
} as const;

/** Options of a gateway process. */
export interface ServeOptions extends RedisPlaces {
  readonly config: GatewayConfigInput;
  /** Called with the first API key if it is made after the start, because Redis was unavailable then. */
  readonly onFirstKey?: ((key: string) => void) | undefined;
  /** Reads the configuration again, for changes without a restart. @default no reload */
  readonly read?: (() => Promise<GatewayConfigInput>) | undefined;
  /** Whether to open a port, or only run the background work. @default true */
  readonly listens?: boolean | undefined;
}

/** A running gateway, or background process. */
export interface Served {
  /** `undefined` without a port. */
  readonly url: string | undefined;
  /** The first API key, if this start made it. It cannot be read again later. */
  readonly firstKey: string | undefined;
  /**
   * Creates a link to the dashboard that signs an admin in once, within ten minutes; `undefined` without a port or dashboard, or while
   * Redis is unavailable.
   */
  readonly createSignInLink: () => Promise<string | undefined>;
  /**
   * Reads the configuration again and applies changes that need no restart. Reports the result, except with `false` if nothing changed. No
   * effect without `read`.
   */
  readonly reload: (isAsked?: boolean) => Promise<void>;
  /**
   * Stops without failing a request: `/readyz` returns 503 and no jobs are taken; after `drainDelayMs` the port closes; requests and jobs
   * have `drainMs` to end. Resolves with false if anything was cut off. May be called any number of times.
   */
  close(): Promise<boolean>;
}

/**
 * Finds or starts Redis, connects, starts the background work and opens the gateway's port. If a configured Redis is unavailable, the
 * gateway starts without it, answers chats from the model, and keeps reconnecting.
 * @throws MarrowError `unavailable` without any Redis, with the ways to get one
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { say, listens = true, onFirstKey = () => {} } = options;
  const config = resolveConfig(options.config);
  const opened = await openRedis(options, config.app, "start");
  const { redis, cacheRedis } = opened;
  try {
    let firstKey: string | undefined;
    let isStarted = false;
    const starting = await onceServed(
      async () => {
        // Before anything else is written: where Redis evicts, an empty database is the only proof of a new one.
        if (listens && config.auth === "keys") {
          const key = await createApiKeys(redis).createFirst(() => say(KEYS_LOST));
          if (key !== undefined && isStarted) onFirstKey(key);
          else firstKey ??= key;
        }
        await describeRedis(opened, config.engine, say);
      },
      (error) => say(`something failed at the start: ${MarrowError.is(error) ? error.message : "unexpected failure"}`),
    );
    const laneOf = createLaneGates(redis);
    const demo = config.demo.enabled ? [demoModel({ firstTokenMs: config.demo.firstTokenMs })] : [];
    const models = openModels(config, { own: demo, laneOf, coolDowns: createCoolDowns(redis) });
    const { read } = options;
    const reloading = read && createReloading(redis, { read, models, before: config, say });
    const { app, signIns, draining, startBackground } = openGateway({
      redis,
      cacheRedis,
      config: options.config,
      lanes: laneOf,
      models,
      reload: reloading?.tellAll,
      embedder: createEmbedder(config.embedder, cacheRedis, () =>
        say("the embedding store failed; vectors are computed again"),
      ),
    });
    const background = config.background.enabled || !listens ? startBackground({ alone: !listens }) : undefined;
    const reload = async (isAsked?: boolean) => reloading?.reload(isAsked);
    let closing: Promise<boolean> | undefined;
    const close = () => (closing ??= stop());

    async function stop(): Promise<boolean> {
      const { drainDelayMs, drainMs } = config;
      starting.stop();
      draining.begin();
      const working = endsWithin(drainMs + CLOSE_MS, async () => background?.close());
      if (listens) await pause(drainDelayMs);
      const ended = await Promise.all([draining.finish(drainMs), working]);
      // The rest is small writes and farewells, which must not wait for a hanging Redis.
      const isClosed = await endsWithin(CLOSE_MS, async () => {
        await app.close();
        await reloading?.close();
        await models.close();
        await opened.close();
      });
      return isClosed && ended.every((isWhole) => isWhole);
    }
    if (!listens) {
      await app.ready();
      return { url: undefined, firstKey: undefined, createSignInLink: async () => undefined, reload, close };
    }
    await app.listen({ host: config.host, port: config.port }).catch((cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "it is taken: set MARROW_PORT to another one" : String(cause.code);
      throw new MarrowError("invalid_option", `port ${config.port} cannot be opened: ${why}`, {
        cause,
        details: { path: "port" },
      });
    });
    const { port } = app.server.address() as AddressInfo;
    const host = config.host.includes(":") ? `[${config.host}]` : config.host;
    const url = `http://${host}:${port}`;
    isStarted = true;
    return {
      url,
      firstKey,
      async createSignInLink() {
        try {
          const token = await signIns?.createLink();
          return token && `${config.publicUrl ?? url}/dashboard#link=${token}`;
        } catch (error) {
          if (MarrowError.is(error)) return undefined;
          throw error;
        }
      },
      reload,
      close,
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Longest time for the last writes and farewells, in milliseconds. */
const CLOSE_MS = 3_000;

/** Returns true if some work ended within a time; work that takes longer goes on. */
async function endsWithin(ms: number, work: () => Promise<void>): Promise<boolean> {
  const late = new AbortController();
  const timer = pause(ms, false, { signal: late.signal }).catch(() => false);
  try {
    return await Promise.race([work().then(() => true), timer]);
  } finally {
    late.abort();
  }
}

const KEYS_LOST =
  "This Redis had API keys, or may have had, and they are gone: it evicts keys, or was partly emptied. No new first key is made; `marrow key create --role admin` makes one.";

/** Describes Redis, and problems that an operator should fix. */
async function describeRedis(
  { redis, cacheRedis, managed }: Opened,
  choice: GatewayConfig["engine"],
  say: (line: string) => void,
): Promise<void> {
  const { engine: server, version } = await redis.capabilities();
  const facts = await readServerFacts(redis);
  const engine = await decideEngine(redis, choice);
  if (cacheRedis !== redis) await decideEngine(cacheRedis, choice);
  say(`Redis: ${server} ${version ?? ""}${managed === undefined ? "" : ", managed, for development"}`);
  for (const warning of managed === undefined ? warningsOf(facts) : []) say(`Warning: ${warning}`);
  say(`Similar questions, facts and vector stores are found by: ${TIERS[engine]}`);
}

/**
 * Makes a server of the Model Context Protocol for one user's memory, not connected yet: `connect` takes a transport of the protocol's SDK.
 * @throws MarrowError `unsupported` if the SDK is not installed
 */
export async function openMemory(
  options: ServeOptions,
  { scope, user }: { readonly scope: string; readonly user: string },
): Promise<{ connect(transport: object): Promise<void>; close(): Promise<void> }> {
  const { createMcpServer } = await withPackage(
    "@modelcontextprotocol/sdk",
    "marrow mcp",
    () => import("./agents/mcp.ts"),
  );
  const config = resolveConfig(options.config);
  const opened = await openRedis({ ...options, cacheRedisUrl: undefined }, config.app, "fail");
  const { redis } = opened;
  const embedder = createEmbedder(config.embedder, redis, () => {});
  const server = createMcpServer({
    memory: createTenantMemory(redis.scope(scope), config, embedder),
    user,
    version: VERSION,
  });
  return {
    connect: (transport) => server.connect(transport as Parameters<typeof server.connect>[0]),
    async close() {
      await server.close();
      await opened.close();
    },
  };
}
