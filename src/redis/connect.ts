import { Cluster, Redis as IoredisClient } from "ioredis";
import { MarrowError } from "../errors.ts";
import { describe } from "../internal/describe.ts";
import type { Redis } from "./connection.ts";
import { createRedis, type RedisOptions } from "./driver.ts";
import { ioredisDriver } from "./from-ioredis.ts";

/** Options of {@link connect}. */
export interface ConnectOptions extends RedisOptions {
  /** Longest wait for the first connection, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
}

/** Where a URL leads: pure, so that every form of it is tested without a server. */
export interface Target {
  readonly kind: "standalone" | "sentinel" | "cluster";
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly path?: string;
  readonly master?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  readonly tls: boolean;
}

const RECONNECT_MAX_MS = 500;
const CONNECT_TIMEOUT_MS_DEFAULT = 5_000;

/**
 * Opens a connection of Marrow's own (ioredis 6) and waits until it serves.
 *
 * - `redis://user:password@host:6379/0`, `rediss://…` over TLS, `unix:///path/to.sock?db=0`
 * - `redis+sentinel://host1:26379,host2:26379/master-name?db=0` (`rediss+sentinel` over TLS)
 * - `redis+cluster://host1:7000,host2:7001` (`rediss+cluster` over TLS)
 *
 * @throws MarrowError `invalid_option` for another form, `unavailable` when nobody answers in time, `redis_denied` for
 * wrong credentials. The error never repeats the URL, which may hold a password.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Redis> {
  const target = parseTarget(url);
  const connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT;
  const client = open(target, connectTimeoutMs);
  let lastError: Error | undefined;
  client.on("error", (error: Error) => (lastError = error));
  client.on("node error", (error: Error) => (lastError = error));
  const redis = createRedis(ioredisDriver(client, { owned: true }), options);
  try {
    await ready(client, connectTimeoutMs);
    await redis.send(["PING"]);
    return redis;
  } catch (cause) {
    await redis.close();
    const reason = lastError ?? cause;
    if (/WRONGPASS|NOAUTH|NOPERM/.test(String(reason))) {
      throw new MarrowError("redis_denied", "Redis refused the credentials in the URL", { cause: reason });
    }
    throw new MarrowError("unavailable", `no Redis answered within ${connectTimeoutMs} ms`, {
      cause: reason,
      details: { kind: target.kind, hosts: target.hosts, mayHaveRun: false },
    });
  }
}

/** Reads a connection URL. @throws MarrowError `invalid_option`, without repeating the URL */
export function parseTarget(url: string): Target {
  const match =
    typeof url === "string"
      ? /^(redis|rediss|redis\+sentinel|rediss\+sentinel|redis\+cluster|rediss\+cluster|unix):\/\/(?:([^@/]*)@)?([^/?]*)(\/[^?]*)?(?:\?(.*))?$/.exec(
          url,
        )
      : null;
  if (match === null) {
    throw new MarrowError(
      "invalid_option",
      `url must start with redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://, got ${describe(url)}`,
      { details: { path: "url" } },
    );
  }
  const [, scheme = "", userInfo, hostList = "", path = "", query = ""] = match;
  const kind = scheme.endsWith("sentinel") ? "sentinel" : scheme.endsWith("cluster") ? "cluster" : "standalone";
  const [user, password] = (userInfo ?? "").split(":", 2).map(decodeURIComponent);
  const parameters = new URLSearchParams(query);
  const dbText = parameters.get("db") ?? (kind === "standalone" && scheme !== "unix" ? path.slice(1) : "");
  const target = {
    db: dbText === "" ? 0 : toInteger("url's database", dbText, 0, 65_535),
    tls: scheme.startsWith("rediss"),
    ...(user !== undefined && user !== "" && { username: user }),
    ...(password !== undefined && { password }),
  };
  if (scheme === "unix") return { ...target, kind: "standalone", hosts: [], path };
  const defaultPort = kind === "sentinel" ? 26_379 : 6_379;
  const hosts = hostList.split(",").map((host) => toHost(host, defaultPort));
  if (kind !== "sentinel") return { ...target, kind, hosts };
  if (path.length < 2) {
    throw new MarrowError("invalid_option", "a redis+sentinel url must name the master after its hosts: /name", {
      details: { path: "url" },
    });
  }
  return { ...target, kind, hosts, master: decodeURIComponent(path.slice(1)) };
}

function toHost(text: string, defaultPort: number): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return {
    host: bracketed ?? (plain === undefined || plain === "" ? "localhost" : plain),
    port: port === undefined ? defaultPort : toInteger("url's port", port, 1, 65_535),
  };
}

function toInteger(what: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new MarrowError("invalid_option", `${what} must be an integer from ${min} to ${max}`, {
    details: { path: "url" },
  });
}

function open(target: Target, connectTimeoutMs: number): IoredisClient | Cluster {
  const common = {
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(target.tls && { tls: {} }),
    connectTimeout: connectTimeoutMs,
    // Nothing is queued or repeated behind our back: the driver knows which commands may be sent again.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: backOff,
  };
  if (target.kind === "cluster") {
    return new Cluster([...target.hosts], {
      redisOptions: common,
      enableOfflineQueue: false,
      slotsRefreshTimeout: 2_000,
      retryDelayOnFailover: 0,
      clusterRetryStrategy: backOff,
    });
  }
  if (target.kind === "sentinel") {
    return new IoredisClient({
      ...common,
      sentinels: [...target.hosts],
      name: target.master ?? "",
      db: target.db,
      sentinelRetryStrategy: backOff,
      ...(target.tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    });
  }
  const [first] = target.hosts;
  return new IoredisClient({
    ...common,
    db: target.db,
    ...(target.path === undefined
      ? { host: first?.host ?? "localhost", port: first?.port ?? 6_379 }
      : { path: target.path }),
  });
}

function backOff(times: number): number {
  return Math.min(20 * 2 ** Math.min(times, 10), RECONNECT_MAX_MS);
}

async function ready(client: IoredisClient | Cluster, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (client.status !== "ready") {
    if (performance.now() > deadlineMs || client.status === "end") throw new Error("not ready in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
