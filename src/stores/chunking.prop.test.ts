import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, resolveChunking, toText } from "./chunking.ts";

const tokensOf = (text: string) => text.match(/\p{L}{1,6}|\p{N}{1,3}|[^\s\p{L}\p{N}]/gu)?.length ?? 0;
const paragraph = fc
  .array(fc.constantFrom("The", "quick", "brown", "fox", "jumps", "über", "日本語", "42", "—", "🎉"), {
    minLength: 1,
    maxLength: 80,
  })
  .map((words) => words.join(" "));

describe("cutting a text", () => {
  it("loses no word, keeps to the size, and overlaps no more than it may", () => {
    fc.assert(
      fc.property(fc.array(paragraph, { maxLength: 12 }), fc.integer({ min: 0, max: 50 }), (paragraphs, overlap) => {
        const text = paragraphs.join("\n\n");
        const chunks = cut(text, resolveChunking({ maxTokens: 100, overlapTokens: overlap }));
        expect(chunks.every((chunk) => tokensOf(chunk) <= 100)).toBe(true);
        const words = new Set(chunks.flatMap((chunk) => chunk.split(/\s+/)));
        for (const word of text.split(/\s+/).filter((one) => one !== "")) expect(words.has(word)).toBe(true);
        const total = chunks.reduce((sum, chunk) => sum + tokensOf(chunk), 0);
        expect(total).toBeLessThanOrEqual(tokensOf(text) + Math.max(0, chunks.length - 1) * overlap);
      }),
    );
  });

  it("puts a bound on the characters of a chunk, however far its words are apart", () => {
    const chunks = cut(`x${" ".repeat(1_000)}`.repeat(1_000), resolveChunking());
    expect(chunks.every((chunk) => chunk.length <= 65_536)).toBe(true);
    expect(chunks.join("").replaceAll(" ", "").length).toBe(1_000);
  });

  it("gives nothing for nothing", () => {
    expect([cut("", resolveChunking()), cut(" \n\n ", resolveChunking())]).toEqual([[], []]);
  });

  it.each([
    [{ maxTokens: 99 }, "max_chunk_size_tokens"],
    [{ maxTokens: 5_000 }, "max_chunk_size_tokens"],
    [{ maxTokens: 100, overlapTokens: 51 }, "chunk_overlap_tokens"],
  ])("%j is refused", (chunking, path) => {
    expect(() => resolveChunking(chunking)).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path } }),
    );
  });
});

describe("a file's bytes", () => {
  it.each([[Buffer.from([0xff, 0xfe])], [Buffer.from("a\0b")]])("that are no text are refused", (bytes) => {
    expect(() => toText(bytes)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
  it("that are text are read, without a byte order mark", () => {
    expect(toText(Buffer.from("\uFEFFüber"))).toBe("über");
  });
});
