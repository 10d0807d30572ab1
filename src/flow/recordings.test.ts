import { describe, expect, it, vi } from "vitest";
import { createRecordings } from "./recordings.ts";

describe("what is recorded of streams", () => {
  it("is bounded over all of them: beyond the bound the largest is let go, and small ones go on", () => {
    const shed: string[] = [];
    const recordings = createRecordings({ bytesMax: 1_000 });
    const open = (name: string) => recordings.open(() => shed.push(name));
    const [small, large, middle] = [open("small"), open("large"), open("middle")];
    small.add(10);
    middle.add(300);
    for (let nth = 0; nth < 100; nth += 1) large.add(100);
    expect(shed).toEqual(["large"]);
    expect(recordings.bytes).toBe(310);
    middle.add(800);
    expect(shed).toEqual(["large", "middle"]);
    small.add(20);
    expect(recordings.bytes).toBe(30);
  });

  it("is given back when a stream ends, and counted once", () => {
    const recordings = createRecordings({ bytesMax: 1_000 });
    const share = recordings.open(() => expect.unreachable());
    share.add(900);
    share.close();
    share.close();
    share.add(900);
    expect(recordings.bytes).toBe(0);
  });

  /** Recordings that must be complete, of a budget of which they may fill 2,560 bytes at once; up to 40 bytes one never waits. */
  function complete() {
    const told: string[] = [];
    const recordings = createRecordings({ bytesMax: 10_240 });
    const open = (name: string) =>
      recordings.open(
        () => expect.unreachable(),
        () => told.push(name),
      );
    return { told, open };
  }

  it("grows one after the other where it must be complete: none of it is shed, and short ones never wait", () => {
    const { told, open } = complete();
    const [first, second, third] = [open("first"), open("second"), open("third")];
    for (const one of [first, second, third]) one.add(850);
    expect([first, second, third].map((one) => one.hasRoom())).toEqual([true, true, true]);
    second.add(800);
    expect([first, second, third].map((one) => one.hasRoom())).toEqual([true, false, false]);
    const short = open("short");
    short.add(40);
    expect(short.hasRoom()).toBe(true);
    first.add(5_000);
    first.close();
    expect(told).toEqual(["second", "third"]);
    expect([second, third].map((one) => one.hasRoom())).toEqual([true, true]);
    third.add(5_000);
    expect([second, third].map((one) => one.hasRoom())).toEqual([true, false]);
    second.close();
    expect(told).toEqual(["second", "third", "third"]);
  });

  it("lets another one grow if the one that may does not, because its model or its reader is slow", () => {
    vi.useFakeTimers();
    try {
      const { told, open } = complete();
      const [first, second] = [open("first"), open("second")];
      for (const one of [first, second]) one.add(1_500);
      expect([first, second].map((one) => one.hasRoom())).toEqual([true, false]);
      first.add(1);
      vi.advanceTimersByTime(5_000);
      expect(second.hasRoom()).toBe(false);
      vi.advanceTimersByTime(5_000);
      expect(told.at(-1)).toBe("second");
      expect([first, second].map((one) => one.hasRoom())).toEqual([false, true]);
    } finally {
      vi.useRealTimers();
    }
  });
});
