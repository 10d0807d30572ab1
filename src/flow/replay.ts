import { randomUUID } from "node:crypto";
import { toEvent, type ChatCompletion, type ChatRequest, type Usage } from "../models/index.ts";
import type { AnswerStream } from "./call.ts";
import type { StoredAnswer } from "./cacheable.ts";
import { textOr } from "../internal/fields.ts";
import { inOrder } from "../internal/order.ts";
import { createMarks } from "./marks.ts";
import { endOfCharacter } from "../internal/whole-character.ts";

/** Approximate characters per event of a replayed stream; a long answer has larger pieces, at most {@link PIECES_MAX} of them. */
const PIECE_CHARS = 64;
const PIECES_MAX = 2_048;

/** Converts a stored answer to a completion with a new id, and usage that counts the prompt as cached. */
export function toReplay({ model, message, usage, choice, beside }: StoredAnswer): ChatCompletion {
  return {
    ...beside,
    id: `chatcmpl-${randomUUID()}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model,
    // A stream omits an absent refusal; whole messages have the field.
    choices: [{ index: 0, message: { refusal: null, ...message }, logprobs: null, ...choice, finish_reason: "stop" }],
    ...(usage !== undefined && usage !== null && { usage: toCachedUsage(usage) }),
  };
}

/**
 * Converts a stored answer to the events of a stream, as one text, in the order in which it was said. Fields other than the text come with
 * its first event, except those that say how it ended, and `phases`: each comes with the text at which it begins.
 */
export function toReplayEvents(answer: StoredAnswer, withUsage: boolean): string {
  const { id, created, model, usage } = toReplay(answer);
  const start = `{"id":"${id}","object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)}`;
  const head = `${start},`;
  const delta = (fields: unknown, finish: string) =>
    toEvent(`${head}"choices":[{"index":0,"delta":${JSON.stringify(fields)},"finish_reason":${finish}}]}`);
  const { role: _, phases, ...said } = answer.message;
  const text = String(said.content);
  // Log probabilities belong to the text that they are of: it comes whole, beside them.
  const isWhole = (answer.choice?.["logprobs"] ?? null) !== null;
  const marks = createMarks(phases);
  const [begun = {}, ...others] = isWhole ? [said] : inOrder({ ...said, content: text });
  const first = {
    role: "assistant",
    ...begun,
    content: isWhole ? text : "",
    ...marks.upTo(isWhole ? text.length : 0),
  };
  const [atEnd, choice] = withoutEnding(answer.choice);
  let events =
    choice === undefined && answer.beside === undefined
      ? delta(first, "null")
      : toEvent(
          JSON.stringify({
            ...answer.beside,
            ...(JSON.parse(`${start}}`) as object),
            choices: [{ ...choice, index: 0, delta: first, finish_reason: null }],
          }),
        );
  const chars = Math.max(PIECE_CHARS, Math.ceil(text.length / PIECES_MAX));
  let from = isWhole ? text.length : 0;
  for (const { content, ...beside } of isWhole ? [] : [{ content: begun["content"] }, ...others]) {
    if (Object.keys(beside).length > 0) events += delta(beside, "null");
    for (const end = from + textOr(content).length; from < end;) {
      const fresh = marks.upTo(from);
      const to = Math.min(pieceEnd(text, from, chars), marks.next(), end);
      events += delta({ content: text.slice(from, to), ...fresh }, "null");
      from = to;
    }
  }
  events += delta(marks.upTo(Number.POSITIVE_INFINITY), `"stop"${atEnd}`);
  if (withUsage) events += toEvent(`${head}"choices":[],"usage":${JSON.stringify(usage ?? null)}}`);
  return events + toEvent("[DONE]");
}

/** Fields of a choice that say how it ended: readers of a stream take them from the event with the finish reason. */
const ENDING: ReadonlySet<string> = new Set(["native_finish_reason", "stop_reason", "stop_details", "matched_stop"]);

/** Separates those fields, as JSON to append to an object, from the others. */
function withoutEnding(choice: StoredAnswer["choice"]): readonly [atEnd: string, choice: StoredAnswer["choice"]] {
  const fields = Object.entries(choice ?? {});
  const told = fields.filter(([name]) => ENDING.has(name));
  if (told.length === 0) return ["", choice];
  const others = fields.filter(([name]) => !ENDING.has(name));
  const json = told.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join("");
  return [json, others.length === 0 ? undefined : Object.fromEntries(others)];
}

/** Returns the end of a piece, after a space near its full length if possible. */
function pieceEnd(text: string, start: number, chars: number): number {
  const most = start + chars;
  if (most >= text.length) return text.length;
  // Looked for within the piece only: a text without spaces would be read from its beginning for each piece.
  const space = text.slice(start, most + 1).lastIndexOf(" ");
  return endOfCharacter(text, space > 0 ? start + space + 1 : most);
}

/** Converts usage to that of a cache hit: the same tokens, all cached, and a cost of 0 if the endpoint reported one. */
function toCachedUsage({ cost_details: _, ...usage }: Usage): Usage {
  return {
    ...usage,
    ...(usage["cost"] !== undefined && usage["cost"] !== null && { cost: 0 }),
    prompt_tokens_details: {
      ...(usage["prompt_tokens_details"] as object | undefined),
      cached_tokens: usage.prompt_tokens,
    },
  };
}

/** Returns true if a stream should end with its usage. */
export function wantsUsage(request: ChatRequest): boolean {
  return (request["stream_options"] as { include_usage?: unknown } | null | undefined)?.include_usage === true;
}

/** Wraps bytes as a stream of one piece. */
export function oneGo(bytes: Uint8Array): AnswerStream {
  return {
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
    abandon: async () => {},
  };
}
