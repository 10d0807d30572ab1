import { Cluster, Redis as IoredisClient } from "ioredis";
import { MarrowError } from "../errors.ts";
import { checkText } from "../internal/check.ts";
import type { Redis } from "./connection.ts";
import { askFor, keepFresh, type CredentialsProvider } from "./credentials.ts";
import { createRedis, type RedisOptions } from "./driver.ts";
import { ioredisDriver } from "./from-ioredis.ts";
import { readSecret, readTls, type Secret, type TlsOptions } from "./secrets.ts";
import { parseTarget, type Target } from "./target.ts";

/** Options of {@link connect}. */
export interface ConnectOptions extends RedisOptions {
  /** Longest wait for the first connection, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** Speaks TLS, whatever the URL's scheme says, with these certificates. @default by the scheme, with what Node trusts */
  readonly tls?: TlsOptions | undefined;
  /** In place of the URL's user. */
  readonly username?: string | undefined;
  /** In place of the URL's password. */
  readonly password?: Secret | undefined;
  /**
   * Makes user and password, in place of the URL's: for tokens that end (AWS IAM, Entra ID). Asked at every connection and
   * reconnection, of each node of a cluster, and before they end.
   */
  readonly credentials?: CredentialsProvider | undefined;
  /** How the sentinels are spoken to, where it is not as the servers are. @default TLS as the servers, no credentials */
  readonly sentinel?:
    | {
        readonly username?: string | undefined;
        readonly password?: Secret | undefined;
        readonly tls?: TlsOptions | undefined;
      }
    | undefined;
}

/** A target with all that is needed to reach it. */
interface Reach extends Target {
  readonly tlsOptions: ReturnType<typeof readTls>;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly sentinelTls: ReturnType<typeof readTls> | undefined;
  readonly credentials: CredentialsProvider | undefined;
}

const RECONNECT_MAX_MS = 500;
const CONNECT_TIMEOUT_MS_DEFAULT = 5_000;
const WHY_CHARS_MAX = 200;

/**
 * Opens a connection of Marrow's own (ioredis 6) and waits until it serves.
 *
 * - `redis://user:password@host:6379/0`, `rediss://…` over TLS, `unix:///path/to.sock?db=0`; `valkey` and `valkeys` likewise
 * - `redis+sentinel://host1:26379,host2:26379/master-name?db=0` (`rediss+sentinel` over TLS)
 * - `redis+cluster://host1:7000,host2:7001` (`rediss+cluster` over TLS)
 *
 * A password may hold any character, as it is or percent-encoded.
 *
 * @throws MarrowError `invalid_option` for another form, `unavailable` when nobody answers in time, with the reason (refused, an
 * unknown host, a certificate that is not trusted), `redis_denied` for wrong credentials. The error never repeats the URL, which
 * may hold a password.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Redis> {
  const target = await toReach(parseTarget(url), options);
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
    if (MarrowError.is(reason, "redis_denied") || /WRONGPASS|NOAUTH|NOPERM/.test(String(reason))) {
      const provided = target.credentials === undefined ? "the credentials" : "the provider's credentials";
      const told = MarrowError.is(reason, "redis_denied") ? reason.message : `Redis refused ${provided}`;
      throw new MarrowError("redis_denied", told, { cause: reason });
    }
    throw new MarrowError("unavailable", `no Redis answered within ${connectTimeoutMs} ms${whyOf(reason)}`, {
      cause: reason,
      details: { kind: target.kind, hosts: target.hosts, mayHaveRun: false },
    });
  }
}

/** Reads files and asks for credentials, once, before anything is dialled. */
async function toReach(target: Target, options: ConnectOptions): Promise<Reach> {
  const { credentials, sentinel } = options;
  const given = credentials === undefined ? undefined : await askFor(credentials);
  const username = given === undefined ? (options.username ?? target.username) : given.username;
  const password = given?.password ?? readSecret("password", options.password) ?? target.password;
  const tls = target.tls || options.tls !== undefined;
  if (tls && target.path !== undefined)
    throw new MarrowError("invalid_option", "tls must be left out with a unix socket", { details: { path: "tls" } });
  const tlsOptions = readTls("tls", options.tls);
  return {
    ...target,
    tls,
    tlsOptions,
    ...(username !== undefined && { username: checkText("username", username, 512) }),
    ...(password !== undefined && { password }),
    credentials,
    sentinelUsername: sentinel?.username,
    sentinelPassword: readSecret("sentinel.password", sentinel?.password),
    sentinelTls: sentinel?.tls === undefined ? (tls ? tlsOptions : undefined) : readTls("sentinel.tls", sentinel.tls),
  };
}

/** The reason in a few words: an error of the network or of TLS by its code and its own text, which hold no secret. */
function whyOf(reason: unknown): string {
  const found = causes(reason).findLast((error) => typeof (error as { code?: unknown }).code === "string");
  const told = found ?? (reason instanceof Error ? reason : undefined);
  if (told === undefined || MarrowError.is(told)) return "";
  const { code } = told as { code?: unknown };
  const text = told.message.replaceAll(/\s+/g, " ").slice(0, WHY_CHARS_MAX);
  if (text === "") return typeof code === "string" ? `: ${code}` : "";
  return `: ${text}${typeof code === "string" && !text.includes(code) ? ` (${code})` : ""}`;
}

/** An error with those that it came from: `cause`, the members of an aggregate, and what a cluster client saw last. */
function causes(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 4) return [];
  const { lastNodeError, errors = [] } = error as { lastNodeError?: unknown; errors?: readonly unknown[] };
  return [error, ...[error.cause, lastNodeError, ...errors].flatMap((cause) => causes(cause, depth + 1))];
}

function open(target: Reach, connectTimeoutMs: number): IoredisClient | Cluster {
  const common = {
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(target.tls && { tls: target.tlsOptions }),
    connectTimeout: connectTimeoutMs,
    // Nothing is queued or repeated behind our back: the driver knows which commands may be sent again.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: backOff,
  };
  if (target.kind === "cluster") {
    return fresh(
      target,
      new Cluster([...target.hosts], {
        redisOptions: common,
        lazyConnect: true,
        enableOfflineQueue: false,
        slotsRefreshTimeout: 2_000,
        retryDelayOnFailover: 0,
        clusterRetryStrategy: backOff,
      }),
    );
  }
  if (target.kind === "sentinel") {
    return fresh(
      target,
      new IoredisClient({
        ...common,
        lazyConnect: true,
        sentinels: [...target.hosts],
        name: target.master ?? "",
        db: target.db,
        sentinelRetryStrategy: backOff,
        ...(target.tls && { enableTLSForSentinelMode: true }),
        ...(target.sentinelTls !== undefined && { sentinelTLS: target.sentinelTls }),
        ...(target.sentinelUsername !== undefined && { sentinelUsername: target.sentinelUsername }),
        ...(target.sentinelPassword !== undefined && { sentinelPassword: target.sentinelPassword }),
      }),
    );
  }
  const [first] = target.hosts;
  return fresh(
    target,
    new IoredisClient({
      ...common,
      lazyConnect: true,
      db: target.db,
      ...(target.path === undefined
        ? { host: first?.host ?? "localhost", port: first?.port ?? 6_379 }
        : { path: target.path }),
    }),
  );
}

/** Begins to dial; with a provider, credentials are asked for at each dialling. */
function fresh<T extends IoredisClient | Cluster>({ credentials }: Reach, client: T): T {
  if (credentials !== undefined) keepFresh(client, credentials);
  client.connect().catch(() => {});
  return client;
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
