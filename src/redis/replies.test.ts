import { expect, test } from "vitest";
import { allOf, toFields, toStreams } from "./index.ts";

test("a pipeline's answers are all there, or the first error is thrown", () => {
  expect(allOf([1, "two", null])).toEqual([1, "two", null]);
  expect(() => allOf([1, new Error("first"), new Error("second")])).toThrow("first");
});

test("streams are found by their names, told of in pairs or in one list", () => {
  const [entry, other] = [[Buffer.from("1-1"), []] as const, [Buffer.from("2-1"), []] as const];
  const streams = new Map([
    ["a", [entry]],
    ["b", [entry, other]],
  ]);
  expect(toStreams([...streams])).toEqual(streams);
  expect(toStreams([...streams].flat())).toEqual(streams);
  expect(toStreams(null).size).toBe(0);
});

test("fields are found by their names, as text or as bytes", () => {
  expect([...toFields(["a", "1", "b", "2"])]).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
  expect([...toFields([Buffer.from("a"), Buffer.from([255])])]).toEqual([["a", Buffer.from([255])]]);
  expect(toFields([]).size).toBe(0);
});
