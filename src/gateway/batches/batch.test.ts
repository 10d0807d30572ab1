import { describe, expect, it } from "vitest";
import { LINES_MAX, readLines as readBytes } from "./batch.ts";

const BOUNDS = { bodyBytesMax: 100_000, json: { valuesMax: 1_000, depthMax: 50 } };
const readLines = (text: string | Buffer, endpoint: string, bounds: typeof BOUNDS) =>
  readBytes("tests", Buffer.from(text), endpoint, bounds);
const ENDPOINT = "/v1/chat/completions";
const line = (name: string, more: object = {}) =>
  JSON.stringify({ custom_id: name, method: "POST", url: ENDPOINT, body: { model: "m" }, ...more });

describe("the lines of a batch", () => {
  it("are read in their order, empty ones passed over", async () => {
    const { lines, errors } = await readLines(`${line("a")}\n\n  \n${line("b")}\r\n`, ENDPOINT, BOUNDS);
    expect(lines.map(({ custom_id: name }) => name)).toEqual(["a", "b"]);
    expect(errors).toEqual([]);
  });

  it.each([
    ["", "empty_file", 1],
    ["[]", "invalid_line", 1],
    [line("a", { method: "GET" }), "invalid_line", 1],
    [`${line("a")}\n${line("a")}`, "duplicate_custom_id", 2],
    [line("a", { url: "/v1/files" }), "mismatched_url", 1],
    [line("a", { body: { model: "m", background: true } }), "invalid_request", 1],
    [line("", {}), "invalid_line", 1],
    // White space is what JSON knows as such.
    [`${line("a")}\n\u00a0\u00a0\n \t\r\n`, "invalid_line", 2],
    [`${line("a")}\n\u3000`, "invalid_line", 2],
    [`\ufeff${line("a")}`, "invalid_line", 1],
    [
      `${line("a")}\n{"custom_id":"b","method":"POST","url":"${ENDPOINT}","body":{"model":"m","model":"n"}}`,
      "invalid_line",
      2,
    ],
    [Buffer.concat([Buffer.from(`${line("a")}\n"`), Buffer.from([0xff])]), "invalid_encoding", 2],
  ])("are refused by number when they are wrong: %s", async (text, code, number) => {
    expect((await readLines(text, ENDPOINT, BOUNDS)).errors).toMatchObject([{ code, line: number }]);
  });

  it("are bounded, and so is what is said of them", async () => {
    const many = Array.from({ length: LINES_MAX + 1 }, (_, n) => line(`n${n}`)).join("\n");
    expect((await readLines(many, ENDPOINT, BOUNDS)).errors).toMatchObject([{ code: "too_many_lines" }]);
    expect((await readLines(Array.from({ length: 500 }, () => "{").join("\n"), ENDPOINT, BOUNDS)).errors).toHaveLength(
      100,
    );
  });

  it.each([
    [
      "fields",
      `{"custom_id":"x","method":"POST","url":"${ENDPOINT}","body":{${Array.from({ length: 1_200 }, (_, n) => `"k${n}":1`).join(",")}}}`,
      "values",
    ],
    [
      "depth",
      `{"custom_id":"x","method":"POST","url":"${ENDPOINT}","body":${"[".repeat(90)}${"]".repeat(90)}}`,
      "deep",
    ],
    ["bytes", `{"custom_id":"x","method":"POST","url":"${ENDPOINT}","body":{"a":"${"x".repeat(100_000)}"}}`, "bytes"],
  ])("bounds the %s of a line as those of a request of its own", async (_, text, word) => {
    const { errors } = await readLines(`${line("a")}\n${text}`, ENDPOINT, BOUNDS);
    expect(errors).toMatchObject([{ code: "invalid_line", line: 2, message: expect.stringContaining(word) as string }]);
  });
});
