import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let client: OpenAI;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  client = gateway.client();
});
afterAll(() => gateway.close());

const says = (content: string, role: "user" | "assistant" = "user") => ({ type: "message" as const, role, content });
const textOf = (item: unknown) => (item as { content: { text: string }[] }).content[0]?.text;
const status = (call: Promise<unknown>) =>
  call.then(
    () => 200,
    (error: { status: number }) => error.status,
  );

describe("conversations, by the official client", () => {
  it("are made with metadata and items, changed, and deleted", async () => {
    const made = await client.conversations.create({ metadata: { topic: "demo" }, items: [says("Hello!")] });
    expect(made).toMatchObject({ object: "conversation", metadata: { topic: "demo" } });
    expect(made.id).toMatch(/^conv_/);
    expect(Math.abs(made.created_at - Date.now() / 1000)).toBeLessThan(10);
    expect(await client.conversations.retrieve(made.id)).toEqual(made);
    expect((await client.conversations.update(made.id, { metadata: { topic: "new" } })).metadata).toEqual({
      topic: "new",
    });
    expect((await client.conversations.retrieve(made.id)).metadata).toEqual({ topic: "new" });
    expect(await client.conversations.delete(made.id)).toEqual({
      id: made.id,
      object: "conversation.deleted",
      deleted: true,
    });
    expect(await status(client.conversations.retrieve(made.id))).toBe(404);
    const empty = await client.conversations.create();
    expect((await client.conversations.items.list(empty.id)).data).toEqual([]);
  });

  it("count among the tokens of an input that goes on with one, for their own user only", async () => {
    const { id } = await client.conversations.create({ items: [says("Hello! ".repeat(100))] });
    const tokens = async (conversation?: string) => {
      const sent = { model: "demo", input: "Hi", ...(conversation !== undefined && { conversation }) };
      return (await client.responses.inputTokens.count(sent)).input_tokens;
    };
    expect(await tokens(id)).toBeGreaterThan((await tokens()) + 90);
    expect(await status(tokens("conv_nothing"))).toBe(404);
    const other = gateway.client({ headers: { "x-marrow-user": "somebody" } });
    const call = other.responses.inputTokens.count({ model: "demo", input: "Hi", conversation: id });
    expect(await status(call)).toBe(404);
  });

  it("give back items of every kind as they were, by their ids and in pages", async () => {
    const { id } = await client.conversations.create();
    const added = await client.conversations.items.create(id, {
      items: [
        says("What is the weather in Oslo?"),
        { type: "function_call", call_id: "c1", name: "weather", arguments: '{"city":"Oslo"}' },
        { type: "function_call_output", call_id: "c1", output: "rain" },
        {
          type: "message",
          role: "user",
          content: [
            { type: "input_text", text: "And this?" },
            { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
          ],
        },
        says("A dog.", "assistant"),
      ],
    });
    expect(added.data.map(({ type }) => type)).toEqual([
      "message",
      "function_call",
      "function_call_output",
      "message",
      "message",
    ]);
    expect(added).toMatchObject({
      object: "list",
      has_more: false,
      first_id: added.data[0]?.id,
      last_id: added.data[4]?.id,
    });
    expect(added.data[1]).toMatchObject({ call_id: "c1", name: "weather", arguments: '{"city":"Oslo"}' });
    expect(added.data[3]).toMatchObject({
      content: [{ type: "input_text" }, { type: "input_image", image_url: "https://example.com/a.png", detail: "low" }],
    });
    expect(added.data[4]).toMatchObject({ content: [{ type: "output_text", text: "A dog." }], status: "completed" });
    for (const item of added.data)
      expect(await client.conversations.items.retrieve(item.id ?? "", { conversation_id: id })).toEqual(item);
    for (const order of ["asc", "desc"] as const) {
      const all = [];
      for await (const item of client.conversations.items.list(id, { limit: 2, order })) all.push(item);
      expect(all).toEqual(order === "asc" ? added.data : added.data.toReversed());
    }
    const page = await client.conversations.items.list(id, { after: added.data[2]?.id ?? "", order: "asc" });
    expect(page.data).toEqual(added.data.slice(3));
    await client.conversations.items.delete(added.data[0]?.id ?? "", { conversation_id: id });
    expect((await client.conversations.items.list(id, { order: "asc" })).data).toEqual(added.data.slice(1));
    expect(await status(client.conversations.items.retrieve(added.data[0]?.id ?? "", { conversation_id: id }))).toBe(
      404,
    );
  });

  it("list hundreds of items in pages of any size, each once, also past what was taken out", async () => {
    const { id } = await client.conversations.create();
    for (let at = 0; at < 260; at += 20)
      await client.conversations.items.create(id, { items: Array.from({ length: 20 }, (_, n) => says(`${at + n}`)) });
    const ids: string[] = [];
    for await (const item of client.conversations.items.list(id, { limit: 100, order: "asc" })) ids.push(item.id ?? "");
    for (const gone of ids.slice(30, 150)) await client.conversations.items.delete(gone, { conversation_id: id });
    for (const [order, limit] of [
      ["asc", 7],
      ["desc", 33],
      ["asc", 100],
    ] as const) {
      const texts: string[] = [];
      for await (const item of client.conversations.items.list(id, { limit, order })) texts.push(textOf(item) ?? "");
      const expected = [
        ...Array.from({ length: 30 }, (_, at) => `${at}`),
        ...Array.from({ length: 110 }, (_, at) => `${at + 150}`),
      ];
      expect(texts).toEqual(order === "asc" ? expected : expected.toReversed());
    }
  });

  it("are the memory of chats that name them, and hold what was said there", async () => {
    const { id } = await client.conversations.create({ items: [says("My name is Ada.")] });
    await client.conversations.items.create(id, {
      items: [
        { type: "function_call", call_id: "a", name: "f", arguments: "{}" },
        { type: "function_call", call_id: "b", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "a", output: "1" },
        { type: "function_call_output", call_id: "b", output: "2" },
      ],
    });
    const ask = (conversation: unknown, content: string) =>
      client.chat.completions.create({
        model: "scripted",
        messages: [{ role: "user", content }],
        conversation,
      } as never);
    await ask(id, "What is my name?");
    await ask({ id }, "And again?");
    const body = gateway.model.requests.at(-1)?.body ?? {};
    expect(body).not.toHaveProperty("conversation");
    const messages = body["messages"] as { role: string; content: unknown; tool_calls?: unknown[] }[];
    expect(messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "tool",
      "user",
      "assistant",
      "user",
    ]);
    expect(messages[1]?.tool_calls).toHaveLength(2);
    expect(JSON.stringify(messages)).not.toContain('"item"');
    const items = await client.conversations.items.list(id, { order: "asc", limit: 100 });
    expect(items.data.slice(-4).map(textOf)).toEqual([
      "What is my name?",
      "You said: What is my name?",
      "And again?",
      "You said: And again?",
    ]);
    expect(await status(ask("conv_unknown", "Hello?"))).toBe(404);
    expect(await status(ask({ id: 5 }, "Hello?"))).toBe(400);
  });

  it("belong to one user of one tenant", async () => {
    const { id } = await client.conversations.create({ items: [says("secret")] });
    const { data } = await client.conversations.items.list(id);
    const others = [
      gateway.client({ headers: { "x-marrow-user": "somebody else" } }),
      gateway.client({ apiKey: await gateway.keys.create({ scope: "other", user: "u1", name: "other" }) }),
    ];
    for (const other of others) {
      expect(await status(other.conversations.retrieve(id))).toBe(404);
      expect(await status(other.conversations.items.retrieve(data[0]?.id ?? "", { conversation_id: id }))).toBe(404);
      expect(await status(other.conversations.items.create(id, { items: [says("mine")] }))).toBe(404);
      expect(await status(other.conversations.delete(id))).toBe(404);
    }
    const second = await client.conversations.create({ items: [says("other")] });
    expect(await status(client.conversations.items.retrieve(data[0]?.id ?? "", { conversation_id: second.id }))).toBe(
      404,
    );
  });

  it("refuse by name, as `input` does, items of which no model could be told", async () => {
    const { id } = await client.conversations.create();
    for (const type of ["bogus_item", "web_search_call", "mcp_call", "local_shell_call_output", "item_reference"]) {
      const items = [says("fine"), { type, id: "x", status: "completed" }] as never;
      const named = { status: 400, param: "items.1.type", message: expect.stringContaining(type) as string };
      await expect(client.conversations.items.create(id, { items })).rejects.toMatchObject(named);
      await expect(client.conversations.create({ items })).rejects.toMatchObject(named);
    }
    for (const role of ["tool", "item", "nobody"])
      await expect(
        client.conversations.items.create(id, { items: [{ type: "message", role, content: "x" }] as never }),
      ).rejects.toMatchObject({ status: 400, param: "items.0.role" });
    expect((await client.conversations.items.list(id)).data).toEqual([]);
    const kept = [
      { type: "reasoning", id: "r", summary: [] },
      { type: "file_search_call", id: "f", queries: ["x"], status: "completed" },
    ];
    await client.conversations.items.create(id, { items: kept as never });
    expect((await client.conversations.items.list(id)).data).toHaveLength(2);
  });

  const called = (call_id: string) => ({ type: "function_call" as const, call_id, name: "f", arguments: "{}" });
  const result = (call_id: string) => ({ type: "function_call_output" as const, call_id, output: "1" });

  it("take no result of a call that nobody made, and no second one", async () => {
    await expect(client.conversations.create({ items: [says("a"), result("lost")] })).rejects.toMatchObject({
      status: 400,
      param: "items.1.call_id",
      message: expect.stringContaining("lost") as string,
    });
    const { id } = await client.conversations.create({ items: [says("a"), called("c1")] });
    const add = (...items: object[]) => client.conversations.items.create(id, { items: items as never });
    await expect(add(result("lost"))).rejects.toMatchObject({ status: 400, param: "items.0.call_id" });
    await add(result("c1"));
    await expect(add(says("b"), result("c1"))).rejects.toMatchObject({ status: 400, param: "items.1.call_id" });
    await expect(add(called("c2"), result("c2"), result("c2"))).rejects.toMatchObject({ param: "items.2.call_id" });
    await add(called("c1"), result("c1"));
    expect((await client.conversations.items.list(id)).data).toHaveLength(5);
  });

  it("are asked with results of their own calls only: others are refused, and left out where they are kept", async () => {
    const { id } = await client.conversations.create({ items: [says("a"), called("c1"), result("c1"), says("b")] });
    const respond = (input: unknown) =>
      client.responses.create({ model: "scripted", conversation: id, input } as never);
    const chat = (messages: unknown) =>
      client.chat.completions.create({ model: "scripted", conversation: id, messages } as never);
    const asked = gateway.model.requests.length;
    for (const call of ["lost", "c1"]) {
      await expect(respond([says("x"), result(call)])).rejects.toMatchObject({ status: 400, param: "input.1.call_id" });
      await expect(chat([{ role: "tool", tool_call_id: call, content: "1" }])).rejects.toMatchObject({
        status: 400,
        param: "messages.0.tool_call_id",
      });
    }
    const empty = await client.conversations.create();
    await expect(
      client.responses.create({ model: "scripted", conversation: empty.id, input: [result("lost")] }),
    ).rejects.toMatchObject({ status: 400, param: "input.0.call_id" });
    expect(gateway.model.requests).toHaveLength(asked);
    expect((await client.conversations.items.list(id)).data).toHaveLength(4);
    const { data } = await client.conversations.items.list(id, { order: "asc" });
    await client.conversations.items.delete(data[1]?.id ?? "", { conversation_id: id });
    const roles = () =>
      ((gateway.model.requests.at(-1)?.body ?? {})["messages"] as { role: string }[]).map(({ role }) => role);
    await respond("c");
    expect(roles()).toEqual(["user", "user", "user"]);
    await chat([says("d")]);
    expect(roles()).toEqual(["user", "user", "user", "assistant", "user"]);
    await client.conversations.items.create(id, { items: [called("c9")] });
    await respond([result("c9")]);
    expect(roles().slice(-2)).toEqual(["assistant", "tool"]);
  });

  it("refuse what is wrong, and keep nothing of it", async () => {
    const { id } = await client.conversations.create();
    const bad = [
      [{ role: "user" }],
      [{ type: "message", content: "x" }],
      [{ type: "function_call", name: "f" }],
      [says("fine"), { type: 5 }],
      Array.from({ length: 21 }, () => says("x")),
      [],
    ];
    for (const items of bad)
      expect(await status(client.conversations.items.create(id, { items: items as never }))).toBe(400);
    expect(await status(client.conversations.create({ metadata: { x: "y".repeat(600) } }))).toBe(400);
    expect((await client.conversations.items.list(id)).data).toEqual([]);
    expect(await status(client.conversations.items.retrieve("msg_nonsense", { conversation_id: id }))).toBe(404);
    expect(await status(client.conversations.retrieve("conv_nonsense"))).toBe(404);
  });
});
