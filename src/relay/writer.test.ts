import { expect, test } from "vitest";
import { MarrowError } from "../errors.ts";
import { createWriter } from "./writer.ts";

test("an output that lost parts while it was away is written from there on, whole", async () => {
  const tries: [number, string[]][] = [];
  const append = async (from: number, parts: readonly string[]) => {
    tries.push([from, [...parts]]);
    if (tries.length === 2) throw new MarrowError("unavailable", "away");
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

test("what is no text is refused at once by its name, and nothing of it is written", async () => {
  const written: string[] = [];
  const append = async (_: number, parts: readonly string[]) => (written.push(...parts), "running");
  const writer = createWriter(
    append,
    () => {},
    () => {},
  );
  for (const text of [undefined, null, {}, 7, Buffer.from("a")])
    expect(() => writer.write(text as string)).toThrow(/^text must be a text, got /);
  expect(() => writer.write("x".repeat(8_388_609))).toThrow(/^text must be a text of at most 8388608 characters/);
  writer.write("a");
  await writer.settle();
  expect(written).toEqual(["a"]);
});

test("a part that Redis will never take is told once, and is not tried for ever", async () => {
  let tries = 0;
  const append = async () => {
    tries += 1;
    throw new MarrowError("redis_rejected", "WRONGTYPE");
  };
  const writer = createWriter(
    append,
    () => {},
    () => {},
  );
  writer.write("a");
  await expect(writer.settle()).rejects.toMatchObject({ code: "redis_rejected" });
  await expect(writer.settle()).rejects.toMatchObject({ code: "redis_rejected" });
  expect(tries).toBe(1);
});

test("large parts go to Redis few at a time", async () => {
  const sizes: number[] = [];
  const append = async (_: number, parts: readonly string[]) => (sizes.push(parts.length), "running");
  const writer = createWriter(
    append,
    () => {},
    () => {},
  );
  for (let at = 0; at < 10; at += 1) writer.write("x".repeat(1_500_000));
  await writer.settle();
  expect(sizes).toEqual([3, 3, 3, 1]);
});
