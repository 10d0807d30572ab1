import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readForm } from "./form.ts";

const TYPE = "multipart/form-data; boundary=b";
const part = (head: string, body: string) => `--b\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
const file = (body: string) => part('name="file"; filename="a.wav"', body);
const read = (text: string, type = TYPE) => readForm(type, Buffer.from(text, "latin1"));

describe("a form that is handed on", () => {
  it("is read for its model and its user alone, wherever they stand, and can name another model", () => {
    const form = read(
      `${file("model\r\n\r\nx")}${part('name="model"', "whisper")}${part('name="user"', "ada")}--b--\r\n`,
    );
    expect([form.model, form.user, form.files]).toEqual(["whisper", "ada", 1]);
    const other = form.named("deployment-7");
    expect([other.contentType, other.model]).toEqual([TYPE, "deployment-7"]);
    expect(String(other.bytes)).toBe(String(form.bytes).replace("whisper", "deployment-7"));
    expect(read(String(other.bytes)).model).toBe("deployment-7");
    expect(String(other.named("whisper").bytes)).toBe(String(form.bytes));
  });

  it("may name no model, and gets one", () => {
    const form = read(`${file("x")}--b--\r\n`);
    expect([form.model, form.files]).toEqual([undefined, 1]);
    const named = form.named("deployment-7");
    expect(read(String(named.bytes))).toMatchObject({ model: "deployment-7", files: 1 });
    expect(String(named.bytes)).toContain(file("x"));
    expect(read(String(named.named("other").bytes)).model).toBe("other");
  });

  it("may have names of files that look like names of fields", () => {
    const form = read(
      `${part('name="file"; filename="a; name=b; name=\\"model\\""', "x")}${part('name="model"', "m")}--b--`,
    );
    expect([form.model, form.files]).toEqual(["m", 1]);
  });

  it.each([
    ["a file named like a header", part('name="file"; filename="content-disposition: notes.txt"', "x")],
    ["a header whose name ends like another", part('name="file"; filename="a"\r\nX-Content-Disposition: a', "x")],
    ["a backslash that escapes nothing", part('filename="C:\\dir\\"; name="file"', "x")],
    ["a backslash at the end", part('name="file"; filename="C:\\dir\\"', "x")],
    ["an escaped quotation mark", part('name="file"; filename="a\\"b"', "x")],
    ["a boundary's name in quotes", file("x"), `${TYPE}; start-info="boundary=1"`],
    ["a boundary in quotes", file("x"), 'multipart/form-data; boundary="b"'],
  ])("may have %s", (_, other, type = TYPE) => {
    const form = read(`${other}${part('name="model"', "m")}--b--`, type);
    expect([form.model, form.files]).toEqual(["m", 1]);
  });

  it("is read in a time that grows with its size alone, whatever its quotation marks", () => {
    const hostile = part(`name="a"; x=${'\\"'.repeat(4_000)}`, "x").repeat(60);
    const before = process.cpuUsage();
    expect(read(`${hostile}${part('name="model"', "m")}--b--`).model).toBe("m");
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });

  it("may hold any bytes in its files, in any order", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isFirst) => {
        const text = Buffer.from(bytes).toString("latin1");
        fc.pre(!text.includes("--b"));
        const named = part('name="model"', "m");
        expect(read(`${isFirst ? named : ""}${file(text)}${isFirst ? "" : named}--b--`)).toMatchObject({
          model: "m",
          files: 1,
        });
      }),
    );
  });

  it.each([
    ["no boundary", `${file("x")}--b--`, "multipart/form-data"],
    ["another boundary", `${file("x")}--b--`, "multipart/form-data; boundary=c"],
    ["nothing", ""],
    ["an empty model", `${part('name="model"', "")}--b--`],
    ["a model twice", `${part('name="model"', "a")}${part('name="model"', "b")}--b--`],
    ["a name twice in a part", `${part('name="a"; name="model"', "b")}${part('name="model"', "a")}--b--`],
    ["a name in another form besides", `${part(`name="a"; name*=UTF-8''model`, "b")}${part('name="model"', "a")}--b--`],
    [
      "two dispositions in a part",
      `${part('name="a"\r\ncontent-disposition: form-data; name="model"', "b")}${part('name="model"', "a")}--b--`,
    ],
    ["a folded name", part('name="a";\r\n name="model"', "m")],
    ["a folded file name", part('name="model";\r\n filename="x"', "m")],
    ["a header after a line feed alone", part('name="a"\ncontent-disposition: form-data; name="model"', "m")],
    [
      "a boundary after a line feed alone",
      `${file(`x\n${part('name="model"', "a")}`)}${part('name="model"', "b")}--b--`,
    ],
    ["a name that is escaped", `${part('name="mo\\del"', "a")}${part('name="model"', "b")}--b--`],
    ["a name that one reading hides", `${part('x="\\"; name="model"', "a")}--b--`],
    ["a name that the other hides", `${part('x="\\""; name="model"; y=""', "a")}${part('name="model"', "b")}--b--`],
    [
      "a quotation mark that does not end",
      `${part('name="a"; x="; name=model', "a")}${part('name="model"', "b")}--b--`,
    ],
    ["a boundary that one reading hides", `${file("x")}--b--`, `${TYPE}; x="\\"; boundary=c; y="`],
    ["two boundaries", `${file("x")}--b--`, `${TYPE}; boundary=c`],
    ["a model that is a file", `${part('name="model"; filename="m"', "a")}--b--`],
    ["a model of a megabyte", `${part('name="model"', "m".repeat(1_048_576))}--b--`],
    ["no end", part('name="model"', "m")],
    ["a part without a name", `--b\r\n\r\nx\r\n${part('name="model"', "m")}--b--`],
    ["a head without an end", `--b\r\n${"x: y\r\n".repeat(10_000)}`],
    ["a thousand parts", `${part('name="a"', "1").repeat(1_000)}${part('name="model"', "m")}--b--`],
  ])("is refused by name with %s", (_, text, type = TYPE) => {
    expect(() => read(text, type)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});
