import { fill, type Unfilled } from "../../internal/exact-json.ts";
import { checkJsonBudget, checkJsonBudgetInTurns, type JsonBudget } from "../../internal/json-budget.ts";
import type { KeepsPieces } from "../../internal/lifted-texts.ts";
import { ownTurn } from "../../internal/time-slice.ts";
import { isSlowToRead, readJsonInThread } from "./json-threads.ts";
import { readInTurns, readJson } from "./json.ts";

/** Bodies from this size in bytes are checked, parsed, validated and handled in turns of the event loop of their own; slow ones are read in a thread. */
export const LARGE_BYTES = 32_768;

/**
 * Reads the JSON of {@link LARGE_BYTES} or more in turns of the event loop, of which `turn` gives one for a step, or in a thread,
 * which scopes share by turns. Long strings stay in pieces where `keepsPieces` says so.
 * @throws MarrowError `too_large`, `invalid_input`, and `rate_limited` when too many wait for the thread
 */
export async function readLargeJson(
  scope: string,
  body: Buffer,
  budget: JsonBudget,
  turn: (step: string) => Promise<void>,
  keepsPieces?: KeepsPieces,
): Promise<Unfilled> {
  if (isSlowToRead(body)) return readJsonInThread(scope, body, budget, keepsPieces);
  await turn("check");
  await checkJsonBudgetInTurns(body, budget);
  await turn("parse");
  return readInTurns(body, () => turn("parse"), keepsPieces);
}

/**
 * Reads JSON that comes otherwise than as a body, such as a line of a batch, within the bounds of one: a large text in turns of the event loop
 * or in a thread.
 * @throws MarrowError as {@link readLargeJson}
 */
export async function readBounded(scope: string, bytes: Buffer, budget: JsonBudget): Promise<unknown> {
  if (bytes.length >= LARGE_BYTES) return fill(await readLargeJson(scope, bytes, budget, ownTurn));
  checkJsonBudget(bytes, budget);
  return readJson(bytes);
}
