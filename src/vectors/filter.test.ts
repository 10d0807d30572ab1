import { describe, expect, it } from "vitest";
import { matches, toFilter, type Filter, type Where } from "./filter.ts";
import { toVector } from "./vector.ts";

const schema = { lang: "tag", year: "number", open: "boolean" } as const;
type Schema = typeof schema;
const item = { lang: "en", year: 2026 };
const holds = (where: Where<Schema>) => matches(toFilter(schema, where) as Filter, item);

describe("a filter", () => {
  it.each<[Where<Schema>, boolean]>([
    [{ lang: "en" }, true],
    [{ lang: { eq: "EN" } }, false],
    [{ lang: { in: ["de", "en"] } }, true],
    [{ lang: { in: [] } }, false],
    [{ year: { gte: 2026, lt: 2027 } }, true],
    [{ year: { gt: 2026 } }, false],
    [{ open: true }, false],
    [{ open: { exists: false }, lang: { exists: true } }, true],
    [{ not: { open: true } }, true],
    [{ or: [{ open: true }, { year: { lte: 2026 } }] }, true],
    [{ and: [{ lang: "en" }, { not: { year: 2026 } }] }, false],
  ])("%j is %s", (where, expected) => {
    expect(holds(where)).toBe(expected);
  });

  it("without a condition is no filter", () => {
    expect([toFilter(schema, undefined), toFilter(schema, {}), toFilter(schema, { lang: undefined })]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each([
    ["where", { colour: "red" }],
    ["where", { constructor: "x" }],
    ["where.year", { year: "2026" }],
    ["where.year.gt", { year: { gt: Number.NaN } }],
    ["where.lang.gt", { lang: { gt: "a" } }],
    ["where.lang.like", { lang: { like: "%" } }],
    ["where.lang.in", { lang: { in: "en" } }],
    ["where.or[1].open", { or: [{ open: true }, { open: "yes" }] }],
    ["where.not", { not: "open" }],
    ["where", "lang == 'en'"],
  ])("that is wrong is refused at %s", (path, where) => {
    expect(() => toFilter(schema, where as unknown as Where<Schema>)).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path } }),
    );
  });
});

describe("a vector", () => {
  it.each([
    ["another length", [1, 2]],
    ["a NaN", [1, Number.NaN, 2]],
    ["an infinity", new Float32Array([1, Infinity, 2])],
    ["nothing but zero", [0, 0, 0]],
    ["text", [1, "2", 3]],
    ["too large for a float", [1e39, 1, 1]],
    ["no list", { 0: 1, length: 3 }],
    ["doubles", new Float64Array([1, 2, 3])],
  ])("with %s is refused before Redis sees it", (_, vector) => {
    expect(() => toVector("vector", vector as never, { dimensions: 3, metric: "cosine", lengthMax: Infinity })).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path: "vector" } }),
    );
  });
});
