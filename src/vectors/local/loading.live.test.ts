import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { cannotServe, type ScopedRedis } from "../../redis/index.ts";
import { createVectors } from "../index.ts";
import { LOADS_MAX } from "./loading.ts";

const options = { name: "d", dimensions: 64, metric: "cosine", index: "flat", engine: "local" } as const;
const vector = (at: number) => Array.from({ length: 64 }, (_, place) => Math.sin(at * 64 + place));
const names = Array.from({ length: 40 }, (_, at) => `n${at}`);

async function fill(tenant: ScopedRedis, count: number): Promise<void> {
  const docs = createVectors(tenant, options);
  const items = Array.from({ length: count }, (_, at) => ({ id: `i${at}`, vector: vector(at) }));
  for (const name of names) await docs.namespace(name).upsert(items);
}

describe("many first searches of one moment (engine local)", () => {
  liveTest("read a few namespaces at once, and all find what is stored", async ({ tenant }) => {
    await fill(tenant, 600);
    let [running, most] = [0, 0];
    const send: ScopedRedis["send"] = async (...args) => {
      most = Math.max(most, (running += 1));
      return tenant.send(...args).finally(() => (running -= 1));
    };
    const docs = createVectors({ ...tenant, send }, options);
    const find = async (name: string) => (await docs.namespace(name).search({ vector: vector(7), limit: 1 }))[0]?.id;
    let turns = 0;
    let ticking = setImmediate(function tick() {
      turns += 1;
      ticking = setImmediate(tick);
    });
    expect(await Promise.all(names.map(find))).toEqual(names.map(() => "i7"));
    clearImmediate(ticking);
    // Beside a copy that is read, the items that another search found.
    expect(most).toBeLessThanOrEqual(2 * LOADS_MAX);
    // Two pages of each namespace, each in a turn of the event loop of its own.
    expect(turns).toBeGreaterThanOrEqual(2 * names.length);
    // The copies are there: nobody waits.
    expect(await Promise.all(names.map(find))).toEqual(names.map(() => "i7"));
    expect(most).toBe(names.length);
  });

  liveTest("fail as what cannot be served now, where their turn does not come in time", async ({ tenant }) => {
    await fill(tenant, 2);
    const held = Promise.withResolvers<void>();
    const send: ScopedRedis["send"] = async (...args) => {
      await held.promise;
      return tenant.send(...args);
    };
    const docs = createVectors({ ...tenant, send }, { ...options, timeoutMs: 1_000 });
    const find = (name: string) => docs.namespace(name).search({ vector: vector(1), limit: 1 });
    const searches = names.map(find);
    const late = await Promise.allSettled(searches.slice(LOADS_MAX));
    for (const one of late) {
      const error = one.status === "rejected" ? (one.reason as unknown) : undefined;
      expect(error).toMatchObject({ code: "timeout", message: /no turn within 4000 ms; try again shortly/ });
      expect(cannotServe(error)).toBe(true);
    }
    held.resolve();
    for (const found of await Promise.all(searches.slice(0, LOADS_MAX))) expect(found[0]?.id).toBe("i1");
    expect((await find("n39"))[0]?.id).toBe("i1");
  });
});
