import { expect, test } from "vitest";
import { createWriter } from "./writer.ts";

test("an output that lost parts while it was away is written from there on, whole", async () => {
  const tries: [number, string[]][] = [];
  const append = async (from: number, parts: readonly string[]) => {
    tries.push([from, [...parts]]);
    if (tries.length === 2) throw new Error("away");
    return "running";
  };
  const errors: unknown[] = [];
  const writer = createWriter(
    append,
    () => {},
    (error) => {
      errors.push(error);
      writer.recheck();
      writer.write("c");
    },
  );
  writer.write("a");
  await writer.settle();
  writer.write("b");
  await writer.settle();
  expect(tries).toEqual([
    [0, ["a"]],
    [1, ["b"]],
    [0, ["a", "b", "c"]],
  ]);
  expect(errors).toHaveLength(1);
});
