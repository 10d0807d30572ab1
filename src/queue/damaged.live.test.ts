import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import type { Redis } from "../redis/index.ts";
import { createClaims, createQueue, readQueueStats } from "./index.ts";

const keyOf = (redis: Redis, id: string) => `{${redis.app}:queue:${QUEUE}}:queue:job:${id}`;
/** What can become of a line: each in the words of a job of the tenant. */
const DAMAGES: readonly (readonly [what: string, damage: (line: string) => string])[] = [
  ["cut short", (line) => line.slice(0, line.indexOf(" acme ") + 9)],
  ["longer than it may be", (line) => `${line} more`],
  ["rubbish", () => "\u0000\u00ff rubbish"],
  ["empty", () => ""],
  ["of a state that nobody knows", (line) => line.replace(/^\w+/, "wating")],
  ["with a number that is none", (line) => line.replace(/ 3 3 3 /, " 3 x 3 ")],
];

async function damage(redis: Redis, id: string, how: (line: string) => string): Promise<void> {
  await redis.send(["SET", keyOf(redis, id), how(String(await redis.send(["GET", keyOf(redis, id)])))]);
}

describe.each(DAMAGES)("a job whose stored line is %s", (_, how) => {
  liveTest("and that waits is dead once a worker comes to it, and holds up no other", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const [first = "", bad = "", last = ""] = await queue.pushMany(["a", "b", "c"].map((payload) => ({ payload })));
    const child = await queue.push("child", { dependsOn: [bad] });
    await damage(redis, bad, how);
    expect(await queue.list({ state: "waiting" })).toMatchObject([
      { id: first },
      { id: bad, state: "unreadable" },
      { id: last },
    ]);
    await expect(queue.get(bad)).rejects.toMatchObject({ code: "corrupt_record" });
    await working(
      redis,
      () => "done",
      async () => {
        for (const id of [first, last]) expect((await queue.wait(id, { waitMs: 3_000 })).state).toBe("done");
        await expect.poll(() => queue.counts()).toMatchObject({ waiting: 0, deadKept: 2, dead: 2, done: 2 });
        expect(await queue.get(bad)).toMatchObject({ state: "dead", reason: "corrupt_record", payload: "b" });
        expect(await queue.get(child)).toMatchObject({ state: "dead", reason: "dependency" });
        const dead = await queue.list({ state: "dead" });
        expect(dead.map(({ id, reason }) => [id, reason])).toEqual(
          expect.arrayContaining([
            [bad, "corrupt_record"],
            [child, "dependency"],
          ]),
        );
        expect((await queue.list({ state: "ended" })).map(({ id }) => id)).toContain(bad);
        // What was asked is there still.
        expect(await queue.redrive({ ids: [bad] })).toEqual([bad]);
        expect(await queue.wait(bad, { waitMs: 3_000 })).toMatchObject({ state: "done", result: "done" });
      },
    );
  });

  liveTest("is passed over by a claim, and dead", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const [first = "", bad = "", last = ""] = await queue.pushMany(["a", "b", "c"].map((payload) => ({ payload })));
    await damage(redis, bad, how);
    const claimed = await createClaims(tenant, { name: QUEUE }).claim({ limit: 10 });
    expect(claimed.map(({ id }) => id)).toEqual([first, last]);
    expect(await queue.list({ state: "dead" })).toMatchObject([{ id: bad, reason: "corrupt_record" }]);
  });

  liveTest("and that is delayed or leased holds up no other, and is kept count of", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const claims = createClaims(tenant, { name: QUEUE });
    const [leased = "", sound = ""] = await queue.pushMany(["a", "b"].map((payload) => ({ payload })));
    expect(await claims.claim({ limit: 10, leaseMs: 1_000 })).toHaveLength(2);
    const delayed = await queue.push("c", { delayMs: 900 });
    const other = await queue.push("d", { delayMs: 901 });
    await damage(redis, leased, how);
    await damage(redis, delayed, how);
    await working(
      redis,
      () => "done",
      async () => {
        for (const id of [sound, other]) expect((await queue.wait(id, { waitMs: 8_000 })).state).toBe("done");
        await expect
          .poll(() => readQueueStats(redis, { name: QUEUE }), { timeout: 5_000 })
          .toMatchObject({ running: 0, delayed: 0, deadKept: 2 });
      },
    );
    // Whose it is can be read of a line that was cut behind that.
    for (const id of [leased, delayed])
      expect(
        await queue.get(id).then(
          (job) => job?.reason,
          (error: { code: string }) => error.code,
        ),
      ).toBe("corrupt_record");
  });
});
