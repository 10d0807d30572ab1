import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { unpackedBytesOf } from "./zstd-size.ts";

const frame = (descriptor: number, ...rest: number[]) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest]);

describe("the size of a zstd frame", () => {
  it.each([0, 1, 255, 256, 257, 65_791, 65_792, 5_000_000])("is told by its header: %i bytes", (bytes) => {
    expect(unpackedBytesOf(zstdCompressSync(Buffer.alloc(bytes)))).toBe(bytes);
  });

  it.each([
    ["one byte", frame(0b0010_0000, 200), 200],
    ["two bytes behind a window and a dictionary", frame(0b0100_0001, 0, 0, 1, 1), 513],
    ["eight bytes", frame(0b1110_0000, 0, 0, 0, 0, 1, 0, 0, 0), 2 ** 32],
    ["no size", frame(0b0000_0000, 0), undefined],
    ["a header that is cut off", frame(0b1010_0000, 1, 2), undefined],
    ["no frame", Buffer.from("not a frame"), undefined],
    ["nothing", Buffer.alloc(0), undefined],
  ])("is read from %s", (_, bytes, size) => {
    expect(unpackedBytesOf(bytes)).toBe(size);
  });
});
