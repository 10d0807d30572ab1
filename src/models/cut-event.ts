import { isObject, type Fields } from "../internal/fields.ts";
import { LongText } from "../internal/long-text.ts";
import { textsOf } from "./cut-chunk.ts";

/** Fields of a delta of kind `anthropic` that grow piece by piece. */
const GROWING = ["text", "thinking", "partial_json"] as const;

/**
 * Cuts an event of kind `anthropic` or `responses` that brings one long text in pieces into events that bring the same one after another;
 * `undefined` for any other event. Pure.
 */
export function cutEvent(event: Fields): Iterable<Fields> | undefined {
  const { delta, logprobs = [] } = event;
  // Log probabilities belong to the text beside which they are.
  const isBare = Array.isArray(logprobs) && logprobs.length === 0;
  if (delta instanceof LongText) return isBare ? eachText(delta, (text) => ({ ...event, delta: text })) : undefined;
  if (!isObject(delta)) return undefined;
  const name = GROWING.find((field) => delta[field] instanceof LongText);
  if (name === undefined) return undefined;
  return eachText(delta[name] as LongText, (text) => ({ ...event, delta: { ...delta, [name]: text } }));
}

function* eachText(long: LongText, toEvent: (text: string) => Fields): Generator<Fields> {
  for (const text of textsOf(long)) yield toEvent(text);
}
