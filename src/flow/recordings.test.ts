import { describe, expect, it } from "vitest";
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
});
