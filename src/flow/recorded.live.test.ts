import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createCache } from "../cache/index.ts";
import { createMemory } from "../memory/index.ts";
import type { ChatChunk, ChatModel, StreamPart } from "../models/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createFlow, createRecordings, type AnswerStream, type Spent, type StoredAnswer } from "./index.ts";

const MEBIBYTE = 1_048_576;
const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
const logprobs = { content: [{ token: "word", logprob: -1, bytes: [1, 2, 3, 4], top_logprobs: [] }] };

/** A model that streams so many pieces as its prompt says, then its usage. */
function countingModel(): ChatModel {
  const toPart = (text: string, done = false): StreamPart => ({
    bytes: Buffer.from(`data: ${text}\n\n`),
    chunks: done ? [] : [JSON.parse(text) as ChatChunk],
    done,
  });
  async function* parts(count: number): AsyncGenerator<StreamPart> {
    for (let nth = 0; nth < count; nth += 1) {
      // As from a socket: whatever else waits gets its turn.
      if (nth % 100 === 0) await new Promise(setImmediate);
      yield toPart(
        JSON.stringify({
          ...head,
          choices: [{ index: 0, delta: { content: `w${nth} ` }, logprobs, finish_reason: null }],
        }),
      );
    }
    yield toPart(JSON.stringify({ ...head, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }));
    const usage = { prompt_tokens: 7, completion_tokens: count, total_tokens: 7 + count };
    yield toPart(JSON.stringify({ ...head, choices: [], usage }));
    yield toPart("[DONE]", true);
  }
  return {
    list: async () => [],
    serves: () => true,
    complete: () => Promise.reject(new Error("only streams are asked for")),
    stream: async ({ request }) => parts(Number(/\d+/.exec(String(request.messages.at(-1)?.content))?.[0])),
  };
}

function setUp(tenant: ScopedRedis, bytesMax: number) {
  const recordings = createRecordings({ bytesMax });
  const told: string[] = [];
  const spent: Spent[] = [];
  const model = countingModel();
  const flow = createFlow({
    findModel: () => model,
    cache: createCache<StoredAnswer>(tenant, { name: "c" }),
    memory: createMemory(tenant, { name: "m" }),
    recordings,
    onDegraded: (role) => told.push(role),
    onSpent: (one) => spent.push(one),
  });
  const ask = async (content: string, more: object = {}): Promise<[AnswerStream, string]> => {
    const request = { model: "m", stream: true, messages: [{ role: "user", content }] };
    const outcome = await flow.chat({ request, user: "u", ...more });
    if (outcome.kind !== "stream") return expect.unreachable();
    return [outcome.stream, outcome.provenance.cache];
  };
  return { recordings, told, spent, ask, flow };
}

async function textOf(stream: AnswerStream): Promise<string> {
  let text = "";
  for await (const bytes of stream) text += Buffer.from(bytes).toString("utf8");
  return text;
}

const LONG = { timeout: 60_000 };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

describe("streams that are recorded", () => {
  liveTest("hold a bounded part of the process' memory, however many have no end", LONG, async ({ tenant }) => {
    const { recordings, ask, told } = setUp(tenant, 8 * MEBIBYTE);
    const before = heapBytes();
    const open: AsyncIterator<Uint8Array>[] = [];
    for (let nth = 0; nth < 24; nth += 1) {
      const [stream] = await ask(`${100_000 + nth} pieces, please`);
      const reader = stream[Symbol.asyncIterator]();
      for (let at = 0; at < 2_000; at += 1) await reader.next();
      open.push(reader);
    }
    expect(recordings.bytes).toBeLessThanOrEqual(8 * MEBIBYTE);
    expect(heapBytes() - before).toBeLessThan(16 * MEBIBYTE);
    expect(told).toContain("recorder");
    // A small one beside them is recorded whole.
    expect(await textOf((await ask("5 small pieces"))[0])).toContain("[DONE]");
    expect((await ask("5 small pieces"))[1]).toBe("exact");
    expect(open).toHaveLength(24);
  });

  liveTest("go on without being recorded, and their sessions keep what was, as incomplete", async ({ tenant }) => {
    const { recordings, ask, told, spent } = setUp(tenant, 100_000);
    const text = await textOf((await ask("5000 pieces", { session: "s" }))[0]);
    for (const piece of ["w0 ", "w4999 ", "[DONE]"]) expect(text).toContain(piece);
    expect(told.filter((role) => role === "recorder")).toHaveLength(1);
    expect(spent.map(({ completionTokens }) => completionTokens)).toEqual([5_000]);
    expect(recordings.bytes).toBe(0);
    const { turns } = await createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" }).window({ last: 9 });
    expect(turns.at(-1)).toMatchObject({
      role: "assistant",
      incomplete: true,
      content: expect.stringMatching(/^w0 w1 /),
    });
    expect(turns.at(-1)?.content).not.toContain("w4999");
    expect((await ask("5000 pieces"))[1]).toBe("miss");
  });

  liveTest("fail where whoever asked needs all of it", async ({ tenant }) => {
    const { recordings, ask } = setUp(tenant, 100_000);
    const [stream] = await ask("5000 pieces", { whole: true });
    await expect(textOf(stream)).rejects.toMatchObject({ code: "too_large" });
    expect(recordings.bytes).toBe(0);
  });

  liveTest("are not recorded by those who read along with them either", async ({ tenant }) => {
    const { recordings, ask, told } = setUp(tenant, 400_000);
    const [[lead], [follower, status]] = [await ask("4000 pieces"), await ask("4000 pieces", { session: "f" })];
    expect(status).toBe("shared");
    const texts = await Promise.allSettled([textOf(lead), textOf(follower)]);
    expect(texts[0]).toMatchObject({ status: "fulfilled", value: expect.stringContaining("w3999 ") });
    expect(recordings.bytes).toBe(0);
    expect(told).toContain("recorder");
  });

  liveTest("give their whole answer to who shares them, and is not recorded", async ({ tenant }) => {
    const { recordings, ask, flow, told } = setUp(tenant, 2_000_000);
    const content = "2000 pieces";
    const [lead] = await ask(content);
    const request = { model: "m", messages: [{ role: "user", content }] };
    const following = flow.chat({ request, user: "u", session: "f" });
    // It follows once it has read its session.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [text, outcome] = await Promise.all([textOf(lead), following]);
    expect(text).toContain("[DONE]");
    expect(outcome).toMatchObject({ kind: "whole", text: expect.stringContaining("w1999 ") });
    expect(outcome).toMatchObject({ text: expect.stringContaining("w0 w1 ") });
    expect(recordings.bytes).toBe(0);
    const { turns } = await createMemory(tenant, { name: "m" }).session({ user: "u", id: "f" }).window({ last: 9 });
    expect(turns.at(-1)).toMatchObject({ role: "assistant", content: expect.stringContaining("w1999 ") });
    expect(turns.at(-1)).not.toHaveProperty("incomplete", true);
    // Their leader's stream was recorded.
    expect(told).toEqual([]);
  });
});
