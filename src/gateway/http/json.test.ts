import { describe, expect, it } from "vitest";
import { MarrowError } from "../../errors.ts";
import { liftTexts } from "../../internal/lifted-texts.ts";
import { readInTurns, readJson } from "./json.ts";

const refused = (source: string | Uint8Array): string => {
  try {
    readJson(source);
  } catch (error) {
    if (MarrowError.is(error, "invalid_input")) return error.message;
    throw error;
  }
  return "";
};

describe("JSON of a client", () => {
  it.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}'],
    [String.raw`{"a":"\\","b":"\\\"\\","c\"":":{\"a\":1,\"a\":2}"}`],
    ['"text"'],
    ["[]"],
    ["-0.5e-3"],
    ['{"":{"":1}}'],
    [' { "a" : [ 1 , "b:c" ] } '],
  ])("is read as JSON.parse reads it: %s", (text) => {
    expect(readJson(Buffer.from(text))).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"model":"a","model":"b"}', "model"],
    [String.raw`{"messages":[{"content":"a","c\u006fntent":"b"}]}`, "content"],
    ['{"a":{"b":[{"x":1,"y":{},"x":2}]}}', '"x"'],
    ['{"":1,"":2}', '""'],
    [String.raw`{"\ud800":1,"\ud800":2}`, "ud800"],
  ])("is refused where a field stands twice: %s", (text, name) => {
    expect(refused(text)).toContain(name);
  });

  it.each([
    ["a byte that is no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["an overlong form", Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ["half a surrogate as bytes", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["a byte order mark", Buffer.from('\uFEFF{"a":1}')],
    ["a number without end", '{"a":1e400}'],
    ["an integer without end", `[${"9".repeat(400)}]`],
    ["a field that changes what an object is", '{"a":[{"__proto__":{"b":1}}]}'],
    ["the same field by its escapes", String.raw`{"\u005f_proto__":1}`],
    ["nothing", ""],
    ["what ends too early", '{"a":"b'],
    ["what goes on", "{}{}"],
  ])("is refused where readers differ: %s", (_, source) => {
    expect(refused(source)).not.toBe("");
  });

  it.each([1, 255, 256, 257, 1_000])("counts no fields in a string of %s escaped quotes", (count) => {
    const value = { a: '\\"":\\\\{"b":"'.repeat(count), b: "\\\\", c: `${"\\".repeat(count)}"` };
    expect(readJson(Buffer.from(JSON.stringify(value)))).toEqual(value);
  });

  it("keeps the digits of integers that a double does not hold", () => {
    const text = '{"seed":9007199254740993,"b":[-9223372036854775808,12,1.5,1e20,"9007199254740993"]}';
    expect(JSON.stringify(readJson(text))).toBe(text.replace("1e20", "100000000000000000000"));
  });
});

describe("a long JSON text of a client that is read in turns", () => {
  const turn = async (): Promise<void> => {};
  const long = 'words "and" 😀\n'.repeat(9_000);

  it.each([
    {
      messages: [
        { role: "user", content: long },
        { role: "user", content: [{ type: "text", text: `${long}2` }] },
      ],
      seed: 1,
    },
    { a: "short", b: [long, 1, null, { c: { d: long } }] },
    { a: "nothing long" },
    { [long]: long, [`${long}2`]: 1 },
  ])("says what it says at once: $#", async (value) => {
    const body = Buffer.from(JSON.stringify(value));
    expect((await readInTurns(body, turn)).value).toEqual(value);
  });

  it("keeps the digits of integers, and refuses what is refused at once", async () => {
    const { places } = await readInTurns(Buffer.from(`{"a":"${"x".repeat(70_000)}","seed":9007199254740993}`), turn);
    expect(places.map(({ name, digits }) => [name, digits])).toEqual([["seed", "9007199254740993"]]);
    const text = "y".repeat(70_000);
    for (const body of [
      `{"a":"${text}","a":1}`,
      `{"${text}":1,"${text}":2}`,
      `{"a":"${text}\\x"}`,
      `{"a":"${text}`,
      `{"a":"${text}\n"}`,
      `\uFEFF{"a":"${text}"}`,
    ])
      await expect(readInTurns(Buffer.from(body), turn)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it.each([
    ["before it", (json: string, space: string) => space + json],
    ["behind it", (json: string, space: string) => json + space],
    ["behind each comma and colon", (json: string, space: string) => json.replaceAll(/([,:[{])"/g, `$1${space}"`)],
    ["between numbers", (json: string, space: string) => json.replaceAll(/,(\d)/g, `,${space}$1`)],
  ])("says the same with much white space %s", async (_, spaced) => {
    const value = { a: ["  two  spaces\n\n  ", 1, 2, 3], "long  name": { b: long }, c: [[], {}], d: 1 };
    for (const space of [" ".repeat(15), " ".repeat(100), "\r\n\t ".repeat(20_000)]) {
      const body = Buffer.from(spaced(JSON.stringify(value), space));
      expect((await readInTurns(body, turn)).value).toEqual(value);
    }
    const named = Buffer.from(spaced(JSON.stringify({ [long]: long, b: 1 }), " ".repeat(40_000)));
    expect((await readInTurns(named, turn)).value).toEqual({ [long]: long, b: 1 });
  });

  it("does not join tokens that white space keeps apart, and refuses it in numbers and words", async () => {
    const space = " ".repeat(40_000);
    for (const body of [
      `[1${space}2]`,
      `[tr${space}ue]`,
      `{"a"${space}"b"}`,
      space,
      `[1]${space}[2]`,
      `["a${space}\n"]`,
    ])
      await expect(readInTurns(Buffer.from(body), turn)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("parses as much as it says, not its white space, nor puts it together", async () => {
    const space = " ".repeat(100_000);
    for (const text of [
      `${space}{"a":[1]}`,
      `{"a"${space}:${space}[1]}`,
      `{"a":[${`${space}1,`.repeat(8)}${space}1]}`,
    ]) {
      const pieces = text.match(/[^]{1,32768}/g) ?? [];
      const lifted = await liftTexts(pieces, 256);
      expect(JSON.parse(lifted.text)).toEqual(JSON.parse(text));
      expect(lifted.text.length).toBeLessThan(100);
    }
  });
});
