import { randomUUID } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { createVectors } from "../../src/vectors/index.ts";
import type { DriverOptions, VectorHost } from "./vectors.ts";

const attributes = { constructor: "tag", toString: "number", valueOf: "boolean", hasOwnProperty: "text" } as const;
const all = { constructor: "x", toString: 1, valueOf: true, hasOwnProperty: "Zebra" };

/** What every driver promises of names and numbers that are unusual. */
export function describeEdges(over: string, openHost: () => Promise<VectorHost>, driver: DriverOptions): void {
  describe(`vectors over ${over}`, () => {
    it.each(["hnsw", "flat"] as const)("take attributes with the names of inherited properties (%s)", async (index) => {
      const host = await openHost();
      onTestFinished(() => host.close());
      const docs = createVectors(host.scope(`s-${randomUUID()}`), {
        name: "docs",
        dimensions: 3,
        metric: "cosine",
        index,
        timeoutMs: 10_000,
        ...driver,
        attributes: attributes as never,
      });
      await docs.upsert([
        { id: "without", vector: [1, 0, 0] },
        { id: "with", vector: [1, 1, 0], attributes: all as never },
      ]);
      const ids = async (where: never, words?: string) =>
        (await docs.search({ vector: [1, 0, 0], where, words })).map(({ id }) => id);
      for (const [name, value] of Object.entries(all)) {
        expect([name, await ids({ [name]: { exists: true } } as never)]).toEqual([name, ["with"]]);
        expect([name, await ids({ [name]: { exists: false } } as never)]).toEqual([name, ["without"]]);
        if (name === "hasOwnProperty") continue;
        expect([name, await ids({ [name]: value } as never)]).toEqual([name, ["with"]]);
        expect([name, await ids({ not: { [name]: value } } as never)]).toEqual([name, ["without"]]);
      }
      expect(await ids({ toString: { lt: 2 } } as never)).toEqual(["with"]);
      expect((await ids({} as never, "zebra"))[0]).toBe("with");
      expect(await docs.update("without", { payload: "changed" })).toBe(true);
      expect(await docs.update("without", { attributes: { valueOf: false } as never })).toBe(true);
      expect(await ids({ valueOf: false } as never)).toEqual(["without"]);
      const has = { constructor: { exists: true } } as never;
      expect(await docs.deleteWhere(has, { dryRun: true })).toBe(1);
      expect(await docs.deleteWhere(has)).toBe(1);
      const left = await docs.get(["without", "with"]);
      expect(left.map((item) => item?.attributes)).toEqual([{ valueOf: false }, undefined]);
    });

    it("compare directions, whatever lengths the vectors have", async () => {
      const host = await openHost();
      onTestFinished(() => host.close());
      const docs = createVectors(host.scope(`s-${randomUUID()}`), {
        name: "docs",
        dimensions: 3,
        metric: "cosine",
        index: "flat",
        timeoutMs: 10_000,
        ...driver,
      });
      for (const length of [3e38, 1e20, 1e5, 1e-6, 1e-22, 1e-30, 1e-40]) {
        const items = docs.namespace(`of ${length}`);
        const results = await items.upsert([
          { id: "same", vector: [length, 0, 0] },
          { id: "between", vector: [length, length, 0] },
          { id: "other", vector: [0, length, 0] },
        ]);
        expect(results.every(({ stored }) => stored)).toBe(true);
        for (const query of [length, 1]) {
          const found = await items.search({ vector: [query, 0, 0], withVectors: true });
          expect([length, found.map(({ id }) => id)]).toEqual([length, ["same", "between", "other"]]);
          for (const [at, cosine] of [1, Math.SQRT1_2, 0].entries())
            expect([length, Math.abs((found[at]?.similarity ?? Number.NaN) - cosine) < 0.01]).toEqual([length, true]);
          const [x = Number.NaN, y] = found[1]?.vector ?? [];
          expect([length, Math.abs(x / (y as number) - 1) < 0.02]).toEqual([length, true]);
        }
      }
    });
  });
}
