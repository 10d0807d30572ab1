import { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ask, startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

async function call(method: string, path: string, body?: unknown, user = "ada", key = gateway.key) {
  const response = await fetch(`${gateway.baseURL}/memories${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      "x-marrow-user": user,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const textsOf = ({ body }: { readonly body: Record<string, unknown> }) =>
  (body["data"] as { text: string }[]).map(({ text }) => text);

describe("/v1/memories", () => {
  it("remembers, recalls, lists, changes and forgets, of one user of one tenant", async () => {
    const { body: oslo } = await call("POST", "", { text: "Ada lives in Oslo", key: "home" });
    expect(oslo).toMatchObject({ object: "memory", status: "new", trust: "trusted", kind: "semantic" });
    const { body: bergen } = await call("POST", "", { text: "Ada lives in Bergen", key: "home", importance: 0.9 });
    expect(bergen).toMatchObject({ status: "superseding", supersedes: oslo["id"] });
    await call("POST", "", { text: "Ada owns the bank", source: { role: "tool" } });
    const recalled = await call("POST", "/recall", { about: "where does Ada live?" });
    expect(textsOf(recalled)).toEqual(["Ada lives in Bergen"]);
    expect((recalled.body["data"] as { relevance: object }[])[0]?.relevance).toHaveProperty("similarity");
    expect(textsOf(await call("GET", `/${String(bergen["id"])}/history`))).toEqual([
      "Ada lives in Bergen",
      "Ada lives in Oslo",
    ]);
    expect((await call("GET", `/${String(oslo["id"])}`)).body["superseded_by"]).toBe(bergen["id"]);
    expect((await call("POST", `/${String(bergen["id"])}`, { pinned: true })).body["pinned"]).toBe(true);
    expect(textsOf(await call("GET", "?all=true"))).toHaveLength(3);
    const other = await gateway.keys.create({ scope: "other", user: "ada", name: "other" });
    for (const [user, key] of [
      ["bob", gateway.key],
      ["ada", other],
    ] as const) {
      expect(textsOf(await call("GET", "?all=true", undefined, user, key))).toEqual([]);
      expect((await call("DELETE", `/${String(bergen["id"])}`, undefined, user, key)).status).toBe(404);
    }
    expect((await call("DELETE", `/${String(bergen["id"])}`)).body).toMatchObject({ deleted: true });
    expect((await call("GET", `/${String(bergen["id"])}`)).status).toBe(404);
  });

  it("knows every user whose name other routes accept, and refuses the same names", async () => {
    const chat = (user: string) =>
      ask(gateway.client({ headers: { "x-marrow-user": user } }), "Hello").then(
        () => 200,
        (error: unknown) => (error as { status: number }).status,
      );
    for (const [user, status] of [
      ["u".repeat(256), 200],
      ["%C3%A9".repeat(40), 200],
      ["u".repeat(257), 400],
      ["..", 400],
      [".", 400],
      ["(".repeat(200), 400],
    ] as const) {
      expect([user, (await call("POST", "", { text: "A user has a name" }, user)).status]).toEqual([user, status]);
      expect([user, await chat(user)]).toEqual([user, status]);
      const refused = await call("GET", "", undefined, user);
      if (status === 400) expect(refused.body["error"]).toMatchObject({ param: "x-marrow-user" });
    }
    await expect(gateway.keys.create({ scope: "acme", user: "u".repeat(257), name: "long" })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "user" },
    });
  });

  it("refuses what is wrong, naming the field", async () => {
    for (const [path, body, field] of [
      ["", {}, "text"],
      ["", { text: "x", kind: "rumour" }, "kind"],
      ["", { text: "x", importance: 3 }, "importance"],
      ["/recall", { about: "x", limit: 0 }, "limit"],
    ] as const) {
      const { status, body: answer } = await call("POST", path, body, "nobody");
      expect([status, (answer["error"] as { param: unknown }).param]).toEqual([400, field]);
    }
    expect(textsOf(await call("GET", "?all=true", undefined, "nobody"))).toEqual([]);
  });
});

describe("forgetting a user", () => {
  it("takes away files, vector stores, batches and tasks of theirs, and of nobody else", async () => {
    const marker = "yonder-marker-78";
    const make = async (user: string) => {
      const client = gateway.client({ headers: { "x-marrow-user": user } });
      const line = {
        custom_id: "1",
        method: "POST",
        url: "/v1/embeddings",
        body: { model: "static-256", input: marker },
      };
      const lines = await client.files.create({
        purpose: "batch",
        file: await toFile(Buffer.from(`${JSON.stringify(line)}\n`), "lines.jsonl"),
      });
      const text = await client.files.create({
        purpose: "assistants",
        file: await toFile(Buffer.from(`Of ${marker} and more`), "text.txt"),
      });
      const store = await client.vectorStores.create({ name: marker });
      await client.vectorStores.files.createAndPoll(store.id, { file_id: text.id });
      const batch = await client.batches.create({
        input_file_id: lines.id,
        endpoint: "/v1/embeddings",
        completion_window: "24h",
        metadata: { about: marker },
      });
      const { id: task } = (await client.post("/tasks", { body: { payload: marker } })) as { id: string };
      return {
        client,
        ids: [`/files/${text.id}`, `/vector_stores/${store.id}`, `/batches/${batch.id}`, `/tasks/${task}`],
      };
    };
    const [gone, stays] = [await make("gone-2"), await make("stays-2")];
    const things = { batches: 1, tasks: 1, vector_stores: 1, files: 2 };
    expect((await call("POST", "/forget", undefined, "gone-2")).body).toMatchObject(things);
    for (const path of gone.ids) await expect(gone.client.get(path)).rejects.toMatchObject({ status: 404 });
    for (const path of stays.ids) await stays.client.get(path);
    expect((await call("POST", "/forget", undefined, "stays-2")).body).toMatchObject(things);
    expect(await holding(marker)).toEqual([]);
  });

  it("leaves no byte of theirs in Redis: sessions, conversations, facts, cached answers, what is under way", async () => {
    const marker = "xanadu-marker-77";
    const client = gateway.client({ headers: { "x-marrow-user": "gone" } });
    for (let at = 0; at < 3; at += 1)
      await ask(client, `Tell me ${at} things of ${marker}`, { headers: { "x-marrow-session": `s${at}` } });
    await ask(client, `What is ${marker} known for?`);
    const conversation = await client.conversations.create({
      metadata: { about: marker },
      items: [{ type: "message", role: "user", content: `hello ${marker}` }],
    });
    await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: `again ${marker}` }],
      conversation: conversation.id,
    } as never);
    await call("POST", "", { text: `Likes the ${marker}` }, "gone");
    await ask(gateway.client({ headers: { "x-marrow-user": "stays" } }), "What is the capital of Norway?");
    expect((await holding(marker)).length).toBeGreaterThan(5);

    const { body } = await call("POST", "/forget", undefined, "gone");
    expect(body).toMatchObject({ object: "memory.receipt", sessions: 4, turns: 9, facts: 1, answers: 5 });
    expect(await holding(marker)).toEqual([]);
    expect((await call("POST", "/forget", undefined, "gone")).body).toMatchObject({
      sessions: 0,
      turns: 0,
      facts: 0,
      answers: 0,
    });
    const kept = await ask(gateway.client({ headers: { "x-marrow-user": "stays" } }), "What is the capital of Norway?");
    expect(kept.cache).toBe("exact");
  });
});

/** Keys of the gateway whose name or content holds a text, of all there are. Records are small here, so that none is compressed. */
async function holding(text: string): Promise<string[]> {
  const { redis } = gateway;
  const keys = ((await redis.send(["KEYS", `{${redis.app}*`])) as string[]).toSorted();
  const found: string[] = [];
  for (const key of keys) {
    const dumped = await redis.send(["DUMP", key], { reply: "bytes" });
    const type = await redis.send(["TYPE", key]);
    const read =
      type === "hash"
        ? await redis.send(["HGETALL", key])
        : type === "list"
          ? await redis.send(["LRANGE", key, "0", "-1"])
          : type === "zset"
            ? await redis.send(["ZRANGE", key, "0", "-1"])
            : type === "string"
              ? await redis.send(["GET", key])
              : "";
    if (`${key}${String(dumped)}${JSON.stringify(read)}`.includes(text)) found.push(key);
  }
  return found;
}
