import { request as ask } from "node:http";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { encodeRecord } from "../../src/redis/index.ts";
import { keysOf } from "../damage.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** `Idempotency-Key` on requests that are answered at once. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { cache: { enabled: false } },
    script: ({ body }, nth) =>
      JSON.stringify(body).includes("slowly")
        ? { content: `answer ${nth} word by word`, eventDelayMs: 60, delayMs: 150 }
        : JSON.stringify(body).includes("very long")
          ? { content: `answer ${nth} a b c d e f g h i j`, eventDelayMs: 1_100 }
          : JSON.stringify(body).includes("fail")
            ? { status: 500 }
            : `answer ${nth}`,
  });
});
afterAll(() => gateway.close());

const send = (path: string, key: string, body: unknown, headers: Record<string, string> = {}) =>
  gateway.app.inject({
    method: "POST",
    url: `/v1${path}`,
    headers: { authorization: `Bearer ${gateway.key}`, "idempotency-key": key, ...headers },
    payload: body as object,
  });
const chat = (content: string, more: object = {}) => ({
  model: "scripted",
  messages: [{ role: "user", content }],
  ...more,
});
const turnsIn = async (session: string) => {
  await gateway.client({ headers: { "x-marrow-session": session } }).chat.completions.create(chat("count") as never);
  const { messages } = (gateway.model.requests.at(-1) as { body: unknown }).body as { messages: unknown[] };
  return messages.length - 1;
};

describe("a request with an idempotency key", () => {
  it("is answered by the first one's answer, whole and streamed, and is another user's, route's or body's no more", async () => {
    for (const stream of [false, true]) {
      const key = `k-${String(stream)}`;
      const first = await send("/chat/completions", key, chat("hi", { stream }));
      const again = await send("/chat/completions", key, chat("hi", { stream }));
      expect(again.body).toBe(first.body);
      expect(again.headers["content-type"]).toBe(first.headers["content-type"]);
      expect([first.headers["idempotent-replayed"], again.headers["idempotent-replayed"]]).toEqual([undefined, "true"]);
      expect((await send("/chat/completions", key, chat("other", { stream }))).statusCode).toBe(409);
      const other = await gateway.keys.create({ scope: "acme", user: "u2", name: "other" });
      const theirs = await send("/chat/completions", key, chat("hi", { stream }), { authorization: `Bearer ${other}` });
      expect(theirs.headers["idempotent-replayed"]).toBeUndefined();
      expect((await send("/responses", key, { model: "scripted", input: "hi" })).json().object).toBe("response");
    }
  });

  it("is answered anew where a damaged record stands under its key", async () => {
    const deep = "[".repeat(300_000);
    const running = { state: "running", print: deep, holder: "h" };
    const done = { state: "done", print: "p", status: 200, headers: null, body: deep };
    const records = [Buffer.from(deep), Buffer.from(`\u0001\u0000${deep}`), encodeRecord(running), encodeRecord(done)];
    for (const [nth, record] of records.entries()) {
      await send("/chat/completions", `damaged-${nth}`, chat("hi"));
      const held = (await keysOf(gateway.redis)).filter((name) => name.includes(":idempotent:"));
      await Promise.all(held.map((name) => gateway.redis.send(["SET", name, record, "PX", "60000"])));
      const answer = await send("/chat/completions", `damaged-${nth}`, chat("hi"));
      expect([answer.statusCode, answer.headers["idempotent-replayed"]]).toEqual([200, undefined]);
      await Promise.all(held.map((name) => gateway.redis.send(["DEL", name])));
    }
  });

  it("keeps a session's turns once, also for many at the same time", async () => {
    const one = () =>
      send("/chat/completions", "s-1", chat("pay my bill slowly"), {
        "x-marrow-session": "pay",
        "x-request-id": "same",
      });
    const answers = await Promise.all([one(), one(), one()]);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(await turnsIn("pay")).toBe(2);
  });

  it("keeps a session's turns once after a hang-up, and gives the retry the whole answer", async () => {
    const payload = JSON.stringify(chat("pay slowly", { stream: true }));
    const headers = {
      authorization: `Bearer ${gateway.key}`,
      "content-type": "application/json",
      "idempotency-key": "h-1",
      "x-marrow-session": "hang-up",
    };
    await new Promise<void>((resolve) => {
      const sent = ask(`${gateway.baseURL}/chat/completions`, { method: "POST", headers });
      sent.on("response", (response) => response.once("data", () => sent.destroy()));
      sent.on("error", () => {});
      sent.on("close", () => resolve());
      sent.end(payload);
    });
    const retry = await send("/chat/completions", "h-1", JSON.parse(payload), { "x-marrow-session": "hang-up" });
    expect(retry.headers["idempotent-replayed"]).toBe("true");
    expect(retry.body).toContain("[DONE]");
    expect(await turnsIn("hang-up")).toBe(2);
  });

  it("adds items to a conversation once, and makes a response once", async () => {
    const { id } = (await send("/conversations", "c-1", {})).json();
    expect((await send("/conversations", "c-1", {})).json().id).toBe(id);
    const items = { items: [{ type: "message", role: "user", content: "I am Ada." }] };
    for (let nth = 0; nth < 3; nth += 1) await send(`/conversations/${id}/items`, "i-1", items);
    const list = await gateway.client().conversations.items.list(id as string);
    expect(list.data).toHaveLength(1);
    const made = await Promise.all([1, 2].map(() => send("/responses", "r-1", { model: "scripted", input: "once" })));
    expect(made[0]?.json().id).toBe(made[1]?.json().id);
  });

  it("tries anew after a failure", async () => {
    const { length } = gateway.model.requests;
    expect((await send("/chat/completions", "f-1", chat("fail"))).statusCode).toBe(502);
    expect((await send("/chat/completions", "f-1", chat("fail"))).statusCode).toBe(502);
    expect(gateway.model.requests.length - length).toBe(2);
  });

  it("holds its key for as long as it takes, and is done once", async () => {
    const sendOnce = () => send("/chat/completions", "l-1", chat("take very long", { stream: true }));
    const { length } = gateway.model.requests;
    const first = sendOnce();
    await expect.poll(() => gateway.model.requests.length).toBe(length + 1);
    const answers = await Promise.all([first, sendOnce()]);
    expect(answers[1].body).toBe(answers[0].body);
    expect(answers[1].headers["idempotent-replayed"]).toBe("true");
    expect(gateway.model.requests.length).toBe(length + 1);
  }, 30_000);

  it("is forgotten with its user", async () => {
    const admin = await gateway.keys.create({ scope: "acme", user: "u1", name: "a", role: "admin" });
    await send("/chat/completions", "g-1", chat("secret"));
    await send("/memories/forget", "g-2", {}, { authorization: `Bearer ${admin}` });
    expect((await send("/chat/completions", "g-1", chat("secret"))).headers["idempotent-replayed"]).toBeUndefined();
  });

  it("gets its own answer where something else stands under its key: another key's answer, or what cannot be read", async () => {
    const keys = async () => (await gateway.redis.send(["KEYS", "*:idempotent:*"])) as readonly string[];
    const before = new Set(await keys());
    await send("/chat/completions", "theirs", chat("read me"));
    const known = new Set(await keys());
    const theirs = [...known].find((key) => !before.has(key)) ?? "";
    await send("/chat/completions", "mine", chat("read me"));
    const mine = (await keys()).find((key) => !known.has(key)) ?? "";
    const own = (await gateway.redis.send(["GET", mine], { reply: "bytes" })) as Buffer;
    const other = (await gateway.redis.send(["GET", theirs], { reply: "bytes" })) as Buffer;
    for (const wrong of [other, Buffer.from("OK"), Buffer.from("no record"), encodeRecord(7), own.subarray(0, 9)]) {
      await gateway.redis.send(["SET", mine, wrong]);
      const answer = await send("/chat/completions", "mine", chat("read me"));
      expect([answer.statusCode, answer.headers["idempotent-replayed"]]).toEqual([200, undefined]);
    }
    await gateway.redis.send(["UNLINK", mine]);
    await gateway.redis.send(["RPUSH", mine, "of another type"]);
    expect((await send("/chat/completions", "mine", chat("read me"))).statusCode).toBe(200);
    await gateway.redis.send(["SET", mine, own]);
    const again = await send("/chat/completions", "mine", chat("read me"));
    expect(again.headers["idempotent-replayed"]).toBe("true");
  });
});
