import OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { describe, expect, it } from "vitest";
import { gatewaysInBackground } from "../gateway.ts";
import { hurry, receiving } from "../receiver.ts";

const start = gatewaysInBackground();

async function ended(client: OpenAI, id: string) {
  await expect
    .poll(async () => ["queued", "in_progress"].includes(String((await client.responses.retrieve(id)).status)), {
      timeout: 10_000,
    })
    .toBe(false);
  return client.responses.retrieve(id);
}

const WORDS = Array.from({ length: 60 }, (_, n) => `word${n} `).join("");
const slow = { content: WORDS, eventDelayMs: 15 };
const textOf = (events: readonly ResponseStreamEvent[]) =>
  events.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("");

describe("a response in the background", () => {
  it("is queued, made, and kept; others of its tenant go on from it", async () => {
    const { model, client: open, keys } = await start(() => ({ content: "Done.", delayMs: 100 }));
    const client = open();
    const first = await client.responses.create({ model: "scripted", input: "Hello", background: true });
    expect(first).toMatchObject({ status: "queued", background: true, output: [] });
    const next = await client.responses.create({
      model: "scripted",
      input: "More",
      background: true,
      previous_response_id: first.id,
    });
    expect(await ended(client, first.id)).toMatchObject({ status: "completed", output_text: "Done." });
    expect(await ended(client, next.id)).toMatchObject({ status: "completed" });
    expect(model.requests.at(-1)?.body["messages"]).toHaveLength(3);
    expect((await client.responses.inputItems.list(first.id)).data).toMatchObject([{ role: "user" }]);
    const other = open({ apiKey: await keys.create({ scope: "other", user: "u", name: "o" }) });
    await expect(other.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
  });

  it("is the same one for the same idempotency key, and a conflict for another request", async () => {
    const { model, client: open } = await start();
    const client = open({ headers: { "idempotency-key": "k1" } });
    const ask = (input: string) => client.responses.create({ model: "scripted", input, background: true });
    const [first, again] = [await ask("Hello"), await ask("Hello")];
    expect(again.id).toBe(first.id);
    const conflict = { status: 409, code: "conflict", param: "idempotency-key", type: "invalid_request_error" };
    await expect(ask("Other")).rejects.toMatchObject(conflict);
    await expect(ask("Other")).rejects.toBeInstanceOf(OpenAI.ConflictError);
    await ended(client, first.id);
    expect((await ask("Hello")).output_text).toBe("You said: Hello");
    expect(model.requests).toHaveLength(1);
  });

  it("is refused, or fails with a reason, where the one before it ended without an answer", async () => {
    const { client: open } = await start(({ body }) =>
      String((body["messages"] as { content: unknown }[]).at(-1)?.content) === "bad" ? { status: 400 } : slow,
    );
    const client = open();
    const ask = (input: string, previous: string | null = null) =>
      client.responses.create({ model: "scripted", input, background: true, previous_response_id: previous });
    const bad = await ask("bad");
    expect((await ended(client, bad.id)).status).toBe("failed");
    const refused = { status: 409, code: "conflict", param: "previous_response_id" };
    await expect(ask("More", bad.id)).rejects.toMatchObject(refused);
    for (const end of ["cancel", "delete"] as const) {
      const first = await ask("Hello");
      const next = await ask("More", first.id);
      expect(next.status).toBe("queued");
      await client.responses[end](first.id);
      const error = { code: "server_error", message: "the previous response failed, or was cancelled or deleted" };
      expect(await ended(client, next.id)).toMatchObject({ status: "failed", error });
      const gone = { status: 404, code: "previous_response_not_found", param: "previous_response_id" };
      await expect(ask("Again", first.id)).rejects.toMatchObject(end === "delete" ? gone : refused);
    }
  });

  it("is streamed, taken up again on another gateway without a token lost or doubled, and read after its end", async () => {
    const one = await start(() => slow);
    const two = await start(undefined, { appName: one.redis.app, background: false });
    const stream = await one
      .client()
      .responses.create({ model: "scripted", input: "Go", background: true, stream: true });
    const events: ResponseStreamEvent[] = [];
    for await (const event of stream) {
      events.push(event);
      if (events.length === 17) break;
    }
    const id = (events[0] as { response: { id: string } }).response.id;
    const client = two.client({ apiKey: one.key });
    const rest = await client.responses.retrieve(id, {
      stream: true,
      starting_after: events.at(-1)?.sequence_number ?? 0,
    });
    for await (const event of rest) events.push(event);
    expect(textOf(events)).toBe(WORDS);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at));
    expect(events.filter(({ type }) => type === "response.completed")).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({
      type: "response.completed",
      response: { status: "completed" },
    });
    const again: ResponseStreamEvent[] = [];
    for await (const event of await client.responses.retrieve(id, { stream: true })) again.push(event);
    expect(again.map(({ type }) => type)).toEqual(events.map(({ type }) => type));
    const helper = client.responses.stream({ response_id: id, starting_after: 30 } as never);
    expect((await helper.finalResponse()).output_text).toBe(WORDS);
  });

  it("is cancelled mid-way: the model's call ends and what there was is kept", async () => {
    const { client: open } = await start(() => slow);
    const client = open();
    const stream = await client.responses.create({ model: "scripted", input: "Go", background: true, stream: true });
    let id = "";
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === "response.created") id = event.response.id;
      if (types.length === 10) await client.responses.cancel(id);
    }
    expect(types.at(-1)).toBe("response.incomplete");
    const response = await client.responses.retrieve(id);
    expect(response.status).toBe("cancelled");
    expect(WORDS.startsWith(response.output_text) && response.output_text.length > 0).toBe(true);
    expect(response.output_text.length).toBeLessThan(WORDS.length);
    expect((await client.responses.cancel(id)).status).toBe("cancelled");
  });

  it("waits for a limit, is tried again after a failure, and fails with a reason", async () => {
    const { client: open } = await start(({ body }, nth) => {
      const last = String((body["messages"] as { content: unknown }[]).at(-1)?.content);
      if (last === "bad") return { status: 400, content: "no" };
      if (nth === 1) return { status: 429, headers: { "retry-after-ms": "50" } };
      return nth === 2 ? { content: WORDS, cutAfter: 5, eventDelayMs: 10 } : "Fine.";
    });
    const client = open();
    const good = await client.responses.create({ model: "scripted", input: "good", background: true });
    expect(await ended(client, good.id)).toMatchObject({ status: "completed", output_text: "Fine." });
    const events: ResponseStreamEvent[] = [];
    for await (const event of await client.responses.retrieve(good.id, { stream: true })) events.push(event);
    // Whoever reads sees where another attempt began anew: what was read before is void.
    const begun = events.findLastIndex(({ type }) => type === "response.created");
    expect(begun).toBeGreaterThan(0);
    expect(textOf(events.slice(begun))).toBe("Fine.");
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at));
    const bad = await client.responses.create({ model: "scripted", input: "bad", background: true });
    expect(await ended(client, bad.id)).toMatchObject({ status: "failed", error: { code: "scripted" } });
    const last: string[] = [];
    for await (const { type } of await client.responses.retrieve(bad.id, { stream: true })) last.push(type);
    expect(last).toEqual(["response.created", "response.in_progress", "response.failed"]);
  });

  it("is told of by a webhook that the official client verifies, though its receiver fails twice first", async () => {
    const gateway = await start();
    const client = gateway.client();
    await receiving(
      (nth) => [nth <= 2 ? 500 : 204],
      async (url, received) => {
        const endpoint = (await client.post("/webhooks", { body: { url, events: ["response.completed"] } })) as {
          id: string;
          secret: string;
        };
        const { id } = await client.responses.create({ model: "scripted", input: "Hi", background: true });
        for (const tries of [1, 2, 3]) {
          await expect.poll(() => received.length, { timeout: 5_000 }).toBe(tries);
          const attempts = async () =>
            ((await client.get(`/webhooks/${endpoint.id}/deliveries`)) as { data: { attempts: number }[] }).data[0]
              ?.attempts;
          await expect.poll(attempts).toBe(tries);
          await hurry(gateway.redis, "gateway", `acme/${endpoint.id}`);
        }
        const { body = "", headers = {} } = received[2] ?? {};
        const event = await client.webhooks.unwrap(body, headers, endpoint.secret);
        expect(event).toMatchObject({ type: "response.completed", object: "event", data: { id } });
        expect(new Set(received.map((one) => one.headers["webhook-id"])).size).toBe(1);
      },
    );
  });

  it("is forgotten with its user", async () => {
    const { client: open, redis } = await start();
    const client = open();
    const asked = { model: "scripted", input: "Hi", user: "ada" };
    const [kept, behind] = [
      await client.responses.create(asked),
      await client.responses.create({ ...asked, background: true }),
    ];
    await ended(client, behind.id);
    const { responses } = (await client.post("/memories/forget", { headers: { "x-marrow-user": "ada" } })) as {
      responses: number;
    };
    expect(responses).toBe(2);
    for (const { id } of [kept, behind])
      await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
    expect(redis.app).not.toBe("");
  });
});
