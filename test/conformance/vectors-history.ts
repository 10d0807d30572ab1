import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVectors, type Where } from "../../src/vectors/index.ts";
import { matches, toFilter, type AttributeValue } from "../../src/vectors/filter.ts";
import { similarityOf } from "../../src/vectors/scale.ts";
import type { DriverOptions, VectorHost } from "./vectors.ts";

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
  fc.constantFrom("*", "a|b", "}) | (@a_tag:{wen", " en ", "\0", "w", "_00", "';drop table x;--", "$1", "all"),
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
  fc.record({ gt: number, lte: number }, { requiredKeys: [] }).map((num) => ({ num })),
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
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant("upsert" as const),
      id,
      vector,
      values,
      ends: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("update" as const), id, values }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("delete" as const), id }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("search" as const), vector, where }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("deleteWhere" as const), where }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("wait" as const) }) },
);

const LIFE_MS = 40;

interface Known {
  readonly vector: readonly number[];
  attributes: Record<string, AttributeValue | undefined>;
  readonly ends: boolean;
}

/** Random histories of one collection, held to a plain list. Items that end do so before anybody looks. */
export function describeHistories(
  name: string,
  openHost: () => Promise<VectorHost>,
  driver: DriverOptions,
  numRuns: number,
): void {
  describe(`vectors over ${name}, over random histories`, () => {
    let host: VectorHost;
    beforeAll(async () => {
      host = await openHost();
    });
    afterAll(() => host.close());

    it("hold and find what a plain list would, whatever their words are", async () => {
      const scope = host.scope(`h-${randomUUID()}`);
      let run = 0;
      const history = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        run += 1;
        const options = {
          name: `p${run}`,
          dimensions: 4,
          metric: "cosine",
          index: "flat",
          attributes,
          timeoutMs: 10_000,
        } as const;
        const docs = createVectors(scope, { ...options, ...driver });
        const model = new Map<string, Known>();
        const settle = async () => {
          if (![...model.values()].some(({ ends }) => ends)) return;
          await sleep(LIFE_MS + 15);
          for (const [known, { ends }] of model) if (ends) model.delete(known);
        };
        for (const one of steps) {
          if (one.act === "upsert") {
            const ttlMs = one.ends ? LIFE_MS : undefined;
            const [result] = await docs.upsert([{ id: one.id, vector: one.vector, attributes: one.values, ttlMs }]);
            expect(result?.stored).toBe(true);
            model.set(one.id, { vector: one.vector, attributes: one.values, ends: one.ends });
            continue;
          }
          await settle();
          if (one.act === "update") {
            const known = model.get(one.id);
            expect(await docs.update(one.id, { attributes: one.values })).toBe(known !== undefined);
            if (known !== undefined) known.attributes = { ...known.attributes, ...one.values };
          } else if (one.act === "delete") {
            expect(await docs.delete([one.id])).toBe(model.delete(one.id) ? 1 : 0);
          } else if (one.act === "search" || one.act === "deleteWhere") {
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
              const stored = Float32Array.from(model.get(match.id)?.vector ?? []);
              const truth = similarityOf("cosine", Float32Array.from(one.vector), stored);
              // Eight bits of four numbers are that coarse.
              expect(Math.abs(match.similarity - truth)).toBeLessThan(driver.engine === "local" ? 0.01 : 1e-3);
            }
          }
        }
        await settle();
        expect(await docs.count()).toBe(model.size);
        await docs.drop();
      });
      await fc.assert(history, { numRuns });
    }, 120_000);
  });
}
