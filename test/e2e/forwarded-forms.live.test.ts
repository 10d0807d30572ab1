import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI, { toFile } from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { routingTests } from "../routing.ts";

/** Recordings and pictures on their way to the upstream that serves their model. */
const { gateway } = routingTests();

interface Asked {
  readonly url: string;
  readonly type: string;
  readonly body: string;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** An endpoint that notes what it is asked, and answers with a text. */
async function endpoint(status = 200): Promise<{ readonly baseUrl: string; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      if (request.method === "GET") return response.writeHead(404).end();
      const type = request.headers["content-type"] ?? "";
      asked.push({ url: request.url ?? "", type, body: Buffer.concat(pieces).toString("latin1") });
      response.writeHead(status, { "content-type": "application/json" });
      return response.end(JSON.stringify({ text: "hello", data: [{ b64_json: "aGk=" }], usage: { total_tokens: 9 } }));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

async function open(limit = 100) {
  const [bad, good] = [await endpoint(503), await endpoint()];
  const { url, key } = await gateway({
    upstreams: [
      { name: "bad", baseUrl: bad.baseUrl, models: ["whisper-1"] },
      { name: "good", baseUrl: good.baseUrl, models: ["deployment-7"] },
    ],
    routes: { scribe: { groups: [["bad/whisper-1"], ["good/deployment-7"]] } },
    limits: { userRequests: { limit, windowMs: 60_000 } },
    formBytesMax: 100_000,
  });
  return { bad, good, url, key, client: new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 }) };
}

const recording = () => toFile(Buffer.from([0, 255, 13, 10, 45, 45, 13, 10]), "a.wav", { type: "audio/wav" });

describe("a form of a route that the gateway does not own", () => {
  it("passes through byte for byte, by the official client, also to a second upstream by its model's name there", async () => {
    const { bad, good, client } = await open();
    const { data, response } = await client.audio.transcriptions
      .create({ file: await recording(), model: "scribe", language: "en" })
      .withResponse();
    expect(data.text).toBe("hello");
    expect([response.headers.get("x-marrow-upstream"), response.headers.get("x-marrow-attempts")]).toEqual([
      "good",
      "2",
    ]);
    const [[first], [second]] = [bad.asked, good.asked];
    expect([first?.url, second?.url]).toEqual(["/v1/audio/transcriptions", "/v1/audio/transcriptions"]);
    expect(first?.body).toContain("whisper-1");
    expect(second?.body).toBe(first?.body.replace("whisper-1", "deployment-7"));
    expect(second?.body).toContain("\0\xff\r\n--\r\n");
    expect(second?.type).toMatch(/^multipart\/form-data; boundary=/);
  });

  it("may be a picture to edit, or a translation", async () => {
    const { good, client } = await open();
    const image = await toFile(Buffer.from("picture"), "a.png", { type: "image/png" });
    expect((await client.images.edit({ image, prompt: "brighter", model: "scribe" })).data?.[0]?.b64_json).toBe("aGk=");
    await client.audio.translations.create({ file: await recording(), model: "scribe" });
    expect(good.asked.map(({ url }) => url)).toEqual(["/v1/images/edits", "/v1/audio/translations"]);
  });

  it("goes to the only model of its kind where it names none", async () => {
    const { baseUrl, asked } = await endpoint();
    const { url, key } = await gateway({
      upstreams: [{ name: "one", baseUrl, models: ["gpt-image-1", "omni-moderation-latest", "whisper-1"] }],
    });
    const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
    const image = await toFile(Buffer.from("picture"), "a.png", { type: "image/png" });
    await client.images.edit({ image, prompt: "brighter" });
    await client.images.generate({ prompt: "a cat" });
    await client.moderations.create({ input: "x" });
    expect(asked[0]?.body).toMatch(/name="model"\r\n\r\ngpt-image-1\r\n/);
    expect(asked[0]?.body).toContain("picture");
    expect(JSON.parse(asked[1]?.body ?? "")).toEqual({ prompt: "a cat", model: "gpt-image-1" });
    expect(JSON.parse(asked[2]?.body ?? "")).toEqual({ input: "x", model: "omni-moderation-latest" });
  });

  it("is bound by keys, limits, a size, and what a form must be; its requests count as spending", async () => {
    const { good, client, url, key } = await open(3);
    const ask = async (file: Buffer, model = "scribe") =>
      client.audio.transcriptions.create({ file: await toFile(file, "a.wav"), model });
    await expect(ask(Buffer.alloc(200_000))).rejects.toMatchObject({ status: 413 });
    await expect(ask(Buffer.alloc(10), "nobody")).rejects.toMatchObject({ status: 404 });
    const json = await fetch(`${url}/audio/transcriptions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: "{}",
    });
    expect(json.status).toBe(415);
    const stranger = new OpenAI({ baseURL: url, apiKey: "mrw_nobody", maxRetries: 0 });
    await expect(
      stranger.audio.transcriptions.create({ file: await recording(), model: "scribe" }),
    ).rejects.toMatchObject({ status: 401 });
    expect(good.asked).toHaveLength(0);
    for (let n = 0; n < 3; n += 1) await ask(Buffer.alloc(10));
    await expect(ask(Buffer.alloc(10))).rejects.toMatchObject({ status: 429 });
    const spent = async () => {
      const told = await fetch(`${url}/admin/spend?scope=acme`, { headers: { authorization: `Bearer ${key}` } });
      return JSON.stringify(await told.json());
    };
    await expect.poll(spent, { timeout: 5_000 }).toMatch(/"requests":3/);
  });

  it("is refused by the name of its part if an endpoint could decode another model or user from it", async () => {
    const { bad, good, url, key } = await open();
    const body = `--b\r
content-disposition: form-data; name="user"\r
content-transfer-encoding: base64\r
\r
YWRh\r
--b\r
content-disposition: form-data; name="model"\r
\r
scribe\r
--b--`;
    const refused = await fetch(`${url}/audio/transcriptions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "multipart/form-data; boundary=b" },
      body,
    });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { param: "user", type: "invalid_request_error" } });
    expect([bad.asked, good.asked]).toEqual([[], []]);
  });
});
