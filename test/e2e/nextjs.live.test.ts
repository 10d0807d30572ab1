/**
 * The example of a route handler of Next.js. CI calls its handler with web requests; Next.js itself has 341 MB and is no dependency.
 * `npm run build && MARROW_NEXTJS=1 npx vitest run test/e2e/nextjs.live.test.ts` installs it, builds the example and serves it.
 */
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, it, onTestFinished } from "vitest";
import { createChat } from "../../examples/nextjs/lib/chat.ts";
import { connect } from "../../src/index.ts";
import { freePort } from "../servers.ts";

/** The example, and what an application of Next.js has around it. */
const PARTS = ["examples/nextjs", "test/nextjs"];
const BUILD_MS = 600_000;
const run = promisify(execFile);

/** What the example promises, whoever calls its handler. */
async function keepsItsPromises(post: (request: Request) => Promise<Response>): Promise<void> {
  const chat = (user: string, prompt: string) =>
    post(
      new Request("http://localhost/api/chat", {
        method: "POST",
        headers: { "content-type": "application/json", "x-user": user },
        body: JSON.stringify({ prompt }),
      }),
    );
  const [ann, bob] = [randomUUID(), randomUUID()];
  const prompt = `What does part ${randomUUID()} cost?`;

  const first = await chat(ann, prompt);
  expect([first.status, first.headers.get("x-source")]).toEqual([200, "miss"]);
  expect(first.headers.get("ratelimit")).toContain('"minute";r=4');
  expect((await chat(ann, prompt)).status).toBe(429);
  expect(await first.text()).toBe(`You asked: ${prompt}`);

  const second = await chat(bob, prompt);
  expect([second.status, second.headers.get("x-source")]).toEqual([200, "exact"]);
  await second.body?.cancel();
  await expect.poll(async () => (await drained(await chat(bob, prompt))).status).toBe(200);

  // Five a minute, of which the first was one. The slot of a stream is free a moment after its end.
  let answered = 1;
  const askAgain = async () => {
    if ((await drained(await chat(ann, prompt))).status === 200) answered += 1;
    return answered;
  };
  await expect.poll(askAgain).toBe(5);
  expect((await drained(await chat(ann, prompt))).status).toBe(429);
}

async function drained(response: Response): Promise<Response> {
  await response.text();
  return response;
}

it("A route handler limits each user, releases a slot when its stream ends or is left, and answers repeats from the cache", async () => {
  const redis = await connect(inject("redisUrl"), { app: `next-${randomUUID()}` });
  onTestFinished(() => redis.close());
  await expect(keepsItsPromises(createChat(redis))).resolves.toBeUndefined();
});

it.runIf(process.env["MARROW_NEXTJS"] !== undefined)(
  "It does so in Next.js, built for production",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "marrow-nextjs-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    for (const part of PARTS) cpSync(part, directory, { recursive: true });
    const env = { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" };
    const quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
    const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", directory]);
    await run("npm", ["ci", "--include=dev", ...quiet], { cwd: directory });
    await run("npm", ["install", "--include=dev", "--no-save", ...quiet, `./${stdout.trim()}`], { cwd: directory });
    const next = join(directory, "node_modules/next/dist/bin/next");
    await run(process.execPath, [next, "build"], { cwd: directory, env });

    const port = await freePort();
    const served = spawn(process.execPath, [next, "start", "--port", String(port), "--hostname", "127.0.0.1"], {
      cwd: directory,
      env: { ...env, MARROW_REDIS_URL: inject("redisUrl") },
      stdio: "ignore",
    });
    onTestFinished(() => void served.kill());
    const address = `http://127.0.0.1:${port}/api/chat`;
    await expect
      .poll(
        () =>
          fetch(address).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 30_000 },
      )
      .toBe(405);
    const post = async (request: Request) =>
      fetch(address, { method: "POST", headers: request.headers, body: await request.text() });
    await expect(keepsItsPromises(post)).resolves.toBeUndefined();
  },
  BUILD_MS,
);
