import { context, propagation, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { createQueue, createWorker } from "../../src/queue/index.ts";
import { traceMarrow, type TraceOptions, type Tracing } from "../../src/otel/index.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { receiving } from "../receiver.ts";

const exporter = new InMemorySpanExporter();
const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const opened: { close(): unknown }[] = [];

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  exporter.reset();
});
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
  context.disable();
  propagation.disable();
});

function tracing(options: TraceOptions = {}): Tracing {
  const made = traceMarrow({ tracerProvider, ...options });
  opened.push(made);
  return made;
}
async function start(options: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), ...options });
  opened.push(gateway);
  return gateway;
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const headers = { traceparent: `00-${TRACE}-${CALLER}-01`, "x-marrow-session": "s1" };
const spans = () => exporter.getFinishedSpans();
const named = (name: string) => spans().filter((span) => span.name === name);
const first = (name: string, kind: SpanKind) => spans().find((span) => span.name === name && span.kind === kind);
const parentOf = (span: ReadableSpan | undefined) =>
  spans().find((one) => one.spanContext().spanId === span?.parentSpanContext?.spanId)?.name;
const chat = { model: "scripted", messages: [{ role: "user" as const, content: "What is the capital of Peru?" }] };

describe("traces of a gateway", () => {
  it("are one from an event to its webhook: request, job, model, webhook, and out to endpoint and receiver", async () => {
    tracing();
    const webhooks = { allowHttp: true, allowNetworks: ["127.0.0.0/8"] };
    const gateway = await start({ background: true, config: { webhooks } });
    const client = gateway.client({ headers });
    await receiving(
      () => [204],
      async (url, received) => {
        await gateway.client().post("/webhooks", { body: { url, events: ["response.completed"] } });
        exporter.reset();
        const response = await client.responses.create({ model: "scripted", input: "Hi", background: true });
        await expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);
        await expect.poll(() => named("POST webhook").length).toBe(1);
        const own = spans().filter((span) => span.spanContext().traceId === TRACE);
        const names = own.map(({ name }) => name);
        for (const name of ["POST /v1/responses", "push gateway", "process gateway", "chat scripted", "POST webhook"])
          expect(names).toContain(name);
        const request = own.find(({ name }) => name === "POST /v1/responses");
        expect(request).toMatchObject({ kind: SpanKind.SERVER, parentSpanContext: { spanId: CALLER } });
        const job = own.find(({ name }) => name === "process gateway");
        expect([parentOf(job), job?.kind]).toEqual(["push gateway", SpanKind.CONSUMER]);
        const [hook] = named("POST webhook");
        expect(hook?.spanContext().traceId).toBe(TRACE);
        const call = own.find(({ name, kind }) => name === "chat scripted" && kind === SpanKind.CLIENT);
        const upstream = gateway.model.requests.at(-1)?.headers["traceparent"];
        expect(upstream).toBe(`00-${TRACE}-${call?.spanContext().spanId}-01`);
        expect(received[0]?.headers["traceparent"]).toBe(`00-${TRACE}-${hook?.spanContext().spanId}-01`);
        expect(received[0]?.body).toContain(response.id);
      },
    );
  });

  it("go on through a message of A2A to the agent that handles it, and on to whom that one asks", async () => {
    tracing();
    const gateway = await start();
    const bus = createBus(gateway.redis.scope("acme"));
    opened.push(bus);
    await bus.register({ name: "helper" }, () => "helped");
    await bus.register({ name: "planner" }, async ({ request }) => {
      const answer = await request("helper", { about: "Peru" });
      return answer.state;
    });
    const body = {
      jsonrpc: "2.0",
      id: 1,
      method: "SendMessage",
      params: { message: { messageId: "m1", role: "ROLE_USER", parts: [{ text: "Plan" }] } },
    };
    const answer = await fetch(`${gateway.baseURL.replace(/\/v1$/, "")}/a2a/planner`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${gateway.key}`,
        "content-type": "application/json",
        "a2a-version": "1.0",
        traceparent: headers.traceparent,
      },
      body: JSON.stringify(body),
    });
    expect(await answer.text()).toContain("TASK_STATE_COMPLETED");
    await expect.poll(() => named("process mail").length).toBe(2);
    const [helper, planner] = named("process mail");
    expect([helper?.attributes["messaging.destination.name"], parentOf(helper)]).toEqual(["helper", "process mail"]);
    expect([planner?.attributes["messaging.destination.name"], planner?.spanContext().traceId]).toEqual([
      "planner",
      TRACE,
    ]);
    expect(parentOf(planner)).toMatch(/a2a/);
  });

  it("go on from an event in a topic to its reader, to what that one asks of the gateway, and to the webhook", async () => {
    tracing();
    const webhooks = { allowHttp: true, allowNetworks: ["127.0.0.0/8"] };
    const gateway = await start({ background: true, config: { webhooks } });
    const bus = createBus(gateway.redis.scope("acme"));
    opened.push(bus);
    const topic = bus.topic<string>("events", { partitions: 1 });
    let attempts = 0;
    const reader = topic.read(
      "asks",
      async ({ body }) => {
        attempts += 1;
        if (attempts === 1) throw new Error("no");
        const own: Record<string, string> = {};
        propagation.inject(context.active(), own);
        await gateway.client({ headers: own }).responses.create({ model: "scripted", input: body, background: true });
      },
      { from: "start", deliveriesMax: 1 },
    );
    opened.push(reader);
    await receiving(
      () => [204],
      async (url, received) => {
        await gateway.client().post("/webhooks", { body: { url, events: ["response.completed"] } });
        exporter.reset();
        const { traceId } = await tracerProvider.getTracer("test").startActiveSpan("event", async (span) => {
          await topic.publish("Hi", { key: "k" });
          span.end();
          return span.spanContext();
        });
        // The first attempt fails: what was put aside and comes again is still of its trace.
        await expect.poll(async () => topic.redrive("asks"), { timeout: 10_000 }).toHaveLength(1);
        await expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);
        await expect.poll(() => named("POST webhook").length).toBe(1);
        const handled = named("process topic");
        expect(handled.map((span) => [span.spanContext().traceId, parentOf(span)])).toEqual([
          [traceId, "event"],
          [traceId, "event"],
        ]);
        expect(handled.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET]);
        const asked = named("POST /v1/responses").at(-1);
        expect([asked?.spanContext().traceId, parentOf(asked)]).toEqual([traceId, "process topic"]);
        expect(received[0]?.headers["traceparent"]).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
      },
    );
  });

  it("tell messages of a bulk and of one moment apart, each by its own trace", async () => {
    tracing();
    const gateway = await start();
    const bus = createBus(gateway.redis.scope("acme"));
    opened.push(bus);
    const topic = bus.topic<string>("events", { partitions: 1 });
    const within = (name: string, run: () => Promise<unknown>) =>
      tracerProvider.getTracer("test").startActiveSpan(name, async (span) => {
        await run();
        span.end();
      });
    opened.push(topic.read("g", () => {}, { from: "start" }));
    await topic.publish("of no trace");
    await Promise.all([
      within("one", () => topic.publish("1")),
      within("two", () => topic.publish("2")),
      within("many", () => topic.publishMany([{ body: "3" }, { body: "4" }])),
    ]);
    await expect.poll(() => named("process topic").length, { timeout: 5_000 }).toBe(5);
    const parents = named("process topic").map((span) => parentOf(span) ?? "none");
    expect(parents.toSorted()).toEqual(["many", "many", "none", "one", "two"]);
  });

  it("go on through jobs that were pushed together", async () => {
    tracing();
    const gateway = await start();
    const queue = createQueue<number>(gateway.redis.scope("acme"), { name: "many" });
    await tracerProvider.getTracer("test").startActiveSpan("event", async (span) => {
      await queue.pushMany([{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
      span.end();
    });
    opened.push(createWorker(gateway.redis, { name: "many" }, async () => "done"));
    await expect.poll(() => named("process many").length, { timeout: 10_000 }).toBe(3);
    expect(named("push many")).toMatchObject([{ attributes: { "messaging.batch.message_count": 3 } }]);
    for (const job of named("process many")) expect(parentOf(job)).toBe("push many");
  });

  it("have a span for each stage below the chat, with GenAI's names and no content", async () => {
    tracing();
    const gateway = await start();
    await gateway.client({ headers }).chat.completions.create(chat);
    await expect.poll(() => named("POST /v1/chat/completions").length).toBe(1);
    const whole = first("chat scripted", SpanKind.INTERNAL);
    expect(parentOf(whole)).toBe("POST /v1/chat/completions");
    expect(whole?.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "scripted",
      "gen_ai.conversation.id": "s1",
      "marrow.cache": "miss",
    });
    for (const stage of ["admit", "remember", "find", "ask"]) expect(parentOf(named(stage)[0])).toBe("chat scripted");
    expect(named("find").map(({ attributes }) => attributes["marrow.tier"])).toEqual(["exact", "similar"]);
    expect(parentOf(named("finish")[0])).toBe("ask");
    expect(named("finish")[0]?.attributes["gen_ai.usage.input_tokens"]).toBeGreaterThan(0);
    const attempt = first("chat scripted", SpanKind.CLIENT);
    expect(parentOf(attempt)).toBe("ask");
    expect(attempt?.attributes["gen_ai.provider.name"]).toMatch(/./);
    const text = JSON.stringify(
      spans().map(({ name, attributes, events, status }) => [name, attributes, events, status]),
    );
    expect(text).not.toMatch(/capital|Peru/);
  });

  it("hold content and commands of Redis only where they are asked for", async () => {
    tracing({ content: true, redis: true });
    const gateway = await start();
    await gateway.client().chat.completions.create(chat);
    await expect.poll(() => named("POST /v1/chat/completions").length).toBe(1);
    const whole = first("chat scripted", SpanKind.INTERNAL);
    expect(whole?.attributes["gen_ai.input.messages"]).toContain("capital of Peru");
    expect(whole?.attributes["gen_ai.output.messages"]).toContain("Peru");
    expect(parentOf(named("store_entry")[0])).toBe("finish");
    expect(named("store_entry")[0]?.attributes).toMatchObject({ "db.system.name": "redis" });
  });

  it("tell of a failure by its code, and end with the tracing", async () => {
    const made = tracing();
    const gateway = await start({ script: () => ({ status: 500, raw: "{}" }) });
    await gateway
      .client()
      .chat.completions.create(chat)
      .catch(() => {});
    await expect.poll(() => named("POST /v1/chat/completions").length).toBe(1);
    const failed = first("chat scripted", SpanKind.INTERNAL);
    expect(failed).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "model_failed" },
    });
    made.close();
    exporter.reset();
    await gateway
      .client()
      .chat.completions.create(chat)
      .catch(() => {});
    expect(spans()).toEqual([]);
  });

  it("ask the sampler once for a request that it leaves out, and tell the endpoint so", async () => {
    let asked = 0;
    class Counting extends AlwaysOffSampler {
      override shouldSample(): ReturnType<AlwaysOffSampler["shouldSample"]> {
        asked += 1;
        return super.shouldSample();
      }
    }
    const sampler = new ParentBasedSampler({ root: new Counting(), localParentNotSampled: new Counting() });
    const processors = [new SimpleSpanProcessor({ exporter })];
    tracing({ tracerProvider: new TracerProvider({ spanProcessors: processors, sampler }) });
    const gateway = await start();
    await gateway.client().chat.completions.create(chat);
    expect(gateway.model.requests.at(-1)?.headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect([asked, spans()]).toEqual([1, []]);
    // A caller whose trace is kept has its spans, whatever happens to others.
    await gateway.client({ headers }).chat.completions.create(chat);
    await expect.poll(() => named("POST /v1/chat/completions").length).toBe(1);
    expect(named("find").length).toBeGreaterThan(0);
  });
});
