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

  it("counts until it is no longer in use, and is not shed once it is complete: what still grows is", () => {
    const shed: string[] = [];
    const recordings = createRecordings({ bytesMax: 1_000 });
    const open = (name: string) => recordings.open(() => shed.push(name));
    const [ended, growing] = [open("complete"), open("growing")];
    ended.add(700);
    ended.complete();
    growing.add(200);
    expect([recordings.bytes, shed]).toEqual([900, []]);
    growing.add(200);
    expect([recordings.bytes, shed]).toEqual([700, ["growing"]]);
    ended.close();
    expect(recordings.bytes).toBe(0);
    open("next").add(900);
    expect(shed).toEqual(["growing"]);
  });

  it("counts what all followers of a flight read once, until the last of them is done", () => {
    const recordings = createRecordings({ bytesMax: 1_000 });
    const [flight, other] = [{}, {}];
    const [quick, slow, third] = [flight, flight, other].map((one) =>
      recordings.follow(one, () => expect.unreachable()),
    );
    quick?.add(300);
    quick?.add(100);
    slow?.add(300);
    third?.add(50);
    expect(recordings.bytes).toBe(450);
    quick?.close();
    slow?.add(200);
    expect(recordings.bytes).toBe(550);
    slow?.close();
    slow?.close();
    third?.close();
    expect(recordings.bytes).toBe(0);
  });

  it("sheds what the followers of a flight record, of each of them, before what their leader records", () => {
    const shed: string[] = [];
    const recordings = createRecordings({ bytesMax: 1_000 });
    const flight = {};
    const leader = recordings.open(() => shed.push("leader"));
    const [first, second] = ["first", "second"].map((name) => recordings.follow(flight, () => shed.push(name)));
    leader.add(550);
    first?.add(300);
    second?.add(500);
    expect([recordings.bytes, shed]).toEqual([550, ["first", "second"]]);
    second?.add(600);
    expect(recordings.bytes).toBe(550);
    // Who joins later is recorded anew.
    recordings.follow(flight, () => shed.push("third")).add(300);
    first?.close();
    expect([recordings.bytes, shed]).toEqual([850, ["first", "second"]]);
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

  it("lets another one grow if the one that may hardly does, because its model or its reader is slow", () => {
    vi.useFakeTimers();
    try {
      const { told, open } = complete();
      const [first, second] = [open("first"), open("second")];
      for (const one of [first, second]) one.add(1_500);
      expect([first, second].map((one) => one.hasRoom())).toEqual([true, false]);
      first.add(3);
      vi.advanceTimersByTime(5_000);
      expect(second.hasRoom()).toBe(false);
      first.add(1);
      vi.advanceTimersByTime(5_000);
      expect(told.at(-1)).toBe("second");
      expect([first, second].map((one) => one.hasRoom())).toEqual([false, true]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("lets go the largest of the scope that has most: the recordings of others go on, however many one has", () => {
    const shed: string[] = [];
    const recordings = createRecordings({ bytesMax: 1_000 });
    const add = (scope: string, name: string, bytes: number) =>
      recordings
        .of(scope)
        .open(() => shed.push(name))
        .add(bytes);
    add("b", "b", 300);
    for (let nth = 0; nth < 10; nth += 1) add("a", `a${nth}`, 100 + nth);
    expect(shed.every((name) => name.startsWith("a"))).toBe(true);
    expect(shed.length).toBeGreaterThan(2);
  });

  /** The same as `complete`, of scopes. */
  function scoped() {
    const recordings = createRecordings({ bytesMax: 10_240 });
    return (scope: string, onRoom: () => void = () => {}) =>
      recordings.of(scope).open(() => expect.unreachable(), onRoom);
  }

  it("gives each scope its share, and a turn beyond: those that wait in one keep nobody of another waiting", () => {
    const open = scoped();
    const slow = Array.from({ length: 30 }, () => open("a"));
    for (const one of slow) one.add(100);
    expect(slow.map((one) => one.hasRoom())).toEqual([true, ...Array.from({ length: 29 }, () => false)]);
    const [first, second] = [open("b"), open("b")];
    first.add(600);
    second.add(600);
    expect([first, second].map((one) => one.hasRoom())).toEqual([true, true]);
    second.add(200);
    expect([first, second].map((one) => one.hasRoom())).toEqual([true, false]);
  });

  it("grows beyond the shares in two scopes at once; slow ones let the next scope", () => {
    vi.useFakeTimers();
    try {
      const open = scoped();
      const told: string[] = [];
      const each = ["a", "b", "c", "d", "e", "f"].map((name) => open(name, () => told.push(name)));
      for (const one of each) one.add(600);
      expect(each.map((one) => one.hasRoom())).toEqual([true, true, false, false, false, false]);
      each[0]?.add(3);
      vi.advanceTimersByTime(2_000);
      each[0]?.add(3);
      vi.advanceTimersByTime(3_000);
      expect(each.map((one) => one.hasRoom())).toEqual([true, false, true, false, false, false]);
      expect(told).toEqual(["a", "c"]);
    } finally {
      vi.useRealTimers();
    }
  });
});
