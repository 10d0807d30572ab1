import { describe, expect, it } from "vitest";
import { MarrowError } from "../../errors.ts";
import type { Reply } from "../../redis/index.ts";
import { gaveUp, readSearchReply } from "./reply.ts";

const bytes = (text: string) => Buffer.from(text);
const read = (reply: unknown) =>
  readSearchReply(reply as Reply).map(({ key, fields }) => [
    key,
    Object.fromEntries([...fields].map(([name, value]) => [name, String(value)])),
  ]);
const row = (id: unknown, fields: unknown) => ["id", id, "extra_attributes", fields, "values", []];
const map = (results: unknown, ...more: unknown[]) => [
  "attributes",
  [],
  "format",
  "STRING",
  "results",
  results,
  "total_results",
  2,
  "warning",
  [],
  ...more,
];
const ONE = [["a", { d: "0.5", r: "x" }]];

describe("what a search answers", () => {
  it.each<[string, unknown, unknown]>([
    [
      "RediSearch 2.4 to 8 and valkey-search, as a list",
      [1, bytes("a"), [bytes("d"), bytes("0.5"), bytes("r"), bytes("x")]],
      ONE,
    ],
    ["the same with keys as text", [1, "a", ["d", "0.5", "r", "x"]], ONE],
    ["a count above the rows", [12, "a", ["d", "0.5", "r", "x"]], ONE],
    ["nothing", [0], []],
    ["a count without rows, after a silent timeout", [7], []],
    ["a row whose hash ended meanwhile", [2, "gone", null, "a", ["d", "0.5", "r", "x"]], ONE],
    ["a row whose fields are empty", [2, "gone", [], "a", ["d", "0.5", "r", "x"]], ONE],
    ["a key without its fields at the end", [2, "a", ["d", "0.5", "r", "x"], "gone"], ONE],
    ["a field that is null", [1, "a", ["d", "0.5", "r", "x", "v", null]], ONE],
    ["distances as numbers", [1, "a", ["d", 0.5, "r", "x"]], ONE],
    ["RESP3 of RediSearch 2.8 and newer", map([row("a", ["d", "0.5", "r", "x"])]), ONE],
    [
      "RESP3 with its members in another order",
      ["results", [["values", [], "extra_attributes", ["d", "0.5", "r", "x"], "id", "a"]], "warning", []],
      ONE,
    ],
    ["RESP3 of 2.6 previews, without warnings", ["results", [row("a", ["d", "0.5", "r", "x"])], "error", []], ONE],
    [
      "RESP3 with a warning of another kind",
      ["results", [row("a", ["d", "0.5", "r", "x"])], "warning", "Max prefix expansions"],
      ONE,
    ],
    ["RESP3 rows without fields", map([row("gone", null), ["id", "bare"], row("a", ["d", "0.5", "r", "x"])]), ONE],
    ["RESP3 rows that are none", map([null, "b", row(null, ["d", "1"]), row("a", ["d", "0.5", "r", "x"])]), ONE],
    [
      "a key that looks like a prototype",
      [1, "__proto__", ["d", "0.5", "__proto__", "y"]],
      [["__proto__", expect.objectContaining({ d: "0.5" })]],
    ],
  ])("is read: %s", (_, reply, wanted) => {
    expect(read(reply)).toEqual(wanted);
  });

  it.each([[null], ["OK"], [5], [Buffer.from("x")], [["format", "STRING"]], [map("none")], [[]]])(
    "is refused when it is in no known form (%#)",
    (reply) => {
      expect(() => read(reply)).toThrow(expect.objectContaining({ code: "unsupported" }));
    },
  );

  it.each(["Timeout limit was reached", ["Timeout limit was reached"]])(
    "is a timeout when RESP3 says so (%#)",
    (warning) => {
      expect(() => read(["results", [], "warning", warning])).toThrow(expect.objectContaining({ code: "timeout" }));
    },
  );

  it.each([
    ["Timeout limit was reached", true],
    ["Search operation cancelled due to timeout", true],
    ["ERR Query timed out", true],
    ["No such index x", false],
    ["Index with name 'x' not found in database 0", false],
  ])("is a timeout when the server says %s: %s", (message, wanted) => {
    expect(gaveUp(new MarrowError("redis_rejected", "m", { cause: new Error(message) }))).toBe(wanted);
  });
});
