import { expect, test } from "vitest";
import { placeOf } from "./place.ts";

test("a name keeps its place for good, and names spread", () => {
  expect(["acme", "globex", "", "ü"].map((name) => placeOf(name, 8))).toEqual([5, 5, 2, 2]);
  expect(placeOf("acme", 1)).toBe(0);
  const places = new Set(Array.from({ length: 200 }, (_, at) => placeOf(`name ${at}`, 8)));
  expect(places.size).toBe(8);
});
