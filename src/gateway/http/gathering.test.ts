import { expect, test } from "vitest";
import { createGathering } from "./gathering.ts";

test("pieces of any length are the same bytes in their order", () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) % 251));
  const gathering = createGathering();
  const lengths = [1, 2, 4_095, 4_096, 1, 70_000, 3];
  for (let [at, nth] = [0, 0]; at < bytes.length; nth += 1) {
    const end = at + (lengths[nth % lengths.length] as number);
    gathering.add(bytes.subarray(at, end));
    at = end;
  }
  expect(Buffer.concat(gathering.pieces()).equals(bytes)).toBe(true);
});

test("a body in chunks of one byte is few pieces", () => {
  const gathering = createGathering();
  for (let at = 0; at < 1_000_000; at += 1) gathering.add(Buffer.of(at % 256));
  expect(gathering.pieces().length).toBeLessThan(4_000);
});
