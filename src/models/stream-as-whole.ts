import { StringDecoder } from "node:string_decoder";
import { isText } from "../internal/fields.ts";
import type { ChatChoice, ChatChunk, ChatCompletion } from "./chat.ts";
import { growthOf } from "./growth.ts";
import { abandoning, BodyTooLarge, withBody, type HttpAnswer } from "./http.ts";
import type { ModelCall, StreamPart } from "./model.ts";
import { toParts, type PartReader } from "./parts.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { createRoomTaker } from "./room.ts";

/** Types of answers that may be event streams; the first words decide. */
const STREAM_TYPE = /^(?:$|text\/(?:event-stream|plain)\b)/i;
/** How lines of an event stream begin: with a field, or a comment. */
const STREAM_START = /^(?:data|event|id|retry|):/;
/** Characters that tell whether a line begins like that. */
const START_CHARS = 6;
/** White space that is read until the first words. */
const SPACE_BYTES_MAX = 65_536;

/**
 * Tells whether an answer is an event stream, although a whole one was requested: some proxies and servers always stream. JSON under the type
 * of a stream is JSON. Returns the answer to read, with its first words.
 */
export async function recognized(
  answer: HttpAnswer,
): Promise<{ readonly answer: HttpAnswer; readonly isStream: boolean }> {
  if (!STREAM_TYPE.test(String(answer.headers["content-type"] ?? ""))) return { answer, isStream: false };
  const held: Buffer[] = [];
  const decoder = new StringDecoder("utf8");
  let [start, bytes] = ["", 0];
  while (start.length < START_CHARS && bytes < SPACE_BYTES_MAX) {
    const piece = await answer.next();
    if (piece === undefined) break;
    held.push(piece);
    bytes += piece.length;
    // The mark before the first line of some streams counts as white space.
    start = (start + decoder.write(piece.subarray(0, SPACE_BYTES_MAX))).trimStart();
  }
  const next = () => (held.length > 0 ? Promise.resolve(held.shift()) : answer.next());
  const begun = withBody(answer, { next, abandon: () => answer.abandon() });
  return { answer: begun, isStream: STREAM_START.test(start) };
}

/** How a stream becomes a whole answer. */
export interface JoinOptions {
  readonly reader: PartReader;
  /** Most bytes of the whole answer, by estimate: a stream repeats much beside each piece of its text, which is not counted. */
  readonly bytesMax: number;
}

/**
 * Reads a stream to its end as one completion, with all that its events say: usage, calls, reasoning, refusals, finish reasons. Long texts are in
 * pieces. It waits for `room` as a whole answer does. @throws MarrowError `model_failed` for an error within the stream, one that is cut, or more than `bytesMax`
 */
export async function joinStream(
  answer: HttpAnswer,
  call: ModelCall,
  { reader, bytesMax }: JoinOptions,
): Promise<ChatCompletion> {
  const { request, signal } = call;
  const room = createRoomTaker(call, bytesMax);
  const choices = new Map<number, Recorder>();
  const choiceAt = (index: number): Recorder => {
    const recorder = choices.get(index) ?? createRecorder(request.model);
    choices.set(index, recorder);
    return recorder;
  };
  const first = choiceAt(0);
  let isFirstSaid = false;
  let weight = 0;
  for await (const part of toParts(answer, signal, reader)) {
    weight += weightOf(part);
    if (weight > bytesMax) {
      answer.abandon();
      throw new BodyTooLarge(bytesMax);
    }
    const wait = room.grew(weight);
    if (wait !== undefined) await abandoning(answer, wait);
    if (part.grows !== undefined) first.grow(part.grows);
    else for (const chunk of part.chunks) record(chunk);
  }
  await room.ended(weight);

  /** Each choice has a recorder, which takes it for the first one; the others' chunks have nothing beside it. */
  function record(chunk: ChatChunk): void {
    const others = chunk.choices?.filter(({ index = 0 }) => index !== 0) ?? [];
    if (others.length < (chunk.choices?.length ?? 0)) isFirstSaid = true;
    if (others.length === 0) return first.add([chunk]);
    first.add([{ ...chunk, choices: chunk.choices?.filter((choice) => !others.includes(choice)) ?? [] }]);
    for (const { index = 0, ...choice } of others) choiceAt(index).add([{ choices: [choice] }]);
  }

  const all = [...choices].toSorted(([one], [other]) => one - other);
  const said = all.length > 1 && !isFirstSaid ? all.slice(1) : all;
  return {
    ...first.completion(),
    choices: said.flatMap(([index, recorder]) => recorder.completion().choices.map((choice) => toWhole(choice, index))),
  };
}

/** Whole answers have these fields also where they say nothing, and no empty text beside a call or a refusal. */
function toWhole({ message, ...choice }: ChatChoice, index: number): ChatChoice {
  const { content, refusal = null, tool_calls: calls } = message;
  const isSaid = content !== "" || (calls === undefined && !isText(refusal));
  const whole = { ...message, content: isSaid ? content : null, refusal };
  return { logprobs: null, ...choice, index, message: whole };
}

function weightOf({ bytes, chunks, grows }: StreamPart): number {
  if (grows !== undefined) return grows.text.length;
  let chars = 0;
  for (const chunk of chunks) {
    const growth = growthOf(chunk);
    if (growth === undefined) return bytes.length;
    chars += growth.text.length;
  }
  return chars;
}
