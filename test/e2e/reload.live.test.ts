import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, inject, it } from "vitest";
import { serve, type GatewayConfigInput, type Served } from "../../src/gateway/index.ts";
import { startFaultyUpstream, wordsOf, type FaultyUpstream } from "../faulty-upstream.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-reload-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

const upstream = async (name: string): Promise<FaultyUpstream> => {
  const started = await startFaultyUpstream(name, () => ({ kind: "slow", ms: 200 }));
  open.push(started);
  return started;
};

describe("gateways whose configuration changes", () => {
  it("take upstreams and routes at once, all of one Redis, and keep what is in force when the change is wrong", async () => {
    const [old, fresh] = [await upstream("old"), await upstream("fresh")];
    const config = (to: FaultyUpstream): GatewayConfigInput => ({
      port: 0,
      app,
      logLevel: "silent",
      drainDelayMs: 0,
      upstreams: [{ name: "up", baseUrl: to.baseUrl, models: ["m"] }],
      routes: { alias: { groups: [["up/m"]] } },
    });
    const app = `reload${Date.now()}`;
    let file: unknown = config(old);
    const said: string[] = [];
    const start = async (): Promise<Served> => {
      const served = await serve({
        config: config(old),
        read: async () => file as GatewayConfigInput,
        redisUrl: inject("redisUrl"),
        dataDirectory: home,
        cacheDirectory: ".cache",
        path: "",
        say: (line) => said.push(line),
      });
      open.push(served);
      return served;
    };
    const [one, two] = [await start(), await start()];
    const key = one.firstKey ?? "";
    const call = (served: Served, path: string, body: object) =>
      fetch(`${served.url}/v1${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const ask = async (served: Served, content: string) => {
      const response = await call(served, "/chat/completions", {
        model: "alias",
        messages: [{ role: "user", content }],
      });
      return ((await response.json()) as { choices: { message: { content: string } }[] }).choices[0]?.message.content;
    };
    expect(await ask(one, "first")).toBe(wordsOf("old"));
    const onItsWay = ask(one, "second");
    await new Promise((resolve) => setTimeout(resolve, 50));
    file = config(fresh);
    expect(await (await call(one, "/admin/reload", {})).json()).toEqual({ object: "reload", gateways: 2 });
    await waitFor(() => said.filter((line) => line.includes("upstreams")).length === 2);
    expect(await Promise.all([ask(one, "third"), ask(two, "fourth")])).toEqual([wordsOf("fresh"), wordsOf("fresh")]);
    expect(await onItsWay).toBe(wordsOf("old"));

    file = { ...config(fresh), routes: { alias: { groups: [["upp/m"]] } } };
    await two.reload();
    expect(said.at(-1)).toContain("routes.alias.groups.0.0: there is no upstream upp; did you mean up?");
    expect(await ask(two, "fifth")).toBe(wordsOf("fresh"));
    const lines = said.length;
    file = config(fresh);
    await two.reload(false);
    expect(said).toHaveLength(lines);
    await two.reload();
    expect(said.at(-1)).toContain("no change in force");
    file = { ...config(fresh), bodyBytesMax: 2_048 };
    await two.reload();
    expect(said.at(-1)).toContain("changes of bodyBytesMax wait for a restart");
  });
});

async function waitFor(isThere: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !isThere(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isThere()).toBe(true);
}
