import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE } from "../../test/queue.ts";
import { createQueue, createWebhooks } from "./index.ts";

describe("a call with what it cannot use", () => {
  liveTest("is refused by the name of the field, and nothing is done", async ({ tenant }) => {
    const queue = createQueue<number>(tenant, { name: QUEUE });
    const nothing = null as never;
    const cron = (text: string) => queue.schedule("s", { cron: text }, 1);
    const calls: readonly (readonly [path: string, call: () => Promise<unknown>])[] = [
      ["options", () => queue.push(1, nothing)],
      ["jobs", () => queue.pushMany(nothing)],
      ["jobs.0", () => queue.pushMany([nothing])],
      ["options", () => queue.redrive(nothing)],
      ["ids", () => queue.redrive({ ids: nothing })],
      ["options", () => queue.list(nothing)],
      ["state", () => queue.list({} as never)],
      ["endpoint", () => createWebhooks(tenant, { name: QUEUE }).create(nothing)],
      ["options", () => queue.schedule("s", { everyMs: 1_000 }, 1, nothing)],
      ["when.cron", () => queue.schedule("s", { everyMs: 60_000, cron: "* * * * *" }, 1)],
      ["when.zone", () => queue.schedule("s", { cron: "* * * * *", zone: "UTC" } as never, 1)],
      ["delayMs", () => queue.schedule("s", { everyMs: 60_000 }, 1, { delayMs: 5 } as never)],
      ["idempotencyKey", () => queue.schedule("s", { everyMs: 60_000 }, 1, { idempotencyKey: "k" } as never)],
      ["when", () => cron("2099-12-01T00:00:00")],
      ["when", () => cron("0 0 * * * * 2099")],
    ];
    for (const [path, call] of calls)
      await expect(call()).rejects.toMatchObject({ code: "invalid_input", details: { path } });
    expect(await queue.schedules()).toEqual([]);
    for (const text of ["0 0 * * *", "*/5 * * * * *", "@daily"]) await cron(text);
  });
});

describe("a tenant's list", () => {
  liveTest("finds its delayed jobs behind those of other tenants, page by page", async ({ redis, tenant }) => {
    const noisy = createQueue<number>(redis.scope("noisy"), { name: QUEUE });
    const queue = createQueue<number>(tenant, { name: QUEUE });
    await noisy.pushMany(Array.from({ length: 4_500 }, (_, payload) => ({ payload, delayMs: 60_000 })));
    const ids = await queue.pushMany([1, 2, 3].map((payload) => ({ payload, delayMs: 100_000 + payload })));
    const idsOf = async (offset: number, limit: number) =>
      (await queue.list({ state: "delayed", offset, limit })).map(({ id }) => id);
    expect(await idsOf(0, 20)).toEqual(ids);
    expect(await idsOf(1, 1)).toEqual(ids.slice(1, 2));
  });

  liveTest("of those that wait is bounded, blocked ones among them", async ({ tenant }) => {
    const queue = createQueue<number>(tenant, { name: QUEUE, backlogMax: 2 });
    const first = await queue.push(0, { delayMs: 60_000 });
    for (const n of [1, 2]) await queue.push(n, { dependsOn: [first] });
    await expect(queue.push(3, { dependsOn: [first] })).rejects.toMatchObject({ code: "too_large" });
    await expect(queue.push(4)).rejects.toMatchObject({ code: "too_large" });
  });
});
