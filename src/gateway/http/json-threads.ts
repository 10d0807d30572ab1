import { MarrowError } from "../../errors.ts";
import type { Unfilled } from "../../internal/exact-json.ts";
import type { JsonBudget } from "../../internal/json-budget.ts";
import { concatInTurns } from "../../internal/json-pieces.ts";
import type { KeepsPieces } from "../../internal/lifted-texts.ts";
import { LongText } from "../../internal/long-text.ts";
import { createThreads } from "../../internal/threads.ts";
import type { JsonResult, JsonTask } from "./json-worker.ts";

/** Shorter bodies are read at once: that takes a few milliseconds at most. */
const BYTES_MIN = 131_072;
/** A body with fewer escapes is read quickly, however long it is, such as one with pictures. */
const ESCAPES_MAX = 2_048;
/** Bodies that wait in this process; at the default bound of a body they are 128 MiB. */
const WAITING_MAX = 32;
const IDLE_MS = 30_000;
const BACKSLASH = 0x5c;

const threads = createThreads<JsonTask, JsonResult>({
  module: new URL("./json-worker", import.meta.url),
  name: "readInThread",
  tasks: "large bodies",
  threadsMax: 1,
  waitingMax: WAITING_MAX,
  idleMs: IDLE_MS,
});

/**
 * Returns true if parsing a body may take long: a long text in which every few characters are escaped, such as source code. Takes well
 * below a millisecond per MiB.
 */
export function isSlowToRead(bytes: Buffer): boolean {
  if (bytes.length < BYTES_MIN) return false;
  let at = -1;
  for (let escapes = 0; escapes < ESCAPES_MAX; escapes += 1) {
    at = bytes.indexOf(BACKSLASH, at + 1);
    if (at === -1) return false;
  }
  return true;
}

/**
 * Checks and reads a body of a scope in a worker thread, as `readUnfilled` does. Long strings stay in pieces where `keepsPieces` says so. @throws MarrowError `too_large`, `invalid_input`, `rate_limited` when too many wait
 */
export async function readJsonInThread(
  scope: string,
  body: Buffer,
  budget: JsonBudget,
  keepsPieces: KeepsPieces = () => false,
): Promise<Unfilled> {
  // A copy of its own is moved to the thread: the body itself goes on to the model.
  const bytes = await concatInTurns([body]);
  const result = await threads.run(scope, { bytes, budget }, { transfer: [bytes.buffer as ArrayBuffer] });
  if (!("refused" in result)) {
    for (const { holder, name, pieces } of result.texts) {
      const long = new LongText(pieces);
      holder[name] = keepsPieces(Array.isArray(holder) ? "" : name, long.length) ? long : long.toString();
    }
    return { value: result.value, places: result.places };
  }
  const { code, message, details } = result.refused;
  throw new MarrowError(code, message, { details });
}
