import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createMemory } from "../../src/memory/index.ts";
import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";
import { ask, askStream, startTestGateway, type TestGateway } from "../gateway.ts";
import { startProxy } from "../resp-proxy.ts";
import { until } from "../servers.ts";

const script = ({ body }: ScriptedRequest): ScriptedAnswer => {
  const messages = body["messages"] as { content: unknown }[];
  const asked = String(messages.at(-1)?.content);
  if (asked.startsWith("fail "))
    return { status: Number(asked.slice(5)), content: "scripted failure", headers: { "retry-after": "7" } };
  if (asked.startsWith("finish ")) return { content: "cut off", finishReason: asked.slice(7) };
  if (asked.startsWith("refuse")) return { message: { role: "assistant", content: null, refusal: "I will not." } };
  if (asked.startsWith("call")) {
    const call = { id: "c1", index: 0, type: "function", function: { name: "f", arguments: "{}" } };
    return { message: { role: "assistant", content: null, tool_calls: [call] }, finishReason: "tool_calls" };
  }
  if (asked.startsWith("empty")) return { content: "" };
  if (asked.startsWith("break")) return { content: "one two three four", cutAfter: 3, eventDelayMs: 20 };
  if (asked.startsWith("slowly")) return { content: "one two three four five", eventDelayMs: 40 };
  if (asked.startsWith("late")) return { content: "x", delayMs: 5_000 };
  if (asked.startsWith("rubbish")) return { raw: "{oops" };
  return `Answer to ${asked} after ${messages.length}`;
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), script });
});
afterAll(() => gateway.close());
const calls = () => gateway.model.requests.length;

describe("the official openai client, only its base URL changed", () => {
  it("gets a whole answer, and the stored one the second time, without the model", async () => {
    const client = gateway.client();
    const first = await ask(client, "How tall is a giraffe?");
    const before = calls();
    const second = await ask(client, "How tall is a giraffe?");
    expect([first.cache, second.cache]).toEqual(["miss", "exact"]);
    expect(second.text).toBe(first.text);
    expect(calls()).toBe(before);
    expect(second.usage).toMatchObject({ total_tokens: 15, prompt_tokens_details: { cached_tokens: 10 } });
    expect(Number(second.headers.get("age"))).toBeGreaterThanOrEqual(0);
  });

  it("sees a rephrased question answered with x-marrow-cache: similar, the demo model not asked", async () => {
    const client = gateway.client();
    await ask(client, "What is the capital of France?", { model: "demo" });
    const similar = await ask(client, "What's the capital of France?", { model: "demo" });
    expect(similar).toMatchObject({ cache: "similar", text: "The capital of France is Paris." });
    expect(Number(similar.headers.get("x-marrow-cache-similarity"))).toBeGreaterThan(0.95);
  });

  it("streams, and streams the stored answer", async () => {
    const client = gateway.client();
    const options = { stream_options: { include_usage: true } };
    const first = await askStream(client, "Why do cats purr so much?", options);
    const second = await askStream(client, "Why do cats purr so much?", options);
    const whole = await ask(client, "Why do cats purr so much?");
    expect([first.cache, second.cache, whole.cache]).toEqual(["miss", "exact", "exact"]);
    expect(second.text).toBe(first.text);
    expect(whole.text).toBe(first.text);
    expect([first.finish, second.finish]).toEqual(["stop", "stop"]);
    expect(second.usage).toMatchObject({ total_tokens: 15, prompt_tokens_details: { cached_tokens: 10 } });
  });

  it("makes embeddings, as numbers and as base64", async () => {
    const client = gateway.client();
    const foreign = { model: "static-256", input: "hello", input_type: "query" };
    await expect(client.embeddings.create(foreign)).rejects.toMatchObject({ status: 400, param: "input_type" });
    const made = await client.embeddings.create({ model: "static-256", input: ["hello", "world"] });
    const numbers = await client.embeddings.create({ model: "static-256", input: "hello", encoding_format: "float" });
    expect(made.data).toHaveLength(2);
    expect(made.data[0]?.embedding).toHaveLength(256);
    expect(made.data[0]?.embedding[3]).toBeCloseTo(numbers.data[0]?.embedding[3] ?? 0, 6);
  });

  it("lists models and retrieves one", async () => {
    const client = gateway.client();
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toEqual(expect.arrayContaining(["demo", "scripted", "static-256"]));
    expect(await client.models.retrieve("demo")).toMatchObject({ id: "demo", object: "model" });
    await expect(client.models.retrieve("none")).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it.each([
    ["a wrong key", { apiKey: "mrw_wrong" }, {}, OpenAI.AuthenticationError],
    ["an unknown model", {}, { model: "gpt-none" }, OpenAI.NotFoundError],
    ["no messages", {}, { messages: [] }, OpenAI.BadRequestError],
    ["a wrong field", {}, { stream: "yes" }, OpenAI.BadRequestError],
    ["an unknown cache control", {}, { headers: { "x-marrow-cache-control": "no-stor" } }, OpenAI.BadRequestError],
  ])("gets its own error for %s", async (_, options, more, error) => {
    await expect(ask(gateway.client(options), "hi", more)).rejects.toBeInstanceOf(error);
  });

  it.each([
    ["fail 400", 400],
    ["fail 429", 429],
    ["fail 500", 502],
    ["fail 503", 503],
    ["fail 401", 502],
    ["late", 504],
    ["rubbish", 502],
  ])("gets the model's failure %s as %s, and nothing is stored", async (asked, status) => {
    const error = await ask(gateway.client(), asked).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ status });
    if (status === 429) expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get("retry-after")).toBe("7");
    const before = calls();
    await ask(gateway.client(), asked).catch(() => {});
    expect(calls()).toBe(before + 1);
  });

  it.each(["finish length", "finish content_filter", "refuse", "call", "empty"])(
    "never gets a stored answer for %s, whole or streamed",
    async (asked) => {
      const client = gateway.client();
      for (let time = 0; time < 2; time += 1) {
        expect((await ask(client, asked)).cache).toBe("miss");
        expect((await askStream(client, asked)).cache).toBe("miss");
      }
    },
  );

  it("gets an error from a stream that breaks, and nothing is stored", async () => {
    for (let time = 0; time < 2; time += 1)
      await expect(askStream(gateway.client(), "break")).rejects.toBeInstanceOf(OpenAI.APIError);
  });

  it("passes fields that nobody here knows on to the model", async () => {
    await ask(gateway.client(), "unknown fields", { top_k: 40, vendor: { a: [1, null] } });
    expect(gateway.model.requests.at(-1)?.body).toMatchObject({ top_k: 40, vendor: { a: [1, null] } });
  });
});

describe("a request's cache control", () => {
  it("is obeyed: no-store, no-cache, only-if-cached, max-age", async () => {
    const client = gateway.client();
    const controlled = (control: string, question = "Which tree grows oldest?") =>
      ask(client, question, { headers: { "x-marrow-cache-control": control } });
    expect((await controlled("no-store")).cache).toBe("miss");
    expect((await controlled("no-store")).cache).toBe("miss");
    await expect(controlled("only-if-cached")).rejects.toMatchObject({ status: 504, code: "not_cached" });
    expect((await controlled("")).cache).toBe("miss");
    expect((await controlled("only-if-cached")).cache).toBe("exact");
    expect((await controlled("no-cache")).cache).toBe("miss");
    expect((await controlled("max-age=3600")).cache).toBe("exact");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await controlled("max-age=0")).cache).toBe("miss");
  });

  it("bypasses the cache for what no stored answer can serve", async () => {
    const client = gateway.client();
    for (let time = 0; time < 2; time += 1)
      expect((await ask(client, "several at once", { n: 2 })).cache).toBe("bypass");
  });

  it("never serves one tenant's answer to another", async () => {
    const other = await gateway.keys.create({ scope: "Acme", user: "u1", name: "other" });
    await ask(gateway.client(), "What is our plan for the summer?");
    expect((await ask(gateway.client({ apiKey: other }), "What is our plan for the summer?")).cache).toBe("miss");
  });

  it("never serves across system prompts, temperatures or earlier turns", async () => {
    const client = gateway.client();
    const caches: (string | null)[] = [];
    for (const [temperature, before] of [
      [0, []],
      [1, []],
      [0, [{ role: "system", content: "Be brief." }]],
      [
        0,
        [
          { role: "user", content: "Hi" },
          { role: "assistant", content: "Hello" },
        ],
      ],
      [0, []],
    ] as const) {
      const messages = [...before, { role: "user" as const, content: "How do magnets work?" }];
      const { response } = await client.chat.completions
        .create({ model: "scripted", messages: messages, temperature })
        .withResponse();
      caches.push(response.headers.get("x-marrow-cache"));
    }
    expect(caches).toEqual(["miss", "miss", "miss", "miss", "exact"]);
  });
});

describe("a session over the gateway", () => {
  const turnsOf = async (id: string, user = "u1") =>
    (await createMemory(gateway.redis.scope("acme"), { name: "chat" }).session({ user, id }).window({ last: 50 }))
      .turns;

  it("brings what was said before to the model, and keeps both turns", async () => {
    const client = gateway.client({ headers: { "x-marrow-session": "s1" } });
    await ask(client, "My name is Ada.");
    await askStream(client, "What is my name?");
    expect(gateway.model.requests.at(-1)?.body["messages"]).toHaveLength(3);
    expect((await turnsOf("s1")).map(({ role, content }) => `${role}: ${String(content)}`)).toEqual([
      "user: My name is Ada.",
      "assistant: Answer to My name is Ada. after 1",
      "user: What is my name?",
      "assistant: Answer to What is my name? after 3",
    ]);
  });

  it("is not named by metadata, which tracing tools set, and belongs to one user", async () => {
    await ask(gateway.client(), "By metadata.", { metadata: { session_id: "s2" } });
    await ask(gateway.client({ headers: { "x-marrow-user": "u2" } }), "Another user.", {
      headers: { "x-marrow-session": "s2" },
    });
    expect(await turnsOf("s2")).toEqual([]);
    expect((await turnsOf("s2", "u2"))[0]?.content).toBe("Another user.");
  });

  it("keeps a stored answer's turns like any other's, and never serves across contexts", async () => {
    const question = "How far is the sun from here?";
    await ask(gateway.client(), question);
    const inSession = (session: string) =>
      ask(gateway.client(), question, { headers: { "x-marrow-session": session } });
    expect((await inSession("fresh")).cache).toBe("exact");
    expect(await turnsOf("fresh")).toHaveLength(2);
    // Now something was said before: the same words may mean something else.
    expect((await inSession("fresh")).cache).toBe("miss");
  });

  it("keeps both turns, whole and in order, when the client hangs up mid-stream", async () => {
    const client = gateway.client({ headers: { "x-marrow-session": "hangup" } });
    const stream = await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: "slowly please" }],
      stream: true,
    });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content === "two ") break;
    }
    stream.controller.abort();
    await until(async () => (await turnsOf("hangup")).length === 2, "the turns");
    expect((await turnsOf("hangup")).map(({ content }) => content)).toEqual([
      "slowly please",
      "one two three four five",
    ]);
  });

  it("keeps both turns when the client hangs up before the first byte", async () => {
    const control = new AbortController();
    const given = ask(gateway.client(), "slowly, and gone at once", {
      headers: { "x-marrow-session": "gone" },
      stream: false,
    });
    const gone = fetch(`${gateway.baseURL}/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${gateway.key}`,
        "content-type": "application/json",
        "x-marrow-session": "gone2",
      },
      body: JSON.stringify({
        model: "scripted",
        stream: true,
        messages: [{ role: "user", content: "slowly, and gone" }],
      }),
      signal: control.signal,
    }).catch(() => {});
    setTimeout(() => control.abort(), 5);
    await Promise.all([given, gone]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([0, 2]).toContain((await turnsOf("gone2")).length);
    expect(await turnsOf("gone")).toHaveLength(2);
  });

  it("marks a broken answer as incomplete, and goes on", async () => {
    const client = gateway.client({ headers: { "x-marrow-session": "broken" } });
    await askStream(client, "break").catch(() => {});
    expect((await turnsOf("broken")).at(-1)).toMatchObject({
      role: "assistant",
      content: "one two ",
      incomplete: true,
    });
    await ask(client, "And now?");
    const sent = gateway.model.requests.at(-1)?.body["messages"] as Record<string, unknown>[];
    expect(sent.map(({ incomplete }) => incomplete)).toEqual([undefined, undefined, undefined]);
  });
});

describe("the gateway's limits", () => {
  it("refuse with 429, all the headers, and the official client comes back by itself", async () => {
    const limited = await startTestGateway({
      redisUrl: inject("redisUrl"),
      config: { limits: { userRequests: { limit: 2, windowMs: 1_000 } } },
    });
    const client = limited.client();
    // The start of a window, so that none ends in between.
    await new Promise((resolve) => setTimeout(resolve, 1_020 - (Date.now() % 1_000)));
    await ask(client, "one");
    const second = await ask(client, "two");
    expect(second.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(second.headers.get("ratelimit")).toContain('"user-requests";r=0');
    const refused = (await ask(client, "three").catch((error: unknown) => error)) as InstanceType<
      typeof OpenAI.APIError
    >;
    expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
    expect(refused.code).toBe("rate_limit_exceeded");
    expect(Number(refused.headers?.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers?.get("retry-after-ms"))).toBeGreaterThan(0);
    expect(refused.headers?.get("x-should-retry")).toBe("true");
    expect((await ask(limited.client({ maxRetries: 3 }), "four")).text).toContain("four");
    await limited.close();
  });
});

describe("the gateway's round trips", () => {
  it("are one for an exact hit, two for a similar one, at most four for a miss with a session", async () => {
    const proxy = await startProxy(inject("redisUrl"));
    const counted = await startTestGateway({ redisUrl: proxy.url });
    const client = counted.client();
    const trips = async (question: string, headers = {}) => {
      // What was spent is written within 200 ms, for all answers of that time together.
      await new Promise((resolve) => setTimeout(resolve, 260));
      proxy.reset();
      const { cache } = await ask(client, question, { headers });
      await new Promise((resolve) => setTimeout(resolve, 30));
      return [cache, proxy.roundTrips()] as const;
    };
    await trips("Warm up the scripts and the key", { "x-marrow-session": "warm" });
    await trips("Warm the scripts and the key up");
    const [missed, missTrips] = await trips("What is the largest lake of Africa?", { "x-marrow-session": "s" });
    expect(missed).toBe("miss");
    expect(missTrips).toBeLessThanOrEqual(4);
    expect(await trips("What is the largest lake of Africa?")).toEqual(["exact", 1]);
    // The refund of the reserved tokens, and the leave of those who ask, go out after the answer: up to two more trips, which nobody waits for.
    const [near, nearTrips] = await trips("What's the largest lake of Africa?");
    expect(near).toBe("similar");
    expect(nearTrips).toBeLessThanOrEqual(4);
    await counted.close();
    await proxy.close();
  });
});

describe("the gateway's open pages", () => {
  it("tell health and counts without a key, and nothing of a tenant", async () => {
    const metrics = (await gateway.app.inject("/metrics")).body;
    expect(metrics).toContain('marrow_cache_total{status="exact"}');
    expect(metrics).not.toMatch(/acme|u1|giraffe/);
    expect((await gateway.app.inject("/healthz")).json()).toEqual({ status: "ok" });
    expect((await gateway.app.inject("/readyz")).statusCode).toBe(200);
  });

  it("answer everything else in the OpenAI error shape", async () => {
    const send = (body: string, type = "application/json") =>
      gateway.app.inject({
        method: "POST",
        url: "/v1/chat/completions",
        headers: { authorization: `Bearer ${gateway.key}`, "content-type": type },
        body,
      });
    const seen = [
      await send("{not json"),
      await send("x", "text/plain"),
      await send(JSON.stringify({ model: "demo", messages: [{ role: "user", content: "x".repeat(9_000_000) }] })),
      await gateway.app.inject({ url: "/v1/nothing", headers: { authorization: `Bearer ${gateway.key}` } }),
      await gateway.app.inject("/v1/models"),
    ];
    expect(seen.map(({ statusCode }) => statusCode)).toEqual([400, 415, 413, 404, 401]);
    for (const answer of seen) {
      expect(answer.json()).toEqual({
        error: { message: expect.any(String), type: expect.any(String), param: null, code: expect.any(String) },
      });
    }
  });
});
