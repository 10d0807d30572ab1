import { parseArgs } from "node:util";
import { createApiKeys, resolveConfig } from "../gateway/index.ts";
import { connect } from "../redis/index.ts";
import { findServer, startServer } from "../redis/managed/index.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

const USAGE =
  "usage: marrow key create [--scope NAME] [--user NAME] [--name TEXT] [--acts-for own|any] [--plan NAME] [--role admin|viewer] | marrow key revoke KEY";

/** `marrow key`: makes and ends API keys on the Redis that the gateway uses. */
export async function runKey(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scope: { type: "string", default: "default" },
      user: { type: "string" },
      "acts-for": { type: "string" },
      name: { type: "string", default: "made by marrow key" },
      plan: { type: "string" },
      role: { type: "string" },
    },
  });
  const [act, key] = positionals;
  const { role, user, "acts-for": asked, ...named } = values;
  // A key without a user of its own is an application's: it names its users in requests.
  const actsFor = asked ?? (user === undefined ? "any" : "own");
  const isWrong =
    (role !== undefined && role !== "admin" && role !== "viewer") || (actsFor !== "own" && actsFor !== "any");
  if ((act !== "create" || isWrong) && !(act === "revoke" && key !== undefined)) {
    console.error(USAGE);
    return 64;
  }
  const { redisUrl, redis: how, dataDirectory, cacheDirectory, path } = readSurroundings();
  const binary = redisUrl === undefined ? await findServer({ path, cacheDirectory }) : undefined;
  const managed =
    binary === undefined ? undefined : await startServer({ binary: binary.path, directory: dataDirectory });
  const { app } = resolveConfig(await loadConfig());
  const redis = await connect(redisUrl ?? managed?.url ?? "redis://localhost:6379", {
    ...(managed === undefined ? how : undefined),
    app,
  });
  try {
    const keys = createApiKeys(redis);
    const made = { ...named, user: user ?? "default", actsFor: actsFor as "own" | "any" };
    if (act === "create")
      console.log(await keys.create({ ...made, ...(role !== undefined && { role: role as "admin" | "viewer" }) }));
    else console.log((await keys.revoke(key ?? "")) ? "revoked" : "there is no such key");
    return 0;
  } finally {
    await redis.close();
    await managed?.stop();
  }
}
