import { createBus } from "../../src/bus/index.ts";
import { createCache } from "../../src/cache/index.ts";
import type { Embedder } from "../../src/embedders/index.ts";
import { createLimiter } from "../../src/limiter/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import type { Redis } from "../../src/redis/index.ts";
import type { Load } from "../../src/size/index.ts";
import { createVectors } from "../../src/vectors/index.ts";

/** Words that no two texts share in one order, so that a text compresses as little as prose does. */
const SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi wo xu ya ze ka lo mi".split(" ");

/** A text of so many bytes that compresses about as prose does: words of a vocabulary of 8,000, each as likely as its rank says. */
export function textOf(seed: number, bytes: number): string {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let text = "";
  while (text.length < bytes) {
    const rank = Math.floor(8_000 ** next());
    text += `${SYLLABLES[rank % 20]}${SYLLABLES[Math.floor(rank / 20) % 20]}${rank > 400 ? (SYLLABLES[Math.floor(rank / 400)] ?? "") : ""} `;
  }
  return text.slice(0, bytes);
}

const THINGS =
  "account invoice payment window garden engine bottle market printer ticket report server camera island jacket ladder magnet pepper bridge castle".split(
    " ",
  );

/** A question of so many bytes, of plain English words. */
export function questionOf(seed: number, bytes: number): string {
  let rest = seed;
  let text = `${String(seed).padStart(8, "0")} how do I change the colour of the`;
  while (text.length < bytes) {
    text += ` ${THINGS[rest % THINGS.length]}`;
    rest = Math.floor(rest / THINGS.length) + seed;
  }
  return text.slice(0, bytes);
}

/** A vector of unit length that is near to no other. */
export function vectorOf(seed: number, dimensions: number): Float32Array {
  let state = (seed * 747_796_405 + 2_891_336_453) >>> 0;
  const numbers = Float32Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const norm = Math.hypot(...numbers);
  return numbers.map((number) => number / norm);
}

/** Runs `one` for each number below `count`, 200 at a time. */
export async function forEach(count: number, one: (n: number) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < count; start += 200)
    await Promise.all(Array.from({ length: Math.min(200, count - start) }, (_, at) => one(start + at)));
}

/** An embedder of texts that begin with a number of eight digits. */
function numberedEmbedder(dimensions: number): Embedder {
  return {
    id: `numbered-${dimensions}`,
    fingerprint: `numbered-${dimensions}`,
    dimensions,
    maxTokens: 512,
    embed: (texts) => Promise.resolve(texts.map((text) => vectorOf(Number(text.slice(0, 8)), dimensions))),
  };
}

export async function loadEntries(
  redis: Redis,
  { count, dimensions, answerBytes, questionBytes, compact, bounded }: NonNullable<Load["entries"]>,
): Promise<void> {
  const embedder = dimensions === 0 ? undefined : numberedEmbedder(dimensions);
  const cache = createCache(redis.scope("acme"), {
    name: "chat",
    timeoutMs: 60_000,
    ...(embedder !== undefined && { embedder }),
    ...(compact && { profile: "compact" as const }),
    ...(bounded && { entriesMax: 10_000_000 }),
  });
  const within = { parameters: { model: "m", temperature: 0.2 }, instructed: "" };
  await forEach(count, (n) =>
    cache.store(
      { prompt: questionOf(n, questionBytes), within },
      { model: "m", message: { role: "assistant", content: textOf(n + 1_000_000, answerBytes) } },
    ),
  );
}

export async function loadSessions(redis: Redis, load: NonNullable<Load["sessions"]>): Promise<void> {
  const memory = createMemory(redis.scope("acme"), { name: "chat" });
  await forEach(load.count, async (n) => {
    const session = memory.session({
      user: `user-${String(n).padStart(8, "0")}`,
      id: `session-${String(n).padStart(8, "0")}`,
    });
    for (let turn = 0; turn < load.turns; turn += 2)
      await session.append([
        { role: "user", content: textOf(n * 100 + turn, load.turnBytes) },
        { role: "assistant", content: textOf(n * 100 + turn + 1, load.turnBytes) },
      ]);
  });
}

/** Ten facts of each user. */
export async function loadFacts(
  redis: Redis,
  { count, factBytes, dimensions }: NonNullable<Load["facts"]>,
): Promise<void> {
  const memory = createMemory(redis.scope("acme"), { name: "chat", facts: { embedder: numberedEmbedder(dimensions) } });
  await forEach(count, (n) =>
    memory
      .facts(`user-${String(n % Math.ceil(count / 10)).padStart(8, "0")}`)
      .remember({ text: questionOf(n, factBytes) }),
  );
}

export async function loadJobs(redis: Redis, load: NonNullable<Load["jobs"]>): Promise<void> {
  const queue = createQueue<{ text: string }, string>(redis.scope("acme"), { name: "work" });
  await forEach(load.count, (n) => queue.push({ text: textOf(n, load.payloadBytes - 11) }));
}

export async function loadIdentities(redis: Redis, load: NonNullable<Load["identities"]>): Promise<void> {
  const limiter = createLimiter(redis.scope("acme"), {
    name: "chat",
    rules: Array.from({ length: load.rules }, (_, at) => ({
      id: `r${at}`,
      by: "user",
      limit: 1_000,
      windowMs: 3_600_000 + at,
    })),
    onUnavailable: "refuse",
    timeoutMs: 60_000,
  });
  await forEach(load.count, (n) => limiter.take({ user: `user-${String(n).padStart(8, "0")}` }));
}

export async function loadVectors(
  redis: Redis,
  { count, dimensions, payloadBytes, quantisation }: NonNullable<Load["vectors"]>,
): Promise<void> {
  const docs = createVectors(redis.scope("acme"), {
    name: "docs",
    dimensions,
    quantisation,
    fingerprint: "random",
    metric: "cosine",
    index: "hnsw",
    attributes: { lang: "tag" },
  } as never);
  for (let start = 0; start < count; start += 20)
    await docs.upsert(
      Array.from({ length: Math.min(20, count - start) }, (_, at) => ({
        id: `document-${start + at}`,
        vector: vectorOf(start + at, dimensions),
        attributes: { lang: "en" } as never,
        payload: textOf(start + at, payloadBytes),
      })),
    );
}

export async function loadMessages(redis: Redis, load: NonNullable<Load["messages"]>): Promise<void> {
  const topic = createBus(redis.scope("acme")).topic<string>("events");
  await forEach(load.count, (n) => topic.publish(textOf(n, load.messageBytes)));
}
