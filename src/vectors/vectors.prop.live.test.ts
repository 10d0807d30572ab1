import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { cosine } from "../embedders/index.ts";
import { matches, toFilter, type AttributeValue, type Where } from "./filter.ts";
import { createVectors } from "./index.ts";

const attributes = { tag: "tag", num: "number", flag: "boolean" } as const;
type Schema = typeof attributes;

/** Words that would be something else in a query language, if they ever became part of one. */
const word = fc.oneof(
  fc.constantFrom(
    "",
    '"',
    "\\",
    "' or 1 == 1",
    '" or 1 == 1 or "',
    "en",
    "EN",
    "a,b",
    "{x}",
    "ü",
    "é",
    "e\u0301",
    "%22",
    ")",
  ),
  fc.string({ unit: "grapheme", maxLength: 6 }).filter((text) => text.isWellFormed()),
);
const number = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(0.5, -0.1, 1e-7, 123456789.25, 1e15, 1.5e25, -2.5e-12),
);
const values = fc.record({ tag: word, num: number, flag: fc.boolean() }, { requiredKeys: [] });
const id = fc.constantFrom("a", "b", "c", "d", "e", "{f}", "g h");
const vector = fc
  .tuple(...Array.from({ length: 4 }, () => fc.integer({ min: -3, max: 3 })))
  .filter((list) => list.some((value) => value !== 0));
const leaf: fc.Arbitrary<Where<Schema>> = fc.oneof(
  word.map((tag) => ({ tag })),
  fc.array(word, { maxLength: 3 }).map((list) => ({ tag: { in: list } })),
  fc.record({ gte: number, lt: number }, { requiredKeys: [] }).map((num) => ({ num })),
  number.map((eq) => ({ num: { eq } })),
  fc.boolean().map((flag) => ({ flag })),
  fc.tuple(fc.constantFrom("tag", "num", "flag"), fc.boolean()).map(([name, exists]) => ({ [name]: { exists } })),
);
const where: fc.Arbitrary<Where<Schema>> = fc.oneof(
  leaf,
  leaf.map((not) => ({ not })),
  fc.array(leaf, { maxLength: 3 }).map((or) => ({ or })),
  fc.tuple(leaf, leaf).map(([a, b]) => ({ and: [a, { not: b }] })),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant("upsert" as const), id, vector, values }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("update" as const), id, values }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("delete" as const), id }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("search" as const), vector, where }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("deleteWhere" as const), where }) },
);

describe("a collection, over random histories", () => {
  liveTest(
    "holds and finds what a plain list would, whatever its words are",
    async ({ tenant }) => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
          run += 1;
          const docs = createVectors(tenant, {
            name: `p${run}`,
            dimensions: 4,
            metric: "cosine",
            index: "flat",
            quantisation: "none",
            attributes,
          });
          const model = new Map<string, { vector: number[]; attributes: Record<string, AttributeValue | undefined> }>();
          for (const one of steps) {
            if (one.act === "upsert") {
              const [result] = await docs.upsert([{ id: one.id, vector: one.vector, attributes: one.values }]);
              expect(result?.stored).toBe(true);
              model.set(one.id, { vector: one.vector, attributes: one.values });
            } else if (one.act === "update") {
              const known = model.get(one.id);
              expect(await docs.update(one.id, { attributes: one.values })).toBe(known !== undefined);
              if (known !== undefined) known.attributes = { ...known.attributes, ...one.values };
            } else if (one.act === "delete") {
              expect(await docs.delete([one.id])).toBe(model.delete(one.id) ? 1 : 0);
            } else {
              const filter = toFilter(attributes, one.where);
              const meant = [...model].filter(([, item]) => filter === undefined || matches(filter, item.attributes));
              if (one.act === "deleteWhere") {
                if (filter === undefined) continue;
                expect(await docs.deleteWhere(one.where)).toBe(meant.length);
                for (const [gone] of meant) model.delete(gone);
                continue;
              }
              const found = await docs.search({ vector: one.vector, where: one.where, limit: 100 });
              expect(found.map((match) => match.id).toSorted()).toEqual(meant.map(([known]) => known).toSorted());
              for (const match of found) {
                const truth = cosine(
                  Float32Array.from(one.vector),
                  Float32Array.from(model.get(match.id)?.vector ?? []),
                );
                expect(match.similarity).toBeCloseTo(truth, 4);
              }
              for (let at = 1; at < found.length; at += 1)
                expect(found[at - 1]?.similarity).toBeGreaterThanOrEqual((found[at]?.similarity ?? 0) - 1e-6);
            }
          }
          expect(await docs.count()).toBe(model.size);
          await docs.drop();
        }),
        { numRuns: 80 },
      );
    },
    60_000,
  );
});
