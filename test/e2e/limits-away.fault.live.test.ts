import { afterEach, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { ownServer, until, type OwnServer } from "../servers.ts";

let gateway: TestGateway | undefined;
let server: OwnServer | undefined;
afterEach(async () => {
  server?.thaw();
  await gateway?.close();
  await server?.stop();
});

async function start() {
  server = await ownServer(inject("redisBinary"));
  await server.start();
  gateway = await startTestGateway({ redisUrl: server.url, appName: "away" });
  const { baseURL, key, app } = gateway;
  const call = async (method: string, path: string, body: unknown) => {
    const response = await fetch(`${baseURL}/limits/${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = (await response.json()) as {
      readonly permit: string;
      readonly counted?: boolean;
      readonly degraded?: boolean;
      readonly rules: readonly { readonly used: number }[];
    };
    const [again, after] = ["x-should-retry", "retry-after"].map((name) => response.headers.get(name));
    return { status: response.status, again, after, body: told };
  };
  const back = () => until(async () => (await app.inject("/readyz")).statusCode === 200, "the gateway's connection");
  return { server, call, back };
}

const ann = { subjects: { user: "ann" } };

describe("a settlement over HTTP that Redis does not answer in time", () => {
  it("is to be sent again, counts once then, and is told the same each time", async () => {
    const { server: redis, call, back } = await start();
    const tokens = { id: "t", by: "user", unit: "tokens", algorithm: "fixedWindow", limit: 1_000, window_ms: 600_000 };
    await call("PUT", "l", {
      rules: [tokens, { id: "c", by: "user", unit: "concurrency", limit: 1 }],
      lease_ms: 60_000,
    });
    const { permit } = (await call("POST", "l/take", { ...ann, costs: { tokens: 900 } })).body;
    const settle = () => call("POST", "l/settle", { permit, costs: { tokens: 100 } });
    redis.freeze();
    const first = await settle();
    expect([503, 504]).toContain(first.status);
    expect(first).toMatchObject({ again: "true", after: "1" });
    redis.thaw();
    await back();
    await until(async () => (await call("POST", "l/peek", ann)).status === 200, "the limiter");
    for (let time = 0; time < 3; time += 1)
      expect(await settle()).toMatchObject({ status: 200, body: { counted: true } });
    expect((await call("POST", "l/peek", ann)).body.rules.map(({ used }) => used)).toEqual([100, 0]);
  }, 30_000);
});

describe("limits that a gateway knows, while Redis is away", () => {
  it("go on as `on_unavailable` says, whatever is declared or asked for in vain meanwhile", async () => {
    const { server: redis, call } = await start();
    const rules = [{ id: "u", by: "user", limit: 50, window_ms: 60_000 }];
    await call("PUT", "l", { rules });
    await call("POST", "l/take", ann);
    const goesOn = async (after: string) => {
      const { status, body } = await call("POST", "l/take", ann);
      expect([after, status, body.degraded]).toEqual([after, 200, true]);
    };
    redis.freeze();
    await goesOn("nothing");
    expect([503, 504]).toContain((await call("PUT", "l", { rules })).status);
    await goesOn("a declaration");
    expect([503, 504]).toContain((await call("POST", "unknown/take", ann)).status);
    await goesOn("an unknown name");
    expect([503, 504]).toContain((await call("DELETE", "l", {})).status);
    await goesOn("taking back");
  }, 30_000);

  it("go on also when one was declared and nothing was read since", async () => {
    const { server: redis, call } = await start();
    const rules = [{ id: "u", by: "user", limit: 50, window_ms: 60_000 }];
    await call("PUT", "one", { rules });
    await call("PUT", "two", { rules });
    redis.freeze();
    for (const name of ["one", "two"])
      expect(await call("POST", `${name}/take`, ann)).toMatchObject({ status: 200, body: { degraded: true } });
  }, 30_000);
});
