import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { openOutlet } from "./outlet.ts";

/** An answer whose reader takes what it is told to take. */
function answerTo(reader: { slow: boolean }) {
  const written: unknown[] = [];
  const raw = Object.assign(new EventEmitter(), {
    destroyed: false,
    write: (bytes: unknown) => written.push(bytes) > 0 && !reader.slow,
    end: () => written.push("end"),
  });
  return { raw: raw as unknown as ServerResponse, written };
}

test("who writes waits for a slow reader, and so does whoever else writes meanwhile", async () => {
  const reader = { slow: false };
  const { raw, written } = answerTo(reader);
  const outlet = openOutlet(raw, () => expect.unreachable());
  expect(outlet.write("a")).toBeUndefined();
  reader.slow = true;
  const waiting = ["b", "c"].map(async (bytes) => outlet.write(bytes));
  let over = false;
  const both = Promise.all(waiting).then(() => (over = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(over).toBe(false);
  raw.emit("drain");
  await both;
  outlet.end();
  // What is closed at its end is not left.
  raw.emit("close");
  expect(written).toEqual(["a", "b", "c", "end"]);
});

test("who left is told once, holds up nobody and gets nothing more", async () => {
  const { raw, written } = answerTo({ slow: true });
  let left = 0;
  const outlet = openOutlet(raw, () => void (left += 1));
  const waiting = outlet.write("a");
  raw.emit("close");
  await waiting;
  expect([outlet.gone, outlet.write("b"), left]).toEqual([true, undefined, 1]);
  outlet.end();
  expect(written).toEqual(["a"]);
  openOutlet(Object.assign(raw, { destroyed: true }), () => void (left += 1));
  expect(left).toBe(2);
});
