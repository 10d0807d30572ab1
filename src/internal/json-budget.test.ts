import { describe, expect, it } from "vitest";
import { checkJsonBudget, checkJsonBudgetInTurns, NAME_BYTES_MAX } from "./json-budget.ts";

const budget = { valuesMax: 10, depthMax: 4 };
const check = (text: string) => () => checkJsonBudget(Buffer.from(text), budget);

describe("the budget of a JSON body", () => {
  it.each([
    ["values up to the bound", "[1,2,3,4,5,6,7,8,9,10]"],
    ["commas and brackets in strings", JSON.stringify({ a: ',,,,,,,,,,,,[[[[[[{{{{"\\",,,,,,,,' })],
    ["depth up to the bound", "[[[[1]]]]"],
    ["a string that does not end, which the parser refuses", '"abc\\'],
    [
      "long strings with escapes near their ends",
      JSON.stringify([`${"x".repeat(5_000)}"`, `${"x".repeat(1_020)}\\"\\`, ",[".repeat(9_000)]),
    ],
    [
      "names up to the bound, beside long strings",
      `{"${"n".repeat(NAME_BYTES_MAX)}":"${"x".repeat(2 * NAME_BYTES_MAX)}"}`,
    ],
    ["more brackets closed than opened", "]]]]]]]]"],
  ])("lets pass %s", (_, text) => expect(check(text)).not.toThrow());

  it.each([
    ["too many items", "[1,2,3,4,5,6,7,8,9,10,11]", { valuesMax: 10 }],
    ["too many fields", `{${Array.from({ length: 12 }, (_, at) => `"${at}":1`).join(",")}}`, { valuesMax: 10 }],
    ["too many empty objects", `[${"{},".repeat(6)}{}]`, { valuesMax: 10 }],
    ["a name over the bound", `{"${"n".repeat(NAME_BYTES_MAX + 1)}":1}`, { nameBytesMax: NAME_BYTES_MAX }],
    [
      "names that are together over the bound",
      `[${Array.from({ length: 3 }, () => `{ "${"é".repeat(NAME_BYTES_MAX / 4)}" : 1 }`).join(",")}]`,
      { nameBytesMax: NAME_BYTES_MAX },
    ],
    ["too many levels", "[[[[[", { depthMax: 4 }],
  ])("refuses %s", (_, text, bound) => {
    expect(check(text)).toThrow(expect.objectContaining({ code: "too_large", details: { path: "body", ...bound } }));
  });
});

describe("the budget of a long JSON body, which is counted in turns", () => {
  const detailsOf = async (counting: () => unknown): Promise<unknown> => {
    try {
      return await counting();
    } catch (error) {
      return (error as { details?: unknown }).details;
    }
  };
  const atEachPlace = (text: string) =>
    Array.from({ length: 8 }, (_, nth) => `[${" ".repeat(65_529 + nth)}${text}${",1".repeat(9)}]`);
  const texts = [
    ...atEachPlace(String.raw`"\\",[[]]`),
    ...atEachPlace(String.raw`"a\"b"`),
    ...atEachPlace(`"${"x".repeat(1_100)}\\",[[]]`),
    ...atEachPlace(`"${"x".repeat(70_000)}\\",,,,,,,,,,,"`),
    ...atEachPlace(`"${'\\"'.repeat(70_000)}",[[[`),
    ...atEachPlace(`{"${"n".repeat(NAME_BYTES_MAX)}":1`),
    ...atEachPlace(`"${"x".repeat(140_000)}`),
  ];

  it.each(texts.map((text, nth) => [nth, text] as const))("is the same: %i", async (_, text) => {
    const bytes = Buffer.from(text);
    for (const valuesMax of [10, 11, 12, 13])
      expect(await detailsOf(() => checkJsonBudgetInTurns(bytes, { ...budget, valuesMax }))).toEqual(
        await detailsOf(() => checkJsonBudget(bytes, { ...budget, valuesMax })),
      );
  });
});
