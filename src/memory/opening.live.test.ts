import { setTimeout as pause } from "node:timers/promises";
import { describe, expect } from "vitest";
import { callsOf } from "../../test/calls.ts";
import { aloneLiveTest, liveTest } from "../../test/live.ts";
import { losing } from "../testing/index.ts";
import { createMemory, type Kept, type Session, type Turn } from "./index.ts";

const says = (content: string, role = "user"): Turn => ({ role, content });
const answers = (content: string): Turn => says(content, "assistant");
const key = (idempotencyKey: string) => ({ idempotencyKey });
const listed = async (session: Session) =>
  (await session.read()).turns.map(
    ({ sequence, turn, incomplete }: Kept) => `${sequence}:${String(turn.content)}${incomplete === true ? "?" : ""}`,
  );
const windowed = async (session: Session, last = 100) =>
  (await session.window({ last })).turns.map(({ content }) => content);

describe("a question that is opened before its answer is there", () => {
  liveTest("is listed as incomplete, and no part of windows and contexts until it is complete", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.append([says("q1"), answers("a1")]);
    const { epoch } = await session.window({ last: 1 });
    expect(await session.open(says("q2"), key("two"))).toMatchObject({ version: 4, state: "opened", epoch });
    expect(await listed(session)).toEqual(["1:q1", "2:a1", "3:q2?"]);
    expect(await windowed(session)).toEqual(["q1", "a1"]);
    expect((await session.context({ maxTokens: 1_000 })).turns).toHaveLength(2);
    const done = await session.complete(says("q2"), answers("a2"), key("two"));
    expect(done).toMatchObject({ version: 4, repeated: false, epochBefore: epoch });
    expect(done.epoch).not.toBe(epoch);
    expect(await listed(session)).toEqual(["1:q1", "2:a1", "3:q2", "4:a2"]);
    expect(await session.window({ last: 2 })).toMatchObject({ version: 4, epoch: done.epoch, turns: [{}, {}] });
  });

  liveTest("stays before what was asked later, whichever is answered first", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    for (const name of ["1", "2", "3"]) await session.open([says(`q${name}`), says("!", "tool")], key(name));
    await session.append([says("q4"), answers("a4")]);
    for (const name of ["2", "3", "1"]) await session.complete(says(`q${name}`), answers(`a${name}`), key(name));
    expect(await windowed(session)).toEqual(["q1", "!", "a1", "q2", "!", "a2", "q3", "!", "a3", "q4", "a4"]);
    const { bytes } = (await session.info()) ?? { bytes: 0 };
    const other = createMemory(tenant, { name: "n" }).session({ user: "u", id: "s" });
    await other.append((await session.window({ last: 100 })).turns);
    expect(bytes).toBe((await other.info())?.bytes);
  });

  liveTest("is gone on with under its key, and answered once", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.open(says("q"), key("k"));
    expect(await session.open(says("q"), key("k"))).toMatchObject({ version: 2, state: "open" });
    await session.complete(says("q"), answers("a"), key("k"));
    expect(await session.complete(says("q"), answers("late"), key("k"))).toMatchObject({ repeated: true, version: 2 });
    expect(await session.open(says("q"), key("k"))).toMatchObject({ version: 2, state: "complete" });
    expect(await listed(session)).toEqual(["1:q", "2:a"]);
  });

  liveTest("gets no answer once its session was cleared, also where another began under its id", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const { createdAtMs } = await session.open(says("secret"), key("k"));
    const only = { ...key("k"), createdAtMs };
    const ended = { ended: true, repeated: false };
    await session.clear();
    expect(await session.complete(says("secret"), answers("a"), only)).toMatchObject(ended);
    expect(await session.append(says("secret"), { createdAtMs })).toMatchObject(ended);
    expect(await session.info()).toBeUndefined();
    // Sessions under one id are told apart by the millisecond in which they began.
    await pause(2);
    await session.append(says("new"));
    expect(await session.open(says("secret"), only)).toMatchObject({ state: "ended" });
    expect(await session.complete(says("secret"), answers("a"), only)).toMatchObject(ended);
    expect(await listed(session)).toEqual(["1:new"]);
    const { createdAtMs: now } = await session.window({ last: 1 });
    expect(await session.append(says("more"), { createdAtMs: now })).toMatchObject({ ended: false, version: 2 });
  });

  liveTest("frees its key when its answer broke off, so that a retry is a turn of its own", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.open(says("q"), key("k"));
    await session.complete(says("q"), { ...answers("half"), incomplete: true }, key("k"));
    expect(await session.open(says("q"), key("k"))).toMatchObject({ state: "opened" });
    await session.complete(says("q"), answers("whole"), key("k"));
    expect(await windowed(session)).toEqual(["q", "half", "q", "whole"]);
  });

  liveTest("leaves no trace when it is withdrawn, and numbers alone when more was said since", async ({ tenant }) => {
    const memory = createMemory(tenant, { name: "m" });
    const session = memory.session({ user: "u", id: "s" });
    await session.open(says("q"), key("k"));
    expect([await session.withdraw("k"), await session.withdraw("k")]).toEqual([true, false]);
    expect(await session.info()).toBeUndefined();
    expect((await memory.sessions({ user: "u" })).data).toEqual([]);
    await session.append([says("q1"), answers("a1")]);
    const before = await session.info();
    const { epoch } = await session.window({ last: 1 });
    await session.open([says("x"), says("y")], key("k"));
    await session.withdraw("k");
    expect(await session.info()).toMatchObject({ version: 2, bytes: before?.bytes });
    expect((await session.window({ last: 1 })).epoch).not.toBe(epoch);
    await session.open(says("x"), key("k"));
    await session.append(says("q2"));
    await session.withdraw("k");
    expect(await listed(session)).toEqual(["1:q1", "2:a1", "5:q2"]);
    expect(await session.complete(says("x"), answers("late"), key("k"))).toMatchObject({ version: 7 });
  });

  liveTest(
    "is kept with its answer whatever became of it meanwhile, but not when it was removed",
    async ({ tenant }) => {
      const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
      const ask = async (between: () => Promise<unknown>) => {
        await session.clear();
        await session.append([says("q1"), answers("a1")]);
        await session.open(says("q2"), key("k"));
        await between();
        await session.complete(says("q2"), answers("a2"), key("k"));
        return windowed(session);
      };
      expect(await ask(() => session.clear())).toEqual(["q2", "a2"]);
      expect(await ask(() => session.rewind(2))).toEqual(["q1", "a1", "q2", "a2"]);
      expect(await ask(() => session.rewind(3))).toEqual(["q1", "a1", "q2", "a2"]);
      expect(await ask(() => session.remove(4))).toEqual(["q1", "a1", "q2", "a2"]);
      expect(await ask(() => session.remove(3))).toEqual(["q1", "a1"]);
      const small = createMemory(tenant, { name: "small", turnsMax: 1 }).session({ user: "u", id: "s" });
      await small.open(says("q"), key("k"));
      await small.complete(says("q"), answers("a"), key("k"));
      expect(await windowed(small)).toEqual(["a"]);
    },
  );

  liveTest("does not shorten a window, however many were never answered", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.append(Array.from({ length: 20 }, (_, at) => says(`t${at}`)));
    for (let nth = 0; nth < 50; nth += 1) await session.open(says("lost"), key(`k${nth}`));
    await session.append(says("last"));
    expect(await windowed(session, 3)).toEqual(["t18", "t19", "last"]);
    expect((await session.read({ limit: 200 })).turns.filter(({ incomplete }) => incomplete === true)).toHaveLength(50);
  });

  liveTest("comes at the end when the turns before its answer were summed up without it", async ({ tenant }) => {
    const summed: string[] = [];
    const session = createMemory(tenant, {
      name: "m",
      countTokens: () => 1,
      summarize({ summary, turns }) {
        const text = [summary, ...turns.map(({ content }) => String(content))].filter(Boolean).join(",");
        summed.push(text);
        return text;
      },
    }).session({ user: "u", id: "s" });
    await session.append([says("q1"), answers("a1")]);
    await session.open(says("q2"), key("k"));
    await session.append([says("q3"), answers("a3"), says("q4"), answers("a4")]);
    await session.context({ maxTokens: 2 });
    await expect.poll(async () => (await session.read()).summary?.text).toBe("q1,a1,q3,a3");
    await session.complete(says("q2"), answers("a2"), key("k"));
    expect(await windowed(session)).toEqual(["q1", "a1", "q3", "a3", "q4", "a4", "q2", "a2"]);
    await session.context({ maxTokens: 3 });
    await expect.poll(async () => (await session.read()).summary?.text).toBe("q1,a1,q3,a3,q4,a4");
  });

  liveTest("is learned from once its answer is there, also behind what was learned since", async ({ tenant }) => {
    const seen: string[][] = [];
    const memory = createMemory(tenant, {
      name: "m",
      facts: {
        embedder: {
          id: "none",
          dimensions: 1,
          embed: async (texts: readonly string[]) => texts.map(() => new Float32Array([1])),
        } as never,
      },
      extract(turns) {
        seen.push(turns.map(({ turn }) => String(turn.content)));
        return [];
      },
      extractAfterMs: 86_400_000,
    });
    const session = memory.session({ user: "u", id: "s" });
    await session.open(says("q1"), key("k"));
    await session.append([says("q2"), answers("a2")]);
    await memory.learn({ user: "u", id: "s" });
    await session.complete(says("q1"), answers("a1"), key("k"));
    await memory.learn({ user: "u", id: "s" });
    expect(seen).toEqual([
      ["q2", "a2"],
      ["q1", "a1", "q2", "a2"],
    ]);
  });

  liveTest("is there once, with its answer, whichever command is lost", async ({ tenant }) => {
    for (const when of ["before", "after"] as const) {
      for (let nth = 1; nth <= 4; nth += 1) {
        const id = `${when}${nth}`;
        const session = createMemory(losing(tenant, nth, when), { name: "m" }).session({ user: "u", id });
        await session.open(says("q"), key("k")).catch(() => {});
        const complete = () => session.complete(says("q"), answers("a"), key("k"));
        await complete().catch(complete);
        expect(await listed(createMemory(tenant, { name: "m" }).session({ user: "u", id }))).toEqual(["1:q", "2:a"]);
      }
    }
  });

  liveTest("is refused with its field where it is no question", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m", turnBytesMax: 64 }).session({ user: "u", id: "s" });
    const refused = (path: string) => ({ code: "invalid_input", details: { path } });
    await expect(session.open([], key("k"))).rejects.toMatchObject(refused("turns"));
    await expect(session.open(says("q"), key(""))).rejects.toMatchObject(refused("idempotencyKey"));
    await expect(session.open({ role: "" }, key("k"))).rejects.toMatchObject(refused("turns[0].role"));
    await expect(session.complete(says("q"), { role: "" }, key("k"))).rejects.toMatchObject(refused("answer.role"));
    await expect(session.open(says("x".repeat(99)), key("k"))).rejects.toMatchObject({ code: "too_large" });
  });
});

describe("a turn of a short session", () => {
  aloneLiveTest("asks Redis for at most 23 commands, and its first one for 28", async ({ tenant, redis }) => {
    const memory = createMemory(tenant, { name: "m" });
    for (const id of ["a", "b", "c"]) await memory.session({ user: "u", id }).append([says("q"), answers("a")]);
    const session = memory.session({ user: "u", id: "s" });
    const turn = async (name: string) => {
      const before = await callsOf(redis);
      await session.window({ last: 40 });
      await session.open(says(`q${name}`), key(name));
      await session.complete(says(`q${name}`), answers(`a${name}`), key(name));
      const after = await callsOf(redis);
      // What is run by scripts counts, the scripts themselves and what counts them do not.
      return after.all() - before.all();
    };
    expect(await turn("1")).toBeLessThanOrEqual(28);
    expect(await turn("2")).toBeLessThanOrEqual(23);
    expect(await listed(session)).toEqual(["1:q1", "2:a1", "3:q2", "4:a2"]);
  });
});
