import { isObject, type Fields } from "../../internal/fields.ts";
import { isWords, type LongText } from "../../internal/long-text.ts";
import { isLarge, toJsonText } from "../../internal/json-pieces.ts";

/** The JSON of long inputs of calls that was written ahead. */
const written = new WeakMap<object, string>();

/** Writes the long inputs of the calls in a request's messages as JSON, in turns of the event loop. */
export async function writeInputs(
  messages: readonly { readonly content: string | LongText | readonly Fields[] }[],
): Promise<void> {
  for (const { content } of messages) {
    if (isWords(content)) continue;
    for (const { input } of content) if (isObject(input) && isLarge(input)) written.set(input, await toJsonText(input));
  }
}

/** Returns the JSON of a call's input. */
export function jsonOfInput(input: object): string {
  return written.get(input) ?? JSON.stringify(input);
}
