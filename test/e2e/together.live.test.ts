import { describe, expect, inject, it } from "vitest";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { ask, askStream, startTestGateway, type TestGateway } from "../gateway.ts";

const ANSWER = "The capital of France is Paris, on the Seine.";
const CAPITAL = "What is the capital of France?";
const REPHRASED = "What's the capital of France?";

/** Two gateways over one Redis, each before a model of its own that takes its time. */
async function startTwo(
  script: () => ScriptedAnswer,
  config: GatewayConfigInput = {},
): Promise<[TestGateway, TestGateway]> {
  const options = { redisUrl: inject("redisUrl"), script, config };
  const first = await startTestGateway(options);
  return [first, await startTestGateway({ ...options, appName: first.redis.app })];
}

const asked = (gateways: readonly TestGateway[]) => gateways.reduce((sum, { model }) => sum + model.requests.length, 0);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("requests that ask one thing at once, of two gateways", () => {
  it("ask the model once: whole and streamed, in several words, each under an id of its own", async () => {
    const gateways = await startTwo(() => ({ content: ANSWER, delayMs: 300, eventDelayMs: 40 }));
    const clients = gateways.map((gateway) => gateway.client());
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const client = clients[at % 2] as (typeof clients)[0];
        const words = at % 3 === 0 ? REPHRASED : CAPITAL;
        return at % 4 < 2 ? ask(client, words) : askStream(client, words);
      }),
    );
    expect(answers.map(({ text }) => text)).toEqual(answers.map(() => ANSWER));
    expect(asked(gateways)).toBe(1);
    expect(answers.filter(({ cache }) => cache === "miss")).toHaveLength(1);
    expect(answers.filter(({ cache }) => cache === "shared").length).toBeGreaterThan(30);
    await Promise.all(gateways.map((gateway) => gateway.close()));
  });

  it("read a stream as it comes, each with the turns in its own session", async () => {
    const gateways = await startTwo(() => ({ content: ANSWER, eventDelayMs: 150 }));
    const [here, there] = gateways.map((gateway) => gateway.client()) as [
      ReturnType<TestGateway["client"]>,
      ReturnType<TestGateway["client"]>,
    ];
    const leading = askStream(here, CAPITAL, { headers: { "x-marrow-session": "one" } });
    await pause(100);
    const began = performance.now();
    const stream = await there.chat.completions.create(
      { model: "scripted", messages: [{ role: "user", content: CAPITAL }], stream: true },
      { headers: { "x-marrow-session": "two" } },
    );
    const heard: number[] = [];
    for await (const _ of stream) heard.push(performance.now() - began);
    // The first piece came long before the last one.
    expect((heard.at(-1) ?? 0) - (heard[0] ?? 0)).toBeGreaterThan(400);
    expect((await leading).cache).toBe("miss");
    expect(asked(gateways)).toBe(1);
    for (const [client, session] of [
      [here, "two"],
      [there, "one"],
    ] as const) {
      await ask(client, `What did I ask you in session ${session}?`, { headers: { "x-marrow-session": session } });
    }
    const histories = gateways.flatMap(({ model }) =>
      model.requests.map(({ body }) => (body["messages"] as { content: string }[]).map(({ content }) => content)),
    );
    expect(histories.filter(([first, second]) => first === CAPITAL && second === ANSWER)).toHaveLength(2);
    await Promise.all(gateways.map((gateway) => gateway.close()));
  });

  it("try themselves when the one that asks fails, and share what is its failure in one process", async () => {
    let calls = 0;
    const gateways = await startTwo(() => {
      calls += 1;
      return calls === 1 ? { status: 503, content: "busy", delayMs: 300 } : { content: ANSWER, delayMs: 50 };
    });
    const [here, there] = gateways.map((gateway) => gateway.client()) as [
      ReturnType<TestGateway["client"]>,
      ReturnType<TestGateway["client"]>,
    ];
    const failing = ask(here, CAPITAL).then(
      () => "answered",
      ({ status }: { status: number }) => status,
    );
    await pause(100);
    const others = await Promise.all([ask(there, CAPITAL), askStream(there, CAPITAL)]);
    expect(await failing).toBe(503);
    expect(others.map(({ text }) => text)).toEqual([ANSWER, ANSWER]);
    expect(asked(gateways)).toBe(2);
    await Promise.all(gateways.map((gateway) => gateway.close()));
  });

  it("go on after what was said when the one that asks dies in the middle of its stream", async () => {
    let calls = 0;
    const gateways = await startTwo(() => {
      calls += 1;
      return calls === 1 ? { content: ANSWER, eventDelayMs: 150, cutAfter: 6 } : { content: ANSWER, eventDelayMs: 5 };
    });
    const [here, there] = gateways.map((gateway) => gateway.client()) as [
      ReturnType<TestGateway["client"]>,
      ReturnType<TestGateway["client"]>,
    ];
    const breaking = askStream(here, CAPITAL).then(
      () => "whole",
      () => "broken",
    );
    await pause(200);
    const other = await askStream(there, CAPITAL);
    expect([await breaking, other.text, other.finish]).toEqual(["broken", ANSWER, "stop"]);
    expect(asked(gateways)).toBe(2);
    await Promise.all(gateways.map((gateway) => gateway.close()));
  });

  it("are not kept by a reader who has stopped reading", async () => {
    const gateways = await startTwo(() => ({ content: ANSWER, eventDelayMs: 50 }));
    const [here, there] = gateways;
    const leaving = await here.client().chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: CAPITAL }],
      stream: true,
    });
    const followed = askStream(there.client(), CAPITAL);
    await pause(150);
    leaving.controller.abort();
    expect((await followed).text).toBe(ANSWER);
    expect(asked(gateways)).toBe(1);
    await Promise.all(gateways.map((gateway) => gateway.close()));
  });
});
