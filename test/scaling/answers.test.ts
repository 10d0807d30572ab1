import { describe, expect, it } from "vitest";
import { createRecorder } from "../../src/models/recorder.ts";
import { createEventHolder } from "../../src/flow/usage-asked.ts";
import { createMessageEvents } from "../../src/gateway/anthropic/stream.ts";
import { createAssembler } from "../../src/gateway/responses/assemble.ts";
import type { ResponseBody } from "../../src/gateway/responses/shape.ts";
import { isCertainlyOver, jsonBytesInTurns, toBytesInTurns } from "../../src/internal/json-pieces.ts";
import { LongText } from "../../src/internal/long-text.ts";
import { estimateTokens } from "../../src/internal/token-estimate.ts";
import { createCallReader } from "../../src/models/calls.ts";
import { readAnswer, readCompletion } from "../../src/models/answer-bounds.ts";
import { toReported } from "../../src/models/failures.ts";
import { textOf, type HttpAnswer } from "../../src/models/http.ts";
import { createEventReader, type ChatChunk, type ChatCompletion } from "../../src/models/index.ts";
import { toCompletion } from "../../src/models/responses/answer.ts";
import { toWholeAnswer } from "../../src/models/whole-answer.ts";
import { findExcess, longestGo } from "./measure.ts";

/** Longest that one go may take: 20 ms on an idle machine, with room for one that is not. */
const GO_MS_MAX = 50;

const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const chunk = (delta: object, beside: object = {}): ChatChunk => ({
  id: "c",
  created: 1,
  model: "m",
  choices: [{ index: 0, delta, ...beside }] as NonNullable<ChatChunk["choices"]>,
});
const call = (index: number) => ({ index, id: `t${index}`, function: { name: "f", arguments: "{}" } });
const token = (at: number) => ({ token: `w${at}`, logprob: -0.1, bytes: [119], top_logprobs: [] });
const cited = (at: number) => ({
  type: "url_citation",
  url_citation: { start_index: at, end_index: at + 1, url: "u" },
});
const thought = (at: number) => ({ type: "reasoning.encrypted", id: `r${at}`, data: "abc" });
const shell = (): ResponseBody => ({ id: "resp_00000000000000000000000000000000", object: "response" }) as ResponseBody;

function assembled(chunks: readonly ChatChunk[]): void {
  const assembler = createAssembler(shell());
  for (const one of chunks) assembler.add(one);
  assembler.close();
  assembler.response();
}

function recorded(chunks: readonly ChatChunk[]): void {
  const recorder = createRecorder("m");
  for (const one of chunks) recorder.add([one]);
  recorder.completion();
}

const PIECE = "prose and words that go on. ".repeat(1_024);
/** A streamed text of about so many characters, in pieces as the gateway passes them on. */
const pieces = (chars: number): readonly ChatChunk[] => many(chars / PIECE.length, () => chunk({ content: PIECE }));

/** Takes the first bytes of the event that ends the text of a streamed response. */
async function beginOfEnd(chunks: readonly ChatChunk[]): Promise<void> {
  const assembler = createAssembler(shell());
  for (const one of chunks) assembler.add(one);
  const [end = {}] = assembler.close();
  await jsonBytesInTurns(end).next();
}

/** What reads answers, and the most parts that it is given at once. A stream of many chunks takes as many turns: it has no bound on one go. */
const READERS: readonly (readonly [string, number, (size: number) => () => unknown, number?])[] = [
  [
    "recording a stream of tool calls",
    4_096,
    (n) => () => recorded(many(n, (at) => chunk({ tool_calls: [call(at)] }))),
  ],
  [
    "recording log probabilities",
    4_096,
    (n) => () => recorded(many(n, (at) => chunk({ content: "a" }, { logprobs: { content: [token(at)] } }))),
  ],
  ["recording citations", 4_096, (n) => () => recorded(many(n, (at) => chunk({ annotations: [cited(at)] })))],
  ["recording unknown fields", 4_096, (n) => () => recorded(many(n, (at) => chunk({ more: { [`k${at}`]: 1 } })))],
  [
    "recording one chunk of tool calls",
    1_024,
    (n) => () => recorded([chunk({ tool_calls: many(n, call) })]),
    GO_MS_MAX,
  ],
  [
    "reading one chunk of tool calls",
    1_024,
    (n) => () => createCallReader()(chunk({ tool_calls: many(n, call) })),
    GO_MS_MAX,
  ],
  ["a response of tool calls", 1_024, (n) => () => assembled([chunk({ tool_calls: many(n, call) })]), GO_MS_MAX],
  [
    "a response with log probabilities",
    4_096,
    (n) => () => assembled(many(n, (at) => chunk({ content: "a" }, { logprobs: { content: [token(at)] } }))),
  ],
  [
    "a response with citations",
    4_096,
    (n) => () =>
      assembled([chunk({ content: "a" }), ...many(n, (at) => chunk({ annotations: [cited(at)], content: "a" }))]),
  ],
  [
    "a response with reasoning",
    2_048,
    (n) => () => assembled([chunk({ reasoning_content: "abc", reasoning_details: many(n, thought) })]),
    GO_MS_MAX,
  ],
  [
    "a response of many texts",
    4_096,
    (n) => () =>
      assembled([chunk({ content: "a".repeat(n), phases: many(n - 1, (at) => ({ start: at + 1, part: at + 1 })) })]),
    GO_MS_MAX,
  ],
  [
    "a response of many thoughts",
    4_096,
    (n) => {
      const { choices } = toCompletion(
        { output: [{ type: "reasoning", summary: many(n, () => ({ type: "summary_text", text: "a" })) }] },
        [],
        0,
      );
      return () => assembled([chunk({ ...choices[0]?.message })]);
    },
    GO_MS_MAX,
  ],
  [
    "a message of tool calls",
    1_024,
    (n) => () => {
      const events = createMessageEvents("m");
      events.add(chunk({ tool_calls: many(n, call) }));
      events.end();
    },
    GO_MS_MAX,
  ],
  [
    "a response with many parts of reasoning",
    4_096,
    (n) => () =>
      toCompletion(
        {
          output: [
            { type: "reasoning", summary: many(n, (at) => ({ type: "summary_text", text: `t${at}` })) },
            { type: "message", content: [{ type: "output_text", text: "a" }] },
          ],
        },
        [],
        0,
      ),
    GO_MS_MAX,
  ],
  [
    "an error of many fields",
    4_096,
    (n) => () => toReported({ message: "no", ...Object.fromEntries(many(n, (at) => [`k${at}`, 1])) }),
    GO_MS_MAX,
  ],
  [
    "a piece of comments",
    65_536,
    (n) => {
      const bytes = Buffer.from(": ping\n".repeat(n / 7));
      return () => {
        createEventHolder()({ bytes, chunks: [], done: false });
        createEventReader().read(bytes);
      };
    },
    GO_MS_MAX,
  ],
  [
    "an answer of many names that is too large to store",
    48,
    (n) => {
      const answer = { logprobs: many(n, (at) => Object.fromEntries(many(4_000, (nth) => [`k${nth}_${at}`, 1]))) };
      return () => isCertainlyOver(answer, 1_048_576);
    },
    GO_MS_MAX,
  ],
  [
    "an answer of many numbers that is too large to store",
    1_000_000,
    (n) => {
      const answer = { logprobs: many(n, () => 1) };
      return () => isCertainlyOver(answer, 1_048_576);
    },
    GO_MS_MAX,
  ],
  [
    "leaving off the recording of log probabilities",
    65_536,
    (n) => {
      const said = chunk({ content: "a" }, { logprobs: { content: many(n, token) } });
      return () => {
        const recorder = createRecorder("m");
        recorder.add([said]);
        recorder.drop();
      };
    },
    GO_MS_MAX,
  ],
  [
    "the tokens of a streamed text",
    16 * 1_048_576,
    (n) => () => {
      const recorder = createRecorder("m");
      recorder.add(pieces(n));
      return estimateTokens(recorder.completion().choices);
    },
    GO_MS_MAX,
  ],
  ["the last event of a streamed text", 16 * 1_048_576, (n) => () => beginOfEnd(pieces(n)), GO_MS_MAX],
  [
    "an event in pieces",
    4 * 1_048_576,
    (n) => {
      const bytes = Buffer.from(`data: ${"a".repeat(n)}`);
      return () => createEventHolder()({ bytes, chunks: [], done: false });
    },
    GO_MS_MAX,
  ],
  [
    "an answer that is too large to store",
    16 * 1_048_576,
    (n) => {
      const answer = { message: { content: "a".repeat(n) } };
      return () => isCertainlyOver(answer, 1_048_576);
    },
    GO_MS_MAX,
  ],
];

describe("the answer of a model", () => {
  const rows = READERS.map(([name, largest, work, goMsMax]) => ({ name, largest, work, goMsMax }));
  it.each(rows)("is read in proportion to its parts: $name", { timeout: 60_000 }, async ({ work, ...bounds }) => {
    expect(await findExcess(work, bounds)).toEqual([]);
  });

  it("is read and sent in turns of the event loop, whole and of many megabytes", { timeout: 60_000 }, async () => {
    const message = { role: "assistant", content: PIECE.repeat(700) };
    const whole = { id: "c", created: 1, model: "m", choices: [{ index: 0, message, finish_reason: "stop" }] };
    const bytes = Buffer.from(JSON.stringify(whole));
    const sent = async () => {
      let at = 0;
      const next = async () => (at < bytes.length ? bytes.subarray(at, (at += 65_536)) : undefined);
      const text = await textOf({ next, headers: {} } as HttpAnswer, bytes.length);
      const answer = await toWholeAnswer((await readAnswer(text)) as ChatCompletion, { keepsPieces: true }, text);
      return { ...answer, bytes: await toBytesInTurns(answer.pieces ?? answer.text) };
    };
    expect(await longestGo(sent, GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
    const answer = await sent();
    expect(Buffer.concat(answer.bytes).equals(bytes)).toBe(true);
    expect(answer.completion.choices[0]?.message.content).toBeInstanceOf(LongText);
    // Who does not take pieces gets strings.
    expect((await toWholeAnswer(answer.completion, {})).completion).toEqual(whole);
    expect(answer.text).toBe(bytes.toString());
    expect(await readCompletion(answer.pieces ?? "")).toEqual(whole);
  });
});
