import { setTimeout as pause } from "node:timers/promises";
import { toFile, type OpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    background: true,
    script: ({ body }) => ({ content: `About ${JSON.stringify(body["messages"])}`, delayMs: 500 }),
  });
});
afterAll(() => gateway.close());

const client = (user: string): OpenAI => gateway.client({ headers: { "x-marrow-user": user } });
const chat = (content: string, more: object = {}) =>
  ({ model: "scripted", messages: [{ role: "user" as const, content }], ...more }) as never;

/** Waits until the model was asked so many times more. */
function asked(count: number): Promise<void> {
  const before = gateway.model.requests.length;
  return expect.poll(() => gateway.model.requests.length - before, { timeout: 5_000, interval: 10 }).toBe(count);
}

/** Keys of this gateway whose value has some words. */
async function holding(marker: string): Promise<readonly string[]> {
  const keys = (await gateway.redis.send(["KEYS", `*${gateway.redis.app}*`])) as readonly string[];
  const read: Readonly<Record<string, readonly string[]>> = {
    string: ["GET"],
    hash: ["HGETALL"],
    list: ["LRANGE", "0", "-1"],
    zset: ["ZRANGE", "0", "-1"],
    set: ["SMEMBERS"],
    stream: ["XRANGE", "-", "+"],
  };
  const found = await Promise.all(
    keys.map(async (key) => {
      const [command = "TYPE", ...rest] = read[String(await gateway.redis.send(["TYPE", key]))] ?? [];
      return JSON.stringify(await gateway.redis.send([command, key, ...rest])).includes(marker) ? key : "";
    }),
  );
  return found.filter((key) => key !== "");
}

describe("what is deleted while an answer is under way", () => {
  const ways: Readonly<Record<string, (by: OpenAI, conversation: string) => Promise<string>>> = {
    "a response": async (by, conversation) =>
      (await by.responses.create({ model: "scripted", input: "secret", conversation })).output_text,
    "a streamed response": async (by, conversation) => {
      const stream = by.responses.stream({ model: "scripted", input: "secret", conversation });
      return (await stream.finalResponse()).output_text;
    },
    "a chat": async (by, conversation) => {
      const { choices } = await by.chat.completions.create(chat("secret", { conversation }));
      return (choices as { message: { content: string } }[])[0]?.message.content ?? "";
    },
    "a streamed chat": async (by, conversation) => {
      let text = "";
      const stream = await by.chat.completions.create(chat("secret", { conversation, stream: true }));
      for await (const chunk of stream as unknown as AsyncIterable<{ choices: { delta: { content?: string } }[] }>)
        text += chunk.choices[0]?.delta.content ?? "";
      return text;
    },
    "a response in the background": async (by, conversation) => {
      const body = { model: "scripted", input: "secret", conversation, background: true };
      const { id } = await by.responses.create(body);
      await expect.poll(async () => (await by.responses.retrieve(id)).status, { timeout: 5_000 }).toBe("completed");
      return (await by.responses.retrieve(id)).output_text;
    },
  };

  for (const [name, ask] of Object.entries(ways))
    it(`stays gone: a conversation, by ${name} that its client still gets`, async () => {
      const by = client(`deletes-${name.length}`);
      const { id } = await by.conversations.create({ items: [{ role: "user", content: name }] });
      const [answer] = await Promise.all([ask(by, id), asked(1).then(() => by.conversations.delete(id))]);
      expect(answer).toContain("secret");
      await expect(by.conversations.retrieve(id)).rejects.toMatchObject({ status: 404 });
    });
});

describe("a user who is forgotten while answers are under way", () => {
  it("stays forgotten: sessions old and new, answers in the cache, responses, lines of batches, answers by key", async () => {
    const [by, marker] = [client("gone"), "quito-marker-55"];
    const inSession = (id: string) => ({ headers: { "x-marrow-session": id } });
    await by.chat.completions.create(chat("Hello there"), inSession("old"));
    const line = (at: number) => ({
      custom_id: `${at}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "scripted", messages: [{ role: "user", content: `Line ${at} of ${marker}` }] },
    });
    const content = [1, 2].map((at) => JSON.stringify(line(at))).join("\n");
    const file = await by.files.create({ file: await toFile(Buffer.from(content), "in.jsonl"), purpose: "batch" });
    const batched = asked(2);
    await by.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
    await batched;
    const begun = asked(6);
    const answers = [
      by.chat.completions.create(chat(`And old ${marker}`), inSession("old")),
      by.chat.completions.create(chat(`And new ${marker}`), inSession("new")),
      by.chat.completions.create(chat(`What is ${marker} known for?`)),
      by.responses.create({ model: "scripted", input: `Keep ${marker}` }),
      by.chat.completions.create(chat(`Once ${marker}`), { headers: { "idempotency-key": "once" } }),
    ] as const;
    await by.responses.create({ model: "scripted", input: `Behind ${marker}`, background: true });
    await begun;
    await by.post("/memories/forget");
    await by.chat.completions.create(chat("Hello again"), inSession("old"));
    expect(JSON.stringify(gateway.model.requests.at(-1)?.body)).not.toContain(marker);
    const { id, ...response } = (await Promise.all(answers))[3];
    expect(response).toMatchObject({ status: "completed", store: false });
    await expect(by.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
    // What nobody waits for: the batch's lines, and the answer that is kept for its key.
    await pause(300);
    await expect.poll(() => holding(marker), { timeout: 5_000 }).toEqual([]);
    const again = await by.responses.create({ model: "scripted", input: "And now?" });
    expect((await by.responses.retrieve(again.id)).status).toBe("completed");
  });
});
