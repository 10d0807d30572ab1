import { expect, test } from "vitest";
import { allOf, toFields } from "./index.ts";

test("a pipeline's answers are all there, or the first error is thrown", () => {
  expect(allOf([1, "two", null])).toEqual([1, "two", null]);
  expect(() => allOf([1, new Error("first"), new Error("second")])).toThrow("first");
});

test("fields are found by their names, as text or as bytes", () => {
  expect([...toFields(["a", "1", "b", "2"])]).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
  expect([...toFields([Buffer.from("a"), Buffer.from([255])])]).toEqual([["a", Buffer.from([255])]]);
  expect(toFields([]).size).toBe(0);
});
