import { describe, expect } from "vitest";
import { staticEmbedder } from "../embedders/index.ts";
import { liveTest } from "../../test/live.ts";
import { createCache } from "./index.ts";

/** Prompts that differ by what courtesy and layout usually are, and are about just that. */
const DIFFERENT: readonly (readonly [string, string])[] = [
  ["What is printed?\nwhile go:\n    step()\n    show()", "What is printed?\nwhile go:\n    step()\nshow()"],
  ["Is the list nested?\n- a\n  - b", "Is the list nested?\n- a\n- b"],
  ["What is 'x  y'.length?", "What is 'x y'.length?"],
  ["Which cell is empty?\nid\tunit\tsum\n7\t\t12", "Which cell is empty?\nid\tunit\tsum\n7\t12\t"],
  ["How many lines are these?\nred\ngreen", "How many lines are these?\nred green"],
  ["Is the server stopped?\n# now\nstop()", "Is the server stopped?\n# now stop()"],
  ["Translate to Polish: thank you", "Translate to Polish: please"],
  ["Translate to Polish:\nthank you", "Translate to Polish:\nplease"],
  ["How do Danes say please", "How do Danes say thanks"],
  ["Which word rhymes with please", "Which word rhymes with thanks"],
  ["What is the tone of: no, thanks", "What is the tone of: no"],
  ["Hello Dolly cast", "Dolly cast"],
  ["Good evening Europe lyrics", "Europe lyrics"],
  ["Hey Ya chords", "Hello Ya chords"],
  ["Well pump cost", "Pump cost"],
  ["Please please tell lyrics", "Please tell lyrics"],
  ["What is 6!!", "What is 6!"],
  ["What does the pattern match: b..", "What does the pattern match: b."],
  ["git checkout ..", "git checkout ."],
  ["How many characters has a\u200bb?", "How many characters has ab?"],
];

describe("an answer", () => {
  liveTest("is of no other text, though its entry is what Redis gives for it", async ({ redis, tenant }) => {
    for (const judge of [undefined, () => "different" as const]) {
      const name = judge === undefined ? "plain" : "judged";
      const cache = createCache<string>(tenant, { name, embedder: staticEmbedder(), ...(judge && { judge }) });
      const entries = async () => {
        const keys = (await redis.send(["KEYS", `*${redis.app}*`])) as string[];
        return keys.filter((key) => key.includes(name) && /:entry:[\w-]{16}$/.test(key));
      };
      await cache.store("Who wrote Faust?", "Goethe");
      const [first = ""] = await entries();
      await cache.store("How tall is K2?", "8,611 m");
      const second = (await entries()).find((key) => key !== first) ?? "";
      expect(await cache.lookup("How tall is K2?")).toMatchObject({ hit: true, match: "exact", value: "8,611 m" });
      expect(await redis.send(["COPY", first, second, "REPLACE"])).toBe(1);
      expect((await cache.lookup("How tall is K2?")).hit).toBe(false);
      expect(await cache.lookup("Who wrote Faust?")).toMatchObject({ hit: true, match: "exact", value: "Goethe" });
    }
  });

  liveTest("is of no other text, whatever is courtesy elsewhere", async ({ tenant }) => {
    const embedder = staticEmbedder();
    for (const preset of ["strict", "balanced"] as const) {
      const cache = createCache<string>(tenant, { name: preset, embedder, preset });
      const served = DIFFERENT.map(async ([a, b], at) => {
        const found: string[] = [];
        for (const [stored, asked, within] of [
          [a, b, `${at}`],
          [b, a, `${at} turned`],
        ] as const) {
          await cache.store({ prompt: stored, within }, stored);
          const own = await cache.lookup({ prompt: `\n${stored} \n`, within });
          expect(own).toMatchObject({ hit: true, match: "exact", value: stored });
          if ((await cache.lookup({ prompt: asked, within })).hit) found.push(`${stored} -> ${asked}`);
        }
        return found;
      });
      expect((await Promise.all(served)).flat()).toEqual([]);
    }
  });
});
