import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { fastify } from "fastify";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { buildDashboard } from "../../tools/build-dashboard.ts";
import { createAdminClient } from "../admin-client.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let admin: string;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  await buildDashboard();
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  admin = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
});
afterAll(async () => {
  for (const close of closers) await close();
  await gateway.close();
});

/** As the documents say for Express. */
async function inExpress(): Promise<string> {
  const app = express();
  app.use((request, response, next) => {
    if (/^\/(?:v1|dashboard|a2a)(?:[/?]|$)/.test(request.url)) gateway.app.routing(request, response);
    else next();
  });
  app.get("/own", (_, response) => void response.send("mine"));
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As the documents say for Fastify. */
async function inFastify(): Promise<string> {
  const app = fastify();
  app.get("/own", async () => "mine");
  await app.register(async (plugin) => {
    plugin.removeAllContentTypeParsers();
    plugin.addContentTypeParser("*", (_request, _payload, done) => done(null));
    for (const path of ["/v1/*", "/dashboard", "/dashboard/*", "/a2a/*"])
      plugin.all(path, (request, reply) => {
        reply.hijack();
        gateway.app.routing(request.raw, reply.raw);
      });
  });
  closers.push(() => app.close());
  return app.listen({ port: 0, host: "127.0.0.1" });
}

describe.each([
  ["Express", inExpress],
  ["Fastify", inFastify],
])("a gateway mounted in an application of %s", (_, mount) => {
  it("serves its API and its dashboard beside the application's own routes", async () => {
    const origin = await mount();
    const { call, signIn } = createAdminClient(() => origin);
    expect(await (await fetch(`${origin}/own`)).text()).toBe("mine");
    const chat = { model: "scripted", messages: [{ role: "user", content: "Hello" }], stream: true };
    const headers = { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" };
    const streamed = await fetch(`${origin}/v1/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify(chat),
    });
    expect(await streamed.text()).toContain("data: [DONE]");
    const page = await call("GET", "/dashboard/cache");
    expect([page.status, page.headers.get("content-security-policy")]).toEqual([
      200,
      expect.stringContaining("script-src 'self'"),
    ]);
    expect((await call("GET", "/dashboard/assets/dashboard.js")).status).toBe(200);
    const { status, writes } = await signIn({ key: admin });
    expect(status).toBe(201);
    const written = await call("POST", "/v1/admin/queues/tasks/resume", {}, { ...writes, origin });
    expect([written.status, written.body]).toMatchObject([200, { object: "queue" }]);
  });
});
