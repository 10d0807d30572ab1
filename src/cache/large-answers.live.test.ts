import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { longestGo } from "../../test/scaling/measure.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { createCache, type Cache } from "./index.ts";

/** Longest that one go may take: 20 ms on an idle machine, with room for one that is not. */
const GO_MS_MAX = 50;
const MANY = 24;
/** Its records are small, so that many come at once. */
const ANSWER = "prose and words that go on ".repeat(32_000);

describe("an answer of 16 MB", () => {
  liveTest("goes to those who asked the same elsewhere in turns of the event loop", async ({ redis, unique }) => {
    const answer = Buffer.from(ANSWER.repeat(18)).toString("latin1");
    const [here, elsewhere] = [0, 1].map(() =>
      createCache<string>(redis.scope("acme"), { name: unique, timeoutMs: 20_000 }),
    ) as [Cache<string>, Cache<string>];
    let [nth, calls] = [0, 0];
    const ask = async (): Promise<string> => {
      const question = `Who wrote the ballads of harbour ${(nth += 1)}?`;
      const isAsked = Promise.withResolvers<void>();
      const made = here.through(question, async () => {
        isAsked.resolve();
        await sleep(500);
        calls += 1;
        return answer;
      });
      await isAsked.promise;
      const { value, source } = await elsewhere.through(question, async () => "asked again");
      await made;
      expect([calls, source]).toEqual([nth, "shared"]);
      return value;
    };
    expect(await longestGo(ask, GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
    expect((await ask()) === answer).toBe(true);
  });
});

describe("a stored answer of nearly a megabyte", () => {
  liveTest("is read in turns of the event loop, however many ask for it at once", async ({ redis, unique }) => {
    const cache = createCache<string>(redis.scope("acme"), {
      name: unique,
      embedder: staticEmbedder(),
      timeoutMs: 20_000,
    });
    await cache.store("Who wrote the ballads of the northern harbour?", ANSWER);
    const ask = (question: string) => Promise.all(Array.from({ length: MANY }, () => cache.lookup(question)));
    for (const [question, match] of [
      ["Who wrote the ballads of the northern harbour?", "exact"],
      ["Who wrote the ballads of the northern harbour, please?", "similar"],
    ] as const) {
      expect(await longestGo(() => ask(question), GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
      const [found] = await ask(question);
      expect(found).toMatchObject({ hit: true, value: ANSWER });
      expect(["exact", match]).toContain(found?.hit === true ? found.match : "");
    }
  });
});
