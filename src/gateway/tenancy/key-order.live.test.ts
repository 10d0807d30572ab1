import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { encodeRecord } from "../../redis/index.ts";
import { createApiKeys } from "./api-keys.ts";

describe("the list of API keys", () => {
  liveTest(
    "reads a page of one scope among the keys of others in two round trips",
    async ({ redis, counted, proxy }) => {
      const keys = createApiKeys(redis);
      const own: string[] = [];
      for (let nth = 0; nth < 40; nth += 1)
        await keys.create({ scope: nth % 4 === 0 ? "a b" : `other${nth}`, user: "u", name: `key ${nth}` });
      const listing = createApiKeys(counted);
      await listing.list({ scope: "a b", limit: 4 });
      const before = proxy.roundTrips();
      let cursor: string | undefined;
      do {
        const page = await listing.list({ scope: "a b", limit: 4, after: cursor });
        expect(page.data.length).toBeLessThanOrEqual(4);
        own.push(...page.data.map(({ id }) => id));
        ({ cursor } = page);
      } while (cursor !== undefined);
      expect(proxy.roundTrips() - before).toBeLessThanOrEqual(6);
      expect(own).toHaveLength(10);
      expect(own).toEqual(own.toSorted());
      expect((await keys.list({ scope: "nobody" })).data).toEqual([]);
      expect((await keys.list({ limit: 1_000 })).data).toHaveLength(40);
    },
  );

  liveTest("has the keys that an older version stored or took away, and no others", async ({ redis }) => {
    const keys = createApiKeys(redis);
    const hash = `{${redis.app}}:gateway:keys`;
    await redis.pipeline(
      Array.from({ length: 600 }, (_, nth) => {
        const digest = nth.toString(16).padStart(64, "0");
        return ["HSET", hash, digest, encodeRecord({ scope: `s${nth % 3}`, user: "u", name: "old" })];
      }),
    );
    expect((await keys.list({ scope: "s1", limit: 1_000 })).data).toHaveLength(200);
    const made = await keys.create({ scope: "s1", user: "u", name: "new" });
    expect((await keys.list({ scope: "s1", limit: 1_000 })).data).toHaveLength(201);
    await redis.send(["HDEL", hash, "0".repeat(63) + "1"]);
    expect((await keys.list({ scope: "s1", limit: 1_000 })).data).toHaveLength(200);
    expect(await keys.revoke(made)).toBe(true);
    expect(await keys.revoke(made)).toBe(false);
    expect(await keys.remove("0".repeat(16))).toBe(true);
    await redis.send(["DEL", hash]);
    expect((await keys.list()).data).toEqual([]);
    expect(await redis.send(["KEYS", `${hash}*`])).toEqual([]);
  });
});
