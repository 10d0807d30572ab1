import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { MarrowError } from "../errors.ts";
import { createQueue, type OutputEvent, type Work } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a job's output", () => {
  liveTest(
    "is read while it runs and after, whole and in order, from any place on, to its end",
    async ({ redis, tenant }) => {
      const queue = createQueue(tenant, { name: QUEUE });
      const id = await queue.push("x");
      const words = Array.from({ length: 60 }, (_, n) => `w${n} `);
      await working(
        redis,
        async ({ write }) => {
          for (const word of words) {
            write(word);
            await pause(2);
          }
          return "done";
        },
        async () => {
          const live: OutputEvent[] = [];
          for await (const event of queue.read(id)) live.push(event);
          const texts = live.filter((event) => event.kind === "text");
          expect(texts.map(({ text }) => text).join("")).toBe(words.join(""));
          expect(live.at(-1)).toEqual({ kind: "ended", state: "done", reason: undefined });
          const rest: OutputEvent[] = [];
          for await (const event of queue.read(id, { after: texts[19]!.at })) rest.push(event);
          expect(rest).toEqual(live.slice(20));
        },
      );
      await expect(queue.read(id, { after: "rubbish" })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: "invalid_input",
      });
    },
  );

  liveTest("says where another attempt begins anew, and ends though nothing was written", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const [twice, silent] = await queue.pushMany([{ payload: "twice" }, { payload: "silent" }]);
    let tries = 0;
    await working(
      redis,
      async ({ payload, write }) => {
        if (payload === "silent") return;
        tries += 1;
        write(`try ${tries}`);
        if (tries === 1) throw new MarrowError("timeout", "slow", { details: { retryAfterMs: 5 } });
      },
      async () => {
        const events: OutputEvent[] = [];
        for await (const event of queue.read(twice!)) events.push(event);
        expect(events.map((event) => (event.kind === "text" ? event.text : event.kind))).toEqual([
          "try 1",
          "restarted",
          "try 2",
          "ended",
        ]);
        const quiet: OutputEvent[] = [];
        for await (const event of queue.read(silent!)) quiet.push(event);
        expect(quiet).toEqual([{ kind: "ended", state: "done", reason: undefined }]);
      },
    );
  });

  liveTest(
    "refuses what is no text by its name: the job is dead at once, and others go on",
    async ({ redis, tenant }) => {
      const queue = createQueue(tenant, { name: QUEUE });
      const wrong = [undefined, null, {}, 7];
      const ids = await queue.pushMany([...wrong.keys(), "fine"].map((payload) => ({ payload })));
      const handler = ({ payload, write }: Work) => {
        write("before ");
        write((typeof payload === "number" ? wrong[payload] : "after") as string);
        return "done";
      };
      await working(redis, handler, async () => {
        const jobs = await Promise.all(ids.map((id) => queue.wait(id, { waitMs: 5_000 })));
        expect(jobs.map(({ state, reason }) => reason ?? state)).toEqual([...wrong.map(() => "invalid_input"), "done"]);
        expect(jobs[0]?.failures.map(({ message }) => message)).toEqual(["text must be a text, got nothing"]);
      });
    },
  );

  liveTest("that Redis will never take fails the attempt, not the worker", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const [blocked, fine] = [await queue.push("blocked", { attempts: 1 }), await queue.push("fine")];
    await redis.send(["SET", `{${redis.app}:queue:${QUEUE}}:queue:log:${blocked}`, "no stream"]);
    await working(
      redis,
      ({ write }) => (write("text"), "done"),
      async () => {
        expect(await queue.wait(blocked, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "redis_rejected" });
        expect(await queue.wait(fine, { waitMs: 5_000 })).toMatchObject({ state: "done" });
      },
    );
  });
});
