import { createHash } from "node:crypto";
import type { Command, ScopedRedis, SendOptions } from "../src/redis/index.ts";
import type { Script } from "../src/redis/script.ts";

/** A connection on which scripts read the server's time from a clock of the test's. */
export interface Clocked {
  readonly redis: ScopedRedis;
  /** Sets what time it is, in milliseconds since 1970. */
  readonly set: (nowMs: number) => Promise<void>;
}

/** Puts a hash of two fields in the place of `TIME` in the scripts given, and leaves all else as it is. */
export function withClock(redis: ScopedRedis, scripts: readonly Script<string, string>[]): Clocked {
  const clock = `{${redis.app}:${redis.scope}}:clock`;
  const lua = new Map(
    scripts.map((script) => [
      script.sha1,
      script.lua.replace('redis.call("TIME")', `redis.call("HMGET", "${clock}", "s", "us")`),
    ]),
  );
  const shas = new Map([...lua].map(([sha, text]) => [sha, createHash("sha1").update(text).digest("hex")]));
  const send = (command: Command, options?: SendOptions) => {
    const [name, sha] = command as readonly [string, string];
    const text = lua.get(sha);
    if (name === "EVALSHA" && text !== undefined) {
      return redis
        .send(["EVALSHA", String(shas.get(sha)), ...command.slice(2)], options)
        .catch(() => redis.send(["EVAL", text, ...command.slice(2)], options));
    }
    return redis.send(command, options);
  };
  return {
    redis: { ...redis, send },
    async set(nowMs) {
      await redis.send(["HSET", clock, "s", String(Math.floor(nowMs / 1_000)), "us", `${(nowMs % 1_000) * 1_000}`]);
    },
  };
}
