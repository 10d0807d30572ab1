import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTextReader, textOfInput, toTextTool } from "./custom-tools.ts";
import { toChatPath } from "./refused-field.ts";
import { toAnthropicBody } from "./request.ts";

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
    for (const json of [JSON.stringify({ patch: long }), JSON.stringify(long), JSON.stringify([long]), long]) {
      const reader = createTextReader();
      let [text, most] = ["", 0];
      for (let at = 0; at < json.length; at += 1_000) {
        text += reader.add(json.slice(at, at + 1_000));
        most = Math.max(most, at + 1_000 - text.length);
      }
      expect(most).toBeLessThan(70_000);
      expect(text + reader.end()).toBe(json);
    }
  });

  it("that is cut has all that came", () => {
    expect(readIn(String.raw`{"input":"ab\u00`, [3])).toBe("ab");
  });

  it.each([
    [{ input: "a" }, "a"],
    [{ other: 1 }, '{"other":1}'],
    [{}, ""],
    [undefined, ""],
  ])("of the whole input %j is %s", (input, text) => {
    expect(textOfInput(input)).toBe(text);
  });
});

it("a grammar is told in the description of its tool", () => {
  const grammar = { syntax: "lark", definition: 'start: "a"' };
  const custom = { name: "f", description: "Patches.", format: { type: "grammar", grammar } };
  expect(toTextTool(custom, "t")["description"]).toBe(
    'Patches.\n\nThe input must match this grammar (lark):\nstart: "a"',
  );
  expect(toTextTool({ name: "f", format: { type: "text" } }, "t")).not.toHaveProperty("description");
  expect(() => toTextTool({ name: "f", format: { type: "grammar" } }, "t")).toThrow("t.format.grammar");
});

it.each([
  ["tools.0.custom.name", "tools.0.custom.name"],
  ["tools.0.custom.description", "tools.0.custom.description"],
  ["tools.0.custom.input_schema.type", "tools.0"],
  ["tools.0.defer_loading", "tools.0.defer_loading"],
])("a refusal of %s of its tool names %s", (own, chat) => {
  const messages = [{ role: "user", content: "q" }];
  const request = { model: "m", messages, tools: [{ type: "custom", custom: { name: "f" } }] };
  const body = toAnthropicBody(request, { outputTokens: 100, effort: "none" });
  expect(toChatPath(`${own}: is wrong`, body, request)).toBe(chat);
});
