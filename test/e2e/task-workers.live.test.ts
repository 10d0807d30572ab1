import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

interface Task {
  readonly id: string;
  readonly fence: string;
  readonly state: string;
  readonly result: unknown;
  readonly steps: Readonly<Record<string, unknown>>;
  readonly failures: readonly { readonly reason: string; readonly message: string }[];
}

const post = (path: string, body: object, method = "POST") =>
  fetch(`${gateway.baseURL}/tasks${path}`, {
    method,
    headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
    ...(method === "POST" && { body: JSON.stringify(body) }),
  });
const make = async (path: string, body: object) => (await (await post(path, body)).json()) as Task;
const find = async (id: string) => (await (await post(`/${id}`, {}, "GET")).json()) as Task;
const claim = async (body: object = {}) => ((await (await post("/claim", body)).json()) as { data: Task[] }).data;

describe("a task that depends on a task that does not exist", () => {
  it.each(["any", "own"] as const)("is refused by the name of the request's field (acts for %s)", async (actsFor) => {
    const key = await gateway.keys.create({ scope: "acme", user: "ann", name: "k", actsFor });
    const response = await fetch(`${gateway.baseURL}/tasks`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ payload: 1, depends_on: ["nothing"] }),
    });
    const { error } = (await response.json()) as { error: unknown };
    expect([response.status, error]).toEqual([409, expect.objectContaining({ param: "depends_on" })]);
  });
});

describe("a worker that comes by HTTP", () => {
  it("claims, writes, keeps steps and ends a task, and is not heard once another has it", async () => {
    const { id } = await make("", { payload: { n: 1 }, attempts: 2 });
    const [first] = await claim({ lease_ms: 1_000 });
    expect(first).toMatchObject({ id, payload: { n: 1 }, attempts_left: 2, steps: {} });
    const fence = first?.fence;
    expect(await make(`/${id}/step`, { fence, name: "draft", result: { a: 1 } })).toMatchObject({ result: { a: 1 } });
    expect(await make(`/${id}/step`, { fence, name: "draft", result: { a: 2 } })).toMatchObject({ result: { a: 1 } });
    expect(await make(`/${id}/write`, { fence, from: 0, texts: ["a", "b"] })).toMatchObject({ parts: 2 });
    expect(await make(`/${id}/write`, { fence, from: 0, texts: ["a", "b"] })).toMatchObject({ parts: 2 });
    expect(await make(`/${id}/extend`, { fence, lease_ms: 1_000 })).toMatchObject({ state: "running" });
    // Its lease ends: another claim has it, with what was done.
    const [second] = await claim({ wait_ms: 5_000 });
    expect(second).toMatchObject({ id, crashes_left: 2, steps: { draft: { a: 1 } } });
    expect((await post(`/${id}/finish`, { fence, result: 1 })).status).toBe(409);
    expect((await post(`/${id}/step`, { fence, name: "x", result: 1 })).status).toBe(409);
    await make(`/${id}/fail`, { fence: second?.fence, message: "bad key sk-proj-12345678", retry_after_ms: 0 });
    const [third] = await claim({ wait_ms: 5_000 });
    await make(`/${id}/finish`, { fence: third?.fence, result: { ok: true } });
    const done = await find(id);
    expect(done).toMatchObject({ state: "done", result: { ok: true } });
    expect(done.failures.map(({ reason, message }) => [reason, message])).toEqual([
      ["crashed", ""],
      ["failed", "bad key ***"],
    ]);
    expect((await post(`/${id}/finish`, { fence: third?.fence, result: 1 })).status).toBe(409);
    // The same end is no lost lease: its answer was lost.
    expect(await make(`/${id}/finish`, { fence: third?.fence, result: { ok: true } })).toMatchObject({ state: "done" });
    expect((await post(`/${id}/finish`, { fence, result: { ok: true } })).status).toBe(409);
  });

  it("says a failure again without another attempt, and hears that a task was taken away", async () => {
    const { id } = await make("", { payload: 1, attempts: 3 });
    const [one] = await claim();
    const failure = { fence: one?.fence, message: "no", retry_after_ms: 60_000 };
    for (let n = 0; n < 2; n += 1) expect((await post(`/${id}/fail`, failure)).status).toBe(200);
    expect(await find(id)).toMatchObject({ state: "delayed", attempts_left: 2 });
    expect((await post(`/${id}/signal`, { name: "s" })).status).toBe(200);
    await make(`/${id}/promote`, {});
    const [again] = await claim();
    await post(`/${id}`, {}, "DELETE");
    expect(await make(`/${id}/finish`, { fence: again?.fence, result: 1 })).toMatchObject({ state: "cancelled" });
    // It has a millisecond left.
    await expect.poll(async () => (await post(`/${id}`, {}, "GET")).status).toBe(404);
  });

  it("is told of cancelling, hands tasks back, and waits for none in vain", async () => {
    const { id } = await make("", { payload: 1 });
    const [one] = await claim();
    await make(`/${id}/release`, { fence: one?.fence });
    const [again] = await claim();
    expect(again).toMatchObject({ id, attempts_left: 3 });
    await make(`/${id}/cancel`, {});
    expect(await make(`/${id}/extend`, { fence: again?.fence })).toMatchObject({ state: "cancelling" });
    expect(await make(`/${id}/finish`, { fence: again?.fence, result: "half" })).toMatchObject({ state: "cancelled" });
    expect(await find(id)).toMatchObject({ state: "cancelled", result: "half" });
    const waiting = claim({ wait_ms: 10_000, limit: 5 });
    await new Promise((done) => setTimeout(done, 300));
    const late = await make("", { payload: 2 });
    expect((await waiting).map((task) => task.id)).toEqual([late.id]);
    expect(await claim({ wait_ms: 200 })).toEqual([]);
  });

  it.each([
    ["/claim", { limit: 0 }],
    ["/claim", { lease_ms: 1 }],
    ["/claim", { wait_ms: 1e9 }],
    ["/x/finish", { fence: "abc", result: 1 }],
    ["/x/write", { fence: "1", from: 0, texts: [] }],
    ["/x/step", { fence: "1", name: "a b", result: 1 }],
    ["/x/fail", { fence: "1", reason: "NO" }],
  ])("is refused %s with %j", async (path, body) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(400);
  });

  it("is given no more large tasks at once than fit in an answer, and the rest in their order", async () => {
    const ids: string[] = [];
    for (let at = 0; at < 4; at += 1) ids.push((await make("", { payload: "x".repeat(2_500_000), attempts: 1 })).id);
    for (const pair of [ids.slice(0, 2), ids.slice(2)]) {
      const given = await claim({ limit: 100 });
      expect(given.map(({ id }) => id)).toEqual(pair);
      expect(given.map((task) => (task as unknown as { attempts_left: number }).attempts_left)).toEqual([1, 1]);
      for (const { id, fence } of given) await make(`/${id}/finish`, { fence, result: 1 });
    }
  });

  it("does not find a task that is none", async () => {
    expect((await post("/x/finish", { fence: "1", result: 1 })).status).toBe(404);
  });

  it("is no key that acts for one user alone", async () => {
    const key = await gateway.keys.create({ scope: "acme", user: "ann", name: "ann", actsFor: "own" });
    const answer = await fetch(`${gateway.baseURL}/tasks/claim`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: "{}",
    });
    expect(answer.status).toBe(403);
  });
});

const python = spawnSync("python3", ["--version"]).status === 0;

describe.skipIf(!python)("a worker in Python's standard library", () => {
  function start(lines: string[]): ChildProcess {
    const child = spawn("python3", [resolve("examples/python-worker.py")], {
      env: { ...process.env, MARROW_URL: gateway.baseURL, MARROW_KEY: gateway.key, LEASE_MS: "1000" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => lines.push(line));
    return child;
  }

  it("does what a killed one had, without its finished steps again", async () => {
    const tasks = [];
    for (let n = 0; n < 6; n += 1) tasks.push(await make("", { payload: { n, seconds: n === 2 ? 3 : 0 } }));
    const [before, after]: [string[], string[]] = [[], []];
    const first = start(before);
    const held = tasks[2]?.id ?? "";
    await expect.poll(() => before.includes(`draft ${held}`), { timeout: 20_000 }).toBe(true);
    // The step is kept within a round trip; then it is at the long part.
    await new Promise((done) => setTimeout(done, 500));
    first.kill("SIGKILL");
    const second = start(after);
    try {
      for (const [n, { id }] of tasks.entries())
        await expect
          .poll(() => find(id), { timeout: 20_000 })
          .toMatchObject({ state: "done", result: { text: `draft of ${n}, done` } });
      expect(after).toContain(`begin ${held}`);
      expect(after).not.toContain(`draft ${held}`);
      expect((await find(held)).failures).toMatchObject([{ reason: "crashed" }]);
    } finally {
      second.kill("SIGKILL");
    }
  }, 60_000);

  it("tells why a result cannot be carried, once: the task is dead, and the worker goes on", async () => {
    const tasks = [];
    for (const result of ["nan", "large", undefined]) tasks.push(await make("", { payload: { n: 1, result } }));
    const lines: string[] = [];
    const child = start(lines);
    try {
      const reasons = [];
      for (const { id } of tasks) {
        await expect.poll(async () => (await find(id)).state, { timeout: 20_000 }).toMatch(/^(?:dead|done)$/);
        const { state, failures } = await find(id);
        reasons.push(failures[0]?.reason ?? state);
        expect(lines.filter((line) => line === `begin ${id}`)).toHaveLength(1);
      }
      expect(reasons).toEqual(["invalid_input", "too_large", "done"]);
    } finally {
      child.kill("SIGKILL");
    }
  }, 60_000);
});
