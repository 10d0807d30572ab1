import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, inject } from "vitest";
import { createApiKeys } from "../../src/gateway/index.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";
import { liveTest } from "../live.ts";

const PROGRAM = fileURLToPath(new URL("gateway-process.ts", import.meta.url));

/** Answers slowly while the first gateway lives. */
let model: ScriptedModel;
let slow = true;
beforeAll(async () => {
  model = await startScriptedModel((_, nth) =>
    slow ? { content: `answer ${nth} word by word to its end`, eventDelayMs: 400, delayMs: 200 } : `answer ${nth}`,
  );
});
afterAll(() => model.close());

const started: ChildProcess[] = [];
afterAll(() => started.forEach((child) => child.kill("SIGKILL")));

async function startGateway(app: string): Promise<{ child: ChildProcess; baseURL: string }> {
  const argv = ["--conditions=@marrow/source", PROGRAM, inject("redisUrl"), app, model.baseUrl];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  const [port] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return { child, baseURL: `http://127.0.0.1:${String(port).trim()}/v1` };
}

type Message = { readonly role: string; readonly content: string };
const ask = (content: string, more: object = {}) =>
  ({
    model: "scripted",
    messages: [{ role: "user", content }],
    ...more,
  }) as OpenAI.ChatCompletionCreateParamsNonStreaming;
const sent = () =>
  ((model.requests.at(-1) as never as { body: unknown }).body as { messages: Message[] }).messages.map(
    ({ content }) => content,
  );

async function texts(client: OpenAI, conversation: string): Promise<string[]> {
  const { data } = await client.conversations.items.list(conversation, { order: "asc" });
  return data.map((item) => {
    const { status, content } = item as { status: string; content: { text: string }[] };
    return `${String(content[0]?.text)} ${status}`;
  });
}

describe("a gateway that is killed between a question and its answer", () => {
  liveTest(
    "leaves the question as incomplete, for another gateway to list, pass over, and go on with",
    async ({ unique, redis }) => {
      const key = await createApiKeys(redis).create({ scope: "acme", user: "u", name: "k" });
      const first = await startGateway(unique);
      const clientOf = (baseURL: string) => new OpenAI({ baseURL, apiKey: key, maxRetries: 0 });
      const before = clientOf(first.baseURL);
      const { id: conversation } = await before.conversations.create({});
      await before.chat.completions.create(ask("My name is Ada.", { conversation }));
      const lost = [
        { content: "How old am I?", headers: {} },
        { content: "Where do I live?", headers: { "Idempotency-Key": "where" } },
      ];
      const streams = lost.map(({ content, headers }) =>
        before.chat.completions
          .create(ask(content, { conversation, stream: true }), { headers })
          .then(
            async (stream) => {
              for await (const _ of stream as never as AsyncIterable<unknown>);
            },
            () => {},
          )
          .catch(() => {}),
      );
      await expect.poll(() => model.requests.length, { timeout: 5_000 }).toBe(3);
      await new Promise((resolve) => setTimeout(resolve, 400));
      first.child.kill("SIGKILL");
      await Promise.all(streams);
      slow = false;

      const after = clientOf((await startGateway(unique)).baseURL);
      const asked = await texts(after, conversation);
      expect(asked.slice(0, 2)).toEqual(["My name is Ada. completed", expect.stringContaining("answer 1")]);
      expect(asked.slice(2).toSorted()).toEqual(["How old am I? incomplete", "Where do I live? incomplete"]);

      await after.chat.completions.create(ask("What is my name?", { conversation }));
      expect(sent()).toEqual(["My name is Ada.", expect.stringContaining("answer 1"), "What is my name?"]);

      // Its first request holds the key for ten seconds at most.
      const askedAt = performance.now();
      await after.chat.completions
        .create(ask("Where do I live?", { conversation, stream: true }), {
          headers: { "Idempotency-Key": "where" },
        })
        .then(async (stream) => {
          for await (const _ of stream as never as AsyncIterable<unknown>);
        });
      expect(performance.now() - askedAt).toBeLessThan(12_000);
      const now = await texts(after, conversation);
      expect(now.filter((text) => text.startsWith("Where"))).toEqual(["Where do I live? completed"]);
      expect(now[now.indexOf("Where do I live? completed") + 1]).toMatch(/^answer \d+ completed$/);
      expect(now.filter((text) => text.endsWith("incomplete"))).toEqual(["How old am I? incomplete"]);
      expect(now).toHaveLength(7);
    },
    120_000,
  );
});
