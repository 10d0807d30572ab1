import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** The official Python client: its requests as a recorded table, and the client itself where a Python with it is there (`MARROW_PYTHON`). */
interface Row {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: unknown;
  readonly multipart?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly as?: string;
  readonly status?: number;
  readonly expect?: object;
  readonly text?: string;
  readonly upstream?: object;
}
const { headers, requests } = JSON.parse(readFileSync("test/data/python-requests.json", "utf8")) as {
  headers: Readonly<Record<string, string>>;
  requests: readonly Row[];
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

const made = new Map<string, string>();
const filled = (text: string) => text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => made.get(name) ?? whole);

/** Headers of a row over those of all, with the key as the client sends it. */
function headersOf(row: Row): Record<string, string> {
  const own = { authorization: `Bearer ${gateway.key}`, ...headers, ...row.headers };
  const sent = Object.entries(own).flatMap(([name, value]) => (value === null ? [] : [[name, filled(value)]]));
  return Object.fromEntries(sent) as Record<string, string>;
}

/** A multipart body as httpx writes it. */
function multipart({ multipart: fields = {}, file = "" }: Row): { readonly type: string; readonly body: string } {
  const boundary = "3f1d2c4b5a69788796a5b4c3d2e1f00f";
  const part = (head: string, value: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
  const texts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value));
  const upload = part(`name="file"; filename="a.txt"\r\nContent-Type: text/plain`, file);
  return { type: `multipart/form-data; boundary=${boundary}`, body: `${texts.join("")}${upload}--${boundary}--\r\n` };
}

describe("the official Python client's request", () => {
  it.each(requests)("$name", async (row) => {
    made.set("key", gateway.key);
    const form = row.multipart === undefined ? undefined : multipart(row);
    const answer = await gateway.app.inject({
      method: row.method as "POST",
      url: row.path.startsWith("/..") ? row.path.slice(3) : `/v1${filled(row.path)}`,
      headers: { ...headersOf(row), ...(form !== undefined && { "content-type": form.type }) },
      ...(form !== undefined && { payload: form.body }),
      ...(row.body !== undefined && { payload: filled(JSON.stringify(row.body)) }),
    });
    expect([answer.statusCode, answer.statusCode === 200 ? "" : answer.body]).toEqual([row.status ?? 200, ""]);
    if (row.text !== undefined) expect(answer.body).toContain(row.text);
    if (row.expect !== undefined) expect(answer.json()).toMatchObject(row.expect);
    if (row.upstream !== undefined) expect(gateway.model.requests.at(-1)?.body).toMatchObject(row.upstream);
    if (row.as !== undefined) made.set(row.as, answer.json().id);
  });
});

const PROGRAM = `
import openai, os
c = openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], max_retries=0)
r = c.responses.create(model="scripted", input="hi")
print(r.output_text)
c.responses.delete(r.id)
print("".join(x.choices[0].delta.content or "" for x in c.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "hi"}], stream=True) if x.choices))
print(len(c.embeddings.create(model="static-256", input="a").data[0].embedding))
`;
const python = process.env["MARROW_PYTHON"];

describe.skipIf(python === undefined)("the official Python client", () => {
  it("works with only its base URL changed", async () => {
    const env = { ...process.env, BASE_URL: gateway.baseURL, KEY: gateway.key };
    const { stdout } = await promisify(execFile)(python ?? "", ["-c", PROGRAM], { env });
    expect(stdout.trim().split("\n")).toEqual(["You said: hi", "You said: hi", "256"]);
  });
});
