import { describe, expect, it } from "vitest";
import { cutFile } from "./chunk-pool.ts";
import { cut, resolveChunking } from "./chunking.ts";

const chunking = resolveChunking();
const chunksMax = 20_000;
const large = "A line of words, with numbers 123 and dots.\n\n".repeat(2_000);

describe("cutting a file", () => {
  it.each([
    ["small", large.slice(0, 5_000)],
    ["large, in a worker thread", large],
    ["large and begun by a byte order mark", `\uFEFF${large}`],
  ])("makes the same chunks of a file that is %s", async (_, text) => {
    const chunks = await cutFile("tests", { bytes: Buffer.from(text), chunking, chunksMax });
    expect(Array.from({ length: chunks.count }, (__, at) => chunks.text(at))).toEqual(
      cut(text.replace("\uFEFF", ""), chunking),
    );
  });

  it("leaves the event loop to others meanwhile", async () => {
    let turns = 0;
    const others = setInterval(() => (turns += 1), 1);
    await cutFile("tests", { bytes: Buffer.from("a,b,\n".repeat(800_000)), chunking, chunksMax });
    clearInterval(others);
    expect(turns).toBeGreaterThan(10);
  });

  it("refuses a file that is no text, in a thread as at once", async () => {
    for (const bytes of [Buffer.from([0xff]), Buffer.alloc(100_000, 0xff)])
      await expect(cutFile("tests", { bytes, chunking, chunksMax })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("refuses more chunks than a file may have", async () => {
    const bytes = Buffer.from(large);
    await expect(cutFile("tests", { bytes, chunking, chunksMax: 3 })).rejects.toMatchObject({ code: "too_large" });
  });

  it("ends when its caller gives up", async () => {
    const bytes = Buffer.from(large.repeat(20));
    await expect(cutFile("tests", { bytes, chunking, chunksMax }, AbortSignal.timeout(1))).rejects.toMatchObject({
      code: "aborted",
    });
  });

  it("refuses files beyond those that may wait", async () => {
    const bytes = Buffer.from(large);
    const all = await Promise.allSettled(
      Array.from({ length: 80 }, () => cutFile("tests", { bytes, chunking, chunksMax })),
    );
    const refused = all.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every((one) => (one as PromiseRejectedResult).reason.code === "rate_limited")).toBe(true);
  });
});
