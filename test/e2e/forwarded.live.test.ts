import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** What the gateway does not answer itself. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: {
      limits: { userRequests: { limit: 20 } },
      prices: { scripted: { input: 1_000, output: 0 } },
    },
    script: ({ body }) =>
      body["input"] === "wrong"
        ? { status: 400, content: "no such input" }
        : {
            raw: JSON.stringify({ object: "list", data: [{ embedding: [1, 2] }], usage: { total_tokens: 7 } }),
            contentType: "application/json",
          },
  });
});
afterAll(() => gateway.close());

describe("embeddings", () => {
  it("of an upstream's model come from the upstream, with limits", async () => {
    const { data, response } = await gateway
      .client()
      .embeddings.create({ model: "scripted", input: "a", dimensions: 2, encoding_format: "float" })
      .withResponse();
    expect(data.data[0]?.embedding).toEqual([1, 2]);
    expect(gateway.model.requests.at(-1)?.body).toMatchObject({ model: "scripted", input: "a", dimensions: 2 });
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("19");
    await expect(gateway.client().embeddings.create({ model: "scripted", input: "wrong" })).rejects.toMatchObject({
      status: 400,
    });
    await expect(gateway.client().embeddings.create({ model: "nothing", input: "a" })).rejects.toMatchObject({
      status: 404,
    });
  });

  it("of an upstream's model cost what its table of prices says", async () => {
    const apiKey = await gateway.keys.create({ scope: "embeds", user: "u1", name: "test", role: "admin" });
    await gateway.client({ apiKey }).embeddings.create({ model: "scripted", input: "a", encoding_format: "float" });
    const costs = async () => {
      const told = await gateway.app.inject({
        url: "/v1/admin/spend?by=user&scope=embeds",
        headers: { authorization: `Bearer ${apiKey}` },
      });
      return told.json<{ readonly data: readonly { readonly cost: number }[] }>().data[0]?.cost;
    };
    // 7 tokens at 1,000 a million.
    await expect.poll(costs, { timeout: 5_000 }).toBe(0.007);
  });

  it("of the gateway's own model take tokens, and fewer dimensions", async () => {
    const client = gateway.client();
    const of = async (input: string | number[] | number[][], dimensions?: number) =>
      (
        await client.embeddings.create({
          model: "static-256",
          input,
          encoding_format: "float",
          ...(dimensions && { dimensions }),
        })
      ).data.map(({ embedding }) => embedding);
    // "Hello world" and "hello" in cl100k_base.
    expect(await of([9906, 1917])).toEqual(await of("Hello world"));
    expect((await of([[9906, 1917], [15339]]))[1]).toEqual((await of("hello"))[0]);
    const [short = []] = await of("Hello world", 64);
    expect([short.length, Math.hypot(...short)]).toEqual([64, expect.closeTo(1, 5)]);
    await expect(of("a", 512)).rejects.toMatchObject({ status: 400, param: "dimensions" });
  });
});

describe("routes that the gateway does not own", () => {
  it.each(["moderations", "images/generations", "audio/speech", "completions", "rerank"])(
    "%s passes through",
    async (route) => {
      const answer = await gateway.app.inject({
        method: "POST",
        url: `/v1/${route}`,
        headers: { authorization: `Bearer ${gateway.key}` },
        payload: { model: "scripted", input: "x", any: { thing: 1 } },
      });
      expect([answer.statusCode, answer.json().object]).toEqual([200, "list"]);
      expect(gateway.model.requests.at(-1)?.body).toEqual({ model: "scripted", input: "x", any: { thing: 1 } });
    },
  );
});
