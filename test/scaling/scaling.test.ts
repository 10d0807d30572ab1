import { describe, expect, it } from "vitest";
import { isFollowUp, prove, readPrompt } from "../../src/cache/index.ts";
import { speaksToJudge } from "../../src/cache/judging/injection.ts";
import { isPersonal } from "../../src/cache/personal.ts";
import { isTimeBound } from "../../src/cache/time-bound.ts";
import { toFingerprint } from "../../src/cache/question.ts";
import { hashEmbedder } from "../../src/embedders/hash.ts";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { createWordpiece } from "../../src/embedders/wordpiece.ts";
import { contextOf } from "../../src/flow/context.ts";
import { createRecorder } from "../../src/models/recorder.ts";
import { toReplayEvents } from "../../src/flow/replay.ts";
import { estimateTokens } from "../../src/internal/token-estimate.ts";
import { readLines } from "../../src/gateway/batches/batch.ts";
import { checkJsonBudget } from "../../src/internal/json-budget.ts";
import { readJson } from "../../src/gateway/http/json.ts";
import { canonicalJson } from "../../src/internal/canonical-json.ts";
import { toContext } from "../../src/memory/context.ts";
import { factId } from "../../src/memory/fact.ts";
import { findOrders } from "../../src/memory/injection.ts";
import { loadCountTokens } from "../../src/memory/tokens.ts";
import { sameWording } from "../../src/memory/wording.ts";
import { createEventReader, demoModel } from "../../src/models/index.ts";
import { encodeRecord, encodeRecordBody } from "../../src/redis/index.ts";
import { findChunks, resolveChunking } from "../../src/stores/chunking.ts";
import { toFilter } from "../../src/vectors/filter.ts";
import { rankByWords } from "../../src/vectors/ranking.ts";
import { wordsOf } from "../../src/vectors/words.ts";
import { findExcess } from "./measure.ts";
import { madeUp, TEXTS } from "./texts.ts";

/** Longest that one go may take: 20 ms where the machine is idle, with room for one that is not. */
const GO_MS_MAX = 50;
const BODY_CHARS = 2 * 1_048_576;
const PROMPT_CHARS = 100_000;
/** Four times as long as a fact may be: beyond, strings lie elsewhere in memory, which is a step and no growth. */
const FACT_CHARS = 16_000;
/** Far more than an embedder asks for; a list of many more lies elsewhere in memory, which is a step and no growth. */
const TOKENS_MAX = 8_192;
const embedder = staticEmbedder();
const hashing = hashEmbedder();
const tokenizer = createWordpiece(["[UNK]", "a", "b", "bread", "the", "##e", "##a"]);
const countTokens = await loadCountTokens();

/** What reads a text, the most characters that it is ever given, and whether a request waits for it in one go. */
type Reading = (text: string) => () => unknown;
const READERS: readonly (readonly [name: string, largest: number, reading: Reading, apart: boolean])[] = [
  ["the keys of a question", PROMPT_CHARS, (text) => () => toFingerprint(text), false],
  ["the test of a prompt that follows up another", PROMPT_CHARS, (text) => () => isFollowUp(text), false],
  [
    "the proof, against a near copy",
    PROMPT_CHARS,
    (text) => () => prove(readPrompt(text), readPrompt(`${text.slice(0, -9)} and more`), "strict"),
    true,
  ],
  [
    "the proof of a short prompt",
    4_000,
    (text) => () => prove(readPrompt(text), readPrompt(`${text.slice(0, -9)} more`), "strict"),
    false,
  ],
  ["the built-in embedder", BODY_CHARS, (text) => () => embedder.embed([text]), false],
  ["the hash embedder of tests", 8_192, (text) => () => hashing.embed([text]), true],
  ["the cutter of files", 262_144, (text) => () => findChunks(text, resolveChunking()), true],
  ["ranking by words", 65_536, (text) => () => rankByWords([text], (one) => one, text.slice(0, 32_768)), false],
  ["the search for orders to a judge", 20_000, (text) => () => speaksToJudge(text), false],
  ["the test of a personal prompt", PROMPT_CHARS, (text) => () => isPersonal(text), false],
  ["the test of a prompt that is bound to time", 4_096, (text) => () => isTimeBound(text), false],
  ["the words of a search", 65_536, (text) => () => wordsOf(text), false],
  ["the tokenizer of embedders", PROMPT_CHARS, (text) => () => tokenizer.encode(text, TOKENS_MAX), true],
  ["the search for orders in memories", PROMPT_CHARS, (text) => () => findOrders(text), false],
  ["the id of a fact", FACT_CHARS, (text) => () => factId("semantic", text), false],
  ["the comparison of facts", FACT_CHARS, (text) => () => sameWording(text, `${text}x`), false],
  ["the count of tokens", 65_536, (text) => () => countTokens({ role: "user", content: text }), false],
  ["the demo model", BODY_CHARS, (text) => () => demo(text), false],
  ["the budget of a body", BODY_CHARS, (text) => bodyOf(text, (body) => checkJsonBudget(body, BUDGET)), false],
  ["the reader of a body", BODY_CHARS, (text) => bodyOf(text, (body) => readJson(body)), false],
  ["the digest of what was said before", BODY_CHARS, (text) => () => contextOf(chatOf(text, "more"), []), false],
  ["the estimate of tokens", BODY_CHARS, (text) => () => estimateTokens(chatOf(text)), false],
  ["the replay of an answer", 1_048_576, (text) => () => toReplayEvents(answerOf(text), true), false],
  ["the record of a turn", 1_048_576, (text) => () => encodeRecord(chatOf(text)), false],
  ["the record of a cache entry", 1_048_576, (text) => () => encodeRecordBody(Buffer.from(text), "dense"), false],
  ["the densest record", 1_048_576, (text) => () => encodeRecordBody(Buffer.from(text), "densest"), false],
  ["the reader of an event stream", 524_288, (text) => () => readEvents(JSON.stringify(text)), true],
];

const BUDGET = { valuesMax: 10_000, depthMax: 100 };
const chatOf = (...texts: readonly string[]) => ({
  model: "demo",
  messages: texts.map((content) => ({ role: "user", content })),
});
const answerOf = (content: string) => ({ model: "demo", message: { role: "assistant", content } });

function bodyOf(text: string, work: (body: Buffer) => unknown): () => unknown {
  const body = Buffer.from(JSON.stringify(chatOf(text))).subarray(0, BODY_CHARS);
  return () => {
    try {
      return work(body);
    } catch {
      // A body that was cut off at the limit is no JSON any more; how long that takes to see is what counts.
      return undefined;
    }
  };
}

async function demo(text: string): Promise<unknown> {
  const model = demoModel({ firstTokenMs: 0, tokenMs: 0 });
  return model.complete({ request: chatOf(text) });
}

/** An event of one line that comes in many small pieces, and the same text as many events in large ones. */
function readEvents(text: string): void {
  const reader = createEventReader();
  const recorder = createRecorder("demo");
  const bytes = Buffer.from(`data: ${text}\n\n`);
  for (let at = 0; at < bytes.length; at += 1_024) reader.read(bytes.subarray(at, at + 1_024));
  const many = Buffer.from((text.match(/.{1,64}/gsu) ?? []).map((piece) => `data: ${piece}\n\n`).join(""));
  for (let at = 0; at < many.length; at += 65_536)
    for (const content of reader.read(many.subarray(at, at + 65_536)))
      recorder.add([{ choices: [{ index: 0, delta: { content }, finish_reason: null }] }]);
  recorder.completion();
}

describe.each(READERS)("%s", (_, largest, reading, apart) => {
  it("takes time in proportion to any text", { timeout: 60_000 }, async () => {
    for (const make of Object.values(TEXTS)) {
      const work = (size: number) => reading(make(size).slice(0, size).toWellFormed());
      expect(await findExcess(work, { largest, goMsMax: apart ? undefined : GO_MS_MAX })).toEqual([]);
    }
  });
});

const SHAPES: readonly (readonly [string, number, (size: number) => unknown])[] = [
  ["a wide object", 9_000, (size) => fields(size, (nth) => nth)],
  ["objects in a list", 3_000, (size) => list(size, (nth) => ({ [madeUp(nth)]: nth, b: "text" }))],
  ["numbers in a list", 9_000, (size) => list(size, (nth) => nth / 7)],
  ["strings in a list", 9_000, (size) => list(size, (nth) => madeUp(nth))],
  ["empty objects", 4_000, (size) => list(size, () => ({}))],
  ["nested objects", 4_000, (size) => list(Math.ceil(size / 90), () => nested(90))],
  ["messages", 3_000, (size) => list(size, (nth) => ({ role: "user", content: `message ${nth}` }))],
  [
    "tools",
    60,
    (size) =>
      list(size, (nth) => ({
        type: "function",
        function: { name: `f${nth}`, parameters: fields(50, () => ({ type: "string" })) },
      })),
  ],
];

function list(size: number, make: (nth: number) => unknown): unknown[] {
  return Array.from({ length: size }, (_, nth) => make(nth));
}

function fields(size: number, make: (nth: number) => unknown): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: size }, (_, nth) => [madeUp(nth), make(nth)]));
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

describe.each(SHAPES)("JSON of %s", (_, largest, make) => {
  it("is read, put into canonical form and made a key in proportion to its size", { timeout: 60_000 }, async () => {
    const options = { largest, goMsMax: GO_MS_MAX };
    expect(
      await findExcess((size) => {
        const body = Buffer.from(JSON.stringify(make(size)));
        return () => {
          checkJsonBudget(body, BUDGET);
          return readJson(body);
        };
      }, options),
    ).toEqual([]);
    expect(
      await findExcess((size) => {
        const value = make(size);
        return () => canonicalJson(value);
      }, options),
    ).toEqual([]);
    expect(
      await findExcess((size) => {
        const within = make(size);
        return () => toFingerprint({ prompt: "what is bread", within });
      }, options),
    ).toEqual([]);
  });
});

describe("lists of many parts", () => {
  it("a context is chosen from many turns and facts in proportion to them", async () => {
    const count = ({ content }: { readonly content?: unknown }) => Math.ceil(String(content).length / 4);
    expect(
      await findExcess(
        (size) => {
          const turns = list(size, (nth) => ({ sequence: nth + 1, turn: { role: "user", content: `turn ${nth}` } }));
          const facts = list(size, (nth) => `fact ${madeUp(nth)}`);
          const parts = { system: [], summary: undefined, facts, turns, pinned: new Set([1]), maxTokens: 100_000 };
          return () => toContext(parts as Parameters<typeof toContext>[0], count);
        },
        { largest: 8_000 },
      ),
    ).toEqual([]);
  });

  it("the lines of a batch are read in proportion to their number", async () => {
    expect(
      await findExcess(
        (size) => {
          const lines = list(size, (nth) =>
            JSON.stringify({
              custom_id: `c${nth}`,
              method: "POST",
              url: "/v1/embeddings",
              body: { model: "m", input: "x" },
            }),
          );
          const file = Buffer.from(lines.join("\n"));
          return () =>
            readLines("tests", file, "/v1/embeddings", {
              bodyBytesMax: 4_194_304,
              json: { valuesMax: 10_000, depthMax: 100 },
            });
        },
        { largest: 10_000 },
      ),
    ).toEqual([]);
  });

  it("filters are checked in proportion to their conditions", async () => {
    expect(
      await findExcess(
        (size) => {
          const part = { or: list(50, (nth) => ({ city: { in: [madeUp(nth)] } })) };
          const where = { and: list(Math.ceil(size / 50), () => part) };
          return () => toFilter({ city: "tag" }, where as never);
        },
        { largest: 800 },
      ),
    ).toEqual([]);
  });
});
