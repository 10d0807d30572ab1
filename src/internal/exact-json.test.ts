import { describe, expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { fill, parseExact, parseUnfilled } from "./exact-json.ts";
import { isObject } from "./fields.ts";
import { JsonTooWide, readInTurns, readWide } from "./json-in-turns.ts";

const LONG = ["9007199254740993", "-9007199254740993", "1234567890123456789", "9223372036854775807", "9".repeat(60)];
const budget = { valuesMax: 1e6, bulkValuesMax: 1e6, depthMax: 128, fieldsMax: 4_096, isBulk: () => false };

describe("JSON with long integers", () => {
  it.each(LONG)("is written as it came: %s", (digits) => {
    for (const text of [
      digits,
      `[${digits}]`,
      `{"a":${digits},"b":{"c":[1,${digits},{"d":${digits}}]},"s":"${digits}","t":"\\"${digits}:\\\\"}`,
      `{"__proto__":${digits},"a":1}`,
    ])
      expect(JSON.stringify(parseExact(text))).toBe(text);
  });

  it("has numbers where a double is written in the same way", () => {
    const text =
      '{"a":9007199254740992,"b":[1,1.5,-0,1e400,100000000000000000000,1234567890.1234567890123456],"c":12e20}';
    expect(parseExact(text)).toEqual(JSON.parse(text));
  });

  it.each([
    "{12345678901234567890:1}",
    "{12345678901234567890 \n:1}",
    '{"a":01234567890123456789}',
    '{"a":-01234567890123456789}',
    '{"a":--1234567890123456789}',
    '{"a":1234567890123456789 1}',
    '{"a":1234567890123456789"b"}',
    '{"a":x1234567890123456789}',
    '{"a":.1234567890123456789}',
    '{"a":1234567890123456789.}',
    '{"a":1234567890123456789e}',
    '["1234567890123456789]',
    "1234567890123456789,",
  ])("is refused where JSON.parse refuses it: %s", (text) => {
    expect(() => parseExact(text)).toThrow(SyntaxError);
  });

  it("is of the last of two fields of one name, as JSON.parse reads them", () => {
    const text = `{"a":{"b":${LONG[0]}},"a":{"b":1,"c":${LONG[0]}},"d":[${LONG[0]}],"d":7,"e":${LONG[0]},"e":[2]}`;
    expect(JSON.stringify(parseExact(text))).toBe(`{"a":{"b":1,"c":${LONG[0]}},"d":7,"e":[2]}`);
  });

  it("is found under names with escapes", () => {
    const text = String.raw`{"a\"b":{"c":[[],{},[${LONG[0]}]]}}`;
    expect(JSON.stringify(parseExact(text))).toBe(text.replace(String.raw`\u0063`, "c").replace(String.raw`c`, "c"));
  });

  it("reads a long integer as a number where one is needed, as text, and never as an object", () => {
    const long = parseExact("9007199254740993");
    expect([Number(long), String(long), isObject(long)]).toEqual([9007199254740992, "9007199254740993", false]);
  });

  it("has a canonical form by the digits", () => {
    expect(canonicalJson(parseExact('{"b":9007199254740993,"a":1}'))).toBe('{"a":1,"b":9007199254740993}');
  });

  it("can be sent to another thread before it is whole", () => {
    const text = `{"a":[1234567890123456789,{"b":-1234567890123456789}],"c":"d"}`;
    expect(JSON.stringify(fill(structuredClone(parseUnfilled(text))))).toBe(text);
    expect(JSON.stringify(fill(structuredClone(parseUnfilled(LONG[0] ?? ""))))).toBe(LONG[0]);
  });

  it("is read in turns, and in pieces, as at once", async () => {
    const item = `{"id":1234567890123456789,"list":[1,-9007199254740993],"text":"${"x\\n1234567890123456789".repeat(9)}"}`;
    const text = `{"a":[${Array.from({ length: 40 }, () => item).join(",")}],"z":9007199254740993}`;
    for (const pieceChars of [1, 7, 64, 1_000, 65_536])
      expect(JSON.stringify(await readInTurns(text, budget, pieceChars))).toBe(text);
    expect(JSON.stringify(readWide(text, budget))).toBe(text);
    await expect(readInTurns(text, { ...budget, valuesMax: 10 })).rejects.toThrow(JsonTooWide);
  });
});
