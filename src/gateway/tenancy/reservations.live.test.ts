import { setTimeout as pause } from "node:timers/promises";
import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { bookedKeys } from "./booked-bytes.ts";
import { createStoredBytes } from "./stored-bytes.ts";

const MAX = 1_000;
const LIFE_MS = 60_000;
const RESERVED_MS = 300;

describe("bytes that are reserved for a request", () => {
  liveTest("stay reserved while it works, and are free soon after its process ended", async ({ redis }) => {
    const [own, other] = [createStoredBytes(redis, MAX, RESERVED_MS), createStoredBytes(redis, MAX, RESERVED_MS)];
    const reserved = await own.reserve("acme", 900);
    await pause(3 * RESERVED_MS);
    await expect(other.reserve("acme", 200)).rejects.toMatchObject({ code: "too_large", details: { kept: 900 } });
    await reserved.release();
    // As a killed process leaves one: it is not renewed.
    const { ends, sizes } = bookedKeys(redis, "acme");
    const [seconds] = (await redis.send(["TIME"])) as readonly [string];
    await redis.send(["HSET", sizes, "request:left", "900", "", "900"]);
    await redis.send(["ZADD", ends, String(Number(seconds) * 1_000 + RESERVED_MS), "request:left"]);
    await expect
      .poll(
        () =>
          other.reserve("acme", 900).then(
            (one) => one.release(),
            () => "full",
          ),
        { timeout: 3_000 },
      )
      .toBeUndefined();
  });

  liveTest("count for what was stored, once, and for nothing once they are released", async ({ redis }) => {
    const stored = createStoredBytes(redis, MAX);
    const { sizes } = bookedKeys(redis, "acme");
    const all = async () => (await redis.send(["HGETALL", sizes])) as unknown;
    for (const bytes of [300, 300, 200]) {
      const reserved = await stored.reserve("acme", bytes);
      await reserved.keepAs([{ thing: "task:a", bytes }], LIFE_MS);
      await reserved.release();
    }
    expect(await redis.send(["HMGET", sizes, "", "task:a"])).toEqual(["300", "300"]);
    const added = await stored.reserve("acme", 100);
    await added.addTo("task:a", LIFE_MS);
    await (await stored.reserve("acme", 500)).release();
    expect(await redis.send(["HMGET", sizes, "", "task:a"])).toEqual(["400", "400"]);
    expect(JSON.stringify(await all())).not.toContain("request:");
  });

  liveTest("of several things are all there, or none; what is counted already needs no room", async ({ redis }) => {
    const stored = createStoredBytes(redis, MAX);
    const { sizes } = bookedKeys(redis, "acme");
    const [a, b, c] = ["a", "b", "c"].map((thing) => ({ thing, bytes: 450 }));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three things");
    const first = await stored.reserve("acme", [a, b]);
    await first.keepAs([a, b], LIFE_MS);
    await expect(stored.reserve("acme", [a, c])).rejects.toMatchObject({ code: "too_large" });
    const again = await stored.reserve("acme", [a, b]);
    await again.release();
    expect(await redis.send(["HMGET", sizes, "", "a", "b", "c"])).toEqual(["900", "450", "450", null]);
  });

  liveTest("are counted a moment later where Redis does not take the count at once", async ({ redis }) => {
    let isAway = false;
    const flaky = {
      ...redis,
      send: (...words: Parameters<typeof redis.send>) =>
        isAway ? Promise.reject(Object.assign(new Error("LOADING Redis is loading"), {})) : redis.send(...words),
    };
    const stored = createStoredBytes(flaky, MAX, RESERVED_MS);
    const { sizes } = bookedKeys(redis, "acme");
    const reserved = await stored.reserve("acme", 300);
    isAway = true;
    await reserved.keepAs([{ thing: "task:a", bytes: 300 }], LIFE_MS).catch(() => {});
    await reserved.release();
    isAway = false;
    await expect
      .poll(async () => redis.send(["HMGET", sizes, "", "task:a"]), { timeout: 3_000 })
      .toEqual(["300", "300"]);
  });
});

describe("bytes of a thing that could not be stored again", () => {
  liveTest("are what it had before, unless another request stored or deleted it meanwhile", async ({ redis }) => {
    const stored = createStoredBytes(redis, MAX);
    const { sizes } = bookedKeys(redis, "acme");
    const kept = async () => redis.send(["HMGET", sizes, "", "entry"]);
    const put = async (bytes: number) => ({ bytes, before: await stored.put("acme", "entry", bytes, LIFE_MS) });
    const restore = async (one: Awaited<ReturnType<typeof put>>) => stored.restore("acme", "entry", one, LIFE_MS);
    await restore(await put(300));
    expect(await kept()).toEqual(["0", null]);
    await put(100);
    await restore(await put(300));
    expect(await kept()).toEqual(["100", "100"]);
    // One of two fails after the other has stored.
    const failed = await put(300);
    await put(200);
    await restore(failed);
    expect(await kept()).toEqual(["200", "200"]);
    // It is deleted while it is stored again.
    const late = await put(300);
    await stored.release("acme", "entry");
    await restore(late);
    expect(await kept()).toEqual(["0", null]);
  });
});
