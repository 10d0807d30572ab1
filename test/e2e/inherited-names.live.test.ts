/** Names that callers choose may be those of what every object inherits: over the doors, each means what the caller gave it, or nothing. */
import { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const NAMES = ["constructor", "toString", "valueOf", "hasOwnProperty"] as const;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(gateway.baseURL + path, {
    method,
    headers: {
      authorization: `Bearer ${gateway.key}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe.each(NAMES)("the name %s", (name) => {
  it("as a file's attribute selects the files that have it", async () => {
    const client = gateway.client();
    const store = await client.vectorStores.create({ name });
    for (const [filename, attributes] of [
      ["with.txt", { [name]: "x" }],
      ["without.txt", {}],
    ] as const) {
      const file = await client.vectorStores.files.uploadAndPoll(store.id, await toFile(Buffer.from("Cats"), filename));
      await client.vectorStores.files.update(file.id, { vector_store_id: store.id, attributes });
    }
    const found = async (type: "eq" | "ne") => {
      const filters = { type, key: name, value: "x" };
      const { data } = await client.vectorStores.search(store.id, { query: "Cats", filters });
      return data.map(({ filename, attributes }) => [filename, attributes]);
    };
    expect(await found("eq")).toEqual([["with.txt", { [name]: "x" }]]);
    expect(await found("ne")).toEqual([["without.txt", {}]]);
  });

  it("as an attribute of a cache's entry selects the entries that have it", async () => {
    const entries = `/caches/${name}/entries`;
    const ask = async (attributes: object) => {
      const { body } = await call("POST", `${entries}/search`, { prompt: "What is a cat?", attributes });
      return (body["data"] as { response: string }[]).map(({ response }) => response);
    };
    await call("POST", entries, { prompt: "What is a cat?", response: "plain" });
    expect(await ask({ [name]: "x" })).toEqual([]);
    await call("POST", entries, { prompt: "What is a cat?", response: "of x", attributes: { [name]: "x" } });
    expect(await ask({ [name]: "x" })).toEqual(["of x"]);
    expect(await ask({ [name]: "y" })).toEqual([]);
  });

  it("as a subject and the id of a rule counts for whom it names", async () => {
    const rules = [{ id: name, by: name, algorithm: "fixedWindow", limit: 1, window_ms: 600_000 }];
    expect((await call("PUT", `/limits/${name}`, { rules })).status).toBe(200);
    const take = (subjects: object) => call("POST", `/limits/${name}/take`, { subjects });
    expect((await take({})).status).toBe(400);
    expect((await take({ [name]: "ann" })).body).toMatchObject({ allowed: true });
    expect((await take({ [name]: "ann" })).body).toMatchObject({ allowed: false, refused_by: name });
    expect((await take({ [name]: "bob" })).body).toMatchObject({ allowed: true });
  });

  it("as a model that nobody serves is not found, and as a step of a task is kept", async () => {
    const messages = [{ role: "user", content: "q" }];
    expect((await call("POST", "/chat/completions", { model: name, messages })).status).toBe(404);
    const { id } = (await call("POST", "/tasks", { payload: 1 })).body;
    const claimed = (await call("POST", "/tasks/claim", {})).body["data"] as { fence: number; steps: object }[];
    expect(claimed[0]?.steps).toEqual({});
    const step = { fence: claimed[0]?.fence, name, result: { a: 1 } };
    expect((await call("POST", `/tasks/${String(id)}/step`, step)).body).toMatchObject({ result: { a: 1 } });
    await call("POST", `/tasks/${String(id)}/finish`, { fence: claimed[0]?.fence, result: 1 });
  });
});
