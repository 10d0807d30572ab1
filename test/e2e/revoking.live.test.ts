import { describe, expect, it } from "vitest";
import { gatewaysInBackground, type TestGateway } from "../gateway.ts";

const start = gatewaysInBackground();

async function upload(gateway: TestGateway, lines: number): Promise<string> {
  const content = Array.from({ length: lines }, (_, n) =>
    JSON.stringify({
      custom_id: `n${n}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "scripted", messages: [{ role: "user", content: `What is ${n}?` }] },
    }),
  ).join("\n");
  const file = new File([content], "in.jsonl");
  return (await gateway.client().files.create({ file, purpose: "batch" })).id;
}

describe("a key that was ended", () => {
  it("stays ended, whoever changes it in the same moment", async () => {
    const gateway = await start();
    const rounds = Array.from({ length: 60 }, async (_, n) => {
      const key = await gateway.keys.create({ scope: "acme", user: "u", name: "k" });
      const { id } = await gateway.keys.identify(key);
      await Promise.all([gateway.keys.remove(id), gateway.keys.update(id, { name: `renamed ${n}` })]);
      return (await gateway.keys.list()).data.some((one) => one.id === id);
    });
    expect((await Promise.all(rounds)).filter(Boolean)).toHaveLength(0);
  });

  it("asks no further line of a batch that it made", async () => {
    const gateway = await start(({ body }) => ({ content: JSON.stringify(body).slice(0, 40), delayMs: 40 }), {
      config: { background: { concurrency: 2 }, limits: { enabled: false }, cache: { enabled: false } },
    });
    const input_file_id = await upload(gateway, 400);
    const apiKey = await gateway.keys.create({ scope: "acme", user: "u1", name: "leaver", actsFor: "any" });
    const client = gateway.client({ apiKey });
    const batch = await client.batches.create({
      input_file_id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    await expect.poll(() => gateway.model.requests.length, { timeout: 10_000 }).toBeGreaterThan(4);
    await gateway.keys.revoke(apiKey);
    const house = gateway.client();
    await expect
      .poll(async () => (await house.batches.retrieve(batch.id)).status, { timeout: 20_000 })
      .toBe("cancelled");
    const asked = gateway.model.requests.length;
    expect(asked).toBeLessThan(400);
    const { error_file_id: errors } = await house.batches.retrieve(batch.id);
    expect((await (await house.files.content(errors ?? "")).text()).split("\n").length).toBeGreaterThan(300);
  });

  it("begins no response in the background", async () => {
    const gateway = await start(undefined, { background: false });
    const apiKey = await gateway.keys.create({ scope: "acme", user: "u1", name: "leaver" });
    const { id } = await gateway
      .client({ apiKey })
      .responses.create({ model: "scripted", input: "Hi", background: true });
    await gateway.keys.revoke(apiKey);
    const other = await start(undefined, { appName: gateway.redis.app });
    await expect
      .poll(async () => (await gateway.client().responses.retrieve(id)).status, { timeout: 10_000 })
      .toBe("failed");
    expect([...gateway.model.requests, ...other.model.requests]).toEqual([]);
  });
});
