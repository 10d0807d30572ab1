import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { longestGo } from "../../test/scaling/measure.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { createCache } from "./index.ts";

/** Longest that one go may take: 20 ms on an idle machine, with room for one that is not. */
const GO_MS_MAX = 50;
const MANY = 24;
/** Its records are small, so that many come at once. */
const ANSWER = "prose and words that go on ".repeat(32_000);

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
