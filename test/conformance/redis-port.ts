import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Redis } from "../../src/redis/index.ts";
import { runScript, toStreams, type Script } from "../../src/redis/index.ts";

const double: Script<"counter", "by"> = {
  name: "double",
  keys: ["counter"],
  values: ["by"],
  rest: false,
  idempotent: false,
  shape: "[integer, text]",
  // A text of its own for each run, so that no server knows the script yet.
  lua: `-- ${randomUUID()}\nreturn {redis.call("INCRBY", KEYS[1], ARGV[1]), "text"}`,
  sha1: "",
};

/** What every adapter promises, on every kind of server. */
export function describeRedisPort(
  name: string,
  open: () => Promise<{ redis: Redis; close: () => Promise<void> }>,
): void {
  describe(`the Redis port over ${name}`, () => {
    let redis: Redis;
    let close: () => Promise<void>;
    const key = (part: string) => `{${redis.app}:conformance}:${part}`;

    beforeAll(async () => ({ redis, close } = await open()));
    afterAll(() => close());

    it("sends commands and answers text, integers, lists and absence", async () => {
      expect(await redis.send(["SET", key("a"), "ü"])).toBe("OK");
      expect(await redis.send(["GET", key("a")])).toBe("ü");
      expect(await redis.send(["GET", key("none")])).toBeNull();
      expect(await redis.send(["INCR", key("n")])).toBe(1);
      expect(await redis.send(["HSET", key("h"), "f", "v", "g", "w"])).toBe(2);
      expect(await redis.send(["HGETALL", key("h")])).toEqual(["f", "v", "g", "w"]);
      expect(await redis.send(["SADD", key("s"), "m"])).toBe(1);
      expect(await redis.send(["SMEMBERS", key("s")])).toEqual(["m"]);
      await redis.send(["ZADD", key("z"), "1.5", "m"]);
      expect(await redis.send(["ZSCORE", key("z"), "m"])).toBe("1.5");
    });

    it("is safe for any bytes, both ways", async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
      await redis.send(["SET", key("bytes"), bytes]);
      expect(await redis.send(["GET", key("bytes")], { reply: "bytes" })).toEqual(bytes);
      expect(await redis.send(["STRLEN", key("bytes")])).toBe(256);
      const [first] = (await redis.send(["MGET", key("bytes")], { reply: "bytes" })) as Buffer[];
      expect(first).toEqual(bytes);
    });

    it("sends bytes of several megabytes as they are, in the order of the commands sent beside them", async () => {
      const large = Array.from({ length: 3 }, (_, nth) => Buffer.alloc(3_000_000, `${nth} \r\n`));
      const list = key("large");
      const counts = await Promise.all([
        redis.send(["RPUSH", list, "é", large[0] as Buffer, "b", large[1] as Buffer]),
        redis.send(["RPUSH", list, "c"]),
        redis.send(["RPUSH", list, large[2] as Buffer]),
      ]);
      expect(counts).toEqual([4, 5, 6]);
      const kept = (await redis.send(["LRANGE", list, "0", "-1"], { reply: "bytes" })) as Buffer[];
      const sent = [Buffer.from("é"), large[0], Buffer.from("b"), large[1], Buffer.from("c"), large[2]];
      expect(kept.map((bytes, at) => bytes.equals(sent[at] as Buffer))).toEqual(sent.map(() => true));
      await redis.send(["DEL", list]);
    });

    it("refuses a word that is neither text nor bytes at once, that command alone", async () => {
      const words = [undefined, null, 7, {}, new Float32Array(1), new Date()];
      const alone = words.map((word) =>
        redis.send(["SET", key("wrong"), word as never]).catch((error: unknown) => error),
      );
      const beside = redis.send(["SET", key("beside"), "1"]);
      for (const error of await Promise.all(alone))
        expect(error).toMatchObject({ code: "invalid_input", details: { path: "command.2" } });
      expect(await beside).toBe("OK");
      expect(
        await redis.pipeline([
          ["ECHO", null as never],
          ["GET", key("beside")],
        ]),
      ).toEqual([expect.objectContaining({ code: "invalid_input", details: { path: "command.1" } }), "1"]);
      for (const none of [[], null, "PING", [undefined]])
        await expect(redis.send(none as never)).rejects.toMatchObject({ code: "invalid_input" });
      expect(await redis.send(["GET", key("wrong")])).toBeNull();
    });

    it("answers a pipeline in order, errors in their places", async () => {
      await redis.send(["SET", key("p"), "1"]);
      const answers = await redis.pipeline([
        ["GET", key("p")],
        ["LPUSH", key("p"), "x"],
        ["INCR", key("p")],
      ]);
      expect(answers[0]).toBe("1");
      expect(answers[1]).toMatchObject({ code: "redis_rejected" });
      expect(answers[2]).toBe(2);
    });

    it("runs scripts that the server does not know yet, and then again by their digest", async () => {
      const { createHash } = await import("node:crypto");
      const script = { ...double, sha1: createHash("sha1").update(double.lua).digest("hex") };
      expect(await runScript(redis, script, { counter: key("d") }, { by: 2 })).toEqual([2, "text"]);
      expect(await runScript(redis, script, { counter: key("d") }, { by: 3 })).toEqual([5, "text"]);
    });

    it("keeps the order of commands sent at once", async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => redis.send(["INCR", key("order")])));
      expect(answers).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    });

    it.skipIf(inject("redisKind") !== "redis8")("searches vector sets, scores as text", async () => {
      const { vectorSets } = await redis.capabilities();
      expect(vectorSets).toBe("yes");
      const vector = Buffer.from(new Float32Array([1, 0, 0, 0]).buffer);
      await redis.send(["VADD", key("v"), "FP32", vector, "e1"]);
      const [id, score] = (await redis.send([
        "VSIM",
        key("v"),
        "FP32",
        vector,
        "WITHSCORES",
        "COUNT",
        "1",
      ])) as string[];
      expect([id, Number(score)]).toEqual(["e1", 1]);
    });

    it("hears what is published, until it closes the subscription", async () => {
      const heard: string[] = [];
      const channel = key("channel");
      const subscription = await redis.subscribe([channel], (from, message) => heard.push(`${from} ${message}`));
      await redis.send(["PUBLISH", channel, "one"]);
      await expect.poll(() => heard).toEqual([`${channel} one`]);
      await subscription.close();
      await redis.send(["PUBLISH", channel, "two"]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(heard).toHaveLength(1);
    });

    it("hears patterns, and what stays within a shard", async () => {
      const [heard, sharded]: [string[], string[]] = [[], []];
      const [one, two] = [`{${key("a")}}:live`, `{${key("b")}}:live`];
      const subscriptions = [
        await redis.subscribe([`{${key("*")}}:live`], (from, message) => heard.push(`${from} ${message}`), {
          mode: "pattern",
        }),
        await redis.subscribe([one, two], (from, message) => sharded.push(`${from} ${message}`), { mode: "sharded" }),
      ];
      await redis.send(["PUBLISH", one, "1"]);
      for (const channel of [one, two]) await redis.send(["SPUBLISH", channel, "2"]);
      await expect.poll(() => heard).toEqual([`${one} 1`]);
      await expect.poll(() => sharded.toSorted()).toEqual([`${one} 2`, `${two} 2`]);
      for (const subscription of subscriptions) await subscription.close();
    });

    it("waits on a connection of its own, for no longer than that is open", async () => {
      const line = await redis.dedicate();
      const logs = [key("log 1"), key("log 2")];
      const read = (after: string, waitMs: number) =>
        line.send(["XREAD", "COUNT", "9", "BLOCK", String(waitMs), "STREAMS", ...logs, after, after], {
          reply: "bytes",
          timeoutMs: waitMs + 1_000,
        });
      const first = read("0-0", 5_000);
      const bytes = Buffer.from([0, 255]);
      const entry = [Buffer.from("1-1"), [Buffer.from("b"), bytes]];
      await redis.send(["XADD", key("log 2"), "1-1", "b", bytes]);
      expect([...toStreams(await first)]).toEqual([[key("log 2"), [entry]]]);
      await redis.send(["XADD", key("log 1"), "1-1", "b", bytes]);
      expect(toStreams(await read("0-0", 5_000))).toEqual(new Map(logs.map((log) => [log, [entry]])));
      expect(toStreams(await read("1-1", 10)).size).toBe(0);
      const last = read("1-1", 5_000);
      await Promise.all([expect(last).rejects.toMatchObject({ code: "unavailable" }), line.close()]);
    });

    it("gives each scope keys of its own, and refuses none", () => {
      expect(redis.scope("a").scope).toBe("a");
      for (const scope of ["", undefined, "\ud800"]) {
        expect(() => redis.scope(scope as string)).toThrow(expect.objectContaining({ code: "invalid_input" }));
      }
    });

    it("ends a wait at its bound", async () => {
      const slow = redis.send(["BLPOP", key("empty"), "0.3"], { timeoutMs: 50 });
      await expect(slow).rejects.toMatchObject({ code: "timeout" });
      expect(await redis.send(["GET", key("none")], { timeoutMs: 5_000 })).toBeNull();
    });
  });
}
