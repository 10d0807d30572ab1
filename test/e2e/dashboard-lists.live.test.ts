import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createMigration, createVectors } from "../../src/vectors/index.ts";
import { createAdminClient, type Answer } from "../admin-client.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let origin: string;
let plain: string;
const canary = "<img src=x onerror=alert(1)>";

const { call, signIn } = createAdminClient(() => origin);

describe("the pages of the roles", () => {
  let read: (path: string) => Promise<Answer>;
  let write: (method: string, path: string, body?: unknown) => Promise<Answer>;

  beforeAll(async () => {
    gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    origin = gateway.baseURL.replace(/\/v1$/, "");
    plain = gateway.key;
    const key = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
    const { cookie, writes } = await signIn({ key });
    read = (path) => call("GET", `/v1/admin${path}`, undefined, cookie);
    write = (method, path, body = {}) => call(method, `/v1/admin${path}`, body, writes);
  });
  afterAll(() => gateway.close());

  it("list batches of all users with how far they are, and tell a background response from a line", async () => {
    const headers = { authorization: `Bearer ${plain}`, "x-marrow-user": canary };
    const line = { custom_id: "1", method: "POST", url: "/v1/chat/completions" };
    const asked = { ...line, body: { model: "demo", messages: [{ role: "user", content: "a secret" }] } };
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new Blob([JSON.stringify(asked)]), "in.jsonl");
    const uploaded = await fetch(`${origin}/v1/files`, { method: "POST", headers, body: form });
    const { id: file } = (await uploaded.json()) as { readonly id: string };
    const wanted = { input_file_id: file, endpoint: line.url, completion_window: "24h" };
    const ids: unknown[] = [];
    for (const metadata of [{}, { [canary]: canary }])
      ids.push((await call("POST", "/v1/batches", { ...wanted, metadata }, headers)).body["id"]);
    const first = (await read("/batches?limit=1")).body;
    const about = { object: "batch", status: "validating", lines_done: 0, owner: canary };
    expect(first).toMatchObject({ data: [{ id: ids[1], ...about, metadata: { [canary]: canary } }], next: ids[1] });
    expect((await read(`/batches?after=${String(ids[1])}`)).body).toMatchObject({ data: [{ id: ids[0] }] });
    expect((await read("/batches?scope=other")).body).toMatchObject({ data: [] });
    const made = await call("POST", "/v1/responses", { model: "demo", input: "a secret", background: true }, headers);
    const jobs = (await read("/queues/gateway/jobs")).body;
    expect(jobs["data"]).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: made.body["id"], work: "response" }),
        expect.objectContaining({ work: "batch-start", batch: ids[0] }),
      ]),
    );
    expect(JSON.stringify([first, jobs])).not.toContain("secret");
    expect((await write("POST", `/batches/${String(ids[0])}/cancel`)).body).toMatchObject({ status: "cancelling" });
    expect((await write("POST", "/batches/none/cancel")).status).toBe(404);
  });

  it("list the library's collections with their items and recall, and migrations", async () => {
    const acme = gateway.redis.scope("acme");
    const shape = { dimensions: 2, metric: "cosine", index: "hnsw", attributes: { lang: "tag" } } as const;
    const docs = createVectors(acme, { ...shape, name: canary, fingerprint: canary, recall: { sampleEvery: 1 } });
    await docs.upsert([{ id: "a", vector: [1, 0] }]);
    await docs.search({ vector: [1, 0] });
    const listed = () => read("/vectors/collections");
    await expect.poll(async () => JSON.stringify((await listed()).body)).toContain('"samples":1');
    const about = { name: canary, fingerprint: canary, dimensions: 2, attributes: { lang: "tag" }, items: 1 };
    expect((await listed()).body).toMatchObject({ data: [{ object: "collection", ...about, recall: { share: 1 } }] });
    expect((await read("/vectors/collections?scope=other")).body).toMatchObject({ data: [] });
    const side = { vectors: docs, embed: async () => [], embedQuery: async () => [1, 0] };
    expect((await read("/vectors/migrations")).body).toEqual({ object: "list", data: [] });
    const to = { ...side, vectors: createVectors(acme, { ...shape, name: "to", listed: false }) };
    await createMigration(acme, { name: canary, from: to, to: side }).backfill();
    const migration = { object: "migration", name: canary, phase: "copying", copied: true, verified: false };
    await expect
      .poll(async () => (await read("/vectors/migrations")).body)
      .toMatchObject({ data: [{ ...migration, recall: null, items: null }] });
    expect((await read("/vectors/migrations?limit=101")).status).toBe(400);
  });
});
