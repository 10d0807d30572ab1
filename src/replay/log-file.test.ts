import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { openLog } from "./log-file.ts";

const directory = mkdtempSync(join(tmpdir(), "marrow-log-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const records = [
  { prompt: 'A brace { in a "text" \\', n: 1 },
  { prompt: "ä\n}", nested: { deep: [{}] } },
];
const lines = records.map((one) => JSON.stringify(one)).join("\n");

async function opened(content: string | Buffer) {
  const file = join(directory, "log");
  writeFileSync(file, content);
  const { path, looks } = await openLog(file, join(directory, "unpacked"));
  const read = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return { looks, isSame: path === file, read: () => read.map((line) => JSON.parse(line) as unknown) };
}

describe("a log", () => {
  it.each([
    ["a JSON array", JSON.stringify(records)],
    ["a JSON array", JSON.stringify(records, null, 2).replaceAll("\n", "\r\n")],
    ["JSON over several lines", records.map((one) => JSON.stringify(one, null, 2)).join("\n")],
    ["text in UTF-16", Buffer.from(`\uFEFF${lines}`, "utf16le")],
    ["text in UTF-16", Buffer.from(lines, "utf16le").swap16()],
    ["a file of lines packed by gzip", gzipSync(lines)],
    ["a JSON array packed by gzip", gzipSync(JSON.stringify(records))],
  ])("that is %s is read", async (looks, content) => {
    const log = await opened(content);
    expect([log.looks, log.isSame, log.read()]).toEqual([looks, false, records]);
  });

  it.each([
    ["a file of lines", lines],
    ["a file of lines", `\uFEFF${lines}`],
    ["empty", ""],
    ["a table such as CSV, which is not read (export JSONL)", 'id,"input"\n1,x\n'],
    ["a Parquet file, which is not read (export JSONL)", "PAR1\u0015\u0004"],
    ["a zip archive, which is not read (unpack it)", "PK\u0003\u0004x"],
  ])("that is %s stays where it is", async (looks, content) => {
    expect(await opened(content)).toMatchObject({ looks, isSame: true });
  });

  it("that is cut within its gzip says so", async () => {
    await expect(opened(gzipSync(lines.repeat(5_000)).subarray(0, 90))).rejects.toMatchObject({
      code: "invalid_option",
      details: { path: "log" },
    });
  });
});
