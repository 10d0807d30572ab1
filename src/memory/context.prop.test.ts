import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toContext, type ContextParts } from "./context.ts";
import { loadCountTokens } from "./tokens.ts";
import type { Kept, Turn } from "./turn.ts";

const count = ({ content, ...rest }: Turn) =>
  1 + (typeof content === "string" ? content.length : 0) + (rest["tool_calls"] === undefined ? 0 : 5);

/** A transcript: plain turns, calls with results in any order, results that are lost, results without calls. */
const transcript: fc.Arbitrary<Turn[]> = fc
  .array(
    fc.oneof(
      fc
        .record({ role: fc.constantFrom("user", "assistant"), content: fc.string({ maxLength: 12 }) })
        .map((turn) => [turn]),
      fc
        .record({
          ids: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }),
          lost: fc.nat(5),
          turned: fc.boolean(),
        })
        .map(({ ids, lost, turned }) => {
          const results: Turn[] = ids
            .filter((_, at) => at !== lost)
            .map((id) => ({ role: "tool", tool_call_id: id, content: `result ${id}` }));
          const calls: Turn = { role: "assistant", content: null, tool_calls: ids.map((id) => ({ id })) };
          return [calls, ...(turned ? results.toReversed() : results)];
        }),
      fc.constant([{ role: "tool", tool_call_id: "nobody", content: "orphan" } as Turn]),
    ),
    { maxLength: 14 },
  )
  .map((units) => units.flat());

const parts: fc.Arbitrary<ContextParts> = fc.record({
  system: fc.constantFrom<Turn[]>([], [{ role: "system", content: "Be kind." }]),
  summary: fc.constantFrom(undefined, { text: "They met.", to: 1 }),
  facts: fc.array(fc.string({ minLength: 1, maxLength: 9 }), { maxLength: 4 }),
  turns: transcript.map((turns) => turns.map((turn, at): Kept => ({ sequence: at + 1, turn }))),
  pinned: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 2 }).map((pins) => new Set(pins)),
  maxTokens: fc.integer({ min: 1, max: 160 }),
});

describe("a context", () => {
  it("never takes more than its tokens, splits no call from its results, and holds instructions and pins", () => {
    fc.assert(
      fc.property(parts, (given) => {
        let context;
        try {
          context = toContext(given, count);
        } catch (error) {
          expect(error).toMatchObject({ code: "too_large", details: { path: "maxTokens" } });
          return;
        }
        const { turns, tokens } = context;
        expect(tokens).toBe(turns.reduce((sum, turn) => sum + count(turn), 0));
        expect(tokens).toBeLessThanOrEqual(given.maxTokens);
        expect(turns.slice(0, given.system.length)).toEqual(given.system);
        let open = new Set<string>();
        for (const [at, turn] of turns.entries()) {
          if (turn.role === "tool") expect(open.delete(String(turn["tool_call_id"]))).toBe(true);
          else {
            expect([...open]).toEqual([]);
            open = new Set(((turn["tool_calls"] ?? []) as { id: string }[]).map(({ id }) => id));
          }
          // Calls whose results are still to come are the last thing that was said.
          if (at === turns.length - 1 && open.size > 0) expect(given.turns.at(-1)?.turn.role).not.toBe("user");
        }
        // Turns come in the order in which they were said.
        const said = turns.filter((turn) => given.turns.some((kept) => kept.turn === turn));
        expect(said).toEqual(given.turns.map(({ turn }) => turn).filter((turn) => said.includes(turn)));
        for (const { sequence, turn } of given.turns) {
          const plain = turn.role === "user" || (turn.role === "assistant" && turn["tool_calls"] === undefined);
          if (plain && given.pinned.has(sequence)) expect(turns).toContain(turn);
        }
        expect(toContext(given, count)).toEqual(context);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is everything when there is room, and says what was left when there is not", () => {
    const turns = ["one", "two", "three"].map((content, at): Kept => ({
      sequence: at + 1,
      turn: { role: "user", content },
    }));
    const given = { system: [], summary: undefined, facts: [], turns, pinned: new Set<number>(), maxTokens: 100 };
    expect(toContext(given, count)).toMatchObject({ turns: turns.map(({ turn }) => turn), leftTo: 0 });
    expect(toContext({ ...given, maxTokens: 10 }, count)).toMatchObject({
      turns: [turns[1]?.turn, turns[2]?.turn],
      leftTo: 1,
    });
  });
});

describe("counting tokens", () => {
  it("is exact by OpenAI's o200k_base, also of parts, calls and special words", async () => {
    const countTokens = await loadCountTokens();
    expect(countTokens({ role: "user", content: "hello world" })).toBe(3 + 4);
    expect(countTokens({ role: "user", content: [{ type: "text", text: "hello world" }] })).toBe(3 + 4);
    expect(countTokens({ role: "user", content: "<|endoftext|>" })).toBeGreaterThan(4);
    expect(
      countTokens({ role: "assistant", content: null, tool_calls: [{ id: "c", function: { name: "f" } }] }),
    ).toBeGreaterThan(8);
  });
});
