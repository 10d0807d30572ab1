import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { send } from "../raw-http.ts";

const started: TestGateway[] = [];
afterEach(async () => {
  for (const one of started.splice(0).toReversed()) await one.close();
});

async function start(config: GatewayConfigInput, more: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config, ...more });
  started.push(gateway);
  return gateway;
}

const JSON_TYPE = { "content-type": "application/json" };

describe("secrets", () => {
  const SECRET = "sk-upstream-0123456789";
  const words = `${SECRET} of https://ann:hunter2@internal.example/v1 is over its quota`;
  const body = JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] });

  it("of an upstream stay there: what it says of its own failures is not passed on, what it says of a request is masked", async () => {
    let status = 500;
    const lines: string[] = [];
    const gateway = await start(
      {},
      {
        script: () => ({ status, raw: JSON.stringify({ error: { message: words, code: "context_length_exceeded" } }) }),
        log: (line) => void lines.push(line),
      },
    );
    const headers = { ...JSON_TYPE, authorization: `Bearer ${gateway.key}` };
    const post = () => send(gateway, "POST", "/v1/chat/completions", headers, body);
    for (const [given, told] of [
      [500, 502],
      [503, 503],
      [401, 502],
      [403, 502],
      [400, 400],
    ] as const) {
      status = given;
      const answer = await post();
      expect([given, answer.status]).toEqual([given, told]);
      expect(answer.body).not.toMatch(/hunter2|sk-upstream|internal\.example:|quota.*quota/);
      if (given !== 400) expect(answer.body).not.toMatch(/quota|internal\.example/);
      else expect(JSON.parse(answer.body)).toMatchObject({ error: { code: "context_length_exceeded" } });
    }
    expect(lines.join("")).not.toMatch(/hunter2|sk-upstream|quota|\n\s+at |\\n\s+at /);
  });

  it("of tenants are in /metrics for admins only", async () => {
    const gateway = await start({ spendLabels: ["scope", "key", "user", "model"] });
    const headers = { ...JSON_TYPE, authorization: `Bearer ${gateway.key}`, "x-marrow-user": "u1" };
    expect((await send(gateway, "POST", "/v1/chat/completions", headers, body)).status).toBe(200);
    const admin = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
    const metrics = (key?: string) =>
      send(gateway, "GET", "/metrics", key === undefined ? {} : { authorization: `Bearer ${key}` });
    expect((await metrics(admin)).body).toMatch(/marrow_spend_tokens_total\{scope="acme",key="[^"]+",user="u1"/);
    for (const open of [await metrics(), await metrics(gateway.key)]) {
      expect(open.status).toBe(200);
      expect(open.body).toMatch(/marrow_spend_tokens_total\{model="scripted"/);
      expect(open.body).not.toMatch(/acme|u1/);
    }
    expect((await metrics("mrw_wrong")).status).toBe(401);
  });
});

describe("a stream whose task is deleted", () => {
  it("ends with an error in the stream, and no stack in the log", async () => {
    const lines: string[] = [];
    const gateway = await start({}, { log: (line) => void lines.push(line) });
    const headers = { authorization: `Bearer ${gateway.key}` };
    const made = await send(gateway, "POST", "/v1/tasks", { ...headers, ...JSON_TYPE }, JSON.stringify({ payload: 1 }));
    const { id } = JSON.parse(made.body) as { id: string };
    const streamed = send(gateway, "GET", `/v1/tasks/${id}/stream`, headers);
    await sleep(200);
    expect((await send(gateway, "POST", `/v1/tasks/${id}/cancel`, headers)).status).toBe(200);
    await send(gateway, "DELETE", `/v1/tasks/${id}`, headers);
    expect((await streamed).status).toBe(200);
    expect(lines.join("")).not.toMatch(/\\n\s+at |node_modules|\.ts:\d+:\d+/);
  });
});

describe("a body that is wrong", () => {
  it.each([
    ["/v1/responses", { model: "scripted", input: [{ type: "function_call_output", call_id: "c" }] }],
    ["/v1/responses", { model: "scripted", input: [{ role: "user", content: [null] }] }],
    ["/v1/responses", { model: "scripted", input: [{ role: "user", content: [{ type: "input_text" }] }] }],
    ["/v1/responses", { model: "scripted", input: [null] }],
    ["/v1/chat/completions", { model: "scripted", messages: [{ role: "user", content: [null] }] }],
    ["/v1/chat/completions", { model: "scripted", messages: [null] }],
    ["/v1/conversations", { items: [{ role: "user", content: [null] }] }],
    ["/v1/conversations", { items: [{ type: "function_call_output", call_id: "c", output: true }] }],
    ["/v1/memories/recall", { about: "x", kinds: { length: { toString: 1 } } }],
  ])("is the client's fault at %s: %j", async (path, wrong) => {
    const gateway = await start({});
    const headers = { ...JSON_TYPE, authorization: `Bearer ${gateway.key}` };
    const answer = await send(gateway, "POST", path, headers, JSON.stringify(wrong));
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining("invalid_")]);
  });

  it("is the client's fault as multipart: cut anywhere, without boundary, without file", async () => {
    const gateway = await start({});
    const whole = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n';
    const headers = { authorization: `Bearer ${gateway.key}` };
    for (let bytes = 0; bytes < whole.length; bytes += 3) {
      const type = { "content-type": "multipart/form-data; boundary=b" };
      const answer = await send(gateway, "POST", "/v1/files", { ...headers, ...type }, whole.slice(0, bytes));
      expect([bytes, answer.status]).toEqual([bytes, 400]);
    }
    for (const type of ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=c"]) {
      const answer = await send(gateway, "POST", "/v1/files", { ...headers, "content-type": type }, whole);
      expect([type, answer.status]).toEqual([type, 400]);
    }
  });

  it("does not end the process when it is compressed, cut short, and nobody reads it", async () => {
    const gateway = await start({});
    const headers = { "content-encoding": "gzip", authorization: `Bearer ${gateway.key}` };
    const cut = "\u001f";
    for (const path of ["/v1/chat/completions", "/v1/nothing", "/v1/tasks/x/cancel", "/mcp"])
      for (const type of ["application/json", "text/plain", ""]) {
        const answer = await send(
          gateway,
          "POST",
          path,
          { ...headers, ...(type !== "" && { "content-type": type }) },
          cut,
        );
        expect([path, type, answer.status >= 400 && answer.status < 500]).toEqual([path, type, true]);
      }
    await sleep(50);
    expect((await send(gateway, "GET", "/healthz")).status).toBe(200);
  });

  it("is never the gateway's fault when it is nested 5,000 deep", async () => {
    const gateway = await start({});
    const headers = { ...JSON_TYPE, authorization: `Bearer ${gateway.key}` };
    for (const deep of ["[".repeat(5_000) + "]".repeat(5_000), `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`])
      for (const field of ["metadata", "tools", "x"]) {
        const wrong = `{"model":"scripted","messages":[{"role":"user","content":"hi"}],"${field}":${deep}}`;
        const answer = await send(gateway, "POST", "/v1/chat/completions", headers, wrong);
        expect([field, answer.status < 500]).toEqual([field, true]);
      }
  });
});
