import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExact } from "./exact-json.ts";
import { endOfCharacter } from "./whole-character.ts";
import { LongText, withStrings } from "./long-text.ts";
import { JsonTooWide, readInTurns, readPiecesInTurns, readWide, type WideBudget } from "./json-in-turns.ts";

const BUDGET: WideBudget = {
  valuesMax: 1_000,
  bulkValuesMax: 100_000,
  depthMax: 20,
  fieldsMax: 100,
  isBulk: (name) => name === "logprobs",
};
const ALL: WideBudget = { valuesMax: 1e9, bulkValuesMax: 1e9, depthMax: 1e9, fieldsMax: 1e9, isBulk: () => false };

/** What `JSON.parse` makes of a text, with the digits of long integers, or that it is none. */
function parsed(text: string): unknown {
  try {
    return { value: parseExact(text) };
  } catch {
    return "no JSON";
  }
}

async function inPieces(text: string, chars: number): Promise<unknown> {
  try {
    return { value: await readInTurns(text, ALL, chars) };
  } catch (error) {
    return error instanceof SyntaxError ? "no JSON" : error;
  }
}

/** A text cut anywhere but within a character. */
function cut(text: string, places: readonly number[]): LongText {
  const ends = [...places.map((place) => endOfCharacter(text, place % (text.length + 1))), text.length];
  const sorted = ends.toSorted((a, b) => a - b);
  return new LongText(sorted.map((end, at) => text.slice(sorted[at - 1] ?? 0, end)));
}

async function ofPieces(text: LongText, stringCharsMax: number): Promise<unknown> {
  try {
    return { value: await readPiecesInTurns(text, ALL, { stringCharsMax }) };
  } catch (error) {
    return error instanceof SyntaxError ? "no JSON" : error;
  }
}

describe("a long JSON text that comes in pieces", () => {
  it("says what JSON.parse makes of it, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ stringUnit: "binary" }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.integer({ min: 8, max: 30 }),
        async (value, places, charsMax) => {
          const text = JSON.stringify(value);
          fc.pre(!hasLongName(value, charsMax));
          expect(await ofPieces(cut(text, places), charsMax)).toEqual(parsed(text));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is no JSON where JSON.parse says so", async () => {
    const long = "x".repeat(40);
    for (const text of [
      `{"a":"${long}`,
      `{"a":"${long}\\`,
      `{"a":"${long}\\u12"}`,
      `["${long}" "b"]`,
      `["a","${long}`,
      `{"a" "${long}"}`,
    ])
      expect(await ofPieces(cut(text, [3, 17, 30, 44]), 10)).toBe("no JSON");
  });

  it("keeps a string in pieces where its reader takes these", async () => {
    const words = 'words "and" 😀\n'.repeat(20_000);
    const text = JSON.stringify({ a: [{ b: words }], c: "short" });
    const places = Array.from({ length: 40 }, (_, at) => at * 9_999);
    const read = await readPiecesInTurns(cut(text, places), BUDGET, { keepsPieces: () => true });
    const { a } = read as { readonly a: readonly { readonly b: LongText }[] };
    expect(a[0]?.b).toBeInstanceOf(LongText);
    expect(a[0]?.b.pieces.length).toBeGreaterThan(20);
    expect(withStrings(read)).toEqual({ a: [{ b: words }], c: "short" });
    expect(JSON.stringify(read)).toBe(text);
  });

  it("refuses a name of a field that is as long", async () => {
    const text = JSON.stringify({ ["n".repeat(70_000)]: 1 });
    await expect(readPiecesInTurns(cut(text, [9, 40_000]), BUDGET)).rejects.toThrow(JsonTooWide);
  });
});

function hasLongName(value: unknown, charsMax: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(
    ([name, part]) => JSON.stringify(name).length - 2 > charsMax || hasLongName(part, charsMax),
  );
}

describe("a long JSON text that is read in turns", () => {
  it("says what JSON.parse makes of it, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.integer({ min: 0, max: 12 }),
        fc.constantFrom(0, 1, 3),
        async (value, chars, indent) => {
          const text = JSON.stringify(value, undefined, indent);
          expect(await inPieces(text, chars)).toEqual(parsed(text));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is no JSON where JSON.parse says so, wherever it is cut", async () => {
    const letter = fc.constantFrom(...'[]{},:"\\ \n\u00a01-eun'.split(""));
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ maxDepth: 3 }),
        fc.array(fc.tuple(fc.nat(), letter, fc.boolean()), { minLength: 1, maxLength: 2 }),
        fc.integer({ min: 0, max: 6 }),
        async (value, changes, chars) => {
          let text = JSON.stringify(value);
          for (const [place, put, replaces] of changes) {
            const at = place % (text.length + 1);
            text = text.slice(0, at) + put + text.slice(replaces ? at + 1 : at);
          }
          expect(await inPieces(text, chars)).toEqual(parsed(text));
        },
      ),
      { numRuns: 600 },
    );
  });

  it.each([
    '{"a":[1,2,3,],"b":1}',
    '[{"a":1}{"b":2}]',
    "[,[1,2,3,4]]",
    "[[1,2,3,4],,5]",
    '{"a":"long text here","b" "another long one"}',
    '{"a":1,"__proto__":{"b":[1,2,3]},"a":2}',
    String.raw`["\u00e9\n\\\"\ud83d\ude00 \u12", 1]`,
    String.raw`["\u00e9\n\\\"\ud83d\ude00\u0000abcdefgh", "é世界😀"]`,
    "[1,2,3]]",
    "[-1100000000000000000001,12345678901234567]",
    "1[1,2,3]",
    "[1,2,3",
    "",
  ])("agrees on %s", async (text) => {
    for (const chars of [0, 1, 2, 5, 8]) expect(await inPieces(text, chars)).toEqual(parsed(text));
  });

  it.each([
    ["more than 1000 values", `[${"1,".repeat(1_001)}1]`],
    ["an object of more than 100 fields", `{${Array.from({ length: 101 }, (_, at) => `"${at}":1`).join()}}`],
    ["nested more than 20 deep", "[".repeat(1_000_000)],
    ["a field whose name has over 65536 characters", `{"${"n".repeat(70_000)}":1}`],
    ["more than 100000 values", `{"logprobs":[${"1,".repeat(100_001)}1]}`],
  ])("is refused for %s", async (why, text) => {
    await expect(readInTurns(text, BUDGET)).rejects.toThrow(why);
    expect(() => readWide(text, BUDGET)).toThrow(JsonTooWide);
  });

  it("may have many values where they are many by nature", async () => {
    const value = { a: "b", logprobs: { content: Array.from({ length: 9_000 }, (_, at) => ({ token: `t${at}` })) } };
    expect(await readInTurns(JSON.stringify(value), BUDGET)).toEqual(value);
  });

  it("lets other work go on", async () => {
    const words = 'several words \\n with \\"escapes\\" and é '.repeat(100_000);
    const text = `{"a":"${words}","b":[${`["x",1,null],`.repeat(100_000)}1]}`;
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    expect(await readInTurns(text, ALL)).toEqual(JSON.parse(text));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});
