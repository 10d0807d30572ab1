import { describe, expect, it } from "vitest";
import type { StreamPart } from "../models/index.ts";
import { createLeaving } from "./leaving.ts";
import { createRecordings } from "./recordings.ts";
import { relay } from "./relaying.ts";

describe("a stream that breaks on its way to the client, and not at the model", () => {
  it("ends the model's call, so that it holds no place of its upstream", async () => {
    const leaving = createLeaving({
      wanted: "cache",
      onLeft: () => ({ isFree: Promise.resolve(true), end: () => {} }),
      drainMs: 60_000,
    });
    const nothing = async () => {};
    const stream = relay({
      model: "m",
      parts: { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: PART }) }) },
      lead: undefined,
      leaving,
      recordings: createRecordings(),
      needsWhole: false,
      isOwn: () => false,
      shown: () => {
        throw new Error("cannot be shown");
      },
      finish: nothing,
      keepPartial: nothing,
      keepShed: nothing,
      spend: () => {},
    });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow("cannot be shown");
    expect(leaving.signal.aborted).toBe(true);
  });
});

describe("many streams whose models are quicker than they can be read", () => {
  it("share the time of a turn of the event loop, and each goes on in turn", async () => {
    const [STREAMS, PARTS] = [20, 10];
    const nothing = async () => {};
    let turns = 0;
    let going = true;
    const count = () => {
      turns += 1;
      if (going) setImmediate(count);
    };
    setImmediate(count);
    const ended = Array.from({ length: STREAMS }, async () => {
      let left = PARTS;
      const next = async (): Promise<IteratorResult<StreamPart, undefined>> => {
        if (left === 0) return { done: true, value: undefined };
        const end = performance.now() + 1;
        while (performance.now() < end);
        left -= 1;
        return { done: false, value: { ...PART, bytes: new Uint8Array(1), done: left === 0 } };
      };
      const stream = relay({
        model: "m",
        parts: { [Symbol.asyncIterator]: () => ({ next }) },
        lead: undefined,
        leaving: createLeaving({
          wanted: undefined,
          onLeft: () => ({ isFree: Promise.resolve(true), end: () => {} }),
          drainMs: 60_000,
        }),
        recordings: createRecordings(),
        needsWhole: true,
        isOwn: () => false,
        shown: ({ bytes }) => bytes,
        finish: nothing,
        keepPartial: nothing,
        keepShed: nothing,
        spend: () => {},
      });
      let bytes = 0;
      for await (const piece of stream) bytes += piece.length;
      return bytes;
    });
    expect(await Promise.all(ended)).toEqual(Array.from({ length: STREAMS }, () => PARTS));
    going = false;
    // 200 ms of work, of which one turn does about five.
    expect(turns).toBeGreaterThan(20);
  });
});

const PART: StreamPart = { bytes: new Uint8Array(0), chunks: [], done: false };
