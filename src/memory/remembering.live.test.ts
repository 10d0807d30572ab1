import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { createMemory, type ExtractedFact, type Kept, type MemoryOptions, type Turn } from "./index.ts";

const says = (content: unknown, role = "user"): Turn => ({ role, content });
const countTokens = ({ content }: Turn) => String(content).length;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes every sentence that begins with "I". */
const extract = (turns: readonly Kept[]): ExtractedFact[] =>
  turns
    .filter(({ turn }) => String(turn.content).startsWith("I "))
    .map(({ sequence, turn }) => ({ sequence, text: String(turn.content) }));
const OPTIONS: MemoryOptions = {
  name: "m",
  facts: { embedder: staticEmbedder() },
  extract,
  extractAfterMs: 60,
  countTokens,
};

describe("a context of a session", () => {
  liveTest(
    "holds what is known and near, the summary, and the newest turns, in two round trips",
    async ({ counted, proxy }) => {
      const summaries: string[] = [];
      const memory = createMemory(counted.scope("acme"), {
        ...OPTIONS,
        summarize({ summary, turns }) {
          summaries.push(`${summary ?? "-"}+${turns.map(({ content }) => String(content)).join(",")}`);
          return `S${summaries.length}`;
        },
      });
      await memory.facts("u").remember({ text: "Ada drinks strong coffee" });
      const session = memory.session({ user: "u", id: "s" });
      await session.append(Array.from({ length: 6 }, (_, at) => says(`turn number ${at + 1}`)));
      const ask = { maxTokens: 450, about: "what coffee does she drink?", system: [says("Be kind.", "system")] };
      const first = await session.context(ask);
      expect(first.turns.map(({ role }) => role)).toEqual([
        "system",
        "system",
        ...Array.from({ length: 6 }, () => "user"),
      ]);
      expect(first).toMatchObject({ facts: 1, leftTo: 0 });
      proxy.reset();
      await session.context(ask);
      expect(proxy.roundTrips()).toBeLessThanOrEqual(2);
      const small = { maxTokens: 70 };
      expect((await session.context(small)).leftTo).toBe(1);
      await expect.poll(async () => (await session.read()).summary).toEqual({ text: "S1", to: 1 });
      await session.append([says("turn number 7"), says("turn number 8")]);
      expect((await session.context(small)).leftTo).toBe(6);
      await expect.poll(async () => (await session.read()).summary).toEqual({ text: "S2", to: 6 });
      expect(summaries).toEqual([
        "-+turn number 1",
        "S1+turn number 2,turn number 3,turn number 4,turn number 5,turn number 6",
      ]);
      const { turns } = await session.context({ maxTokens: 200 });
      expect(turns[0]?.content).toContain("S2");
      await session.rewind(4);
      expect((await session.read()).summary).toBeUndefined();
    },
  );

  liveTest("is whole while summing up fails or takes its time", async ({ tenant }) => {
    const summarize = () => Promise.reject(new Error("the model is away"));
    const session = createMemory(tenant, { name: "m", countTokens, summarize }).session({ user: "u", id: "s" });
    await session.append(Array.from({ length: 5 }, (_, at) => says(`turn number ${at + 1}`)));
    for (let at = 0; at < 3; at += 1) {
      const { turns, leftTo } = await session.context({ maxTokens: 30 });
      expect([turns.length, leftTo]).toEqual([2, 3]);
      await pause(5);
    }
    expect((await session.read()).turns).toHaveLength(5);
    await expect(session.context({ maxTokens: 5, pinned: [1] })).rejects.toMatchObject({ code: "too_large" });
  });
});

describe("learning from sessions", () => {
  liveTest(
    "happens once nothing was said for a while, once for each turn, with where it comes from",
    async ({ tenant }) => {
      const memory = createMemory(tenant, OPTIONS);
      const session = memory.session({ user: "u", id: "s" });
      await session.append([says("I drink tea"), says("I am a model", "assistant")]);
      await session.append([says("I own the bank account", "tool"), says("Hello")]);
      await expect.poll(async () => (await memory.facts("u").list()).length, { timeout: 3_000 }).toBe(3);
      const byText = new Map((await memory.facts("u").list()).map((fact) => [fact.text, fact]));
      expect(byText.get("I drink tea")).toMatchObject({
        trust: "trusted",
        source: { session: "s", sequence: 1, role: "user" },
        seen: 1,
      });
      expect(byText.get("I am a model")?.trust).toBe("derived");
      expect(byText.get("I own the bank account")?.trust).toBe("untrusted");
      expect(await memory.learn({ user: "u", id: "s" })).toBe(0);
      await session.append(says("I ride a bicycle"));
      expect(await createMemory(tenant, OPTIONS).learn({ user: "u", id: "s" })).toBe(1);
    },
  );

  liveTest(
    "leaves nothing of a session that was cleared, or whose user was forgotten, meanwhile",
    async ({ tenant }) => {
      for (const end of ["clear", "forget"] as const) {
        const endAndFind = async () => {
          await (end === "clear" ? session.clear() : memory.forget("u"));
          return [{ sequence: 1, text: `The user likes ${end}` }];
        };
        const memory = createMemory(tenant, { ...OPTIONS, extract: endAndFind, extractAfterMs: 60_000 });
        const session = memory.session({ user: "u", id: "s" });
        await session.append(says("I like it"));
        expect(await memory.learn({ user: "u", id: "s" })).toBe(0);
        expect(await memory.facts("u").list({ all: true })).toEqual([]);
      }
    },
  );

  liveTest("trusts no extractor about whose word it is", async ({ tenant }) => {
    const lying = () => [{ sequence: 99, text: "The user is an owner of the bank" }];
    const memory = createMemory(tenant, { ...OPTIONS, extract: lying });
    await memory.session({ user: "u", id: "s" }).append(says("Hello"));
    await memory.learn({ user: "u", id: "s" });
    expect((await memory.facts("u").list()).map(({ trust }) => trust)).toEqual(["untrusted"]);
  });
});

describe("forgetting a user", () => {
  liveTest(
    "takes all sessions and facts, leaves no key of theirs, and says what it took",
    async ({ tenant, redis, unique }) => {
      const memory = createMemory(tenant, { ...OPTIONS, extractAfterMs: 60_000 });
      for (let at = 0; at < 130; at += 1)
        await memory.session({ user: "gone", id: `s${at}` }).append([says("marker"), says("b")]);
      await memory.session({ user: "gone", id: "s1" }).patchState({ marker: true });
      await memory.facts("gone").remember({ text: "I am the marker" });
      await memory.session({ user: "stays", id: "s1" }).append(says("here"));
      expect(await memory.forget("gone")).toEqual({ sessions: 130, turns: 260, facts: 1 });
      expect(await memory.forget("gone")).toEqual({ sessions: 0, turns: 0, facts: 0 });
      const keys = (await redis.send(["KEYS", `{${unique}:*`])) as string[];
      expect(keys.filter((key) => key.includes("gone"))).toEqual([]);
      expect((await memory.session({ user: "stays", id: "s1" }).window({ last: 1 })).version).toBe(1);
    },
  );
});
