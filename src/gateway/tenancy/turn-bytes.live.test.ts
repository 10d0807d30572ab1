import { describe, expect } from "vitest";
import type { Redis } from "../../redis/index.ts";
import { liveTest } from "../../../test/live.ts";
import { createStoredBytes } from "./stored-bytes.ts";
import { createTurnBytes, sessionThing } from "./turn-bytes.ts";

const MEBIBYTE = 1_048_576;

/** The same Redis, counting what it is sent. */
function counting(redis: Redis): { readonly redis: Redis; sent: number } {
  const counted = { redis, sent: 0 };
  counted.redis = {
    ...redis,
    send(command, options) {
      counted.sent += 1;
      return redis.send(command, options);
    },
  };
  return counted;
}

/** A look at a full scope may come after its test. */
const fails = () => {};

describe("the bytes of chats' turns", () => {
  liveTest("are written once for every 64 KiB, however many sessions there are", async ({ redis }) => {
    const counted = counting(redis);
    const bytes = createTurnBytes(counted.redis, MEBIBYTE, fails);
    for (let nth = 0; nth < 512; nth += 1) bytes.add("acme", sessionThing("ann", `s${nth % 100}`), 1_024, 60_000);
    await bytes.flush();
    // 8 writes, and one more of a script that Redis does not know yet.
    expect(counted.sent).toBeLessThan(18);
  });

  liveTest("fill a scope together with all that is kept otherwise, and give room back", async ({ redis }) => {
    const [turns, stored] = [createTurnBytes(redis, MEBIBYTE, fails), createStoredBytes(redis, MEBIBYTE)];
    await stored.book("acme", "file:a", 500_000, 60_000);
    turns.add("acme", "session:b", 600_000, 60_000);
    await turns.flush();
    expect(() => turns.check("acme")).toThrow("scope-bytes");
    expect(() => turns.check("other")).not.toThrow();
    await expect(stored.book("acme", "file:c", 1, 60_000)).rejects.toMatchObject({ code: "too_large" });
    await turns.release("acme", ["session:b"]);
    expect(() => turns.check("acme")).not.toThrow();
    await stored.book("acme", "file:c", 500_000, 60_000);
  });

  liveTest("end with their session", async ({ redis }) => {
    const turns = createTurnBytes(redis, MEBIBYTE, fails);
    turns.add("acme", "session:short", MEBIBYTE, 1);
    await turns.flush();
    expect(() => turns.check("acme")).toThrow("scope-bytes");
    await expect
      .poll(async () => {
        await turns.flush();
        return turns.check("acme");
      })
      .toBeUndefined();
  });
});
