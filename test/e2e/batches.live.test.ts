import { toFile, type OpenAI } from "openai";
import { describe, expect, it } from "vitest";
import { createWorker } from "../../src/queue/index.ts";
import { gatewaysInBackground } from "../gateway.ts";

const start = gatewaysInBackground();

interface Line {
  readonly custom_id: string;
  readonly method?: string;
  readonly url?: string;
  readonly body?: object;
}

const chat = (name: string, words: string): Line => ({
  custom_id: name,
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "scripted", messages: [{ role: "user", content: words }] },
});

async function createBatch(client: OpenAI, lines: readonly unknown[], endpoint = "/v1/chat/completions") {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  const file = await client.files.create({ file: await toFile(Buffer.from(text), "in.jsonl"), purpose: "batch" });
  return client.batches.create({
    input_file_id: file.id,
    endpoint: endpoint as "/v1/responses",
    completion_window: "24h",
  });
}

const OVER = new Set(["completed", "failed", "expired", "cancelled"]);

async function ended(client: OpenAI, id: string) {
  await expect.poll(async () => OVER.has((await client.batches.retrieve(id)).status), { timeout: 15_000 }).toBe(true);
  return client.batches.retrieve(id);
}

async function readFile(client: OpenAI, id: string | undefined) {
  const text = await (await client.files.content(id ?? "")).text();
  return text
    .trim()
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line) as {
          custom_id: string;
          response: { status_code: number; body: never } | null;
          error: unknown;
        },
    );
}

describe("a batch", () => {
  it("asks each line once through the gateway, and writes what came of it into files", async () => {
    const { client: open } = await start(({ body }) => {
      const last = String((body["messages"] as { content: unknown }[]).at(-1)?.content);
      return last === "bad" ? { status: 400, content: "no" } : `Answer ${last}`;
    });
    const client = open();
    const lines = Array.from({ length: 30 }, (_, n) => chat(`c${n}`, n === 7 ? "bad" : `question number ${n}`));
    const made = await createBatch(client, lines);
    expect(made).toMatchObject({ object: "batch", status: "validating", endpoint: "/v1/chat/completions" });
    const batch = await ended(client, made.id);
    expect(batch).toMatchObject({ status: "completed", request_counts: { total: 30, completed: 29, failed: 1 } });
    const output = await readFile(client, batch.output_file_id);
    expect(output.map(({ custom_id: name }) => name)).toEqual(
      lines.map((line) => line.custom_id).filter((name) => name !== "c7"),
    );
    expect(output[3]).toMatchObject({
      response: { status_code: 200, body: { choices: [{ message: { content: "Answer question number 3" } }] } },
      error: null,
    });
    expect(await readFile(client, batch.error_file_id)).toMatchObject([
      { custom_id: "c7", response: { status_code: 400 } },
    ]);
    expect((await client.batches.list()).data.map(({ id }) => id)).toEqual([made.id]);
    const written = (await client.files.list({ purpose: "batch_output", order: "asc" })).data.map(({ id }) => id);
    expect(written).toEqual([batch.output_file_id, batch.error_file_id]);
  });

  it("gives its output files the life that was asked for, and refuses fields that there are not", async () => {
    const { client: open } = await start(() => "Fine.");
    const client = open();
    const file = await client.files.create({
      file: await toFile(Buffer.from(JSON.stringify(chat("a", "Hi"))), "in.jsonl"),
      purpose: "batch",
    });
    const asked = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
    const made = await client.batches.create({
      ...asked,
      output_expires_after: { anchor: "created_at", seconds: 7_200 },
    });
    expect(made).not.toHaveProperty("output_life");
    const { output_file_id: output = "" } = await ended(client, made.id);
    const { purpose, created_at: at, expires_at: end } = await client.files.retrieve(output);
    expect([purpose, end]).toEqual(["batch_output", at + 7_200]);
    for (const [wrong, param] of [
      [{ output_expires_after: { anchor: "created_at", seconds: 60 } }, "output_expires_after.seconds"],
      [{ priority: 1 }, "priority"],
    ] as const)
      await expect(client.batches.create({ ...asked, ...wrong })).rejects.toMatchObject({ status: 400, param });
  });

  it("of an application is hidden from a user of the scope, with the files that it reads and writes", async () => {
    const { client: open, keys } = await start(() => "Fine.");
    const house = open();
    const ann = open({ apiKey: await keys.create({ scope: "acme", user: "ann", name: "ann", actsFor: "own" }) });
    const { id } = await createBatch(house, [chat("a", "Hi"), chat("b", "")]);
    const { input_file_id: input, output_file_id: output = "" } = await ended(house, id);
    await expect(ann.batches.retrieve(id)).rejects.toMatchObject({ status: 404 });
    for (const file of [input, output]) {
      expect((await house.files.retrieve(file)).id).toBe(file);
      await expect(ann.files.retrieve(file)).rejects.toMatchObject({ status: 404 });
      await expect(ann.files.content(file)).rejects.toMatchObject({ status: 404 });
      expect((await ann.files.list()).data.map((one) => one.id)).not.toContain(file);
    }
  });

  it("takes responses and embeddings as well, and waits for limits", async () => {
    let refusals = 0;
    const { client: open } = await start(() =>
      (refusals += 1) <= 3 ? { status: 429, headers: { "retry-after-ms": "100" } } : "Fine.",
    );
    const client = open();
    const response = { custom_id: "r", method: "POST", url: "/v1/responses", body: { model: "scripted", input: "Hi" } };
    const first = await ended(client, (await createBatch(client, [response], "/v1/responses")).id);
    expect((await readFile(client, first.output_file_id))[0]).toMatchObject({
      response: { body: { object: "response", status: "completed" } },
    });
    expect(refusals).toBe(4);
    const embedding = { custom_id: "e", method: "POST", url: "/v1/embeddings", body: { model: "static", input: "Hi" } };
    const second = await ended(client, (await createBatch(client, [embedding], "/v1/embeddings")).id);
    expect(second.request_counts).toMatchObject({ total: 1 });
  });

  it("fails with the lines that are wrong, and asks none of them", async () => {
    const { model, client: open } = await start();
    const client = open();
    const lines = [
      chat("a", "x"),
      chat("a", "y"),
      "{",
      { ...chat("b", "z"), url: "/v1/responses" },
      { custom_id: "c" },
      { ...chat("d", "w"), body: { model: "m", stream: true } },
    ];
    const batch = await ended(client, (await createBatch(client, lines)).id);
    expect(batch.status).toBe("failed");
    expect(batch.errors?.data?.map(({ line, code }) => [line, code])).toEqual([
      [2, "duplicate_custom_id"],
      [3, "invalid_line"],
      [4, "mismatched_url"],
      [5, "invalid_line"],
      [6, "invalid_request"],
    ]);
    expect(model.requests).toEqual([]);
    await expect(
      client.batches.create({ input_file_id: "file-none", endpoint: "/v1/responses", completion_window: "24h" }),
    ).rejects.toMatchObject({ status: 404 });
    await expect(client.batches.retrieve("batch_none")).rejects.toMatchObject({ status: 404 });
  });

  it("is cancelled: what was asked is in its files, the rest is named as not asked", async () => {
    const { client: open } = await start(() => ({ content: "Slow.", delayMs: 200 }));
    const client = open();
    const lines = Array.from({ length: 300 }, (_, n) => chat(`c${n}`, `question number ${n} of many`));
    const { id } = await createBatch(client, lines);
    await expect
      .poll(async () => (await client.batches.retrieve(id)).request_counts?.completed, { timeout: 10_000 })
      .toBeGreaterThan(0);
    expect((await client.batches.cancel(id)).status).toBe("cancelling");
    const batch = await ended(client, id);
    expect(batch.status).toBe("cancelled");
    const [good, bad] = [await readFile(client, batch.output_file_id), await readFile(client, batch.error_file_id)];
    expect(good.length + bad.length).toBe(300);
    expect(bad[0]).toMatchObject({ response: null, error: { code: "batch_cancelled" } });
    await client.batches.cancel(id);
  });
});

describe("a task", () => {
  it("is pushed, done by a worker of the user's own, streamed, and told of", async () => {
    const { client: open, redis } = await start();
    const client = open();
    const worker = createWorker<{ n: number }>(redis, { name: "tasks" }, async ({ payload, write, scope }) => {
      write("half");
      await new Promise((resolve) => setTimeout(resolve, 50));
      write("whole");
      return { twice: payload.n * 2, scope };
    });
    interface Task {
      readonly id: string;
      readonly state: string;
      readonly result: unknown;
    }
    const task = (await client.post("/tasks", {
      body: { payload: { n: 21 } },
      headers: { "idempotency-key": "t" },
    })) as Task;
    const again = (await client.post("/tasks", {
      body: { payload: { n: 21 } },
      headers: { "idempotency-key": "t" },
    })) as Task;
    expect(again.id).toBe(task.id);
    const stream = (await client.get(`/tasks/${task.id}/stream`, { __binaryResponse: true })) as Response;
    const text = await stream.text();
    expect(text.match(/^event: .*/gm)).toEqual(["event: task.text", "event: task.text", "event: task.ended"]);
    const at = /^id: (.*)$/m.exec(text)?.[1] ?? "";
    const rest = (await client.get(`/tasks/${task.id}/stream`, {
      __binaryResponse: true,
      headers: { "last-event-id": at },
    })) as Response;
    expect((await rest.text()).match(/"text":"(\w+)"/g)).toEqual(['"text":"whole"']);
    expect(await client.get(`/tasks/${task.id}`)).toMatchObject({
      state: "done",
      result: { twice: 42, scope: "acme" },
    });
    await worker.close();
    const late = (await client.post("/tasks", { body: { payload: 1, delay_ms: 60_000 } })) as Task;
    expect(await client.post(`/tasks/${late.id}/cancel`)).toMatchObject({ state: "cancelled" });
    await client.delete(`/tasks/${late.id}`);
    await expect(client.get(`/tasks/${late.id}`)).rejects.toMatchObject({ status: 404 });
    const metrics = await (await fetch(new URL("/metrics", client.baseURL))).text();
    expect(metrics).toContain('marrow_jobs{queue="tasks",state="done"} 1');
    await expect(client.post("/tasks", { body: {} })).rejects.toMatchObject({ status: 400 });
    await expect(client.post("/tasks", { body: { payload: 1, priority: 500 } })).rejects.toMatchObject({
      param: "priority",
    });
  });
});
