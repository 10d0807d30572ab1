import { describe, expect, it } from "vitest";
import { decodeInTurns } from "./decoded-text.ts";

describe("long UTF-8 that is decoded in turns", () => {
  it("is the text that it is at once, whatever lies where it is cut", async () => {
    for (const text of ["", "short", "é😀水".repeat(30_000), `x${"😀".repeat(40_000)}`]) {
      const { pieces } = await decodeInTurns(Buffer.from(text));
      expect(pieces.join("")).toBe(text);
      expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
    }
    const broken = Buffer.concat([Buffer.alloc(40_000, "x"), Buffer.from([0xf0, 0x9f])]);
    expect(String(await decodeInTurns(broken))).toBe(broken.toString("utf8"));
  });
});
