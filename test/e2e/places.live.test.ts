import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { connect as connectSocket, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createApiKeys, openGateway, resolveConfig, type OpenGateway } from "../../src/gateway/index.ts";
import { createCoolDowns } from "../../src/gateway/models/cool-downs.ts";
import { openModels, type LiveModels } from "../../src/gateway/models/model-source.ts";
import { createLaneGates } from "../../src/gateway/tenancy/lanes.ts";
import { connect, type Redis } from "../../src/index.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";

const chunk = { choices: [{ index: 0, delta: { content: "x".repeat(65_536) }, finish_reason: null }] };
const LONG = {
  raw: `${`data: ${JSON.stringify(chunk)}\n\n`.repeat(200)}data: [DONE]\n\n`,
  contentType: "text/event-stream",
};
const sockets: Socket[] = [];
let redis: Redis;
let model: ScriptedModel;
let models: LiveModels;
let app: OpenGateway["app"];
let port = 0;
let [key, other] = ["", ""];

beforeAll(async () => {
  redis = await connect(inject("redisUrl"), { app: `p${randomUUID().slice(0, 8)}` });
  model = await startScriptedModel(({ body }) => (body["stream"] === true ? LONG : "fine"));
  const config = resolveConfig({
    logLevel: "silent",
    upstreams: [{ name: "few", baseUrl: model.baseUrl, models: ["few"], concurrency: 8 }],
  });
  const laneOf = createLaneGates(redis);
  models = openModels(config, { own: [], laneOf, coolDowns: createCoolDowns(redis) });
  ({ app } = openGateway({ redis, config, models, lanes: laneOf }));
  await app.listen({ host: "127.0.0.1", port: 0 });
  ({ port } = app.server.address() as AddressInfo);
  const keys = createApiKeys(redis);
  key = await keys.create({ scope: "acme", user: "u1", name: "test", actsFor: "any" });
  other = await keys.create({ scope: "umbrella", user: "u9", name: "test", actsFor: "any" });
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  app.server.closeAllConnections();
  await app.close();
  await models.close();
  await model.close();
  await redis.close();
});

const bodyOf = (content: string, stream: boolean) =>
  JSON.stringify({ model: "few", stream, messages: [{ role: "user", content }] });

async function ask(apiKey: string, content: string): Promise<string> {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const url = `http://127.0.0.1:${port}/v1/chat/completions`;
  const answer = await fetch(url, { method: "POST", headers, body: bodyOf(content, false) });
  return answer.text();
}

/** Asks for a stream and reads nothing of it. */
function askUnread(nth: number): void {
  const body = bodyOf(`long ${nth}`, true);
  const socket = connectSocket({ port, host: "127.0.0.1" });
  socket.on("error", () => {}).pause();
  sockets.push(socket);
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\nx-marrow-cache-control: no-store\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

describe("streams that nobody reads, more than their upstream has places", () => {
  it("keep no other tenant waiting, and give their places back", { timeout: 40_000 }, async () => {
    for (let nth = 0; nth < 30; nth += 1) askUnread(nth);
    await expect.poll(() => model.requests.length, { timeout: 15_000 }).toBe(4);
    const own = ask(key, "What is bread?");
    expect(await ask(other, "What is cheese?")).toContain("fine");
    expect(model.requests.length).toBe(5);
    for (const socket of sockets) socket.destroy();
    expect(await own).toContain("fine");
  });
});
