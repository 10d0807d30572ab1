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

  it.each(["moderations", "images/generations"])("%s without a model say why none can be chosen", async (route) => {
    const answer = await gateway.app.inject({
      method: "POST",
      url: `/v1/${route}`,
      headers: { authorization: `Bearer ${gateway.key}` },
      payload: { input: "x", prompt: "x" },
    });
    expect([answer.statusCode, answer.json().error.param]).toEqual([400, "model"]);
    expect(answer.json().error.message).toContain("no model of this gateway is known to serve this path");
  });
});

describe("embeddings of too many texts", () => {
  it("are refused for their number", async () => {
    const input = Array.from({ length: 2_049 }, () => "a");
    await expect(gateway.client().embeddings.create({ model: "static-256", input })).rejects.toMatchObject({
      status: 400,
      param: "input",
      message: expect.stringContaining("too big"),
    });
  });
});

describe("stored chat completions", () => {
  it("are not there, and the answer says so", async () => {
    const { completions } = gateway.client().chat;
    const asks = [() => completions.list(), () => completions.retrieve("c"), () => completions.messages.list("c")];
    for (const ask of asks)
      await expect(ask()).rejects.toMatchObject({ status: 404, message: expect.stringContaining("are not stored") });
    const path = await gateway.app.inject({ url: "/v1", headers: { authorization: `Bearer ${gateway.key}` } });
    expect([path.statusCode, path.json().error.message]).toEqual([404, "No route matches GET /v1."]);
  });
});

describe("the models for a client of Anthropic's API", () => {
  it("have its shape, alone and in pages", async () => {
    const asked = async (url: string) => {
      const headers = { "x-api-key": gateway.key, "anthropic-version": "2023-06-01" };
      return (await gateway.app.inject({ url, headers })).json();
    };
    const { data, ...page } = await asked("/v1/models?limit=2");
    expect(page).toEqual({ has_more: true, first_id: data[0].id, last_id: data[1].id });
    expect(data[0]).toEqual({
      type: "model",
      id: data[0].id,
      display_name: data[0].id,
      created_at: expect.any(String),
    });
    expect(await asked(`/v1/models/${data[0].id}`)).toEqual(data[0]);
    expect((await asked("/v1/models?limit=0")).error.message).toContain("limit");
  });
});

describe("the tokens of an input", () => {
  it("are counted without a model, and not for one that is not served", async () => {
    const { inputTokens } = gateway.client().responses;
    expect((await inputTokens.count({ input: "Hello world" })).input_tokens).toBeGreaterThan(1);
    await expect(inputTokens.count({ input: "x", model: "nothing" })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });
});
