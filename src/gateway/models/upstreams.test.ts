import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { startScriptedModel, type ScriptedModel } from "../../testing/index.ts";
import { resolveConfig } from "../config/config.ts";
import type { LaneGates } from "../tenancy/lanes.ts";
import { openUpstream, type Upstream } from "./upstreams.ts";
import type { UpstreamInput } from "../config/upstream-config.ts";

const lanes = (() => ({ enter: async () => {}, learn: () => {} })) as unknown as LaneGates;
const ask = { messages: [{ role: "user", content: "hello" }] };
const home = mkdtempSync(join(tmpdir(), "marrow-upstreams-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
let endpoint: ScriptedModel;
let upstream: Upstream | undefined;
afterEach(async () => {
  await upstream?.close();
  upstream = undefined;
  await endpoint.close();
});

async function open(written: Omit<UpstreamInput, "baseUrl">, query = "") {
  endpoint = await startScriptedModel();
  const { upstreams } = resolveConfig({ upstreams: [{ baseUrl: `${endpoint.baseUrl}${query}`, ...written }] });
  const opened = openUpstream(upstreams[0] as (typeof upstreams)[0], lanes);
  upstream = opened;
  return opened;
}

describe("an upstream", () => {
  it("is asked for a model by the name that it knows the model by", async () => {
    const model = await open({ models: { "gpt-5": "scripted", own: "own" } });
    expect(["gpt-5", "own", "scripted"].map((id) => model.serves(id))).toEqual([true, true, false]);
    const body = Buffer.from(JSON.stringify({ model: "gpt-5", ...ask }));
    const call = { request: { model: "gpt-5", ...ask }, body };
    await model.complete(call);
    for await (const _ of await model.stream({ request: { ...call.request, stream: true } }));
    const answer = await model.forward?.("/moderations", body);
    while ((await answer?.next()) !== undefined);
    expect(endpoint.requests.map((request) => request.body["model"])).toEqual(["scripted", "scripted", "scripted"]);
    expect((await model.list()).map(({ id, owned_by: owner }) => [id, owner])).toEqual([
      ["gpt-5", "test"],
      ["own", "upstream"],
    ]);
  });

  it("gets its headers, its query on every path, and its key from a file", async () => {
    const file = join(home, "key");
    writeFileSync(file, "\uFEFF sk-from-a-file\t\r\n\n");
    const model = await open({ apiKeyFile: file, headers: { "X-Team": "blue" } }, "?api-version=2026-01-01");
    await model.complete({ request: { model: "m", ...ask } });
    const answer = await model.forward?.("/moderations", Buffer.from(JSON.stringify({ model: "m", ...ask })));
    while ((await answer?.next()) !== undefined);
    for (const request of endpoint.requests)
      expect(request).toMatchObject({
        url: expect.stringMatching(/^\/v1\/(chat\/completions|moderations)\?api-version=2026-01-01$/) as string,
        headers: { authorization: "Bearer sk-from-a-file", "x-team": "blue" },
      });
  });

  it("names the file that holds no key", async () => {
    await expect(open({ apiKeyFile: "/nowhere/key" })).rejects.toMatchObject({
      code: "invalid_option",
      message: expect.stringContaining("/nowhere/key") as string,
    });
    await endpoint.close();
    const empty = join(home, "empty");
    writeFileSync(empty, " \n");
    await expect(open({ apiKeyFile: empty })).rejects.toMatchObject({ code: "invalid_option" });
  });

  it("may answer 201, and name its content type in any case", async () => {
    endpoint = await startScriptedModel(() => ({
      status: 201,
      raw: 'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
      contentType: "Text/Event-Stream; charset=UTF-8",
    }));
    const { upstreams } = resolveConfig({ upstreams: [{ baseUrl: endpoint.baseUrl }] });
    const opened = openUpstream(upstreams[0] as (typeof upstreams)[0], lanes);
    upstream = opened;
    const parts = await opened.stream({ request: { model: "m", ...ask, stream: true } });
    for await (const { chunks } of parts) expect(chunks).toHaveLength(1);
  });
});
