import { describe, expect, it } from "vitest";
import { wordsOf, type Fault } from "../faulty-upstream.ts";
import { routingTests } from "../routing.ts";

const { upstream, gateway } = routingTests();
const OK = { kind: "ok" } as const;
const quick = { backoffMs: 10, backoffMaxMs: 50 } as const;

/** Two upstreams with the same model, the second one well. */
async function twoWith(fault: Fault, more = {}) {
  const [bad, good] = [await upstream("bad", () => fault), await upstream("good")];
  const shared = { models: ["m"], ...more };
  const door = await gateway({
    routing: quick,
    upstreams: [
      { name: "bad", baseUrl: bad.baseUrl, ...shared },
      { name: "good", baseUrl: good.baseUrl, ...shared },
    ],
  });
  return { bad, good, ...door };
}

describe("a model with two upstreams", () => {
  it.each<[string, Fault]>([
    ["429", { kind: "status", status: 429, retryAfter: "20" }],
    ["500", { kind: "status", status: 500 }],
    ["503", { kind: "status", status: 503 }],
    ["529", { kind: "status", status: 529 }],
    ["408", { kind: "status", status: 408 }],
    ["401: the gateway's key is wrong", { kind: "status", status: 401 }],
    ["402: nobody paid", { kind: "status", status: 402 }],
    ["404: it is not deployed", { kind: "status", status: 404 }],
    ["302: it is elsewhere", { kind: "status", status: 302 }],
    ["nothing", { kind: "silent" }],
    ["half an answer", { kind: "cut", part: 0.6 }],
    ["half a head", { kind: "cut", part: 0.05 }],
    ["a page", { kind: "type", type: "text/html" }],
    ["a success that holds an error", { kind: "error200" }],
  ])("is answered by the second when the first says %s", async (_, fault) => {
    const { ask, bad } = await twoWith(fault, { firstByteTimeoutMs: 300 });
    const told = await ask("m");
    expect([told.status, told.text]).toEqual([200, wordsOf("good")]);
    expect(told.headers.get("x-marrow-upstream")).toBe("good");
    expect(told.headers.get("x-marrow-attempts")).toBe("2");
    expect(bad.calls).toHaveLength(1);
    const streamed = await ask("m", { stream: true });
    expect([streamed.text === wordsOf("good") || fault.kind === "cut", streamed.status]).toEqual([true, 200]);
  });

  const unreadable = (answer: object): Fault => ({
    kind: "raw",
    whole: JSON.stringify(answer),
    stream: `data: ${JSON.stringify(answer)}\n\n`,
  });
  const odd: readonly [string, Fault][] = [
    ["no object among its choices", unreadable({ choices: [null] })],
    ["choices that are no list", unreadable({ choices: { a: 1 } })],
    [
      "a call that is none",
      unreadable({ choices: [{ message: { tool_calls: [null] }, delta: { tool_calls: [null] } }] }),
    ],
    ["content that is none", unreadable({ choices: [{ message: { content: [null] }, delta: { content: 7 } }] })],
    [
      "an end by an error",
      unreadable({ choices: [{ message: {}, delta: {}, finish_reason: "error", error: { code: 503 } }] }),
    ],
    ["only its end", { kind: "raw", whole: "{}", stream: "data: [DONE]\n\n" }],
    ["only counts", { kind: "raw", whole: '{"usage":{}}', stream: ': wait\n\ndata: {"usage":{}}\n\ndata: [DONE]\n\n' }],
    ["an error beside no choices", unreadable({ error: { message: "busy" }, choices: [] })],
  ];

  it.each(odd)("is answered by the second when the first's answer has %s, whole and streamed", async (_, fault) => {
    const { ask, bad } = await twoWith(fault);
    for (const stream of [false, true]) {
      const told = await ask("m", { stream });
      expect([told.status, told.text, told.whole]).toEqual([200, wordsOf("good"), true]);
    }
    expect(bad.calls).toHaveLength(2);
  });

  it.each<[string, object]>([
    ["without a message", { choices: [{ index: 0, message: null, finish_reason: "stop" }] }],
    ["without a choice", { choices: [] }],
  ])("is answered by the second when the first's answer is %s, in every shape", async (_, answer) => {
    const { url, key } = await twoWith({ kind: "raw", whole: JSON.stringify(answer) });
    const messages = [{ role: "user", content: "hello" }];
    for (const [path, body] of [
      ["chat/completions", { messages }],
      ["messages", { messages, max_tokens: 50 }],
      ["responses", { input: "hello there" }],
    ] as const) {
      const response = await fetch(`${url}/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "m", ...body }),
      });
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.text()).toContain(wordsOf("good"));
    }
  });

  it("ends with one clear error when an answer that has begun cannot be read any more", async () => {
    const said = JSON.stringify({ choices: [{ index: 0, delta: { content: "This" } }] });
    const filler = `: ${"x".repeat(1_048_576)}\n`;
    const { ask, good } = await twoWith({
      kind: "raw",
      stream: `data: ${said}\n\n${filler}data: {"choices":[null]}\n\n`,
    });
    const told = await ask("m", { stream: true });
    expect([told.status, told.text, told.error?.code]).toEqual([200, "This", "model_failed"]);
    expect(good.calls).toHaveLength(0);
  });

  const first = (choice: object, more = {}): Fault => ({
    kind: "raw",
    cut: true,
    stream: `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }], ...more })}\n\n`,
  });

  it.each<[string, Fault]>([
    ["empty pieces", first({ delta: { role: "assistant", content: "", tool_calls: [] } })],
    ["an end of no name", first({ delta: { role: "assistant" }, finish_reason: "" })],
    [
      "counts",
      first({ delta: { role: "assistant" } }, { usage: { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 } }),
    ],
  ])("is answered by the second when a stream breaks after %s, which say nothing", async (_, fault) => {
    const { ask } = await twoWith(fault);
    const told = await ask("m", { stream: true });
    expect([told.text, told.whole, told.error]).toEqual([wordsOf("good"), true, undefined]);
  });

  it("never asks again for what the client got wrong", async () => {
    const error = { message: "temperature must be below 2", param: "temperature", code: "invalid_value" };
    const { ask, good } = await twoWith({ kind: "status", status: 400, error });
    expect(await ask("m")).toMatchObject({ status: 400, error: { message: error.message } });
    expect(good.calls).toHaveLength(0);
  });

  it("never asks again once the client has read something", async () => {
    const { ask, good } = await twoWith({ kind: "cut", part: 0.8 });
    const told = await ask("m", { stream: true });
    expect(told.error?.code).toBe("model_failed");
    expect(wordsOf("bad").startsWith(told.text) && told.text !== "").toBe(true);
    expect(good.calls).toHaveLength(0);
  });

  it("asks both in the end, and says the clearest of what they said", async () => {
    const [one, other] = [
      await upstream("one", () => ({ kind: "status", status: 500 })),
      await upstream("other", () => ({ kind: "status", status: 429, retryAfter: "30" })),
    ];
    const { ask } = await gateway({
      routing: { ...quick, attemptsMax: 2 },
      upstreams: [one, other].map(({ baseUrl }) => ({ baseUrl, models: ["m"] })),
    });
    const told = await ask("m");
    expect([told.status, told.headers.get("retry-after"), told.headers.get("x-marrow-attempts")]).toEqual([
      429,
      "30",
      "2",
    ]);
  });

  it("says when the first of them is asked again, where all are left alone", async () => {
    const names = ["one", "other"];
    const ups = await Promise.all(names.map((name) => upstream(name, () => ({ kind: "status", status: 500 }))));
    const { ask } = await gateway({
      routing: { ...quick, attemptsMax: 2, coolDown: { firstMs: 8_000, longestMs: 8_000 } },
      upstreams: ups.map(({ baseUrl }, at) => ({ name: names[at] as string, baseUrl, models: ["m"] })),
    });
    let told = await ask("m");
    for (let n = 0; n < 20 && told.headers.get("retry-after") === null; n += 1) told = await ask("m");
    expect(told.status).toBe(502);
    const afterS = Number(told.headers.get("retry-after"));
    expect(afterS).toBeGreaterThan(0);
    expect(afterS).toBeLessThanOrEqual(10);
    expect(Number(told.headers.get("x-marrow-attempts"))).toBeGreaterThan(0);
  });

  it("keeps to the client's deadline, and tells it apart", async () => {
    const { ask } = await twoWith({ kind: "silent" });
    expect(await ask("m", { timeoutMs: 1_000 })).toMatchObject({ status: 200, text: wordsOf("good") });
    const [one, other] = [
      await upstream("one", () => ({ kind: "silent" })),
      await upstream("other", () => ({ kind: "silent" })),
    ];
    const silent = await gateway({ upstreams: [one, other].map(({ baseUrl }) => ({ baseUrl, models: ["m"] })) });
    for (const stream of [false, true]) {
      const told = await silent.ask("m", { timeoutMs: 600, stream });
      expect([told.status, told.error?.code, told.tookMs < 1_500]).toEqual([504, "timeout", true]);
      expect(told.headers.get("x-marrow-attempts")).toBe("2");
    }
    expect([one.calls.length, other.calls.length]).toEqual([2, 2]);
  });
});

describe("a route", () => {
  it("asks its groups in order, by the names that upstreams know, and falls back when a context window is full", async () => {
    const error = { message: "This model's maximum context length is 8192 tokens", code: "context_length_exceeded" };
    const [small, large] = [
      await upstream("small", () => ({ kind: "status", status: 400, error })),
      await upstream("large"),
    ];
    const { ask } = await gateway({
      routing: quick,
      upstreams: [
        { name: "small", baseUrl: small.baseUrl },
        { name: "large", baseUrl: large.baseUrl, models: { big: "deployment-7" } },
      ],
      routes: { chat: { groups: [["small/mini"], ["large/big"]] } },
    });
    expect(await ask("chat")).toMatchObject({ status: 200, text: wordsOf("large") });
    expect([small.calls[0]?.body["model"], large.calls[0]?.body["model"]]).toEqual(["mini", "deployment-7"]);
  });

  it("asks one upstream again after a while, as far as its budget goes", async () => {
    let left = 1;
    const only = await upstream("only", () => (left-- > 0 ? { kind: "status", status: 503 } : OK));
    const config = (reserve: number) => ({
      routing: { ...quick, retryReserve: reserve, retryShare: 0 },
      upstreams: [{ name: "only", baseUrl: only.baseUrl }],
      routes: { r: { groups: [["only/m"]] } },
    });
    const first = await gateway(config(1));
    const told = await first.ask("r");
    expect([told.status, told.headers.get("x-marrow-attempts")]).toEqual([200, "2"]);
    left = 10;
    expect((await first.ask("r")).status).toBe(503);
    expect(only.calls).toHaveLength(3);
  });

  it("shares calls by weight, and keeps a session at one upstream", async () => {
    const names = ["a", "b", "c"];
    const ups = await Promise.all(names.map((name) => upstream(name)));
    const { ask } = await gateway({
      upstreams: ups.map(({ baseUrl }, at) => ({
        name: names[at] as string,
        baseUrl,
        models: ["m"],
        weight: at === 0 ? 6 : 1,
      })),
    });
    for (let n = 0; n < 40; n += 1) await ask("m");
    const [a = 0, b = 0, c = 0] = ups.map(({ calls }) => calls.length);
    expect(a).toBeGreaterThan(b + c);
    expect(b + c).toBeGreaterThan(0);
    for (const session of ["s1", "s2", "s3"]) {
      const served = new Set<string | null>();
      for (let n = 0; n < 5; n += 1) served.add((await ask("m", { session })).headers.get("x-marrow-upstream"));
      expect(served.size).toBe(1);
    }
  });

  it("asks a second upstream beside one that is silent, when it is told to", async () => {
    const [slow, fast] = [await upstream("slow", () => ({ kind: "slow", ms: 1_500 })), await upstream("fast")];
    const { ask } = await gateway({
      upstreams: [
        { name: "slow", baseUrl: slow.baseUrl },
        { name: "fast", baseUrl: fast.baseUrl },
      ],
      routes: { r: { groups: [["slow/m"], ["fast/m"]], hedgeAfterMs: 100 } },
    });
    for (const stream of [false, true]) {
      const told = await ask("r", { stream });
      expect([told.text, told.tookMs < 1_000]).toEqual([wordsOf("fast"), true]);
    }
    expect([slow.calls.length, fast.calls.length]).toEqual([2, 2]);
  });
});

describe("a model with one upstream", () => {
  it("says who answered, and is asked once, whatever happens", async () => {
    const only = await upstream("only", (nth) => (nth === 1 ? OK : { kind: "status", status: 503 }));
    const { ask } = await gateway({ upstreams: [{ name: "only", baseUrl: only.baseUrl }] });
    const told = await ask("m");
    expect([told.headers.get("x-marrow-upstream"), told.headers.get("x-marrow-attempts")]).toEqual(["only", "1"]);
    expect((await ask("m")).status).toBe(503);
    expect(only.calls).toHaveLength(2);
  });
});

describe("two gateways before a provider that goes bad", () => {
  it("both leave it alone within 500 ms, and come back with one probe when it is well", async () => {
    let well = true;
    const [bad, good] = [
      await upstream("bad", () => (well ? OK : { kind: "status", status: 500 })),
      await upstream("good"),
    ];
    const app = `cool${Date.now()}`;
    const config = {
      routing: { ...quick, retryReserve: 1_000, coolDown: { firstMs: 700 } },
      limits: { enabled: false },
      upstreams: [
        { name: "bad", baseUrl: bad.baseUrl, models: ["m"] },
        { name: "good", baseUrl: good.baseUrl, models: ["m"] },
      ],
    };
    const [one, two] = [await gateway(config, app), await gateway(config, app)];
    // The second hears nothing of its own: it asks too seldom to see a row of failures.
    await Promise.all([one.ask("m"), two.ask("m")]);
    well = false;
    const wentBadMs = performance.now();
    let until = wentBadMs + 600;
    while (performance.now() < until) {
      const told = await Promise.all([one.ask("m"), one.ask("m"), two.ask("m")]);
      expect(told.map(({ status }) => status)).toEqual([200, 200, 200]);
    }
    const late = bad.calls.filter(({ atMs }) => atMs > wentBadMs + 500 && atMs < wentBadMs + 600);
    expect(late).toHaveLength(0);
    well = true;
    const before = bad.calls.length;
    until = performance.now() + 3_000;
    const served = () => [one, two].map(async (door) => (await door.ask("m")).headers.get("x-marrow-upstream"));
    let who: (string | null)[] = ["", ""];
    while (performance.now() < until && !who.every((name) => name === "bad")) {
      who = await Promise.all(served());
      if (who.every((name) => name === "good")) expect(bad.calls.length - before).toBeLessThanOrEqual(1);
    }
    expect(who).toEqual(["bad", "bad"]);
  });
});

describe("GET /v1/models", () => {
  it("answers within two seconds whatever upstreams do, with what was known last", async () => {
    const [well, silent, down] = [
      await upstream("well"),
      await upstream("silent", () => ({ kind: "silent" })),
      await upstream("down", () => ({ kind: "status", status: 503 })),
    ];
    const { url, key } = await gateway({
      upstreams: [
        { name: "well", baseUrl: well.baseUrl },
        { name: "silent", baseUrl: silent.baseUrl, models: ["s"] },
        { name: "down", baseUrl: down.baseUrl, models: { d: "deployment" } },
        { name: "nowhere", baseUrl: "http://127.0.0.1:9/v1", models: ["n"] },
      ],
      routes: { smart: { groups: [["well/x"]] } },
    });
    const sinceMs = performance.now();
    const response = await fetch(`${url}/models`, { headers: { authorization: `Bearer ${key}` } });
    const { data } = (await response.json()) as { data: { id: string }[] };
    expect(performance.now() - sinceMs).toBeLessThan(2_000);
    expect(data.map(({ id }) => id)).toEqual(["smart", "of-well", "s", "d", "n"]);
  });
});

describe("the client's own bound", () => {
  it.each([
    ["responses", { input: "hello there" }],
    ["completions", { prompt: "hello" }],
    ["embeddings", { input: "hello" }],
  ])("holds for %s: 504 with the calls that were made", async (path, body) => {
    const silent = () => ({ kind: "silent" }) as const;
    const both = [await upstream("one", silent), await upstream("other", silent)];
    const { url, key } = await gateway({
      upstreams: both.map(({ baseUrl }, at) => ({ name: `u${at}`, baseUrl, models: ["m"] })),
    });
    const { url: lone, key: loneKey } = await gateway({
      upstreams: [{ baseUrl: (await upstream("lone", () => ({ kind: "silent" }))).baseUrl, models: ["m"] }],
    });
    for (const [base, own, ms] of [
      [url, key, 300],
      [lone, loneKey, 300],
    ] as const) {
      const sinceMs = performance.now();
      const response = await fetch(`${base}/${path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${own}`,
          "content-type": "application/json",
          "x-marrow-timeout-ms": String(ms),
        },
        body: JSON.stringify({ model: "m", ...body }),
      });
      const told = (await response.json()) as { error: { code: string } };
      expect([response.status, told.error.code]).toEqual([504, "timeout"]);
      expect(Number(response.headers.get("x-marrow-attempts"))).toBeGreaterThanOrEqual(1);
      expect(performance.now() - sinceMs).toBeLessThan(3_000);
    }
  });

  it("is read where a route is passed on, and the answer says who served it", async () => {
    const { url, key } = await twoWith({ kind: "status", status: 500 });
    const send = (timeoutMs: string) =>
      fetch(`${url}/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          "x-marrow-timeout-ms": timeoutMs,
        },
        body: JSON.stringify({ model: "m", prompt: "hello" }),
      });
    expect((await send("soon")).status).toBe(400);
    const answer = await send("5000");
    expect([answer.headers.get("x-marrow-upstream"), answer.headers.get("x-marrow-attempts")]).toEqual(["good", "2"]);
    await answer.text();
  });
});
