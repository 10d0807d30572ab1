import { once } from "node:events";
import { request as ask, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** Requests as clients of many makes send them. */
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { bodyBytesMax: 1_048_576, cors: { origins: ["https://app.example.com"] } },
  });
});
afterAll(() => gateway.close());

const body = JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hello" }] });
const send = (url: string, headers: Record<string, string> = {}, payload: string | Buffer = body, method = "POST") =>
  gateway.app.inject({
    method: method as "POST",
    url,
    headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json", ...headers },
    payload,
  });

const NO_BODY = "the body: must be a JSON object, and there is none";

/** Sends exactly these headers over the wire. */
async function bare(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | undefined>>,
  payload = "",
): Promise<{ readonly status: number | undefined; readonly message: string | undefined }> {
  const framed = { "content-length": headers["transfer-encoding"] === undefined ? "0" : undefined, ...headers };
  const sent = Object.fromEntries(
    Object.entries({ authorization: `Bearer ${gateway.key}`, ...framed }).filter(
      (header): header is [string, string] => header[1] !== undefined && header[1] !== "no type",
    ),
  );
  const asking = ask(new URL(path, gateway.baseURL), { method, headers: sent });
  asking.end(payload);
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  const { error } = JSON.parse(await text(answer)) as { readonly error?: { readonly message: string } };
  return { status: answer.statusCode, message: error?.message };
}

describe("the key of a request", () => {
  it.each(["bearer", "BEARER", "Bearer  "])("is found after the scheme %s", async (scheme) => {
    const answer = await send("/v1/chat/completions", { authorization: `${scheme} ${gateway.key}` });
    expect(answer.statusCode).toBe(200);
  });

  it.each(["x-api-key", "api-key"])("is found in %s", async (name) => {
    const answer = await send("/v1/chat/completions", { authorization: "", [name]: gateway.key });
    expect(answer.statusCode).toBe(200);
  });

  it("is asked for by WWW-Authenticate where it is missing", async () => {
    const answer = await gateway.app.inject("/v1/models");
    expect([answer.statusCode, answer.headers["www-authenticate"]]).toEqual([401, 'Bearer realm="marrow"']);
  });
});

describe("the body of a request", () => {
  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ] as const)("is decoded from %s", async (encoding, encode) => {
    const answer = await send("/v1/chat/completions", { "content-encoding": encoding }, encode(body));
    expect(answer.json().choices[0].message.content).toBe("You said: hello");
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ] as const)("is bounded after decoding from %s", async (encoding, encode) => {
    const bomb = encode(Buffer.alloc(64 * 1_048_576, 32));
    const answer = await send("/v1/chat/completions", { "content-encoding": encoding }, bomb);
    expect([answer.statusCode, answer.json().error.code]).toEqual([413, "too_large"]);
  });

  it.each([1_023, 1_024])("has 1,024 frames of zstd at most: one behind %i empty ones", async (count) => {
    const empty = zstdCompressSync(Buffer.alloc(0));
    const frames = Buffer.concat([...Array.from({ length: count }, () => empty), zstdCompressSync(body)]);
    const answer = await send("/v1/chat/completions", { "content-encoding": "zstd" }, frames);
    const { choices, error } = answer.json();
    expect([answer.statusCode, error?.message ?? choices[0].message.content]).toEqual(
      count === 1_023 ? [200, "You said: hello"] : [413, "the body has more than 1024 zstd frames"],
    );
  });

  it("gets its 413 or 401 as an answer, never a broken connection, when it is far larger than it may be", async () => {
    const content = "x".repeat(6_000_000);
    const asked = { model: "scripted", messages: [{ role: "user" as const, content }] };
    const status = (call: Promise<unknown>) =>
      call.catch((error: { status: unknown; message: string }) => error.status);
    const client = gateway.client();
    const url = `${gateway.baseURL}/chat/completions`;
    const raw = (key: string, more: object) =>
      fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...more,
      });
    for (let nth = 0; nth < 4; nth += 1) {
      expect(await status(client.chat.completions.create(asked))).toBe(413);
      expect(await status(client.responses.create({ model: "scripted", input: content }))).toBe(413);
      const chunked = { body: new Blob([JSON.stringify(asked)]).stream(), duplex: "half" };
      expect((await raw(gateway.key, chunked)).status).toBe(413);
      expect((await raw("mrw_nobody", { body: JSON.stringify(asked) })).status).toBe(401);
    }
    const file = new File([Buffer.alloc(30 * 1_048_576)], "a.mp3");
    expect(await status(client.audio.transcriptions.create({ model: "scripted", file }))).toBe(413);
  });

  it("is refused in another encoding, in a wrong one, and cut off", async () => {
    const seen = [
      await send("/v1/chat/completions", { "content-encoding": "snappy" }),
      await send("/v1/chat/completions", { "content-encoding": "gzip, zstd" }, gzipSync(body)),
      await send("/v1/chat/completions", { "content-encoding": "gzip" }),
      await send("/v1/chat/completions", { "content-encoding": "gzip" }, gzipSync(body).subarray(0, 20)),
      await send("/v1/chat/completions", { "content-type": "application/x-www-form-urlencoded" }),
    ];
    expect(seen.map(({ statusCode }) => statusCode)).toEqual([415, 415, 400, 400, 415]);
  });

  it("is none when it is empty, whatever its type", async () => {
    const made = await send("/v1/responses", {}, JSON.stringify({ model: "scripted", input: "hi" }));
    const { id } = made.json();
    const removed = await send(`/v1/responses/${id}`, {}, "", "DELETE");
    expect([removed.statusCode, removed.json().deleted]).toEqual([200, true]);
    const held = await send("/v1/conversations", {}, "");
    const gone = await send(`/v1/conversations/${held.json().id}`, {}, "", "DELETE");
    expect([held.statusCode, gone.statusCode]).toEqual([200, 200]);
    const empty = await send("/v1/chat/completions", {}, "");
    expect([empty.statusCode, empty.json().error.message]).toEqual([400, NO_BODY]);
  });

  it.each([
    ["application/x-www-form-urlencoded", {}],
    ["text/plain;charset=UTF-8", {}],
    ["multipart/form-data", {}],
    ["multipart/form-data; boundary=x", {}],
    ["no type", {}],
    ["application/x-www-form-urlencoded", { "content-encoding": "gzip" }],
    ["application/json", { "content-length": undefined }],
    ["text/plain", { "content-length": undefined }],
    ["text/plain", { "transfer-encoding": "chunked" }],
    ["application/json", { "transfer-encoding": "chunked" }],
  ])("is none when it is empty, of type %s %j", async (type, more: Record<string, string | undefined>) => {
    const made = (await send("/v1/conversations", {}, "{}")).json();
    const call = (method: string, path: string) => bare(method, path, { "content-type": type, ...more });
    const gone = await call("DELETE", `/v1/conversations/${made.id}`);
    const cancelled = await call("POST", "/v1/responses/resp_x/cancel");
    const asked = await call("POST", "/v1/chat/completions");
    expect([gone.status, cancelled.status, asked.status, asked.message]).toEqual([200, 404, 400, NO_BODY]);
    const spoken = await call("POST", "/v1/audio/transcriptions");
    expect([spoken.status, spoken.message]).toEqual([400, expect.stringContaining("must be multipart/form-data")]);
  });

  it.each([{ "transfer-encoding": "chunked" }, { "content-length": "5" }])(
    "of another type is a 415 where it holds something: %j",
    async (framing) => {
      const asked = await bare("POST", "/v1/chat/completions", { "content-type": "text/plain", ...framing }, "hello");
      expect(asked.status).toBe(415);
    },
  );
});

describe("the path of a request", () => {
  it.each([
    "/chat/completions",
    "/v1/chat/completions/",
    "//v1//chat/completions",
    "/v1/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/openai/chat/completions?api-version=2024-10-21",
    "/openai/deployments/scripted/chat/completions?api-version=2024-10-21",
  ])("may be %s", async (path) => {
    expect((await send(path)).json().choices[0].message.content).toBe("You said: hello");
  });

  it("names the model of an Azure deployment", async () => {
    const path = "/openai/deployments/scripted/chat/completions?api-version=2024-10-21";
    const answer = await send(path, {}, JSON.stringify({ messages: [{ role: "user", content: "deployed" }] }));
    expect([answer.statusCode, gateway.model.requests.at(-1)?.body["model"]]).toEqual([200, "scripted"]);
  });

  it("is named in a 404 with the nearest one, and a wrong method in a 405", async () => {
    const unknown = await send("/v1/chat/completion");
    expect([unknown.statusCode, unknown.json().error.message]).toEqual([
      404,
      "No route matches POST /v1/chat/completion. Did you mean /v1/chat/completions?",
    ]);
    const wrong = await send("/v1/chat/completions", {}, "", "DELETE");
    expect([wrong.statusCode, wrong.headers["allow"]]).toEqual([405, "POST"]);
    // Their last part is no id of a response.
    for (const [method, url] of [
      ["GET", "/v1/responses/input_tokens"],
      ["DELETE", "/v1/responses/compact?x=1"],
    ] as const) {
      const answer = await gateway.app.inject({ method, url, headers: { authorization: `Bearer ${gateway.key}` } });
      expect([answer.statusCode, answer.headers["allow"]]).toEqual([405, "POST"]);
    }
    const long = await send(`/${"x".repeat(5_000)}`);
    expect(long.json().error.message.length).toBeLessThan(200);
  });
});

describe("an answer", () => {
  it("carries the id of its request, the caller's own where it is safe", async () => {
    const own = await send("/v1/chat/completions", { "x-request-id": "trace-1" });
    const unsafe = await send("/v1/nothing", { "x-request-id": "a b\tc" });
    expect(own.headers["x-request-id"]).toBe("trace-1");
    expect(unsafe.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("answers HEAD like GET, and Expect", async () => {
    const head = await send("/v1/models", {}, "", "HEAD");
    expect([head.statusCode, head.body]).toEqual([200, ""]);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = ask(`${gateway.baseURL}/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json", expect: "100-continue" },
      });
      sent.on("continue", () => sent.end(body));
      sent.on("response", (response) => resolve(response.resume().statusCode));
      sent.on("error", reject);
      sent.flushHeaders();
    });
    expect(status).toBe(200);
  });

  it("lets the pages of configured origins read it, and no others", async () => {
    const preflight = (origin: string) =>
      gateway.app.inject({
        method: "OPTIONS",
        url: "/v1/chat/completions",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
      });
    const allowed = await preflight("https://app.example.com");
    expect([allowed.statusCode, allowed.headers["access-control-allow-origin"]]).toEqual([
      204,
      "https://app.example.com",
    ]);
    expect(allowed.headers["access-control-allow-headers"]).toBe("authorization");
    expect((await preflight("https://evil.example.com")).statusCode).toBe(403);
    for (const origin of ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8080"])
      expect((await preflight(origin)).headers["access-control-allow-origin"]).toBe(origin);
    expect((await preflight("http://localhost.evil.example")).statusCode).toBe(403);
    const answer = await send("/v1/chat/completions", { origin: "https://app.example.com" });
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example.com");
  });
});
