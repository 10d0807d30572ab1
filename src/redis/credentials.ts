import type { Cluster, Redis as IoredisClient } from "ioredis";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";

/** User and password of a connection. */
export interface Credentials {
  readonly username?: string | undefined;
  readonly password: string;
  /**
   * Expiry in milliseconds since 1970. New credentials are requested after nine tenths of their lifetime, and open connections authenticate
   * again with them.
   * @default never
   */
  readonly endsAtMs?: number | undefined;
}

/** Returns credentials. Called for every connection and reconnection, and before they expire. */
export type CredentialsProvider = () => Credentials | Promise<Credentials>;

/** Part of a life after which credentials are asked for anew. */
const RENEW_AT = 0.9;
/** Shortest and longest wait before that, in milliseconds; and before it is tried again when a provider failed. */
const RENEW_MIN_MS = 1_000;
const RENEW_MAX_MS = 2 ** 31 - 1;
const PROVIDER_RETRY_MS = 5_000;

/** Calls a provider once. @throws MarrowError `redis_denied` if it fails, `invalid_option` for any other result than credentials */
export async function askFor(provider: CredentialsProvider): Promise<Credentials> {
  let given: Credentials;
  try {
    given = await provider();
  } catch (cause) {
    throw new MarrowError("redis_denied", "the credentials provider failed", { cause });
  }
  if (typeof given !== "object" || given === null || typeof given.password !== "string")
    refuse("credentials", "a function that answers { username?, password, endsAtMs? }", given);
  return given;
}

/**
 * Makes a client, its duplicates and a cluster's nodes request credentials before each connection, and authenticate again before they
 * expire. The library has no option for this: it reads user and password when `connect` is called, so they are set there.
 */
export function keepFresh(client: IoredisClient | Cluster, provider: CredentialsProvider): void {
  if (!client.isCluster) return keepOneFresh(client as IoredisClient, provider);
  const cluster = client as Cluster;
  // Nodes dial at their first command, which is after this event.
  cluster.on("+node", (node: IoredisClient) => keepOneFresh(node, provider));
  const duplicate = cluster.duplicate.bind(cluster);
  cluster.duplicate = (...args) => {
    const other = duplicate(...args);
    keepFresh(other, provider);
    return other;
  };
}

function keepOneFresh(client: IoredisClient, provider: CredentialsProvider): void {
  let timer: NodeJS.Timeout | undefined;

  async function renew(): Promise<Credentials> {
    const credentials = await askFor(provider);
    client.options.password = credentials.password;
    if (credentials.username !== undefined) client.options.username = credentials.username;
    clearTimeout(timer);
    if (credentials.endsAtMs !== undefined) plan((credentials.endsAtMs - Date.now()) * RENEW_AT);
    return credentials;
  }

  function plan(inMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        renew()
          .then(({ username = "default", password }) => client.call("AUTH", username, password))
          .catch(() => plan(PROVIDER_RETRY_MS));
      },
      Math.min(RENEW_MAX_MS, Math.max(RENEW_MIN_MS, inMs)),
    );
    timer.unref();
  }

  let closed = false;
  const dial = client.connect.bind(client);
  client.connect = async (callback) => {
    // If the provider fails, the last credentials remain; if they have expired, the server refuses them.
    await renew().catch((error: unknown) => client.emit("error", error));
    // Closed while the provider was asked: nobody waits for this connection any more.
    if (closed) throw new Error("Connection is closed.");
    return dial(callback);
  };
  const disconnect = client.disconnect.bind(client);
  client.disconnect = (reconnect = false) => {
    closed = !reconnect;
    if (closed) clearTimeout(timer);
    disconnect(reconnect);
  };
  const duplicate = client.duplicate.bind(client);
  client.duplicate = (override) => {
    const other = duplicate({ ...override, lazyConnect: true });
    keepOneFresh(other, provider);
    other.connect().catch(() => {});
    return other;
  };
}
