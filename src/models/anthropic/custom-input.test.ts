import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTextReader } from "./custom-input.ts";
import { textOfInput } from "./custom-tools.ts";

/** Reads JSON that comes in pieces of these lengths. */
function readIn(json: string, lengths: readonly number[]): string {
  const reader = createTextReader();
  let [text, at] = ["", 0];
  for (let nth = 0; at < json.length; nth += 1) {
    const length = Math.max(1, lengths[nth % Math.max(1, lengths.length)] ?? 1);
    text += reader.add(json.slice(at, at + length));
    at += length;
  }
  return text + reader.end() + reader.end();
}

describe("the text of a custom tool's input", () => {
  it("is the same however its JSON is cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.array(fc.integer({ min: 1, max: 9 })),
        fc.boolean(),
        (text, cuts, spaced) => {
          const json = spaced ? JSON.stringify({ input: text }, undefined, 2) : JSON.stringify({ input: text });
          expect(readIn(json, cuts)).toBe(text);
        },
      ),
    );
  });

  it.each([
    [String.raw`{"input":"a\u00e9\ud83d\ude00\n\\\"b"}`, 'aé😀\n\\"b'],
    ['{"input":"line\nbreak"}', "line\nbreak"],
    ['{"patch":"a"}', '{"patch":"a"}'],
    ['{"note":1,"input":"a"}', "a"],
    [`{"${"n".repeat(300)}":1,"input":"a"}`, "a"],
    ['{"note":{"input":"b","list":["input",1]},"other":"input" , "input" : "a"}', "a"],
    [String.raw`{"in\u0070ut":"a"}`, "a"],
    [String.raw`{"\u0069\u006e\u0070\u0075\u0074":"a"}`, "a"],
    [String.raw`{"\u0069\u006e\u0070\u0075\u0074s":"a"}`, '{"inputs":"a"}'],
    ['{"input":5,"input":"a"}', "a"],
    ['{"patch": 1.0, "patch": "b"}', '{"patch":"b"}'],
    ['{"input":"line\n\\"x\\" \\q"}', 'line\n"x" \\q'],
    ["null", ""],
    ["[1, 2]", "[1,2]"],
    [String.raw`{"no\"te":"input","input":"a\"b","last":1}`, 'a"b'],
    ['{"input":5,"b":"a"}', '{"input":5,"b":"a"}'],
    ['{"input2":"a","inpu":"b"}', '{"input2":"a","inpu":"b"}'],
    ['{"note":1,"input"', '{"note":1,"input"'],
    ['"a"', "a"],
    ['"a" and b', '"a" and b'],
    ["{a}", "{a}"],
    ["*** Begin Patch", "*** Begin Patch"],
    [" { } ", ""],
    ["{}", ""],
    ["", ""],
  ])("of %s is %s", (json, text) => {
    for (const length of [1, 2, 3, 7, 1_000]) expect(readIn(json, [length])).toBe(text);
  });

  it.each(['{"input":"hi 😀😀 bye"}', String.raw`{"input":"hi \ud83d\ude00\uD83D\uDE00 bye"}`])(
    "is not passed on in halves of characters (%s)",
    (json) => {
      for (const length of [1, 2, 5, 7]) {
        const reader = createTextReader();
        const pieces = Array.from({ length: Math.ceil(json.length / length) }, (_, at) =>
          reader.add(json.slice(at * length, (at + 1) * length)),
        );
        expect(pieces.filter((piece) => !piece.isWellFormed())).toEqual([]);
        expect(pieces.join("")).toBe("hi 😀😀 bye");
      }
    },
  );

  it("is passed on as it comes where the input has another form and is long: little is held", () => {
    const long = "words and more ".repeat(200_000);
    const [patch, list] = [JSON.stringify({ patch: long }), JSON.stringify([long])];
    for (const [json, expected] of [
      [patch, patch],
      [list, list],
      [JSON.stringify(long), long],
      [long, long],
    ] as const) {
      const reader = createTextReader();
      let [text, most] = ["", 0];
      for (let at = 0; at < json.length; at += 1_000) {
        text += reader.add(json.slice(at, at + 1_000));
        most = Math.max(most, at + 1_000 - text.length);
      }
      expect(most).toBeLessThan(70_000);
      expect(text + reader.end()).toBe(expected);
    }
  });

  it("that is cut has all that came", () => {
    expect(readIn(String.raw`{"input":"ab\u00`, [3])).toBe("ab");
  });

  it("is that of the whole input however any JSON is cut, or a failure where two fields have it", () => {
    fc.assert(
      fc.property(anyJson(), fc.array(fc.integer({ min: 1, max: 9 })), ({ text, texts }, cuts) => {
        // A later field would replace a text that was sent.
        if (texts.slice(0, -1).includes(true)) expect(() => readIn(text, cuts)).toThrow(/input twice/);
        else expect(readIn(text, cuts)).toBe(textOfInput(JSON.parse(text)));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** A string of JSON with any of its characters as escapes. */
function quoted(value: string, escapes: readonly boolean[]): string {
  const inside = Array.from({ length: value.length }, (_, at) => {
    const code = value.charCodeAt(at).toString(16).padStart(4, "0");
    return escapes[at % escapes.length] === true ? `\\u${code}` : JSON.stringify(value[at]).slice(1, -1);
  });
  return `"${inside.join("")}"`;
}

/** JSON of any form, with duplicate and escaped keys; `texts`: whether each field `input` of the object is a text. */
function anyJson(): fc.Arbitrary<{ readonly text: string; readonly texts: readonly boolean[] }> {
  const space = fc.constantFrom("", " ", "\n\t");
  const escapes = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
  const string = fc.tuple(fc.string({ unit: "binary", maxLength: 8 }), escapes).map(([text, how]) => quoted(text, how));
  const other = fc.oneof(
    fc.constantFrom("1.50", "-0", "true", "null", "{}", "[]", "1e3"),
    fc.constantFrom('{"input":"x"}', '["input","x"]', '[{"input" : {"input":"y"}}, 2]'),
  );
  const key = fc
    .tuple(fc.oneof(fc.constantFrom("input", "input", "inputs", "in", "patch", "", '"'), fc.string()), escapes)
    .map(([name, how]) => ({ isInput: name === "input", name: quoted(name, how) }));
  const field = fc.record({ key, value: fc.oneof(string, other), before: space, behind: space });
  const object = fc.tuple(fc.array(field, { maxLength: 4 }), space).map(([fields, around]) => ({
    text: `${around}{${around}${fields.map((one) => `${one.before}${one.key.name}${one.before}:${one.behind}${one.value}${one.behind}`).join(",")}}${around}`,
    texts: fields.filter((one) => one.key.isInput).map((one) => one.value.startsWith('"')),
  }));
  return fc.oneof(
    { weight: 5, arbitrary: object },
    fc.oneof(string, other).map((text) => ({ text, texts: [] })),
  );
}
