import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { MarrowError } from "../errors.ts";
import { createQueue, type OutputEvent } from "./index.ts";

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
});
