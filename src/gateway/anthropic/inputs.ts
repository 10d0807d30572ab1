import { isObject, type Fields } from "../../internal/fields.ts";
import { isWords } from "../../internal/long-text.ts";
import { createTimeSlice } from "../../internal/time-slice.ts";
import { readArguments, type ChatCompletion } from "../../models/index.ts";
import { toInput } from "./answer.ts";

/** Arguments of this length altogether are parsed at once. */
const SHORT_CHARS = 16_384;
/** Longest work between two turns of the event loop, in milliseconds, beside the parsing of one call's arguments. */
const SLICE_MS = 1;

/** Reads long arguments of a completion's calls in turns of the event loop: its calls then have objects in place of texts. */
export function readInputs(completion: ChatCompletion): ChatCompletion | Promise<ChatCompletion> {
  let chars = 0;
  for (const { function: named } of callsOf(completion)) {
    const given = isObject(named) ? named["arguments"] : undefined;
    if (isWords(given)) chars += given.length;
  }
  return chars < SHORT_CHARS ? completion : inTurns(completion);
}

async function inTurns(completion: ChatCompletion): Promise<ChatCompletion> {
  const slice = createTimeSlice(SLICE_MS);
  const calls: Fields[] = [];
  for (const call of callsOf(completion)) {
    calls.push(await withInput(call));
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  const [first, ...others] = completion.choices;
  if (first === undefined) return completion;
  return { ...completion, choices: [{ ...first, message: { ...first.message, tool_calls: calls } }, ...others] };
}

async function withInput(call: Fields): Promise<Fields> {
  const { function: named } = call;
  const given = isObject(named) ? named["arguments"] : undefined;
  if (!isObject(named) || !isWords(given) || (typeof given === "string" && given.trim() === "")) return call;
  const input = await readArguments(given);
  return { ...call, function: { ...named, arguments: toInput(given, () => input) } };
}

function callsOf({ choices }: ChatCompletion): readonly Fields[] {
  const calls = choices[0]?.message["tool_calls"];
  return Array.isArray(calls) ? (calls as readonly Fields[]) : [];
}
