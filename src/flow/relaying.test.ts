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

const PART: StreamPart = { bytes: new Uint8Array(0), chunks: [], done: false };
