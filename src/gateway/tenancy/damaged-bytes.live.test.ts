import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { bookedKeys } from "./booked-bytes.ts";
import { createKeyUsers } from "./key-users.ts";
import { createStoredBytes } from "./stored-bytes.ts";
import { createTurnBytes } from "./turn-bytes.ts";

const MAX = 1_000;
const LIFE_MS = 60_000;
const VALUES = ["x", "", "null", "1e999", "-1e999", "nan", "-5", "1.5e400", "[".repeat(5_000)];

describe("the bytes that a scope keeps, where what counts them is damaged", () => {
  liveTest("are added up anew, and bound the scope as before", async ({ redis }) => {
    const { sizes } = bookedKeys(redis, "acme");
    const [stored, turns] = [createStoredBytes(redis, MAX), createTurnBytes(redis, MAX, () => {})];
    await stored.book("acme", "file:a", 400, LIFE_MS);
    await stored.book("acme", "file:b", 300, LIFE_MS);
    for (const value of VALUES) {
      await redis.send(["HSET", sizes, "", value]);
      await expect(stored.book("acme", "file:c", 400, LIFE_MS)).rejects.toMatchObject({ code: "too_large" });
      await redis.send(["HSET", sizes, "", value]);
      turns.add("acme", "session:s", 200, LIFE_MS);
      await turns.flush();
      expect(await redis.send(["HGET", sizes, ""])).toBe("900");
      await turns.release("acme", ["session:s"]);
      await redis.send(["HSET", sizes, "file:c", value]);
      await stored.book("acme", "file:c", 100, LIFE_MS);
      expect(await redis.send(["HMGET", sizes, "", "file:c"])).toEqual(["800", "100"]);
      await stored.release("acme", "file:c");
    }
    expect(await redis.send(["HGET", sizes, ""])).toBe("700");
  });

  liveTest(
    "are not full because of a number that stands in place of the script's reply",
    async ({ counted, proxy }) => {
      const [stored, turns] = [createStoredBytes(counted, MAX), createTurnBytes(counted, MAX, () => {})];
      const users = createKeyUsers(counted, { enabled: true, keyUsers: { limit: 100, windowMs: 60_000 } });
      const key = { scope: "acme", user: "root", id: "k", name: "k", actsFor: "any" } as const;
      await stored.book("acme", "file:a", 1, LIFE_MS);
      await users.admit(key, "ann");
      turns.add("acme", "session:s", 1, LIFE_MS);
      await turns.flush();
      for (const reply of [":1", `:${MAX}`]) {
        const spoilOnce = () => proxy.spoil(() => (proxy.spoil(undefined), `${reply}\r\n`));
        spoilOnce();
        await stored.book("acme", "file:b", 1, LIFE_MS);
        spoilOnce();
        await users.admit(key, `user${reply}`);
        spoilOnce();
        turns.add("acme", "session:s", 1, LIFE_MS);
        await turns.flush();
        expect(turns.isFull("acme")).toBe(false);
      }
    },
  );

  liveTest("begin anew where a key is of another type", async ({ redis }) => {
    const { ends, sizes } = bookedKeys(redis, "acme");
    const stored = createStoredBytes(redis, MAX);
    for (const key of [ends, sizes]) {
      await stored.put("acme", "file:a", 900, LIFE_MS);
      await redis.send(["DEL", key]);
      await redis.send(["RPUSH", key, "x"]);
      await stored.book("acme", "file:b", 900, LIFE_MS);
      await expect(stored.book("acme", "file:c", 200, LIFE_MS)).rejects.toMatchObject({ code: "too_large" });
      await stored.release("acme", "file:b");
    }
  });
});
