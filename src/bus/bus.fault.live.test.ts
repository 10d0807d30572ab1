import { describe } from "vitest";
import { liveTest } from "../../test/live.ts";
import { losing } from "../testing/index.ts";
import { createBus, createTopic, type Agent } from "./index.ts";

const LOST = [
  { nth: 1, when: "before" },
  { nth: 1, when: "after" },
  { nth: 2, when: "before" },
  { nth: 2, when: "after" },
] as const;

/** Does something again until it is not lost, as a caller would. */
async function again<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      if (tries > 3 || (error as { code?: unknown }).code !== "unavailable") throw error;
    }
  }
}

describe.concurrent("a bus whose commands are lost", () => {
  liveTest.for(LOST)(
    "has a message once, said again under its id: $nth lost $when",
    async ({ nth, when }, { tenant, expect }) => {
      const seen: unknown[] = [];
      const receiver = createBus(tenant);
      const agent: Agent = await receiver.register({ name: "a" }, ({ body }) => void seen.push(body));
      const lossy = createBus(losing(tenant, nth, when));
      const sent = await again(() => lossy.send("a", "once", { id: "m" }));
      expect(sent.id).toBe("m");
      await expect.poll(async () => (await receiver.receipt("m"))?.state).toBe("handled");
      expect(seen).toEqual(["once"]);
      await agent.close();
      await receiver.close();
    },
  );

  liveTest.for(LOST)(
    "has a topic's message once, said again under its id: $nth lost $when",
    async ({ nth, when }, { tenant, expect }) => {
      const topic = createTopic<number>(losing(tenant, nth, when), "t", { partitions: 1 });
      for (let n = 0; n < 3; n += 1) await again(() => topic.publish(n, { id: `id${n}`, key: "k" }));
      expect(await createTopic(tenant, "t", { partitions: 1 }).size()).toBe(3);
      const seen: number[] = [];
      const reader = createTopic<number>(tenant, "t", { partitions: 1 }).read("g", ({ body }) => void seen.push(body), {
        from: "start",
      });
      await expect.poll(() => seen).toEqual([0, 1, 2]);
      await reader.close();
    },
  );

  liveTest(
    "goes on in a topic where it was after its connections broke, each message once",
    async ({ counted, proxy, tenant, expect }) => {
      const seen: [number, boolean][] = [];
      const name = "cut";
      const reader = createTopic<number>(counted.scope("acme"), name).read(
        "g",
        ({ body, redelivered }) => void seen.push([body, redelivered]),
        { from: "start" },
      );
      const topic = createTopic<number>(tenant, name);
      for (let n = 0; n < 300; n += 1) {
        await topic.publish(n, { key: `k${n % 5}` });
        if (n % 100 === 50) proxy.cut();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(300);
      expect(new Set(seen.map(([n]) => n)).size).toBe(300);
      expect(seen.some(([, redelivered]) => redelivered)).toBe(false);
      for (let key = 0; key < 5; key += 1) {
        const own = seen.flatMap(([n]) => (n % 5 === key ? [n] : []));
        expect(own).toEqual(own.toSorted((a, b) => a - b));
      }
      await reader.close();
    },
  );

  liveTest(
    "hears of a server that answers nothing, and goes on when it does again",
    async ({ counted, proxy, tenant, expect }) => {
      const seen: number[] = [];
      const errors: unknown[] = [];
      const reader = createTopic<number>(counted.scope("acme"), "mute").read("g", ({ body }) => void seen.push(body), {
        from: "start",
        onError: (error) => errors.push(error),
      });
      const topic = createTopic<number>(tenant, "mute");
      await topic.publish(0);
      await expect.poll(() => seen, { timeout: 5_000 }).toEqual([0]);
      proxy.mute(true);
      await topic.publish(1);
      await expect.poll(() => errors.length, { timeout: 10_000 }).toBeGreaterThan(0);
      proxy.mute(false);
      await expect.poll(() => seen, { timeout: 10_000 }).toEqual([0, 1]);
      await reader.close();
    },
  );

  liveTest.for(LOST)(
    "changes a board once at a version: $nth lost $when",
    async ({ nth, when }, { tenant, expect }) => {
      const board = createBus(losing(tenant, nth, when)).board<number>("b");
      await again(() => board.put("x", 1));
      const known = await again(() => board.get("x"));
      const put = await again(() => board.put("x", 2, { version: known?.version }));
      // What was lost after it ran shows as another version: it is done already.
      expect(put.done || put.version > (known?.version ?? 0)).toBe(true);
      expect(await createBus(tenant).board("b").get("x")).toMatchObject({ value: 2 });
    },
  );
});
