import { describe, expect, it } from "vitest";
import { isCertainlyOver, jsonBytesInTurns, sizeOf, toBytesInTurns, toJsonBytes } from "./json-pieces.ts";

/** Writes itself by the name of the field that it is in. */
const named = (more: object = {}) => ({ ...more, toJSON: (name: string) => `in ${name}` });
const raw = (text: string): unknown => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);

const LONG = 'käse 😀 \u2028 "quoted" \\ and\n'.repeat(12_000);

describe("JSON that is written in turns of the event loop", () => {
  it.each<[string, unknown]>([
    ["a long text", LONG],
    ["many short texts", Array.from({ length: 20_000 }, (_, nth) => ({ type: "input_text", text: `part ${nth}` }))],
    ["what JSON leaves out", { a: undefined, b: () => 1, c: [undefined, null, Number.NaN], d: LONG }],
    ["values that write themselves", { when: new Date(0), text: LONG }],
    [
      "values that write themselves by their name",
      { a: named(), b: named({ LONG }), c: [LONG, named(), named({ LONG })] },
    ],
    [
      "values that write themselves as nothing",
      { a: { LONG, toJSON: () => undefined }, b: [{ toJSON: () => {} }, LONG] },
    ],
    ["a value that writes itself as one that could", { a: { LONG, toJSON: () => named({ LONG }) } }],
    ["a function that writes itself", { LONG, a: Object.assign(() => 1, { toJSON: () => "written" }) }],
    ["boxes", { a: Object(LONG), b: [5, false, "é", Symbol("a")].map(Object), LONG }],
    ["JSON that is written as it is", { a: raw("12345678901234567890"), b: [raw('"a"')], LONG }],
    ["a half of a character", { text: `${"x".repeat(65_535)}\ud83d\ude00\ud83d${LONG}` }],
  ])("is the bytes that JSON.stringify makes: %s", async (_, value) => {
    expect(sizeOf(value)).toBeGreaterThan(262_144);
    const made = toJsonBytes(value);
    expect(made).toBeInstanceOf(Promise);
    expect((await made).equals(Buffer.from(JSON.stringify(value)))).toBe(true);
    const pieces: Buffer[] = [];
    for await (const piece of jsonBytesInTurns(value)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(await made)).toBe(true);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(500_000);
    const text = JSON.stringify(value);
    expect(Buffer.concat(await toBytesInTurns(text)).equals(Buffer.from(text))).toBe(true);
  });

  it("is refused where it holds itself, as JSON.stringify refuses it", async () => {
    const cycle: Record<string, unknown> = { text: LONG };
    cycle["within"] = { again: cycle };
    await expect(toJsonBytes(cycle)).rejects.toThrow(TypeError);
  });

  it("is refused where JSON.stringify makes nothing of it", async () => {
    await expect(toJsonBytes({ LONG, toJSON: () => undefined })).rejects.toThrow(TypeError);
  });

  it("lets other work run in between, and writes small values at once", async () => {
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    await toJsonBytes({ text: LONG.repeat(10) });
    clearInterval(counting);
    expect(turns).toBeGreaterThan(2);
    expect(toJsonBytes({ small: 1 })).toBeInstanceOf(Buffer);
  });
});

describe("isCertainlyOver", () => {
  it("counts names, and is never true for what is not over", () => {
    const value = { content: [1, "a\n", null, { b: undefined, c: [] }], logprobs: { aVeryLongNameOfAField: 1 } };
    const bytes = JSON.stringify(value).length;
    expect(isCertainlyOver(value, bytes)).toBe(false);
    expect(isCertainlyOver(value, bytes - 12)).toBe(true);
    for (const least of [{}, [], [[]], [1, 1], { a: {} }, "", 1])
      expect(isCertainlyOver(least, JSON.stringify(least).length)).toBe(false);
    const unusual = [
      Object("a".repeat(600)),
      Object(5),
      raw("1"),
      Object.assign(() => 1, { toJSON: () => 1 }),
      named(),
    ];
    for (const one of [...unusual, unusual, { unusual }]) {
      expect(isCertainlyOver(one, JSON.stringify(one).length)).toBe(false);
    }
  });
});
