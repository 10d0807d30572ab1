import { Cluster, Redis as IoredisClient } from "ioredis";
import { MarrowError } from "../errors.ts";
import { checkOneOf, checkText } from "../internal/check.ts";
import type { Redis } from "./connection.ts";
import { askFor, keepFresh, type CredentialsProvider } from "./credentials.ts";
import { createRedis, type RedisOptions } from "./driver.ts";
import { outageOf } from "./failure.ts";
import { ioredisDriver } from "./from-ioredis.ts";
import { readSecret, readTls, type Secret, type TlsOptions } from "./secrets.ts";
import { parseTarget, type Target } from "./target.ts";
import { placeOf, watchConnection, whyOf, type ConnectionListener } from "./watching.ts";

/** Options of {@link connect}. */
export interface ConnectOptions extends RedisOptions {
  /** Longest wait for the first connection, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Behaviour if Redis is unavailable. `fail` throws after `connectTimeoutMs`. `start` returns a connection after the first failed attempt;
   * it keeps reconnecting, and its commands fail with `unavailable` until it succeeds. Invalid options throw in both cases. @default "fail"
   */
  readonly whenAway?: "fail" | "start" | undefined;
  /**
   * Called once for each change of the connection: with the place and reason (without secrets) when it is lost, with `undefined` when it is
   * back.
   */
  readonly onConnection?: ConnectionListener | undefined;
  /** Uses TLS with these certificates, whatever the URL's scheme. @default by the scheme, with the authorities that Node trusts */
  readonly tls?: TlsOptions | undefined;
  /** Overrides the URL's user. */
  readonly username?: string | undefined;
  /** Overrides the URL's password. */
  readonly password?: Secret | undefined;
  /**
   * Provides user and password instead of the URL, for tokens that expire (AWS IAM, Entra ID). Called for every connection and
   * reconnection, for each node of a cluster, and before the credentials expire.
   */
  readonly credentials?: CredentialsProvider | undefined;
  /** Connection to the sentinels, if it differs from the one to the servers. @default TLS as the servers, no credentials */
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

/**
 * Opens a connection (with ioredis 6, which Marrow manages) and waits until the server is ready.
 *
 * - `redis://user:password@host:6379/0`, `rediss://…` over TLS, `unix:///path/to.sock?db=0`; `valkey` and `valkeys` likewise
 * - `redis+sentinel://host1:26379,host2:26379/master-name?db=0` (`rediss+sentinel` over TLS)
 * - `redis+cluster://host1:7000,host2:7001` (`rediss+cluster` over TLS)
 *
 * A password may contain any character, literally or percent-encoded.
 *
 * @throws MarrowError `invalid_option` for another form, `unavailable` if no server replies in time, with the reason (refused, an unknown
 * host, an untrusted certificate), `redis_denied` for wrong credentials. The error never repeats the URL, which may contain a password.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Redis> {
  const target = await toReach(parseTarget(url), options);
  const connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT;
  const whenAway = checkOneOf("whenAway", options.whenAway ?? "fail", ["fail", "start"]);
  const client = open(target, connectTimeoutMs);
  const watch = watchConnection(client, target, options.onConnection ?? (() => {}));
  const redis = createRedis(ioredisDriver(client, { owned: true }), options);
  try {
    await ready(client, connectTimeoutMs, () => whenAway === "start" && watch.lastError !== undefined);
    await redis.send(["PING"]);
    return redis;
  } catch (cause) {
    // A server that refuses a PING is there: after a failed snapshot, during a long script, while loading data.
    const outage = outageOf(cause);
    if (outage !== undefined && !NOBODY_THERE.has(outage)) return redis;
    const reason = watch.lastError ?? cause;
    const isDenied = MarrowError.is(reason, "redis_denied") || /WRONGPASS|NOAUTH|NOPERM/.test(textsOf(reason));
    if (whenAway === "start" && !isDenied) return redis;
    await redis.close();
    if (isDenied) {
      const provided = target.credentials === undefined ? "the credentials" : "the provider's credentials";
      const told = MarrowError.is(reason, "redis_denied") ? reason.message : `Redis refused ${provided}`;
      throw new MarrowError("redis_denied", told, { cause: reason });
    }
    const silent = client.status === "connect" ? ": the connection was accepted, but the server does not reply" : "";
    throw new MarrowError(
      "unavailable",
      `no Redis answered within ${connectTimeoutMs} ms at ${placeOf(target)}${whyOf(reason) || silent}`,
      { cause: reason, details: { kind: target.kind, hosts: target.hosts, mayHaveRun: false, state: "unreachable" } },
    );
  }
}

/** States in which there may be no Redis at all. */
const NOBODY_THERE: ReadonlySet<string> = new Set(["unreachable", "no_answer", "credentials", "rights"]);

/** The words of an error and of what caused it. */
function textsOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return "";
  return `${error.message} ${textsOf(error.cause, depth + 1)}`;
}

/** Reads the files and credentials once, before connecting. */
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

function open(target: Reach, connectTimeoutMs: number): IoredisClient | Cluster {
  const common = {
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(target.tls && { tls: target.tlsOptions }),
    connectTimeout: connectTimeoutMs,
    // The driver decides which commands may be retried, so the client must neither queue nor repeat any.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: backOff,
    // A server that loads its data is asked again soon, whatever it estimates.
    maxLoadingRetryTime: RECONNECT_MAX_MS,
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

async function ready(client: IoredisClient | Cluster, timeoutMs: number, giveUp: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (client.status !== "ready") {
    if (performance.now() > deadlineMs || client.status === "end" || giveUp()) throw new Error("not ready in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
