import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE } from "../../test/queue.ts";
import { createQueue } from "./index.ts";

describe("jobs that are pushed in one moment", () => {
  liveTest("go in one round trip, in their order, each with an answer of its own", async ({ counted, proxy }) => {
    const queue = createQueue<number>(counted.scope("acme"), { name: QUEUE });
    await queue.push(-1, { idempotencyKey: "k" });
    proxy.reset();
    const pushes = Array.from({ length: 50 }, (_, n) => queue.push(n));
    const conflict = queue.push(7, { idempotencyKey: "k" });
    const wrong = queue.push(undefined as never);
    await expect(wrong).rejects.toThrow(/payload/);
    await expect(conflict).rejects.toMatchObject({ code: "conflict" });
    const ids = await Promise.all(pushes);
    expect(proxy.roundTrips()).toBe(1);
    expect((await queue.list({ state: "waiting", limit: 100 })).slice(1).map(({ id }) => id)).toEqual(ids);
  });

  liveTest("are taken as far as there is room", async ({ tenant }) => {
    const queue = createQueue<number>(tenant, { name: QUEUE, backlogMax: 5 });
    const pushed = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => queue.push(n)));
    expect(pushed.map(({ status }) => status)).toEqual([...Array(5).fill("fulfilled"), ...Array(3).fill("rejected")]);
    expect((await queue.counts()).waiting).toBe(5);
  });
});
