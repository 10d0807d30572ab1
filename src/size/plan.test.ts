import { describe, expect, it } from "vitest";
import { nodesFor, planSize, roleOf } from "./index.ts";

const entries = {
  count: 100_000,
  questionBytes: 80,
  answerBytes: 2_000,
  dimensions: 1_536,
  compact: false,
  bounded: false,
};

describe("a plan of memory", () => {
  it("is by role, and adds up", () => {
    const { roles, usedBytes } = planSize({ entries, jobs: { count: 10, payloadBytes: 100 } });
    expect(roles.map(({ role }) => role)).toEqual(["entries", "jobs"]);
    expect(usedBytes).toBeGreaterThan(roles[0]?.bytes ?? 0);
    expect(roles.every(({ count, bytesEach, bytes }) => bytes === count * bytesEach)).toBe(true);
  });

  it("needs under half of the rule of thumb (8.5 KB an answer) for 100,000 answers", () => {
    const [cache] = planSize({ entries }).roles;
    expect(cache?.bytesEach).toBeGreaterThan(3_000);
    expect(cache?.bytesEach).toBeLessThan(4_250);
  });

  it("leaves room for saving and fragmentation, on every copy", () => {
    const load = { entries };
    const bare = planSize(load, { fragmentation: 1, headroom: 0, replicas: 0 });
    expect(bare.totalBytes).toBe(bare.usedBytes);
    const roomy = planSize(load, { fragmentation: 1.2, headroom: 0.4, replicas: 2 });
    expect(roomy.serverBytes / bare.usedBytes).toBeCloseTo(2, 5);
    expect(roomy.totalBytes).toBe(roomy.serverBytes * 3);
  });

  it("names the smallest size of each service that holds it, and none where none does", () => {
    expect(nodesFor(2 * 1024 ** 3).map(({ name }) => name)).toEqual(["cache.t4g.medium", "db.t4g.medium", "2.5 GB"]);
    expect(nodesFor(1e15)).toEqual([]);
  });
});

describe("the role of a key", () => {
  it.each([
    ["{marrow:acme}:cache:chat:entry:x", "cache"],
    ["{marrow:acme:ada}:memory:chat:session:1:log", "memory"],
    ["{marrow:queue:work}:queue:job:1", "queue"],
    ["{marrow}:gateway:keys", "gateway"],
    ["marrow:vectors:float32.256.cosine.hnsw", "vectors"],
    ["{marrow2:acme}:cache:chat:entry:x", "other"],
    ["{%zz:acme}:cache", "other"],
    ["bull:work:id", "other"],
    ["", "other"],
  ])("of %s is %s", (key, role) => {
    expect(roleOf(key, "marrow")).toBe(role);
  });
});
