import { describe, expect } from "vitest";
import * as fc from "fast-check";
import { liveTest } from "../../test/live.ts";
import { losing } from "../testing/index.ts";
import { createMemory, type Turn } from "./index.ts";

const says = (content: unknown, role = "user"): Turn => ({ role, content });

describe("a session", () => {
  liveTest("gives back what was said, in order and whole", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const calls = [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } }];
    await session.append([says("one"), { role: "assistant", content: null, tool_calls: calls }]);
    await session.append({ role: "tool", tool_call_id: "c1", content: "x".repeat(5_000) });
    const { version, turns } = await session.window({ last: 10 });
    expect(version).toBe(3);
    expect(turns).toEqual([
      says("one"),
      { role: "assistant", content: null, tool_calls: calls },
      { role: "tool", tool_call_id: "c1", content: "x".repeat(5_000) },
    ]);
  });

  liveTest("loses and doubles nothing when many append at once", async ({ tenant }) => {
    const memory = createMemory(tenant, { name: "m" });
    await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        memory.session({ user: "u", id: "s" }).append([says(at + 1), says(-at - 1)]),
      ),
    );
    const { version, turns } = await memory.session({ user: "u", id: "s" }).window({ last: 1_000 });
    expect(version).toBe(400);
    const numbers = turns.map(({ content }) => Number(content));
    expect(new Set(numbers.filter((number) => number > 0)).size).toBe(200);
    // The two turns of one append stay beside each other.
    for (let at = 0; at < numbers.length; at += 2) expect(numbers[at]).toBe(-Number(numbers[at + 1]));
  });

  liveTest("appends once for one idempotency key", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    expect(await session.append(says("a"), { idempotencyKey: "k" })).toMatchObject({ version: 1, repeated: false });
    await session.append(says("b"));
    expect(await session.append(says("a"), { idempotencyKey: "k" })).toMatchObject({ version: 1, repeated: true });
    expect((await session.window({ last: 9 })).turns).toHaveLength(2);
  });

  liveTest(
    "refuses an append on another version than expected, with the current one, and keeps nothing of it",
    async ({ tenant }) => {
      const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
      await session.append(says("a"), { expectedVersion: 0 });
      await expect(session.append(says("b"), { expectedVersion: 0 })).rejects.toMatchObject({
        code: "conflict",
        details: { version: 1 },
      });
      expect((await session.window({ last: 9 })).turns).toEqual([says("a")]);
    },
  );

  liveTest("keeps the newest turns only, and goes on counting", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m", turnsMax: 3 }).session({ user: "u", id: "s" });
    for (let at = 1; at <= 5; at += 1) await session.append(says(at));
    const { version, turns } = await session.window({ last: 10 });
    expect([version, turns.map(({ content }) => content)]).toEqual([5, [3, 4, 5]]);
    expect((await session.window({ last: 2 })).turns.map(({ content }) => content)).toEqual([4, 5]);
  });

  liveTest("lives on while it is used and ends whole when it is not", async ({ tenant, redis, unique }) => {
    const session = createMemory(tenant, { name: "m", sessionTtlMs: 300 }).session({ user: "u", id: "s" });
    await session.append(says("a"));
    for (let use = 0; use < 4; use += 1) {
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect((await session.window({ last: 1 })).version).toBe(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await session.window({ last: 1 })).toEqual({ version: 0, turns: [], epoch: "" });
    expect(await redis.send(["KEYS", `{${unique}:*`])).toEqual([]);
  });

  liveTest("ends at once when it is cleared", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.append(says("a"));
    expect([await session.clear(), await session.clear()]).toEqual([true, false]);
    expect((await session.window({ last: 1 })).version).toBe(0);
  });

  liveTest.for([
    ["turns", [], "invalid_input"],
    ["turns[0]", ["text"], "invalid_input"],
    ["turns[0].role", [{ content: "no role" }], "invalid_input"],
    ["turns[1]", [says("ok"), { role: "user", content: 1n }], "invalid_input"],
    ["turns[0]", [says("x".repeat(2_000_000))], "too_large"],
  ] as const)("refuses %s that is wrong, and keeps nothing of the append", async ([path, turns, code], { tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const refusal = session.append(turns as unknown as Turn[]);
    await expect(refusal).rejects.toMatchObject({ code });
    if (path !== "turns") await expect(refusal).rejects.toMatchObject({ details: { path } });
    expect((await session.window({ last: 1 })).version).toBe(0);
  });
});

describe("a session whose command is lost", () => {
  liveTest.for(["before", "after"] as const)(
    "holds each turn once after the caller tried again (lost %s)",
    async (when, { tenant }) => {
      for (let nth = 1; nth <= 2; nth += 1) {
        const lost = losing(tenant, nth, when);
        const session = createMemory(lost, { name: "m" }).session({ user: "u", id: `${when}${nth}` });
        for (const text of ["a", "b"]) {
          const append = () => session.append(says(text), { idempotencyKey: text });
          await append().catch(append);
        }
        expect((await session.window({ last: 9 })).turns).toEqual([says("a"), says("b")]);
      }
    },
  );
});

describe("sessions of different owners", () => {
  liveTest("never share a turn, whatever their names hold", async ({ redis }) => {
    const name = fc.oneof(
      fc.constantFrom(":", "{}", "*", "a", "A", "a:b", "é", "e\u0301"),
      fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed()),
    );
    const place = fc.record({ scope: name, user: name, id: name });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        run += 1;
        const open = ({ scope, user, id }: typeof a) =>
          createMemory(redis.scope(scope), { name: `m${run}` }).session({ user, id });
        await open(a).append(says("mine"));
        const { version } = await open(b).window({ last: 1 });
        expect(version > 0).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 60 },
    );
  });
});

describe("a session's cost", () => {
  liveTest("is one round trip an append and one a window", async ({ counted, proxy }) => {
    const session = createMemory(counted.scope("acme"), { name: "m" }).session({ user: "u", id: "s" });
    await session.append(says("warm"));
    await session.window({ last: 1 });
    proxy.reset();
    await session.append([says("a"), says("b")]);
    expect(proxy.roundTrips()).toBe(1);
    await session.window({ last: 5 });
    expect(proxy.roundTrips()).toBe(2);
  });
});
