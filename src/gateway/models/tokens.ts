import { toAbsent } from "../../internal/optional-package.ts";
import { sizeOf } from "../../internal/json-pieces.ts";
import { createThreads } from "../../internal/threads.ts";
import type { Turn } from "../../memory/index.ts";
import type { TokenResult, TokenTask } from "./token-worker.ts";

/** Tasks that wait in this process. */
const WAITING_MAX = 256;
/** The tables stay loaded for this long without a task, in milliseconds. */
const IDLE_MS = 60_000;

/** Characters that one task counts, and tokens that it decodes: some 10 ms, so that a long request does not keep the thread from others. */
const [TASK_CHARS, TASK_TOKENS] = [65_536, 16_384];

const threads = createThreads<TokenTask, TokenResult>({
  module: new URL("./token-worker", import.meta.url),
  name: "workOnTokens",
  tasks: "requests that count tokens",
  threadsMax: 1,
  waitingMax: WAITING_MAX,
  idleMs: IDLE_MS,
});

/**
 * Counts the tokens of a scope's messages in the encoding o200k_base (an estimate without the package `gpt-tokenizer`), in a worker thread, because
 * the first count of a process takes about
 * 0.3 s longer.
 * @throws MarrowError `rate_limited` if too many calls wait
 */
export async function countTokens(scope: string, messages: readonly Turn[]): Promise<number> {
  let sum = 0;
  for (const count of tasksOf(messages, sizeOf, TASK_CHARS)) {
    const result = await threads.run(scope, { count });
    if ("tokens" in result) sum += result.tokens.reduce((all, one) => all + one, 0);
  }
  return sum;
}

/**
 * Decodes lists of tokens of the encoding cl100k_base; invalid ones become empty texts. Throws like {@link countTokens}, and `unsupported`
 * without `gpt-tokenizer`.
 */
export async function decodeTokens(scope: string, lists: readonly (readonly number[])[]): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const decode of tasksOf(lists, ({ length }) => length, TASK_TOKENS)) {
    const result = await threads.run(scope, { decode });
    if (!("texts" in result)) continue;
    if (result.texts === undefined) throw toAbsent("gpt-tokenizer", "input as lists of tokens");
    texts.push(...result.texts);
  }
  return texts;
}

/** Divides a list into tasks of about a size; a larger item is a task of its own. */
function* tasksOf<T>(list: readonly T[], sizeOfOne: (item: T) => number, sizeMax: number): Generator<readonly T[]> {
  let [from, size] = [0, 0];
  for (const [at, item] of list.entries()) {
    size += sizeOfOne(item);
    if (size < sizeMax) continue;
    yield list.slice(from, at + 1);
    [from, size] = [at + 1, 0];
  }
  if (from < list.length) yield list.slice(from);
}
