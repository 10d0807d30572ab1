import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createMemory, type Json, type Kept, type Session, type Turn } from "./index.ts";

const says = (content: unknown, role = "user"): Turn => ({ role, content });
const texts = (turns: readonly Kept[]) => turns.map(({ sequence, turn }) => `${sequence}:${String(turn.content)}`);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function filled(session: Session, count = 6): Promise<Session> {
  await session.append(
    Array.from({ length: count }, (_, at) => says(`t${at + 1}`, at % 2 === 0 ? "user" : "assistant")),
  );
  return session;
}

describe("reading a session", () => {
  liveTest("gives turns by their numbers, from either end, and by role", async ({ tenant }) => {
    const session = await filled(createMemory(tenant, { name: "m", turnsMax: 5 }).session({ user: "u", id: "s" }));
    expect(await session.read()).toMatchObject({ version: 6, oldest: 2 });
    expect(texts((await session.read({ limit: 2 })).turns)).toEqual(["2:t2", "3:t3"]);
    expect(texts((await session.read({ limit: 2, from: "newest" })).turns)).toEqual(["5:t5", "6:t6"]);
    expect(texts((await session.read({ after: 3, before: 6 })).turns)).toEqual(["4:t4", "5:t5"]);
    expect(texts((await session.read({ before: 5, limit: 1, from: "newest" })).turns)).toEqual(["4:t4"]);
    expect(texts((await session.read({ roles: ["user"] })).turns)).toEqual(["3:t3", "5:t5"]);
    for (const after of [6, Number.MAX_SAFE_INTEGER]) expect((await session.read({ after })).turns).toEqual([]);
    await expect(session.read({ limit: 0 })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "limit" },
    });
  });

  liveTest("passes over what was taken out, whose number nobody else gets", async ({ tenant }) => {
    const session = await filled(createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" }), 3);
    const { epoch } = await session.window({ last: 1 });
    expect([await session.remove(2), await session.remove(2), await session.remove(9)]).toEqual([true, false, false]);
    await session.append(says("t4"));
    expect(texts((await session.read()).turns)).toEqual(["1:t1", "3:t3", "4:t4"]);
    expect((await session.window({ last: 1 })).epoch).not.toBe(epoch);
  });

  liveTest("tells those who subscribe of every change", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const heard: number[] = [];
    const subscription = await session.subscribe((version) => heard.push(version));
    await session.append([says("a"), says("b")]);
    await session.patchState({ mood: "good" });
    await session.rewind(1);
    await expect.poll(() => heard).toEqual([2, 2, 1]);
    await subscription.close();
  });
});

describe("a session's bounds", () => {
  liveTest("are turns, bytes and tokens: the oldest go, the newest stays", async ({ tenant }) => {
    const countTokens = ({ content }: Turn) => String(content).length;
    const bounds = { turns: { turnsMax: 3 }, bytes: { sessionBytesMax: 1_024 }, tokens: { sessionTokensMax: 250 } };
    for (const [what, bound] of Object.entries(bounds)) {
      const session = createMemory(tenant, { name: what, countTokens, ...bound }).session({ user: "u", id: "s" });
      for (let at = 0; at < 20; at += 1) await session.append(says(`${at}`.padStart(100, "x")));
      const { turns, version } = await session.read();
      expect(version).toBe(20);
      expect(turns.length).toBe(what === "turns" ? 3 : what === "bytes" ? 7 : 2);
      expect(turns.at(-1)?.sequence).toBe(20);
      expect((await session.info())?.bytes).toBeLessThanOrEqual(1_024);
      await session.append(says("y".repeat(900)));
      expect((await session.read({ limit: 1, from: "newest" })).turns[0]?.turn.content).toBe("y".repeat(900));
    }
  });

  liveTest("are its life since it began too, however much it is used", async ({ tenant, redis, unique }) => {
    const session = createMemory(tenant, { name: "m", sessionLifeMs: 500 }).session({ user: "u", id: "s" });
    const began = performance.now();
    await session.append(says("a"));
    while (performance.now() - began < 400) {
      await session.append(says("more"));
      expect((await session.window({ last: 1 })).version).toBeGreaterThan(0);
      await pause(50);
    }
    await pause(200);
    expect((await session.window({ last: 1 })).version).toBe(0);
    await expect.poll(async () => redis.send(["KEYS", `{${unique}:*`])).toEqual([]);
  });
});

describe("branching and rewinding", () => {
  liveTest("take up a conversation at an earlier point, without touching the other", async ({ tenant }) => {
    const session = await filled(createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" }), 4);
    await session.patchState({ step: 4 });
    const branch = await session.branch({ id: "b", at: 2 });
    await branch.append(says("other"));
    await branch.patchState({ step: 2 });
    expect(texts((await branch.read()).turns)).toEqual(["1:t1", "2:t2", "3:other"]);
    expect(texts((await session.read()).turns)).toEqual(["1:t1", "2:t2", "3:t3", "4:t4"]);
    expect([(await session.state()).state, (await branch.state()).state]).toEqual([{ step: 4 }, { step: 2 }]);
    await expect(session.branch({ id: "b" })).rejects.toMatchObject({ code: "conflict" });
    await expect(session.branch({ id: "c", at: 9 })).rejects.toMatchObject({ code: "invalid_input" });
    await session.rewind(1, { expectedVersion: 4 });
    await expect(session.rewind(0, { expectedVersion: 4 })).rejects.toMatchObject({ details: { version: 1 } });
    expect(await session.append(says("again"))).toMatchObject({ version: 2 });
    expect(texts((await session.read()).turns)).toEqual(["1:t1", "2:again"]);
    expect((await session.info())?.bytes).toBe(
      (await createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" }).info())?.bytes,
    );
  });

  liveTest("count bytes as if what is left had been appended alone", async ({ tenant }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 8 }),
        fc.nat(8),
        async (said, cut) => {
          const to = Math.min(cut, said.length);
          const memory = createMemory(tenant, { name: "m" });
          const [whole, part] = ["whole", "part"].map((id) => memory.session({ user: "u", id })) as [Session, Session];
          await whole.append(said.map((text) => says(text)));
          if (to > 0) await part.append(said.slice(0, to).map((text) => says(text)));
          const branch = await whole.branch({ id: "branch", at: to });
          await whole.rewind(to);
          const bytes = async (session: Session) => (await session.info())?.bytes ?? 0;
          expect([await bytes(whole), await bytes(branch)]).toEqual([await bytes(part), await bytes(part)]);
          for (const session of [whole, part, branch]) await session.clear();
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("a session's state", () => {
  liveTest("takes merge patches of many at once, each on what is there by then", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    expect(await session.state()).toEqual({ stateVersion: 0, state: null });
    const names = Array.from({ length: 10 }, (_, at) => `field${at}`);
    await Promise.all(names.map((name) => session.patchState({ [name]: { deep: [1, 2.5, "x", []] } })));
    const { stateVersion, state } = await session.state();
    expect(stateVersion).toBe(10);
    expect(Object.keys(state as Record<string, Json>).toSorted()).toEqual(names);
    expect((state as Record<string, Json>)["field3"]).toEqual({ deep: [1, 2.5, "x", []] });
    await session.append(says("a"));
    await expect(session.patchState({ a: 1 }, { expectedVersion: 0 })).rejects.toMatchObject({
      details: { version: 1 },
    });
    expect((await session.patchState({ field1: null, field2: null }, { expectedVersion: 1 })).stateVersion).toBe(11);
  });
});

describe("a user's sessions", () => {
  liveTest("are listed by their last change, in pages, without those that have ended", async ({ tenant }) => {
    const memory = createMemory(tenant, { name: "m" });
    for (let at = 0; at < 12; at += 1) {
      const session = memory.session({ user: "u", id: `s:${at}%` });
      if (at % 3 === 0) await session.create({ title: `number ${at}` });
      else await session.append(says(`hello ${at}`));
      await pause(2);
    }
    await memory.session({ user: "u", id: "s:4%" }).clear();
    await createMemory(tenant, { name: "m", sessionTtlMs: 20 }).session({ user: "u", id: "short" }).append(says("x"));
    await memory.session({ user: "other", id: "s:1%" }).append(says("not mine"));
    await pause(40);
    for (const order of ["desc", "asc"] as const) {
      const ids: string[] = [];
      let after: string | undefined;
      do {
        const page = await memory.sessions({ user: "u", limit: 4, order, after });
        expect(page.data.length).toBeLessThanOrEqual(4);
        ids.push(...page.data.map(({ id }) => id));
        after = page.cursor;
      } while (after !== undefined);
      const all = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11].map((at) => `s:${at}%`);
      expect(ids).toEqual(order === "asc" ? all : all.toReversed());
    }
    expect((await memory.sessions({ user: "u" })).data.find(({ id }) => id === "s:9%")?.metadata).toEqual({
      title: "number 9",
    });
    const found = await memory.search({ user: "u", words: "HELLO 1" });
    expect(found.data.map(({ id }) => id)).toEqual(["s:11%", "s:10%", "s:1%"]);
    const first = await memory.search({ user: "u", words: "hello", limit: 2 });
    const next = await memory.search({ user: "u", words: "hello", limit: 2, after: first.cursor });
    expect([...first.data, ...next.data].map(({ id }) => id)).toEqual(["s:11%", "s:10%", "s:8%", "s:7%"]);
    await expect(memory.sessions({ user: "u", after: "nonsense" })).rejects.toMatchObject({ code: "invalid_input" });
  });

  liveTest("vanish from the list when they end, so that the list stays small", async ({ tenant, redis, unique }) => {
    const memory = createMemory(tenant, { name: "m", sessionTtlMs: 15 });
    for (let at = 0; at < 30; at += 1) {
      await memory.session({ user: "u", id: `s${at}` }).append(says("x"));
      await createMemory(tenant, { name: "m" }).session({ user: "u", id: "long" }).append(says("x"));
      await pause(5);
    }
    const listed = Number(await redis.send(["ZCARD", `{${unique}:acme:u}:memory:m:sessions`]));
    expect(listed).toBeLessThan(15);
  });
});

describe("a session whose numbers were lost while its turns stand", () => {
  liveTest.for<[string, (session: Session) => Promise<unknown>]>([
    ["read", (session) => session.read()],
    ["append", (session) => session.append(says("t7"))],
    ["rewind", (session) => session.rewind(3)],
    ["state", (session) => session.patchState({ a: 1 })],
  ])("is numbered from 1 again by what comes first: %s", async ([first, act], { tenant, redis, unique }) => {
    const session = await filled(createMemory(tenant, { name: "m", turnsMax: 5 }).session({ user: "u", id: "s" }));
    const lost = await redis.send(["DEL", `{${unique}:acme:u}:memory:m:session:s:meta`]);
    expect(lost).toBe(1);
    await act(session);
    const { version, oldest, turns } = await session.read();
    expect(oldest).toBe(first === "append" ? 2 : 1);
    expect(version).toBe(first === "append" ? 6 : first === "rewind" ? 3 : 5);
    expect(texts(turns)[0]).toBe(first === "append" ? "2:t3" : "1:t2");
    expect((await session.append(says("next"))).version).toBe(version + 1);
  });
});
