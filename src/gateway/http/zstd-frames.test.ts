import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameCutter } from "./zstd-frames.ts";

const skippable = Buffer.from([0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
const empty = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
const frame = fc.tuple(fc.string({ maxLength: 400 }), fc.nat(300), fc.boolean()).map(([text, times, isChecked]) =>
  zstdCompressSync(Buffer.from(text.repeat(times)), {
    params: { [constants.ZSTD_c_checksumFlag]: isChecked ? 1 : 0 },
  }),
);

describe("a zstd stream", () => {
  it("is cut at the ends of its frames, however its pieces come", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(frame, fc.constant(skippable), fc.constant(empty)), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 200 }),
        (frames, pieceBytes) => {
          const whole = Buffer.concat(frames);
          const cut = createFrameCutter();
          const pieces: Buffer[] = [];
          for (let at = 0; at < whole.length; at += pieceBytes)
            pieces.push(...cut(whole.subarray(at, at + pieceBytes)));
          expect(Buffer.concat(pieces).equals(whole)).toBe(true);
          const ends = new Set<number>();
          let sum = 0;
          for (const { length } of pieces) ends.add((sum += length));
          let end = 0;
          for (const { length } of frames) expect(ends.has((end += length))).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("has 1,024 frames at most, and more of them are refused", () => {
    const many = (length: number) => Buffer.concat(Array.from({ length }, () => empty));
    expect(createFrameCutter()(many(1_024))).toHaveLength(1_024);
    expect(() => createFrameCutter()(many(1_025))).toThrow(/more than 1024 zstd frames/);
    const cut = createFrameCutter();
    cut(many(1_024));
    expect(() => cut(Buffer.from([0]))).toThrow(expect.objectContaining({ code: "too_large" }));
  });

  it("comes as it is where it is none", () => {
    const rubbish = Buffer.from("no frame at all, but long enough to be one");
    expect(createFrameCutter()(rubbish)).toEqual([rubbish]);
  });
});
