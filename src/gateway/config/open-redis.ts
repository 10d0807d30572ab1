import { MarrowError } from "../../errors.ts";
import { connect, type ConnectOptions, type Redis } from "../../redis/index.ts";
import { findServer, HOW_TO_GET_A_SERVER, startServer, type ManagedServer } from "../../redis/managed/index.ts";

/** Location of a gateway's Redis. */
export interface RedisPlaces {
  /** URL of an existing Redis. @default one that is found and run under `dataDirectory`, for development only */
  readonly redisUrl?: string | undefined;
  /** Connection options: certificates, credentials. */
  readonly redis?: ConnectOptions | undefined;
  /** URL of a second Redis for the cache, its flights and embeddings, which may evict. @default the same Redis */
  readonly cacheRedisUrl?: string | undefined;
  /** Data directory of the managed Redis. */
  readonly dataDirectory: string;
  /** Directory in which `script/bootstrap` puts a Redis. */
  readonly cacheDirectory: string;
  /** Directories searched for a `redis-server`. */
  readonly path: string;
  /** Called with one line for each step. */
  readonly say: (line: string) => void;
}

/** The connections of a gateway. */
export interface Opened {
  readonly redis: Redis;
  /** Redis of answers, flights and embeddings: a second one, or the same. */
  readonly cacheRedis: Redis;
  readonly managed: ManagedServer | undefined;
  close(): Promise<void>;
}

/**
 * Finds or starts Redis and connects. `whenAway: "start"` returns even if a configured Redis is unavailable. Each loss is reported with
 * host and cause, and each return.
 * @throws MarrowError `unavailable` without any Redis, with the ways to get one
 */
export async function openRedis(options: RedisPlaces, app: string, whenAway: "fail" | "start"): Promise<Opened> {
  const { redisUrl, cacheRedisUrl, redis: how = {}, say } = options;
  const managed = redisUrl === undefined ? await startManaged(options) : undefined;
  const told = (name: string): ConnectOptions => ({
    app,
    whenAway,
    onConnection: (lost) => say(lost === undefined ? `${name} serves again` : `${name} is away: ${lost}; reconnecting`),
  });
  let redis: Redis | undefined;
  try {
    redis = await connect(redisUrl ?? managed?.url ?? "", {
      ...(managed === undefined && how),
      ...told("Redis"),
      ...(managed !== undefined && { whenAway: "fail" }),
    });
    const cacheRedis =
      cacheRedisUrl === undefined
        ? redis
        : await connect(cacheRedisUrl, {
            ...(how.tls !== undefined && /^(rediss|valkeys)/.test(cacheRedisUrl) && { tls: how.tls }),
            ...told("The cache's Redis"),
          });
    const opened = redis;
    return {
      redis,
      cacheRedis,
      managed,
      async close() {
        if (cacheRedis !== opened) await cacheRedis.close();
        await opened.close();
        await managed?.stop();
      },
    };
  } catch (error) {
    await redis?.close();
    await managed?.stop();
    throw error;
  }
}

async function startManaged({ path, cacheDirectory, dataDirectory, say }: RedisPlaces): Promise<ManagedServer> {
  const binary = await findServer({ path, cacheDirectory });
  if (binary === undefined) throw new MarrowError("unavailable", HOW_TO_GET_A_SERVER);
  return startServer({ binary: binary.path, directory: dataDirectory, onEvent: say });
}
