import { describe, expect, it } from "vitest";
import { createCallFilter } from "./allowed-calls.ts";
import type { Fields } from "../../internal/fields.ts";

const call = (index: number, id: string, name: string, given = "") => ({
  index,
  ...(id !== "" && { id }),
  type: "function",
  function: { name, arguments: given },
});
const allow = (...names: string[]) => ({
  type: "allowed_tools",
  mode: "auto",
  tools: names.map((name) => ({ type: "function", name })),
});
/** Whole calls that pass, chunk by chunk. */
function passed(choice: unknown, chunks: readonly (readonly Fields[])[]): string[] {
  const filter = createCallFilter(choice);
  return chunks.flatMap((chunk) => filter(chunk)).map((one) => JSON.stringify(one["function"]));
}

describe("a request that restricts its model's calls", () => {
  it("gets none with the choice none, all with auto, required and one tool, and the named ones with allowed_tools", () => {
    const chunks = [[call(0, "c1", "a"), call(1, "c2", "b")]];
    expect(passed("none", chunks)).toEqual([]);
    for (const choice of ["auto", "required", null, undefined, { type: "function", name: "a" }])
      expect(passed(choice, chunks)).toHaveLength(2);
    expect(passed(allow("b"), chunks)).toEqual(['{"name":"b","arguments":""}']);
    expect(passed(allow(), chunks)).toEqual([]);
    expect(
      createCallFilter(allow("a"))([{ index: 0, id: "c", type: "custom", custom: { name: "a", input: "" } }]),
    ).toEqual([]);
  });

  it("gets every delta of an allowed call and none of another, also when the same place begins a new one", () => {
    const chunks = [
      [call(0, "c1", "a", "{")],
      [call(0, "", "", "}")],
      [call(0, "c2", "b", "{}")],
      [call(0, "", "", "x")],
    ];
    expect(passed(allow("a"), chunks)).toEqual(['{"name":"a","arguments":"{"}', '{"name":"","arguments":"}"}']);
    expect(passed(allow("b"), chunks)).toEqual(['{"name":"b","arguments":"{}"}', '{"name":"","arguments":"x"}']);
  });

  it("gets what came before a call's name once the name is known", () => {
    const chunks = [[call(0, "c1", "", "{")], [call(0, "", "a")], [call(0, "", "", "}")]];
    expect(passed(allow("a"), chunks)).toHaveLength(3);
    expect(passed(allow("b"), chunks)).toEqual([]);
  });

  it("keeps the places of calls that endpoints number by their order alone", () => {
    const { index: _, ...first } = call(0, "c1", "a");
    const { index: __, ...second } = call(1, "c2", "b");
    expect(createCallFilter(allow("b"))([first, second])).toMatchObject([{ index: 1, id: "c2" }]);
  });
});
