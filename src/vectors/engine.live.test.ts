import { describe, expect, vi } from "vitest";
import { liveTest } from "../../test/live.ts";
import { hashEmbedder } from "../embedders/index.ts";
import type { Capabilities, ScopedRedis } from "../redis/index.ts";
import { decideEngine, engineKey } from "./engine.ts";
import { createVectors } from "./index.ts";

const embedder = hashEmbedder();

/** The same server, said to have other abilities, over a `send` of its own as another process has. */
const seen = (redis: ScopedRedis, abilities: Partial<Capabilities>): ScopedRedis => ({
  ...redis,
  send: (...args) => redis.send(...args),
  capabilities: async () => ({ ...(await redis.capabilities()), ...abilities }),
});

describe("the engine of an installation", () => {
  liveTest("is the best that the server has, and stays it when the server can more", async ({ tenant }) => {
    expect(await decideEngine(seen(tenant, { vectorSets: "no", search: "no" }))).toBe("local");
    expect(await tenant.send(["GET", engineKey(tenant.app)])).toBe("local");
    expect(await decideEngine(seen(tenant, { vectorSets: "yes", search: "yes" }))).toBe("local");
    await tenant.send(["SET", engineKey(tenant.app), "search"]);
    expect(await decideEngine(seen(tenant, { vectorSets: "yes", search: "yes" }))).toBe("search");
    await tenant.send(["DEL", engineKey(tenant.app)]);
    expect(await decideEngine(seen(tenant, { vectorSets: "no", search: "yes" }))).toBe("search");
  });

  liveTest("is one for processes that start at once, though they see other servers", async ({ tenant }) => {
    const decided = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        decideEngine(seen(tenant, { vectorSets: "no", search: at % 2 === 0 ? "yes" : "no" })).catch(() => "refused"),
      ),
    );
    const recorded = await tenant.send(["GET", engineKey(tenant.app)]);
    expect(new Set(decided).size).toBeLessThanOrEqual(2);
    expect(decided.every((engine) => engine === recorded || (engine === "refused" && recorded === "search"))).toBe(
      true,
    );
  });

  liveTest("that a server does not have is refused with its command, the server and the remedy", async ({ tenant }) => {
    await tenant.send(["SET", engineKey(tenant.app), "vectorset"]);
    const docs = createVectors(seen(tenant, { vectorSets: "no", engine: "valkey", version: "8.1.1" }), {
      name: "d",
      dimensions: embedder.dimensions,
      metric: "cosine",
      index: "hnsw",
    });
    await expect(docs.count()).rejects.toMatchObject({
      code: "unsupported",
      message: /vectorset.*VSIM.*valkey 8\.1\.1.*vectors:engine/,
    });
    // Not remembered: an operator may mend it while processes run.
    await tenant.send(["DEL", engineKey(tenant.app)]);
    expect(await docs.count()).toBe(0);
  });

  liveTest("and is named is refused at the first use, whatever that is", async ({ tenant }) => {
    for (const [engine, command] of [
      ["vectorset", /VSIM/],
      ["search", /FT\.SEARCH/],
    ] as const) {
      const server = seen(tenant, { vectorSets: "no", search: "no", engine: "redis", version: "7.0.15" });
      const docs = createVectors(server, { name: "d", dimensions: 3, metric: "cosine", index: "hnsw", engine });
      const uses = [
        () => docs.search({ vector: [1, 0, 0] }),
        () => docs.upsert([{ id: "a", vector: [1, 0, 0] }]),
        () => docs.get(["a"]),
      ];
      for (const use of uses) {
        const refused = await use().catch((error: unknown) => error);
        expect(refused).toMatchObject({ code: "unsupported", message: command });
        expect((refused as Error).message).toMatch(/redis 7\.0\.15.*leave engine at auto/);
      }
    }
  });

  liveTest("that this version does not know is refused, never replaced", async ({ tenant }) => {
    await tenant.send(["SET", engineKey(tenant.app), "of tomorrow"]);
    await expect(decideEngine(seen(tenant, {}))).rejects.toMatchObject({
      code: "unsupported",
      message: /does not know/,
    });
    expect(await tenant.send(["GET", engineKey(tenant.app)])).toBe("of tomorrow");
  });

  liveTest("may be named, and another name later is a conflict that says what to do", async ({ tenant }) => {
    expect(await decideEngine(seen(tenant, {}), "local")).toBe("local");
    await expect(decideEngine(seen(tenant, {}), "vectorset")).rejects.toMatchObject({
      code: expect.stringMatching(/conflict|unsupported/),
      message: /local/,
    });
    await expect(decideEngine(seen(tenant, { search: "no" }), "search")).rejects.toMatchObject({ message: /search/ });
    expect(await decideEngine(seen(tenant, {}), "auto")).toBe("local");
  });

  liveTest("is recorded again by processes that run when the record is lost with the data", async ({ tenant }) => {
    const process = seen(tenant, { vectorSets: "no", search: "no" });
    const docs = createVectors(process, { name: "d", dimensions: 3, metric: "cosine", index: "flat" });
    await docs.upsert([{ id: "a", vector: [1, 0, 0] }]);
    await tenant.send(["DEL", engineKey(tenant.app)]);
    const now = performance.now.bind(performance);
    const later = vi.spyOn(performance, "now").mockImplementation(() => now() + 6_000);
    try {
      await docs.search({ vector: [1, 0, 0] });
      await expect.poll(() => tenant.send(["GET", engineKey(tenant.app)])).toBe("local");
      expect(await decideEngine(seen(tenant, { vectorSets: "yes" }))).toBe("local");
    } finally {
      later.mockRestore();
    }
  });

  liveTest("is found by trying where the user may not ask for commands", async ({ tenant }) => {
    const found = await decideEngine(seen(tenant, { vectorSets: "unknown", search: "unknown" }));
    expect(found).toBe((await tenant.capabilities()).vectorSets === "yes" ? "vectorset" : "local");
  });
});

describe("what one process stores by the local engine", () => {
  const options = { name: "d", dimensions: 3, metric: "cosine", index: "flat", engine: "local" } as const;

  liveTest("another one finds at once, and never after it is gone", async ({ tenant }) => {
    const [one, other] = [createVectors(tenant, options), createVectors(seen(tenant, {}), options)];
    const find = async () => (await other.search({ vector: [1, 0, 0] })).map(({ id }) => id);
    for (let round = 0; round < 30; round += 1) {
      await one.upsert([{ id: `a${round}`, vector: [1, round / 100, 0] }]);
      expect((await find()).includes(`a${round}`)).toBe(true);
      await one.delete([`a${round}`]);
      expect(await find()).toEqual([]);
    }
    await one.upsert([{ id: "b", vector: [1, 0, 0], payload: 1 }]);
    await find();
    await one.drop();
    expect(await find()).toEqual([]);
    await one.upsert([{ id: "c", vector: [0, 1, 0] }]);
    expect(await find()).toEqual(["c"]);
  });

  liveTest("is found by a process that missed more than is remembered", async ({ tenant }) => {
    const [one, other] = [createVectors(tenant, options), createVectors(seen(tenant, {}), options)];
    const ids = Array.from({ length: 1_100 }, (_, at) => `i${at}`);
    await one.upsert(ids.map((id, at) => ({ id, vector: [1, at, 0] })));
    expect(await other.search({ vector: [1, 0, 0], limit: 1 })).toMatchObject([{ id: "i0" }]);
    await one.delete(ids);
    await one.upsert([{ id: "last", vector: [1, 0, 0] }]);
    expect((await other.search({ vector: [1, 0, 0] })).map(({ id }) => id)).toEqual(["last"]);
  });

  liveTest("is found by a process that begins after more was deleted than is remembered", async ({ tenant }) => {
    const [one, other] = [createVectors(tenant, options), createVectors(seen(tenant, {}), options)];
    const ids = (from: number) => Array.from({ length: 1_100 }, (_, at) => `i${from + at}`);
    await one.upsert(ids(0).map((id, at) => ({ id, vector: [1, at, 0] })));
    await one.upsert(ids(1_100).map((id, at) => ({ id, vector: [1, at, 1] })));
    await one.delete(ids(1_100));
    expect(await other.search({ vector: [1, 0, 0], limit: 1 })).toMatchObject([{ id: "i0" }]);
    expect(await other.search({ vector: [1, 0, 0], limit: 100 })).toHaveLength(100);
  });

  liveTest(
    "is never missed for what is deleted beside it: there are always as many as there are left",
    async ({ tenant }) => {
      const [one, other] = [createVectors(tenant, options), createVectors(seen(tenant, {}), options)];
      const total = 1_200;
      const ids = Array.from({ length: total }, (_, at) => `i${at}`);
      await one.upsert(ids.map((id, at) => ({ id, vector: [1, at / total, 0] })));
      const short: number[] = [];
      let deleting = true;
      const searching = (async () => {
        while (deleting) {
          const found = await other.search({ vector: [1, 0, 0], limit: 10 });
          if (found.length < 10) short.push(found.length);
        }
      })();
      for (let at = 0; at + 100 < total; at += 20) await one.delete(ids.slice(at, at + 20));
      deleting = false;
      await searching;
      expect(short).toEqual([]);
    },
  );

  liveTest("is found in place of what ends, in the moment when much ends together", async ({ tenant }) => {
    const docs = createVectors(tenant, options);
    await docs.upsert(Array.from({ length: 40 }, (_, at) => ({ id: `kept${at}`, vector: [1, 1, at] })));
    const ttlMs = 150;
    const endsMs = performance.now() + ttlMs;
    await docs.upsert(Array.from({ length: 60 }, (_, at) => ({ id: `ends${at}`, vector: [1, 0, at / 100], ttlMs })));
    const counts = new Set<number>();
    while (performance.now() < endsMs + 60) counts.add((await docs.search({ vector: [1, 0, 0], limit: 10 })).length);
    expect([...counts]).toEqual([10]);
  });

  liveTest("beyond its bound is read and listed, and only the newest are found", async ({ tenant }) => {
    const docs = createVectors(tenant, { ...options, mirrorMax: 10 });
    await docs.upsert(Array.from({ length: 25 }, (_, at) => ({ id: `i${at}`, vector: [1, at, 0] })));
    const found = (await docs.search({ vector: [1, 0, 0], limit: 100 })).map(({ id }) => id);
    expect(found.toSorted()).toEqual(Array.from({ length: 10 }, (_, at) => `i${at + 15}`));
    expect(await docs.count()).toBe(25);
    expect(await docs.get(["i0"])).toMatchObject([{ id: "i0" }]);
    await docs.upsert([{ id: "i0", vector: [1, 0, 0] }]);
    expect(await docs.search({ vector: [1, 0, 0], limit: 1 })).toMatchObject([{ id: "i0" }]);
  });

  liveTest(
    "costs one round trip to search, two after another process' change nearby",
    async ({ counted, proxy, redis }) => {
      const elsewhere = createVectors(redis.scope("acme"), options);
      const docs = createVectors(counted.scope("acme"), options);
      await docs.upsert([{ id: "a", vector: [1, 0, 0] }]);
      await docs.search({ vector: [1, 0, 0] });
      const trips = async (work: () => Promise<unknown>) => {
        const before = proxy.roundTrips();
        await work();
        return proxy.roundTrips() - before;
      };
      expect(await trips(() => docs.search({ vector: [1, 0, 0] }))).toBe(1);
      expect(await trips(() => docs.upsert([{ id: "b", vector: [1, 0, 0] }]))).toBe(1);
      expect(await trips(() => docs.search({ vector: [1, 0, 0] }))).toBe(1);
      await elsewhere.upsert([{ id: "c", vector: [1, 0, 0] }]);
      expect(await trips(() => docs.search({ vector: [1, 0, 0] }))).toBe(2);
      expect(await trips(() => docs.search({ vector: [1, 0, 0] }))).toBe(1);
    },
  );
});
