import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { MarrowError } from "../errors.ts";
import { losing } from "../testing/index.ts";
import { createQueue, createWorker, type Queue, type Work } from "./index.ts";
import { nearby } from "./nearby.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Pushes as a process does in which the worker is, or as any other. */
const PUSHES = {
  "this process": <T>(queue: Queue<T>, payload: T) => queue.push(payload),
  "another process": <T>(queue: Queue<T>, payload: T) => {
    nearby.clear();
    return queue.push(payload);
  },
} as const;

describe.each(Object.keys(PUSHES) as (keyof typeof PUSHES)[])(
  "a job that is pushed while a worker of %s waits",
  (where) => {
    const push = PUSHES[where];

    liveTest("is handed to it by the push itself: running, leased and fenced", async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const start = `{${redis.app}:queue:${QUEUE}}:queue`;
      const seen: Work<string>[] = [];
      const letGo = Promise.withResolvers<void>();
      const handler = (work: Work) => {
        seen.push(work as Work<string>);
        return letGo.promise;
      };
      await working(redis, handler, async () => {
        await expect.poll(() => redis.send(["GET", `${start}:idle`])).not.toBeNull();
        // One that is like any other, one that is packed, one of many kinds of letters.
        const payloads = ["plain", "x".repeat(5_000), 'ключ é \u0001 " 漢字 😀 '.repeat(3)];
        const ids: string[] = [];
        for (const payload of payloads) {
          await expect.poll(() => redis.send(["GET", `${start}:idle`])).not.toBeNull();
          const id = await push(queue, payload);
          expect(await queue.get(id)).toMatchObject({ state: "running", attemptsLeft: 3 });
          ids.push(id);
        }
        await expect.poll(() => seen.length).toBe(3);
        expect(seen.map(({ payload }) => payload)).toEqual(payloads);
        expect(seen.map(({ id }) => id)).toEqual(ids);
        expect(seen.map(({ scope }) => scope)).toEqual(["acme", "acme", "acme"]);
        const fences = seen.map(({ fence }) => fence);
        expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
        expect(await redis.send(["ZCARD", `${start}:leases`])).toBe(3);
        letGo.resolve();
        for (const id of ids) expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done" });
      });
    });

    liveTest("waits its turn when others wait, and no worker has more than it may", async ({ redis, tenant }) => {
      const queue = createQueue<number>(tenant, { name: QUEUE });
      let [running, most, done] = [0, 0, 0];
      const handler = async () => {
        running += 1;
        most = Math.max(most, running);
        await pause(Math.random() * 4);
        running -= 1;
        done += 1;
      };
      await working(
        redis,
        handler,
        async () => {
          for (let n = 0; n < 150; n += 1) {
            await push(queue, n);
            if (n % 7 === 0) await pause(6);
          }
          await expect.poll(() => done, { timeout: 8_000 }).toBe(150);
        },
        { concurrency: 2 },
      );
      expect(most).toBe(2);
    });

    liveTest("is not handed to a worker that is gone: it waits for another one", async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      await redis.send(["SET", `{${redis.app}:queue:${QUEUE}}:queue:idle`, "nobody 10000"]);
      const id = await queue.push("x");
      expect(await queue.get(id)).toMatchObject({ state: "waiting" });
      // Whoever looks for work next may say at once that it waits.
      expect(await redis.send(["EXISTS", `{${redis.app}:queue:${QUEUE}}:queue:idle`])).toBe(0);
      await working(
        redis,
        () => "done",
        async () => {
          expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done", crashesLeft: 3 });
        },
      );
    });

    liveTest("is not handed to a worker that closes, from the moment that it says so", async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const idle = () => redis.send(["GET", `{${redis.app}:queue:${QUEUE}}:queue:idle`]);
      const letGo = Promise.withResolvers<void>();
      const worker = createWorker(redis, { name: QUEUE, leaseMs: 60_000, drainMs: 5_000 }, () => letGo.promise);
      const held = await queue.push("held");
      await expect.poll(async () => (await queue.get(held))?.state).toBe("running");
      await expect.poll(idle).not.toBeNull();
      const closed = worker.close();
      // It still has a job to finish, which takes as long as its drain allows.
      await expect.poll(idle, { timeout: 400, interval: 10 }).toBeNull();
      const id = await push(queue, "next");
      expect(await queue.get(id)).toMatchObject({ state: "waiting", crashesLeft: 3 });
      letGo.resolve();
      await closed;
      expect(await idle()).toBeNull();
      expect(await queue.get(held)).toMatchObject({ state: "done" });
    });

    liveTest("tells the others that wait when the one that is named leaves", async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const idle = () => redis.send(["GET", `{${redis.app}:queue:${QUEUE}}:queue:idle`]);
      const options = { name: QUEUE, leaseMs: 60_000, drainMs: 0 };
      const workers = [0, 1, 2].map((at) => createWorker(redis, options, () => at));
      for (const [at, worker] of workers.entries()) {
        await expect.poll(idle, { timeout: 400, interval: 10 }).toMatch(/^\S+ 60000$/);
        // They say once a second that they wait.
        if (at < 2) await pause(1_100);
        await worker.close();
        if (at === 2) break;
        await expect.poll(idle, { timeout: 400, interval: 10 }).toMatch(/^\S+ 60000$/);
        const id = await push(queue, "x");
        expect((await queue.wait(id, { waitMs: 500 }))?.result).toBeGreaterThan(at);
      }
      expect(await idle()).toBeNull();
    });

    liveTest("costs no crash and no lease when the worker closes in the same moment", async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const idle = () => redis.send(["GET", `{${redis.app}:queue:${QUEUE}}:queue:idle`]);
      const ids: string[] = [];
      for (let round = 0; round < 40; round += 1) {
        const worker = createWorker(redis, { name: QUEUE, leaseMs: 60_000, drainMs: 0 }, () => pause(1));
        await expect.poll(idle, { interval: 2 }).not.toBeNull();
        // Half of them are fetched by the worker, as they are too large for the message.
        const pushed = push(queue, "x".repeat(round % 2 === 0 ? 1 : 9_000));
        if (round % 3 > 0) await pause(Math.random() * 2);
        await worker.close();
        ids.push(await pushed);
        expect(["waiting", "done"]).toContain((await queue.get(ids.at(-1) as string))?.state);
      }
      await working(
        redis,
        () => "done",
        async () => {
          for (const id of ids)
            expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done", crashesLeft: 3 });
        },
      );
    });
  },
);

describe("a push that hands its job to a worker", () => {
  liveTest("does so by its reply when the worker is of its process, else by a message", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const start = `{${redis.app}:queue:${QUEUE}}:queue`;
    const messages: string[] = [];
    const heard = await redis.subscribe([`${start}:hand:*`], (_, message) => messages.push(message), {
      mode: "pattern",
    });
    await working(
      redis,
      () => "done",
      async () => {
        for (const [count, where] of (["this process", "another process"] as const).entries()) {
          await expect.poll(() => redis.send(["GET", `${start}:idle`])).not.toBeNull();
          const id = await PUSHES[where](queue, where);
          expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done", crashesLeft: 3 });
          await expect.poll(() => messages.length).toBe(count);
        }
      },
    );
    await heard.close();
  });

  liveTest("is answered before the job begins", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const order: string[] = [];
    await working(
      redis,
      () => order.push("begins"),
      async () => {
        await expect.poll(() => redis.send(["GET", `{${redis.app}:queue:${QUEUE}}:queue:idle`])).not.toBeNull();
        await queue.push("x");
        order.push("pushed");
        await expect.poll(() => order).toEqual(["pushed", "begins"]);
      },
    );
  });

  liveTest("and gets another command's reply ends no process, and the worker goes on", async ({ redis, tenant }) => {
    const idle = () => redis.send(["GET", `{${redis.app}:queue:${QUEUE}}:queue:idle`]);
    const queue = createQueue<string>(tenant, { name: QUEUE });
    let reply: unknown;
    const spoiled = createQueue<string>(
      { ...tenant, send: async (...sent) => (await tenant.send(...sent)) && (reply as never) },
      { name: QUEUE },
    );
    const errors: unknown[] = [];
    await working(
      redis,
      () => "done",
      async () => {
        for (reply of [["one", "no line"], "OK"]) {
          await expect.poll(idle).not.toBeNull();
          await spoiled.push("x").catch(() => {});
          await expect(queue.wait(await queue.push("y"), { waitMs: 3_000 })).resolves.toMatchObject({ state: "done" });
        }
        const channels = (await redis.send(["PUBSUB", "CHANNELS", `*${QUEUE}*:hand:*`])) as string[];
        for (const text of ["x", "id line\n", "id no line\n{}", " \n\n", "\n"])
          for (const channel of channels) await redis.send(["PUBLISH", channel, text]);
        await expect(queue.wait(await queue.push("z"), { waitMs: 3_000 })).resolves.toMatchObject({ state: "done" });
        await expect.poll(() => errors.length).toBeGreaterThanOrEqual(2);
      },
      { onError: (error) => errors.push(error) },
    );
    expect(errors.filter((error) => !MarrowError.is(error, "corrupt_record"))).toEqual([]);
  });

  liveTest("and whose reply is lost leaves it to the next worker once its lease is over", async ({ redis, tenant }) => {
    const lost = createQueue<string>(losing(tenant, 1, "after"), { name: QUEUE });
    const queue = createQueue<string>(tenant, { name: QUEUE });
    await working(
      redis,
      () => "done",
      async () => {
        // The server knows the script from then on: what is lost is its only run.
        await queue.wait(await queue.push("first"), { waitMs: 3_000 });
        await expect.poll(() => redis.send(["GET", `{${redis.app}:queue:${QUEUE}}:queue:idle`])).not.toBeNull();
        await expect(lost.push("x", { id: "one" })).rejects.toMatchObject({ code: "unavailable" });
        expect(await queue.get("one")).toMatchObject({ state: "running" });
        expect(await queue.push("x", { id: "one" })).toBe("one");
        expect(await queue.wait("one", { waitMs: 5_000 })).toMatchObject({ state: "done", crashesLeft: 2 });
      },
    );
  });
});
