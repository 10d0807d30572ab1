import { describe, expect, it } from "vitest";
import { mayEvictAnything, toServerFacts, warningsOf } from "./server-facts.ts";

const INFO = [
  "# Server",
  "redis_version:8.0.2",
  "used_memory:950",
  "maxmemory:1000",
  "maxmemory_policy:allkeys-lru",
  "rdb_last_bgsave_status:err",
  "aof_enabled:0",
  "aof_last_write_status:ok",
  "evicted_keys:7",
  "role:slave",
].join("\r\n");

describe("what a server says of itself", () => {
  it("is read from INFO where CONFIG is forbidden", () => {
    expect(toServerFacts(INFO, [])).toEqual({
      role: "replica",
      policy: "allkeys-lru",
      memoryBytesMax: 1_000,
      memoryBytes: 950,
      evictedKeys: 7,
      aof: false,
      snapshots: undefined,
      savingFailed: true,
    });
  });

  it("is nothing, and no warning, for a user who may ask neither", () => {
    const facts = toServerFacts("", []);
    expect(new Set(Object.values(facts))).toEqual(new Set([undefined]));
    expect([warningsOf(facts), mayEvictAnything(facts)]).toEqual([[], undefined]);
  });

  it("gives a warning for each thing that an operator should mend", () => {
    const said = warningsOf(toServerFacts(INFO, ["save", "", "appendonly", "no"])).join("\n");
    for (const part of ["read-only replica", "allkeys-lru (7 evicted", "MISCONF", "95 %", "nothing on disk"])
      expect(said).toContain(part);
  });

  it("is silent about a server that is set up well", () => {
    const config = ["maxmemory-policy", "noeviction", "maxmemory", "0", "save", "3600 1", "appendonly", "yes"];
    const facts = toServerFacts("role:master\r\nrdb_last_bgsave_status:ok\r\n", config);
    expect([warningsOf(facts), mayEvictAnything(facts)]).toEqual([[], false]);
  });
});
