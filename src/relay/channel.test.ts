import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { createChannel } from "./channel.ts";

async function readAll<T>(parts: AsyncGenerator<T, unknown>): Promise<readonly [T[], unknown]> {
  const all: T[] = [];
  for (;;) {
    const { done, value } = await parts.next();
    if (done === true) return [all, value];
    all.push(value);
  }
}

describe("a channel", () => {
  it("gives every reader every part in order, whenever the reader comes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer(), { maxLength: 20 }), fc.nat(20), async (parts, late) => {
        const channel = createChannel<number>();
        const readers = [readAll(channel.read())];
        for (const [at, part] of parts.entries()) {
          if (at === late) readers.push(readAll(channel.read()));
          channel.add(part);
          if (at % 3 === 0) await Promise.resolve();
        }
        channel.end({ kind: "whole" });
        readers.push(readAll(channel.read()));
        for (const [read, outcome] of await Promise.all(readers)) {
          expect(read).toEqual(parts);
          expect(outcome).toEqual({ kind: "whole" });
        }
      }),
    );
  });

  it("takes nothing after its end, and only the first end counts", async () => {
    const channel = createChannel<number>();
    channel.add(1);
    channel.end({ kind: "left" });
    channel.add(2);
    channel.end({ kind: "whole" });
    expect(await readAll(channel.read())).toEqual([[1], { kind: "left" }]);
  });

  it("lets a reader go at once when its signal says so, and no other", async () => {
    const channel = createChannel<number>();
    const leaving = new AbortController();
    const [gone, stays] = [readAll(channel.read(leaving.signal)), readAll(channel.read())];
    await Promise.resolve();
    leaving.abort(new Error("gone"));
    await expect(gone).rejects.toThrow("gone");
    expect(channel.followers).toBe(1);
    channel.add(1);
    channel.end({ kind: "whole" });
    expect(await stays).toEqual([[1], { kind: "whole" }]);
  });
});
