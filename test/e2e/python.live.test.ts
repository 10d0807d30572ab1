import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { openRawSocket, type RawSocket } from "../raw-socket.ts";

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
let socket: RawSocket;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  socket = openRawSocket(Number(new URL(gateway.baseURL).port));
});
afterAll(async () => {
  socket.close();
  await gateway.close();
});

const made = new Map<string, string>();
const filled = (text: string) => text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => made.get(name) ?? whole);

/** Headers of a row over those of all, with the key as the client sends it. */
function headersOf(row: Row): [string, string][] {
  const own = { authorization: `Bearer ${gateway.key}`, ...headers, ...row.headers };
  return Object.entries(own).flatMap(([name, value]) => (value === null ? [] : [[name, filled(value)]]));
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

/** A request as h11 writes it: every byte that the client would send. */
function toBytes(row: Row): Buffer {
  const form = row.multipart === undefined ? undefined : multipart(row);
  const body = Buffer.from(form?.body ?? (row.body === undefined ? "" : filled(JSON.stringify(row.body))));
  const named = new Map(headersOf(row));
  if (form !== undefined) named.set("content-type", form.type);
  if (body.length > 0 || row.method === "POST") named.set("content-length", String(body.length));
  const path = row.path.startsWith("/..") ? row.path.slice(3) : `/v1${filled(row.path)}`;
  const lines = [
    `${row.method} ${path} HTTP/1.1`,
    `Host: ${new URL(gateway.baseURL).host}`,
    ...[...named].map(
      ([name, value]) => `${name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())}: ${value}`,
    ),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]);
}

describe("the official Python client's request, byte for byte over one connection", () => {
  it.each(requests)("$name", async (row) => {
    made.set("key", gateway.key);
    const answer = await socket.send(toBytes(row));
    const status = row.status ?? 200;
    expect([answer.status, answer.status === status ? "" : answer.body]).toEqual([status, ""]);
    expect(answer.headers.get("x-request-id")).toBeTruthy();
    if (row.text !== undefined) expect(answer.body).toContain(row.text);
    if (row.expect !== undefined) expect(JSON.parse(answer.body)).toMatchObject(row.expect);
    if (row.upstream !== undefined) expect(gateway.model.requests.at(-1)?.body).toMatchObject(row.upstream);
    if (row.as !== undefined) made.set(row.as, (JSON.parse(answer.body) as { id: string }).id);
  });

  it("found its connection kept alive, but where a key was refused", () => {
    expect(socket.dialled()).toBe(1 + requests.filter(({ status }) => status === 401).length);
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
/** A Python that has the client: `MARROW_PYTHON`, else `python3` if it has; which version of the client. */
function findPython(): { readonly python: string; readonly version: string } | undefined {
  const python = process.env["MARROW_PYTHON"] ?? "python3";
  const asked = spawnSync(python, ["-c", "import openai; print(openai.__version__)"], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return asked.status === 0 ? { python, version: asked.stdout.trim() } : undefined;
}
const found = findPython();

describe("the official Python client", () => {
  it("works with only its base URL changed", async ({ skip }) => {
    skip(found === undefined, "no python3 with the package openai is here: name one by MARROW_PYTHON");
    if (found === undefined) return;
    const env = { ...process.env, BASE_URL: gateway.baseURL, KEY: gateway.key };
    const { stdout } = await promisify(execFile)(found.python, ["-c", PROGRAM], { env });
    expect(stdout.trim().split("\n")).toEqual(["You said: hi", "You said: hi", "256"]);
  });
});
