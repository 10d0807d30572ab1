import { expect, it } from "vitest";
import { dropOldest } from "./drop-oldest.ts";

it("the entries that were put in first go, until there are as many as may be", () => {
  const entries = new Map(["a", "b", "c", "d"].map((key) => [key, 1]));
  dropOldest(entries, 2);
  expect([...entries.keys()]).toEqual(["c", "d"]);
  dropOldest(entries, 2);
  expect(entries.size).toBe(2);
  const names = new Set(["a", "b"]);
  dropOldest(names, 1);
  expect([...names]).toEqual(["b"]);
});
