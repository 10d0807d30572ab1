import { describe, expect, it } from "vitest";
import { createShards } from "./shards.ts";
import { slotOf } from "./slots.ts";

describe("the slot of a key", () => {
  // By CLUSTER KEYSLOT of a server.
  it.each([
    ["foo", 12_182],
    ["{a:b}:c", 2_785],
    ["{}x", 10_595],
    ["a{b", 13_340],
    ["é{ü}z", 9_552],
    ["x{y}{z}", 12_222],
    ["}{a}", 15_495],
  ])("%s is the server's", (key, slot) => {
    expect(slotOf(key)).toBe(slot);
    expect(slotOf(Buffer.from(key))).toBe(slot);
  });
});

describe("the parts of a cluster", () => {
  const ownerOf = (slot: number) => (slot < 8_000 ? "a:1" : slot < 16_000 ? "b:1" : undefined);

  it("have a key for each master, and one for slots without", () => {
    const found = [...createShards("app", ownerOf).keys()];
    expect(found.map(([owner]) => owner).toSorted()).toEqual(["", "a:1", "b:1"]);
    for (const [owner, key] of found) expect(ownerOf(slotOf(key)) ?? "").toBe(owner);
  });

  it("are where commands go: a master, a slot without one, or any node", () => {
    const { placeOf } = createShards("app", ownerOf);
    expect(placeOf(["GET", "{a:b}:c"])).toBe("a:1");
    expect(placeOf(["EVALSHA", "0".repeat(40), "1", "foo"])).toBe("b:1");
    expect(placeOf(["PING"])).toBe("");
    expect(createShards("app", () => undefined).placeOf(["GET", "foo"])).toBe("slot 12182");
  });

  it("remember a few slots that were not served, by their tag", () => {
    const { unserved, doubtful } = createShards("app", ownerOf);
    for (let nth = 0; nth < 500; nth += 1) unserved(["GET", `{app:s${nth}}:key`]);
    unserved(["GET", "{app:s499}:other"]);
    unserved(["GET", "untagged"]);
    expect(doubtful.size).toBe(64);
    expect([...doubtful].at(-1)).toEqual([slotOf("{app:s499}"), "{app:s499}"]);
  });
});
