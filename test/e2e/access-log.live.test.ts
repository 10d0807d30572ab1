import fc from "fast-check";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import { BODIES } from "../fuzz/bodies.ts";
import { CANARY } from "../fuzz/values.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { send } from "../raw-http.ts";

type Line = Readonly<Record<string, unknown>>;

const started: TestGateway[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});

async function start(config: GatewayConfigInput, more: Partial<TestGatewayOptions> = {}) {
  const raw: string[] = [];
  const log = (line: string) => void raw.push(line);
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config, log, ...more });
  started.push(gateway);
  const lines = () => raw.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg === "request");
  const headers = { "content-type": "application/json", authorization: `Bearer ${gateway.key}` };
  return { gateway, raw, lines, headers };
}

const chat = JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] });
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("the access log", () => {
  it("has one line a request at info: where it went, who asked by key, how it ended, in which trace", async () => {
    const { gateway, lines, headers } = await start({ logLevel: "info" });
    const more = { "x-request-id": "req-7", traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
    await send(gateway, "POST", "/v1/chat/completions", { ...headers, ...more }, chat);
    await send(gateway, "GET", "/v1/tasks/some-task", headers);
    await send(gateway, "GET", "/v1/models", { authorization: "Bearer mrw_wrong" });
    await expect.poll(() => lines().length).toBe(3);
    const [answered, absent, refused] = lines();
    expect(answered).toMatchObject({
      method: "POST",
      route: "/v1/chat/completions",
      scope: "acme",
      status: 200,
      requestId: "req-7",
      traceId: TRACE,
    });
    expect(answered?.["key"]).toMatch(/^\w+/);
    expect(answered?.["durationMs"]).toBeGreaterThan(0);
    expect(answered).not.toHaveProperty("code");
    expect(absent).toMatchObject({ route: "/v1/tasks/:id", status: 404, code: "not_found" });
    expect(refused).toMatchObject({ status: 401, code: "unauthorized" });
    expect(refused).not.toHaveProperty("scope");
  });

  it("tells of a failure its route, scope and the chain of its causes, at any level", async () => {
    const { gateway, raw, headers } = await start(
      { logLevel: "error" },
      { script: () => ({ status: 500, raw: "{}" }) },
    );
    await send(gateway, "POST", "/v1/chat/completions", headers, chat);
    expect(raw.map((line) => JSON.parse(line) as Line)).toMatchObject([
      {
        msg: "a request failed",
        route: "/v1/chat/completions",
        scope: "acme",
        status: 502,
        code: "model_failed",
        causes: ["MarrowError model_failed"],
      },
    ]);
  });

  it("samples what did not fail, and nothing else", async () => {
    const { gateway, lines, headers } = await start(
      { logLevel: "info", accessLog: { sample: 0 } },
      { script: (_, nth) => (nth === 1 ? { status: 500, raw: "{}" } : { content: "fine", cutAfter: 1 }) },
    );
    const streamed = chat.replace('"model"', '"stream":true,"model"');
    await send(gateway, "GET", "/v1/models", headers);
    await send(gateway, "POST", "/v1/chat/completions", headers, chat);
    await send(gateway, "POST", "/v1/chat/completions", headers, streamed);
    await expect.poll(() => lines().length).toBeGreaterThan(0);
    await expect.poll(() => lines().map(({ status, code }) => [status, code])).toContainEqual([502, "model_failed"]);
    expect(lines().map(({ route }) => route)).not.toContain("/v1/models");
  });

  it("never has a prompt, an answer, a name or a secret in a line, whatever the route and the failure", async () => {
    let failure: (typeof failures)[number] = "none";
    let canary = CANARY;
    const { gateway, raw, headers } = await start(
      { logLevel: "debug" },
      {
        background: true,
        script() {
          const error = { message: `${canary} is over`, code: canary, type: canary, param: canary };
          if (failure === "none") return `${canary} answered`;
          if (failure === "cut") return { content: `${canary} ${canary} ${canary}`, cutAfter: 1 };
          if (failure === "rubbish") return { raw: `${canary} is no JSON` };
          return { status: failure, raw: JSON.stringify({ error }), headers: { "x-canary": canary } };
        },
      },
    );
    let written = 0;
    const routes = Object.entries(BODIES);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(),
        fc.constantFrom(...failures),
        fc.boolean(),
        fc.stringMatching(/^[a-z0-9]{12,24}$/),
        async (nthRoute, nthBody, fails, isKnown, word) => {
          canary = `canary${word}`;
          failure = fails;
          const [route = "", bodies = []] = routes[nthRoute % routes.length] ?? [];
          const [method = "", path = ""] = route.split(" ");
          const body = JSON.stringify(bodies[nthBody % bodies.length] ?? {}).replaceAll(CANARY, canary);
          const url = `${path.replace(/:\w+/g, canary)}?about=${canary}`;
          const own = {
            ...headers,
            "x-marrow-user": canary,
            "x-marrow-session": canary,
            "user-agent": canary,
            "x-canary": canary,
            ...(!isKnown && { authorization: `Bearer mrw_${canary}` }),
          };
          written += raw.length;
          raw.length = 0;
          await send(gateway, method, url, own, body);
          expect(raw.join("\n")).not.toContain(word);
          expect(raw.join("\n")).not.toContain(gateway.key);
        },
      ),
      { numRuns: 60 },
    );
    // Each request wrote its line before the next one came.
    expect(written).toBeGreaterThan(50);
  }, 60_000);
});

const failures = ["none", 400, 401, 429, 500, 503, "cut", "rubbish"] as const;
