import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE } from "../../test/queue.ts";
import { encodeRecord } from "../redis/index.ts";
import { createQueue } from "./index.ts";

describe("a page of a tenant's jobs", () => {
  liveTest("goes on where the one before ended, and passes over the jobs of others", async ({ redis, tenant }) => {
    const [queue, others] = [tenant, redis.scope("other")].map((scope) => createQueue(scope, { name: QUEUE }));
    if (queue === undefined || others === undefined) throw new Error("no queue");
    await others.pushMany(Array.from({ length: 3_000 }, () => ({ payload: {}, delayMs: 60_000 })));
    const made = await queue.pushMany(Array.from({ length: 5 }, () => ({ payload: {}, delayMs: 120_000 })));
    // All of one page's look are of the other tenant, whose jobs are due sooner.
    const first = await queue.page({ state: "delayed", limit: 3 });
    expect(first).toEqual({ data: [], cursor: 2_500 });
    const second = await queue.page({ state: "delayed", limit: 3, after: first.cursor });
    expect(second).toMatchObject({ data: [{}, {}, {}], cursor: 3_003 });
    const third = await queue.page({ state: "delayed", limit: 3, after: second.cursor });
    expect(third).toEqual({ data: [expect.anything(), expect.anything()] });
    expect([...second.data, ...third.data].map(({ id }) => id).toSorted()).toEqual(made.toSorted());
    const waiting = await queue.pushMany([{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
    expect(await queue.page({ state: "waiting", limit: 2 })).toMatchObject({ data: [{}, {}], cursor: 2 });
    expect(await queue.page({ state: "waiting", limit: 2, after: 2 })).toEqual({
      data: [expect.objectContaining({ id: waiting[2] })],
    });
    await expect(queue.page({ state: "waiting", after: -1 })).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("a page of a tenant's schedules", () => {
  liveTest("has what an older version declared, by name, and nothing of others", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await queue.schedule("b/2", { everyMs: 60_000 }, {});
    await createQueue(redis.scope("acme-2"), { name: QUEUE }).schedule("x", { everyMs: 60_000 }, {});
    const start = `{${redis.app}:queue:${QUEUE}}:queue`;
    const record = encodeRecord({ when: { everyMs: 60_000 }, payload: 7, options: {} });
    await redis.send(["HSET", `${start}:schedules`, "acme/a", record]);
    await redis.send(["ZADD", `${start}:due`, "5", "acme/a"]);
    const first = await queue.listSchedules({ limit: 1 });
    expect(first).toEqual({
      data: [{ name: "a", nextAtMs: 5, when: { everyMs: 60_000 }, payload: 7 }],
      cursor: "a",
    });
    const second = await queue.listSchedules({ limit: 1, after: first.cursor });
    expect(second).toEqual({ data: [expect.objectContaining({ name: "b/2" })] });
    await queue.unschedule("a");
    expect((await queue.schedules()).map(({ name }) => name)).toEqual(["b/2"]);
    await expect(queue.listSchedules({ limit: 0 })).rejects.toMatchObject({ code: "invalid_input" });
  });
});
