import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createCache, type Cache, type Streamed } from "./index.ts";

const QUESTION = "What is the capital of France?";
const WORDS = ["The", "capital", "is", "Paris"];
const OPTIONS = {
  toValue: (parts: readonly string[]) => parts.join(" "),
  toParts: (value: string) => value.split(" "),
};

const open = (redis: ScopedRedis): Cache<string> => createCache<string>(redis, { name: "s" });

async function* words(): AsyncGenerator<string> {
  for (const word of WORDS) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    yield word;
  }
}

async function readAll({ parts }: Streamed<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

describe("a streamed answer", () => {
  liveTest("is stored once it is whole, and comes again in parts", async ({ tenant }) => {
    const cache = open(tenant);
    const asked = await cache.stream(QUESTION, words, OPTIONS);
    expect([asked.source, await readAll(asked)]).toEqual(["miss", WORDS]);
    const again = await cache.stream(QUESTION, words, OPTIONS);
    expect([again.source, await readAll(again)]).toEqual(["exact", WORDS]);
    expect(await cache.through(QUESTION, async () => "?")).toMatchObject({ source: "exact", value: WORDS.join(" ") });
  });

  liveTest("is never stored when its reader stops at any part and nobody else reads", async ({ tenant }) => {
    const cache = open(tenant);
    for (let stop = 0; stop < WORDS.length; stop += 1) {
      let closed = false;
      const { parts } = await cache.stream(
        `${QUESTION} ${stop}`,
        async function* () {
          try {
            yield* words();
            await new Promise((resolve) => setTimeout(resolve, 20));
            yield "!";
          } finally {
            closed = true;
          }
        },
        OPTIONS,
      );
      let at = 0;
      for await (const _ of parts) {
        if (at === stop) break;
        at += 1;
      }
      await expect.poll(() => closed).toBe(true);
      expect((await cache.lookup(`${QUESTION} ${stop}`)).hit).toBe(false);
    }
  });

  liveTest("goes on for who reads along when the one who asked stops reading", async ({ tenant }) => {
    const [here, there] = [open(tenant), open(tenant)];
    const first = await here.stream(QUESTION, words, OPTIONS);
    const [local, remote] = await Promise.all([
      here.stream(QUESTION, words, OPTIONS),
      there.stream(QUESTION, words, OPTIONS),
    ]);
    expect([local.source, remote.source]).toEqual(["shared", "shared"]);
    const others = Promise.all([readAll(local), readAll(remote)]);
    for await (const _ of first.parts) break;
    expect(await others).toEqual([WORDS, WORDS]);
  });

  liveTest("that breaks is an error for who reads it, and is not stored", async ({ tenant }) => {
    const cache = open(tenant);
    const breaking = await cache.stream(
      QUESTION,
      async function* () {
        yield "The";
        throw new Error("the model broke");
      },
      OPTIONS,
    );
    await expect(readAll(breaking)).rejects.toThrow("the model broke");
    await expect(cache.stream(QUESTION, () => Promise.reject(new Error("away")), OPTIONS)).rejects.toThrow("away");
    const asked = await cache.stream(QUESTION, words, OPTIONS);
    expect([asked.source, await readAll(asked)]).toEqual(["miss", WORDS]);
  });

  liveTest("comes whole whichever command is lost", async ({ tenant }) => {
    for (const when of ["before", "after"] as const) {
      for (let nth = 1; nth <= 5; nth += 1) {
        const cache = open(losing(tenant, nth, when));
        expect(await readAll(await cache.stream(`${QUESTION} ${when} ${nth}`, words, OPTIONS))).toEqual(WORDS);
      }
    }
  });
});
