import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createTopic } from "../bus/index.ts";
import { hashEmbedder } from "../embedders/index.ts";
import { createMemory } from "./index.ts";

/** What callers in plain JavaScript pass when something is missing. */
const nothing = null as never;

describe("an argument that is missing", () => {
  liveTest("is refused by its name, in memory and topics", async ({ tenant }) => {
    const memory = createMemory(tenant, { name: "m", facts: { embedder: hashEmbedder({ dimensions: 8 }) } });
    const session = memory.session({ user: "u", id: "s" });
    const topic = createTopic(tenant, "news");
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      fact: () => memory.facts("u").remember(nothing),
      source: () => memory.facts("u").remember({ text: "x", source: nothing }),
      options: () => memory.sessions(nothing),
      "options of a window": () => session.window(nothing),
      "options of a search": () => memory.search(nothing),
      answer: () => session.complete([{ role: "user", content: "x" }], nothing, { idempotencyKey: "k" }),
      "messages.0": () => topic.publishMany([nothing]),
      to: () => topic.seek("g", nothing),
    };
    for (const [name, call] of Object.entries(calls))
      await expect(call()).rejects.toMatchObject({
        code: "invalid_input",
        details: { path: name.split(" ")[0] },
      });
  });
});
