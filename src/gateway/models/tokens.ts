import { toAbsent } from "../../internal/optional-package.ts";
import { createThreads } from "../../internal/threads.ts";
import type { Turn } from "../../memory/index.ts";
import type { TokenResult, TokenTask } from "./token-worker.ts";

/** Tasks that wait in this process. */
const WAITING_MAX = 256;
/** The tables stay loaded for this long without a task, in milliseconds. */
const IDLE_MS = 60_000;

const threads = createThreads<TokenTask, TokenResult>({
  module: new URL("./token-worker", import.meta.url),
  name: "workOnTokens",
  tasks: "requests that count tokens",
  threadsMax: 1,
  waitingMax: WAITING_MAX,
  idleMs: IDLE_MS,
});

/**
 * Counts the tokens of messages in the encoding o200k_base (an estimate without the package `gpt-tokenizer`), in a worker thread, because
 * the first count of a process takes about
 * 0.3 s longer.
 * @throws MarrowError `rate_limited` if too many calls wait
 */
export async function countTokens(messages: readonly Turn[]): Promise<number> {
  const result = await threads.run({ count: messages });
  return "tokens" in result ? result.tokens.reduce((sum, one) => sum + one, 0) : 0;
}

/**
 * Decodes lists of tokens of the encoding cl100k_base; invalid ones become empty texts. Throws like {@link countTokens}, and `unsupported`
 * without `gpt-tokenizer`.
 */
export async function decodeTokens(lists: readonly (readonly number[])[]): Promise<readonly string[]> {
  const result = await threads.run({ decode: lists });
  if (!("texts" in result)) return [];
  if (result.texts === undefined) throw toAbsent("gpt-tokenizer", "input as lists of tokens");
  return result.texts;
}
