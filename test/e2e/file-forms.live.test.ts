/** Names of uploaded files, as different clients write them into a form. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

async function upload(body: FormData | Buffer): Promise<{ code: number; filename?: string; error?: unknown }> {
  const type = body instanceof Buffer ? { "content-type": "multipart/form-data; boundary=b" } : {};
  const headers = { authorization: `Bearer ${gateway.key}`, ...type };
  const answer = await fetch(`${gateway.baseURL}/files`, { method: "POST", headers, body });
  return { code: answer.status, ...((await answer.json()) as object) };
}

const part = (head: string, body: string | Buffer = "hello") =>
  Buffer.concat([
    Buffer.from(`--b\r\ncontent-disposition: form-data; ${head}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from("\r\n"),
  ]);
const PURPOSE = part('name="purpose"', "user_data");
const form = (...parts: readonly Buffer[]) => Buffer.concat([...parts, Buffer.from("--b--\r\n")]);

describe("the name of an uploaded file", () => {
  it.each([
    ["notes.txt", "notes.txt"],
    ["naïve 😀.txt", "naïve 😀.txt"],
    ["a;b=c.txt", "a;b=c.txt"],
    ["100%.txt", "100%.txt"],
    // Browsers and fetch write these two alike, so nothing is decoded.
    ['a"b.txt', "a%22b.txt"],
    ["a%22b.txt", "a%22b.txt"],
    ["../../etc/passwd", "passwd"],
    ["C:\\dir\\a.txt", "a.txt"],
  ])("%j of fetch is %s", async (name, filename) => {
    const sent = new FormData();
    sent.append("purpose", "user_data");
    sent.append("file", new Blob(["hello"]), name);
    expect(await upload(sent)).toMatchObject({ code: 200, filename });
  });

  it.each([
    ["Python's requests", 'name="file"; filename="naïve%22.txt"', "naïve%22.txt"],
    ["requests of urllib3 1", "name=\"file\"; filename*=utf-8''na%C3%AFve.txt", "naïve.txt"],
    ["curl", String.raw`name="file"; filename="a\"b.txt"`, 'a"b.txt'],
    ["clients that send both forms", 'name="file"; filename="a.txt"; filename*=utf-8\'\'b.txt', "a.txt"],
    ["a name that looks like a field", 'name="file"; filename="x; name=purpose"', "x; name=purpose"],
  ])("of %s is read from %s", async (_, head, filename) => {
    expect(await upload(form(PURPOSE, part(head)))).toMatchObject({ code: 200, filename });
  });
});

describe("an upload is refused by name with", () => {
  const file = part('name="file"; filename="a.txt"');
  const latin1 = Buffer.from(
    '--b\r\ncontent-disposition: form-data; name="file"; filename="naïve"\r\n\r\nx\r\n',
    "latin1",
  );
  it.each([
    ["a purpose given twice", form(PURPOSE, part('name="purpose"', "batch"), file), "purpose"],
    ["a purpose that is a file", form(part('name="purpose"; filename="p"', "user_data"), file), "purpose"],
    ["a file under another name", form(PURPOSE, part('name="document"; filename="a.txt"')), "document"],
    ["a name that is no UTF-8", form(PURPOSE, latin1), "file"],
    [
      "an encoded file",
      form(PURPOSE, part('name="file"; filename="a"\r\nContent-Transfer-Encoding: base64', "aGk=")),
      "file",
    ],
    [
      "an encoded purpose",
      form(part('name="purpose"\r\nContent-Transfer-Encoding: quoted-printable', "user=5Fdata"), file),
      "purpose",
    ],
    ["an empty name", form(PURPOSE, part('name="file"; filename=""')), "filename"],
  ])("%s", async (_, body, param) => {
    expect(await upload(body)).toMatchObject({ code: 400, error: { type: "invalid_request_error", param } });
  });

  it("two files", async () => {
    expect(await upload(form(PURPOSE, file, file))).toMatchObject({ code: 400 });
  });
});
