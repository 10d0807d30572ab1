import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readLines, type Line } from "./lines.ts";

const directory = mkdtempSync(join(tmpdir(), "marrow-lines-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function read(content: string | Buffer, from = { offset: 0, lines: 0 }, most?: number): Promise<Line[]> {
  const file = join(directory, "log.jsonl");
  writeFileSync(file, content);
  const lines: Line[] = [];
  for await (const line of readLines(file, from, most)) lines.push(line);
  return lines;
}

describe("lines of a log", () => {
  it("are numbered, whole over chunks, with or without an end of the last one", async () => {
    const long = "é".repeat(300_000);
    const lines = await read(`a\n\n${long}\nlast`);
    expect(lines.map(({ number, text }) => [number, text?.length])).toEqual([
      [1, 1],
      [2, 0],
      [3, 300_000],
      [4, 4],
    ]);
    expect(lines[2]?.text).toBe(long);
    expect(await read("a\nb\n")).toHaveLength(2);
    expect(await read("")).toEqual([]);
  });

  it("can be read from where an earlier reading ended", async () => {
    const content = "first\nsecond\nthird\n";
    const [first] = await read(content);
    const rest = await read(content, { offset: first?.endsAt ?? 0, lines: 1 });
    expect(rest.map(({ number, text }) => [number, text])).toEqual([
      [2, "second"],
      [3, "third"],
    ]);
  });

  it("beyond the bound are passed over, and cost no memory", async () => {
    const lines = await read(`a\n${"x".repeat(1_000_000)}\nb\n${"y".repeat(101)}`, { offset: 0, lines: 0 }, 100);
    expect(lines.map(({ text }) => text)).toEqual(["a", undefined, "b", undefined]);
  });

  it("of a file that is not there are refused by the name of the flag", async () => {
    await expect(readLines(join(directory, "none"), { offset: 0, lines: 0 }).next()).rejects.toMatchObject({
      code: "invalid_option",
      details: { path: "log" },
    });
  });
});
