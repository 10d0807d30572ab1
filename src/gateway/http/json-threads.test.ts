import { describe, expect, it } from "vitest";
import { fill } from "../../internal/exact-json.ts";
import { isSlowToRead, readJsonInThread } from "./json-threads.ts";
import { readJson } from "./json.ts";

const budget = { valuesMax: 10_000, depthMax: 100 };
const code = '  const name = "value";\n\tif (name) {\n'.repeat(20_000);

describe("a large body", () => {
  it("is read in a thread where it has many escapes, and at once where it has few: a picture of 2 MB", () => {
    const bodyOf = (content: unknown) => Buffer.from(JSON.stringify({ messages: [{ role: "user", content }] }));
    expect(isSlowToRead(bodyOf(code))).toBe(true);
    expect(isSlowToRead(bodyOf(`data:image/png;base64,${"QUJD".repeat(700_000)}`))).toBe(false);
    expect(isSlowToRead(bodyOf(code.slice(0, 50_000)))).toBe(false);
  });

  it("means the same in a thread", async () => {
    const body = Buffer.from(
      `{"text":${JSON.stringify(code)},"n":[1,null,true,"é😀\\ud800"],"id":12345678901234567890}`,
    );
    const read = fill(await readJsonInThread("tests", body, budget));
    expect(read).toEqual(readJson(body));
    expect(JSON.stringify(read)).toContain('"id":12345678901234567890');
  });

  it.each([
    [
      "a field that stands twice",
      `{"a":1,"a":2,"text":${JSON.stringify(code)}}`,
      { code: "invalid_input", details: { path: "a" } },
    ],
    ["what is no JSON", `{"text":${JSON.stringify(code)}`, { code: "invalid_input" }],
    [
      "too many levels",
      `${"[".repeat(200)}${JSON.stringify(code)}`,
      { code: "too_large", details: { path: "body", depthMax: 100 } },
    ],
  ])("is refused in a thread in the same words: %s", async (_, text, error) => {
    await expect(readJsonInThread("tests", Buffer.from(text), budget)).rejects.toMatchObject(error);
  });
});
