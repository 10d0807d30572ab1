import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** Requests that two readers of one connection may take for two different things, byte by byte. */
const gateways = new Map<"keys" | "off", TestGateway>();
let port: number;
let host: string;

beforeAll(async () => {
  for (const auth of ["keys", "off"] as const)
    gateways.set(auth, await startTestGateway({ redisUrl: inject("redisUrl"), config: { auth } }));
});
afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.close();
});

const body = JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hello" }] });
const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
/** What would be answered too if a body ended elsewhere than the gateway thinks. */
const SMUGGLED = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-request-id: smuggled\r\n\r\n";

/** Sends bytes on a connection of their own and reads all that comes until it ends, or nothing more comes. */
function exchange(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, host, () => socket.write(bytes, "latin1"));
    socket.setTimeout(1_500, () => socket.destroy());
    socket.setEncoding("latin1").on("data", (piece: string) => (text += piece));
    socket.on("error", () => {}).on("close", () => resolve(text));
  });
}

function use(auth: "keys" | "off"): { readonly own: string; readonly key: string } {
  const gateway = gateways.get(auth) as TestGateway;
  const url = new URL(gateway.baseURL);
  [port, host] = [Number(url.port), url.hostname];
  return { own: url.host, key: gateway.key };
}

const chat = (target: string, lines: readonly string[], payload: string) =>
  [`POST ${target} HTTP/1.1`, ...lines, "content-type: application/json", "", payload].join("\r\n");

const LENGTH = ["host: HOST", `content-length: ${body.length}`];
/** Name, lines beside the key, body; `HOST` stands for the gateway's own host. */
type Shape = readonly [name: string, lines: readonly string[], payload: string, target?: string];
const SHAPES: readonly Shape[] = [
  ["two Host headers", ["host: HOST", "host: evil.example", `content-length: ${body.length}`], body],
  ["two Host headers that are equal", ["host: HOST", "host: HOST", `content-length: ${body.length}`], body],
  ["no Host header", [`content-length: ${body.length}`], body],
  ["an empty Host header", ["host:", `content-length: ${body.length}`], body],
  ["a Host header with two names", ["host: HOST, evil.example", `content-length: ${body.length}`], body],
  ["a Host header with a path", ["host: HOST/x", `content-length: ${body.length}`], body],
  ["a Host header with a user", ["host: evil@HOST", `content-length: ${body.length}`], body],
  ["a Host header with a space", ["host: HOST evil", `content-length: ${body.length}`], body],
  [
    "a target of another host",
    ["host: HOST", `content-length: ${body.length}`],
    body,
    "http://evil.example/v1/chat/completions",
  ],
  [
    "a target with a user",
    ["host: HOST", `content-length: ${body.length}`],
    body,
    "http://a:b@HOST/v1/chat/completions",
  ],
  [
    "a target of another protocol",
    ["host: HOST", `content-length: ${body.length}`],
    body,
    "ftp://HOST/v1/chat/completions",
  ],
  ["a target that is a name", ["host: HOST", `content-length: ${body.length}`], body, "HOST"],
  ["a target that is an asterisk", ["host: HOST", `content-length: ${body.length}`], body, "*"],
  ["a target with a fragment", ["host: HOST", `content-length: ${body.length}`], body, "/v1/chat/completions#x"],
  ["a target with a backslash", ["host: HOST", `content-length: ${body.length}`], body, "\\v1\\chat\\completions"],
  ["two lengths", ["host: HOST", `content-length: ${body.length}`, "content-length: 3"], body],
  [
    "two lengths that are equal",
    ["host: HOST", `content-length: ${body.length}`, `content-length: ${body.length}`],
    body,
  ],
  ["a list of lengths", ["host: HOST", `content-length: ${body.length}, ${body.length}`], body],
  ["a length with a sign", ["host: HOST", `content-length: +${body.length}`], body],
  ["a length in hexadecimal", ["host: HOST", `content-length: 0x${body.length.toString(16)}`], body],
  ["a length that is negative", ["host: HOST", "content-length: -1"], body],
  ["a length and an encoding", ["host: HOST", `content-length: ${body.length}`, "transfer-encoding: chunked"], chunked],
  ["an encoding and a length", ["host: HOST", "transfer-encoding: chunked", "content-length: 3"], chunked],
  ["two encodings", ["host: HOST", "transfer-encoding: chunked", "transfer-encoding: identity"], chunked],
  ["an encoding after chunked", ["host: HOST", "transfer-encoding: chunked, gzip"], chunked],
  ["an encoding before chunked", ["host: HOST", "transfer-encoding: gzip, chunked"], chunked],
  ["an encoding before chunked, in capitals", ["host: HOST", "transfer-encoding: GZip,Chunked"], chunked],
  ["chunked twice", ["host: HOST", "transfer-encoding: chunked, chunked"], chunked],
  ["identity before chunked", ["host: HOST", "transfer-encoding: identity, chunked"], chunked],
  ["an encoding with a parameter", ["host: HOST", "transfer-encoding: chunked;q=1"], chunked],
  ["two keys in authorization", [...LENGTH, "authorization: Bearer mrw_other"], body],
  ["one key in authorization twice", [...LENGTH, "authorization: Bearer KEY"], body],
  ["an empty authorization before another", [...LENGTH, "authorization:"], body],
  ["two keys in authorization and x-api-key", [...LENGTH, "x-api-key: mrw_other"], body],
  ["one key in authorization and x-api-key", [...LENGTH, "x-api-key: KEY"], body],
  ["two keys in authorization and api-key", [...LENGTH, "Api-Key: mrw_other"], body],
  ["two users", [...LENGTH, "x-marrow-user: ann", "X-Marrow-User: bob"], body],
  ["one user twice", [...LENGTH, "x-marrow-user: ann", "x-marrow-user: ann"], body],
  ["two sessions", [...LENGTH, "x-marrow-session: a", "x-marrow-session: b"], body],
  ["two idempotency keys", [...LENGTH, "idempotency-key: a", "idempotency-key: b"], body],
  ["an encoding that is not known", ["host: HOST", "transfer-encoding: xchunked"], chunked],
  ["an encoding on a folded line", ["host: HOST", "transfer-encoding:\r\n chunked"], chunked],
  ["a space before a colon", ["host: HOST", "transfer-encoding : chunked"], chunked],
  ["a header that is folded", ["host: HOST", "x-note: a\r\n b", `content-length: ${body.length}`], body],
  ["a header with a line feed alone", ["host: HOST", `x-note: a\nx-other: b`, `content-length: ${body.length}`], body],
  ["a header with a null", ["host: HOST", "x-note: a\0b", `content-length: ${body.length}`], body],
  ["a name of a header with a control", ["host: HOST", "x-\x01note: a", `content-length: ${body.length}`], body],
  ["a size of a chunk with a sign", ["host: HOST", "transfer-encoding: chunked"], chunked.replace(/^/, "+")],
  ["a size of a chunk with 0x", ["host: HOST", "transfer-encoding: chunked"], chunked.replace(/^/, "0x")],
  ["a chunk that is longer than its size", ["host: HOST", "transfer-encoding: chunked"], `3\r\n${body}\r\n0\r\n\r\n`],
];

describe.each(["keys", "off"] as const)("a request that two readers may take for two things (auth: %s)", (auth) => {
  it.each(SHAPES.map((shape) => [shape[0], shape] as const))(
    "is a 400 that ends the connection: %s",
    async (_, shape) => {
      const [name, lines, payload, target = "/v1/chat/completions"] = shape;
      const { own, key } = use(auth);
      const headers = [...lines, `authorization: Bearer ${key}`].map((line) =>
        line.replaceAll("HOST", own).replaceAll("KEY", key),
      );
      const answer = await exchange(chat(target.replaceAll("HOST", own), headers, payload) + SMUGGLED);
      // Without authentication a host that is not well-formed is one that is not allowed.
      if (auth === "off" && /^an? (?:empty )?Host header/.test(name))
        return expect(answer.slice(0, 12)).toBe("HTTP/1.1 403");
      expect(answer.slice(0, 12)).toBe("HTTP/1.1 400");
      expect(answer).toContain('"error":{');
      expect(answer.toLowerCase()).toContain("connection: close");
      if (name.includes("authorization")) {
        const names = name.match(/\b(?:authorization|(?:x-)?api-key)\b/g) ?? [];
        const message = /"message":"([^"]*)"/.exec(answer)?.[1] ?? "";
        for (const one of names) expect(message).toContain(one);
        expect(answer).not.toContain("mrw_");
      }
      expect(answer).not.toContain("smuggled");
      return expect(answer).not.toContain("You said");
    },
  );

  it("is none with one key beside names that are empty", async () => {
    const { own, key } = use(auth);
    const lines = [`host: ${own}`, "x-api-key:", "api-key: ", `authorization: Bearer ${key}`, "connection: close"];
    const answer = await exchange(chat("/v1/chat/completions", [...lines, `content-length: ${body.length}`], body));
    expect(answer.slice(0, 12)).toBe("HTTP/1.1 200");
  });

  it("is none with one Host and one length, also where the target names the same host", async () => {
    const { own, key } = use(auth);
    const lines = [`host: ${own}`, `authorization: Bearer ${key}`];
    for (const [target, framing, payload] of [
      ["/v1/chat/completions", `content-length: ${body.length}`, body],
      ["/v1/chat/completions", "transfer-encoding: chunked", chunked],
      [`http://${own}/v1/chat/completions`, `content-length: ${body.length}`, body],
      [`HTTP://${own.toUpperCase()}/v1/chat/completions?x=1`, `content-length: ${body.length}`, body],
    ] as const) {
      const answer = await exchange(chat(target, [...lines, framing, "connection: close"], payload));
      expect(answer.slice(0, 12)).toBe("HTTP/1.1 200");
      expect(answer).toContain("You said: hello");
    }
  });
});

describe("a request of HTTP/1.0 in chunks", () => {
  it("is the last one of its connection, whose requests behind it are not served", async () => {
    const { own, key } = use("keys");
    const lines = [`host: ${own}`, `authorization: Bearer ${key}`, "connection: keep-alive"];
    const asked = chat("/v1/chat/completions", [...lines, "transfer-encoding: chunked"], chunked);
    const answer = await exchange(asked.replace("HTTP/1.1", "HTTP/1.0") + SMUGGLED);
    expect(answer.slice(0, 12)).toBe("HTTP/1.1 200");
    expect(answer).toContain("You said: hello");
    expect(answer.toLowerCase()).toContain("connection: close");
    expect(answer).not.toContain("smuggled");
    const whole = chat("/v1/chat/completions", [...lines, `content-length: ${body.length}`], body);
    expect(await exchange(whole.replace("HTTP/1.1", "HTTP/1.0") + SMUGGLED)).toContain("smuggled");
  });
});

describe("requests behind the last one of a connection", () => {
  it.each([
    ["an ambiguous one", "", ["host: HOST", "host: HOST"], "HTTP/1.1"],
    ["one of HTTP/1.0 in chunks", "0\r\n\r\n", ["host: HOST", "transfer-encoding: chunked"], "HTTP/1.0"],
  ])("ask no model: behind %s", async (name, payload, lines, version) => {
    const { own, key } = use("keys");
    const bearer = `authorization: Bearer ${key}`;
    const last = `POST /v1/chat/completions ${version}\r\n${[...lines, bearer].join("\r\n").replaceAll("HOST", own)}\r\n\r\n${payload}`;
    const content = `behind ${name}`;
    const asked = JSON.stringify({ model: "scripted", messages: [{ role: "user", content }] });
    const behind = chat("/v1/chat/completions", [`host: ${own}`, bearer, `content-length: ${asked.length}`], asked);
    await exchange(last + behind.repeat(3));
    const again = await exchange(behind.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
    // This one is the first to ask the model: one behind would have left its answer in the cache.
    expect(again.toLowerCase()).toContain("x-marrow-cache: miss");
  });
});

describe("a body that is refused", () => {
  it.each([
    ["is not JSON", "{", []],
    ["is not JSON, in chunks", "1\r\n{\r\n0\r\n\r\n", ["transfer-encoding: chunked"]],
    ["is not JSON, and large", `["${"a".repeat(2_000_000)}`, []],
    ["is not of its encoding", "no gzip", ["content-encoding: gzip"]],
    ["has a wrong field", `{"model":7}`, []],
  ])("and %s, keeps its connection: the request behind it is served", async (_, payload, more) => {
    const { own, key } = use("keys");
    const length = more[0]?.startsWith("transfer") === true ? [] : [`content-length: ${payload.length}`];
    const lines = [`host: ${own}`, `authorization: Bearer ${key}`, ...length, ...more];
    const answer = await exchange(chat("/v1/chat/completions", lines, payload) + SMUGGLED);
    expect(answer.slice(0, 12)).toBe("HTTP/1.1 400");
    expect(answer).toContain("x-request-id: smuggled");
    expect(answer.toLowerCase()).not.toContain("connection: close");
  });

  it("because it is too large, ends its connection", async () => {
    const { own, key } = use("keys");
    const lines = [`host: ${own}`, `authorization: Bearer ${key}`, "content-length: 5000000"];
    const answer = await exchange(chat("/v1/chat/completions", lines, " ".repeat(5_000_000)) + SMUGGLED);
    expect(answer.slice(0, 12)).toBe("HTTP/1.1 413");
    expect(answer).not.toContain("smuggled");
  });
});

describe("a body of tiny chunks", () => {
  const tiny = (count: number) => `${Array.from({ length: count }, () => "1\r\n ").join("\r\n")}\r\n`;

  it("is taken where they are few, and is a 413 in its turn where they are many: what was asked before is answered", async () => {
    const { own, key } = use("keys");
    const lines = [`host: ${own}`, `authorization: Bearer ${key}`, "transfer-encoding: chunked"];
    const few = await exchange(
      chat("/v1/chat/completions", [...lines, "connection: close"], `${tiny(9_000)}${chunked}`),
    );
    expect(few.slice(0, 12)).toBe("HTTP/1.1 200");
    const many = chat("/v1/chat/completions", lines, `${tiny(20_000)}${chunked}`);
    const first = `GET /healthz HTTP/1.1\r\nhost: ${own}\r\n\r\n`;
    const answers = await exchange(`${first}${many}`);
    expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["200", "413"]);
    expect(answers).toContain("chunks of less than 16 bytes");
    const unknown = await exchange(many.replace(key, "mrw_nobody"));
    expect([...unknown.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["401"]);
  });
});
