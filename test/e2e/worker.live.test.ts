import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterAll, describe, expect, inject, it } from "vitest";
import { gatewaysInBackground } from "../gateway.ts";

const directory = mkdtempSync(join(tmpdir(), "marrow-worker-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const start = gatewaysInBackground();

async function startWorker(app: string, upstream: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--conditions=@marrow/source", resolve("src/cli/main.ts"), "worker"], {
    cwd: directory,
    env: { ...process.env, MARROW_REDIS_URL: inject("redisUrl"), MARROW_APP: app, MARROW_UPSTREAM_URL: upstream },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) if (line.includes("in the background")) break;
  child.stdout.resume();
  return child;
}

const ended = (child: ChildProcess) => new Promise<number | null>((done) => child.once("exit", done));

describe("marrow worker", () => {
  it("does the gateway's work without a port; what a killed one had is made whole by another", async () => {
    const words = Array.from({ length: 40 }, (_, n) => `word${n} `).join("");
    const gateway = await start((_, nth) => ({ content: words, eventDelayMs: nth === 1 ? 100 : 1 }), {
      background: false,
    });
    const first = await startWorker(gateway.redis.app, gateway.model.baseUrl);
    const client = gateway.client();
    const stream = await client.responses.create({ model: "scripted", input: "Go", background: true, stream: true });
    const events: ResponseStreamEvent[] = [];
    const deltas = () => events.filter(({ type }) => type === "response.output_text.delta").length;
    let second: ChildProcess | undefined;
    for await (const event of stream) {
      events.push(event);
      if (deltas() === 5 && second === undefined) {
        const gone = ended(first);
        first.kill("SIGKILL");
        await gone;
        second = await startWorker(gateway.redis.app, gateway.model.baseUrl);
      }
    }
    const begun = events.findLastIndex(({ type }) => type === "response.created");
    expect(begun).toBeGreaterThan(5);
    const text = events.slice(begun).map((event) => (event.type === "response.output_text.delta" ? event.delta : ""));
    expect(text.join("")).toBe(words);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at));
    expect(events.filter(({ type }) => type === "response.completed")).toHaveLength(1);
    const gone = ended(second as ChildProcess);
    second?.kill("SIGTERM");
    expect(await gone).toBe(0);
  }, 40_000);
});
