import { expect, test } from "vitest";
import { MarrowError } from "../errors.ts";
import { LongText } from "../internal/long-text.ts";
import { createWriter } from "./writer.ts";

test("an output that lost parts while it was away is written from there on, whole", async () => {
  const tries: [number, (string | Uint8Array)[]][] = [];
  const append = async (from: number, parts: readonly (string | Uint8Array)[]) => {
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
  const written: (string | Uint8Array)[] = [];
  const append = async (_: number, parts: readonly (string | Uint8Array)[]) => (written.push(...parts), "running");
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

test("the halves of a character in two texts are one character", async () => {
  const written: (string | Uint8Array)[] = [];
  const append = async (_: number, parts: readonly (string | Uint8Array)[]) => (written.push(...parts), "running");
  const writer = createWriter(
    append,
    () => {},
    () => {},
  );
  for (const text of ["x\ud83d", "\ude00y", "\ud83d", "\ude01", "", "\ud83d", new LongText(["\ude02", "z"]), "\ud83d"])
    writer.write(text);
  expect(writer.count).toBe(5);
  await writer.settle();
  const words = written.map((part) => Buffer.from(part).toString());
  expect(words).toEqual(["x", "😀y", "😁", "", "😂z", "\ufffd"]);
  expect(writer.count).toBe(6);
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
  const append = async (_: number, parts: readonly (string | Uint8Array)[]) => (sizes.push(parts.length), "running");
  const writer = createWriter(
    append,
    () => {},
    () => {},
  );
  for (let at = 0; at < 10; at += 1) writer.write("x".repeat(1_500_000));
  await writer.settle();
  expect(sizes).toEqual([3, 3, 3, 1]);
});

test("a part in pieces is written as the bytes of its text, in its place", async () => {
  const written: string[] = [];
  const append = async (_: number, parts: readonly (string | Uint8Array)[]) => {
    for (const part of parts) written.push(typeof part === "string" ? part : Buffer.from(part).toString());
    return "running";
  };
  const writer = createWriter(
    append,
    () => {},
    () => {},
  );
  const pieces = ["long 😀 ", "text — ".repeat(100_000), "its end"];
  for (const part of ["a", new LongText(pieces), "b"]) writer.write(part);
  expect(() => writer.write(new LongText(["x".repeat(8_000_000), "x".repeat(388_609)]))).toThrow(/at most 8388608/);
  await writer.settle();
  expect(written).toEqual(["a", pieces.join(""), "b"]);
});

/** A writer at a Redis that has `stored` parts, and may lose some. */
function writerAt(stored: (string | Uint8Array)[]) {
  const froms: number[] = [];
  const append = async (from: number, parts: readonly (string | Uint8Array)[]) => {
    froms.push(from);
    if (from > stored.length) return `gap:${stored.length}`;
    stored.push(...parts.slice(stored.length - from));
    return "running";
  };
  const writer = createWriter(
    append,
    () => {},
    () => {},
  );
  return { writer, froms };
}

const MEGABYTE = "x".repeat(1_000_000);

test("of a long output, the last parts alone stay in memory, for a Redis that loses them", async () => {
  const stored: (string | Uint8Array)[] = [];
  const { writer, froms } = writerAt(stored);
  for (let at = 0; at < 10; at += 1) writer.write(MEGABYTE);
  writer.write("last");
  await writer.settle();
  const whole = [...stored];
  stored.length = 10;
  froms.length = 0;
  writer.recheck();
  await writer.settle();
  expect(froms).toEqual([9]);
  expect(stored).toEqual(whole);
  expect(writer.count).toBe(11);
});

test("an output that lost more parts than are in memory fails as one that is made again", async () => {
  const stored: (string | Uint8Array)[] = [];
  const { writer } = writerAt(stored);
  for (let at = 0; at < 10; at += 1) writer.write(MEGABYTE);
  await writer.settle();
  stored.length = 3;
  writer.recheck();
  await expect(writer.settle()).rejects.toMatchObject({ code: "unavailable", retryable: true });
});

test("who writes faster than Redis stores waits for room, and no longer than the output lasts", async () => {
  const storing = Promise.withResolvers<string>();
  const writer = createWriter(
    () => storing.promise,
    () => {},
    () => {},
  );
  for (let at = 0; at < 4; at += 1) writer.write(MEGABYTE);
  expect(writer.room()).toBeUndefined();
  writer.write(MEGABYTE);
  const room = writer.room();
  expect(room).toBeInstanceOf(Promise);
  storing.resolve("running");
  await room;
  expect(writer.room()).toBeUndefined();
  const ended = createWriter(
    () => new Promise(() => {}),
    () => {},
    () => {},
  );
  for (let at = 0; at < 5; at += 1) ended.write(MEGABYTE);
  const waiting = ended.room();
  ended.stop();
  await waiting;
});
