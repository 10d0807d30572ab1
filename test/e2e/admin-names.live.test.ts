import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let admin: string;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  admin = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
});
afterAll(() => gateway.close());

async function ask(method: string, url: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${admin}`, host: "localhost" };
  const { statusCode, body } = await gateway.app.inject({ method: method as "GET", url, headers });
  const { error } = JSON.parse(body) as { readonly error?: { readonly code: string; readonly param: string } };
  return error === undefined ? statusCode : [statusCode, error.code, error.param];
}

describe("a name of the administration", () => {
  it("has 256 characters at most in the path of every route, and is named where it has more", async () => {
    const routes = gateway
      .routes()
      .filter(({ method, url }) => url.startsWith("/v1/admin/") && url.includes(":") && method !== "HEAD");
    expect(routes.length).toBeGreaterThan(25);
    for (const { method, url } of routes)
      for (const [param, name] of url.matchAll(/:(\w+)/g)) {
        const path = url.replace(param, "x".repeat(257)).replaceAll(/:\w+/g, "x");
        expect([method, url, await ask(method, path)]).toEqual([method, url, [400, "invalid_input", name]]);
      }
    expect(await ask("GET", `/v1/admin/users/${"x".repeat(256)}`)).toBe(200);
  });
});
