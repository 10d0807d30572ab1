import { resolve } from "node:path";
import { MarrowError } from "../errors.ts";
import type { ServeOptions } from "../gateway/index.ts";
import { readSecret, type ConnectOptions } from "../redis/index.ts";
import { isServiceLink } from "./service-links.ts";

/** Settings from the environment: location of Redis, data directory. */
export type Surroundings = Omit<ServeOptions, "config" | "say">;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment, with `MARROW_X` from the file that `MARROW_X_FILE` names, as container platforms mount secrets. An empty variable
 * counts as none, and so does one that Kubernetes sets for a Service ({@link isServiceLink}).
 * @throws MarrowError `invalid_option` for a file that cannot be read, and for a value beside a file
 */
export function readEnvironment(environment: Environment = process.env): Environment {
  const given = Object.entries(environment).filter(
    ([name, value]) => value !== undefined && value !== "" && !isServiceLink(name, value),
  );
  const read = given.flatMap(([name, file]): [string, string | undefined][] => {
    const [, meant] = /^(MARROW_[A-Z_]+)_FILE$/.exec(name) ?? [];
    if (meant === undefined) return [];
    if (given.some(([other]) => other === meant))
      throw new MarrowError("invalid_option", `${meant} and ${name} may not both be set`, { details: { path: name } });
    return [[meant, readSecret(name, { file: file as string })]];
  });
  return Object.fromEntries([...given, ...read]);
}

/** Reads the address and options of Redis. @throws MarrowError `invalid_option` */
export function readSurroundings(environment: Environment = process.env): Surroundings {
  const values = readEnvironment(environment);
  return {
    redisUrl: values["MARROW_REDIS_URL"],
    redis: readConnection(values),
    cacheRedisUrl: values["MARROW_CACHE_REDIS_URL"],
    dataDirectory: resolve(values["MARROW_DATA"] ?? ".marrow"),
    cacheDirectory: resolve(values["MARROW_CACHE"] ?? ".cache"),
    path: values["PATH"] ?? "",
  };
}

function readConnection(values: Environment): Pick<ConnectOptions, "username" | "password" | "tls" | "sentinel"> {
  const tls = {
    ca: values["MARROW_REDIS_CA"],
    cert: values["MARROW_REDIS_CERT"],
    key: values["MARROW_REDIS_KEY"],
    serverName: values["MARROW_REDIS_SERVER_NAME"],
  };
  return {
    username: values["MARROW_REDIS_USERNAME"],
    password: values["MARROW_REDIS_PASSWORD"],
    ...(Object.values(tls).some((value) => value !== undefined) && { tls }),
    sentinel: {
      username: values["MARROW_REDIS_SENTINEL_USERNAME"],
      password: values["MARROW_REDIS_SENTINEL_PASSWORD"],
    },
  };
}
