import { parseExact } from "../internal/exact-json.ts";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { toFailure } from "../internal/failure.ts";
import { carriesContext, isHeard, signalling } from "../internal/signals.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import {
  decodeKeyPart,
  decodeRecordInTurns,
  encodePlainInTurns,
  runScript,
  type Argument,
  type Redis,
  readTrace,
} from "../redis/index.ts";
import type { OutputWriter } from "../relay/index.ts";
import { readLine, type JobLine } from "./job.ts";
import type { Admission, ResolvedWorkerOptions } from "./options.ts";
import { judge } from "./retry.ts";
import { createProgress, type ProgressTeller } from "./progress.ts";
import { writeProgress as writeJobProgress } from "./scripts.gen.ts";
import { createSteps, suspensionIn, type Steps } from "./steps.ts";
import type { Handler, Work } from "./work.ts";

/** A job that a worker holds. */
export interface Held {
  readonly id: string;
  readonly line: JobLine;
  /** The payload: a record, or its JSON. */
  readonly payload: Uint8Array | string;
  /** Time of its arrival, by `performance.now()`. */
  readonly sinceMs: number;
  /** Made when the handler begins, or when the job must stop. */
  controller: AbortController | undefined;
  /** The object that the handler received. */
  work: { cancelled: boolean } | undefined;
  /** Made with the first part, because most jobs write no output. */
  output: OutputWriter | undefined;
  lost: boolean;
  /** True if the job ended without its handler, which ignored the signal to stop. */
  abandoned: boolean;
  /** Ends the job if its handler ignores the signal to stop. */
  grace: NodeJS.Timeout | undefined;
}

/** Makes the state of a job that just arrived at a worker. */
export function newHeld(id: string, line: string, payload: Uint8Array | string): Held {
  return {
    id,
    line: readLine(line),
    payload,
    sinceMs: performance.now(),
    controller: undefined,
    work: undefined,
    output: undefined,
    lost: false,
    abandoned: false,
    grace: undefined,
  };
}

/** Returns true if a job must not be prefetched, because a crash of the worker would cost it too much. */
export function isFrail({ lives, reason }: JobLine): boolean {
  return lives === 1 || reason === "crashed";
}

/** Outcome of an attempt, as the script's arguments. */
export interface Outcome {
  readonly outcome: "done" | "dead" | "retry" | "again" | "release" | "wait";
  /**
   * The result; for a failed attempt its masked message; for a suspended one the signals and timeouts in milliseconds, separated by spaces.
   */
  readonly body: Argument;
  /** An error's code or the word of `conclude`. */
  readonly reason: string;
  readonly delayMs: number;
}

/** A finished job that must be reported to Redis. */
export interface Ended extends Outcome {
  readonly one: Held;
}

/** Returns the job to the queue unchanged. */
export const RELEASED: Outcome = { outcome: "release", body: "", reason: "", delayMs: 0 };
/** The same for a job that had begun. */
export const INTERRUPTED: Outcome = { ...RELEASED, delayMs: 1 };

export const CANCELLED: MarrowError = new MarrowError("aborted", "the job was cancelled");
export const SHUTDOWN: MarrowError = new MarrowError("aborted", "the worker is shutting down");

/** Signals a job's handler to stop. */
export function stop(one: Held, why: MarrowError): void {
  one.controller ??= new AbortController();
  // The first reason counts, and is set before the handler can read it.
  if (one.work !== undefined && !one.controller.signal.aborted) one.work.cancelled = why === CANCELLED;
  one.controller.abort(why);
}

/** Functions of the worker that an attempt uses. */
export interface AttemptParts {
  readonly redis: Pick<Redis, "send">;
  readonly queue: string;
  readonly openOutput: (one: Held) => OutputWriter;
  /** Signals the handler to stop, and ends the job without it if it does not. */
  readonly halt: (one: Held, why: MarrowError) => void;
}

/** Runs a job's handler once and returns the outcome. */
export async function attempt<T, R>(
  one: Held,
  options: Pick<ResolvedWorkerOptions<T>, "name" | "timeoutMs" | "admit" | "onError">,
  handler: Handler<T, R>,
  { redis, queue, openOutput, halt }: AttemptParts,
): Promise<Outcome> {
  const { name, timeoutMs, admit, onError } = options;
  const { fence, tenant, left, lives, madeMs } = one.line;
  const late =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => halt(one, new MarrowError("timeout", `the job took longer than ${timeoutMs} ms`)), timeoutMs);
  let admission: Admission | undefined;
  let used: Readonly<Record<string, number>> = {};
  let word = "";
  const idempotencyKey = `${name}:${one.id}`;
  let steps: Steps | undefined;
  const noted = () => (steps ??= createSteps(redis, queue, { id: one.id, fence, idempotencyKey }));
  let progress: ProgressTeller | undefined;
  const writeProgress = (json: string) =>
    runScript(redis, writeJobProgress, { queue }, { id: one.id, fence, progress: json });
  try {
    const read = typeof one.payload === "string" ? parseExact(one.payload) : decodeRecordInTurns(one.payload);
    const asked = read instanceof Promise ? ((await read) as unknown) : read;
    const job = { scope: decodeKeyPart(tenant), payload: asked as T };
    if (admit !== undefined) admission = await admit(job);
    if (admission?.allowed === false)
      throw new MarrowError("rate_limited", "a limit refused the job", {
        details: { retryAfterMs: admission.retryAfterMs },
      });
    const { signal } = (one.controller ??= new AbortController());
    // Fields alone: V8 keeps accessors of an object literal in its old generation, where each would hold its job's garbage for long.
    const work: Work<T> & { cancelled: boolean } = {
      ...job,
      id: one.id,
      fence: Number(fence),
      idempotencyKey,
      attemptsLeft: left,
      crashesLeft: lives,
      createdAtMs: madeMs,
      signal,
      cancelled: signal.reason === CANCELLED,
      write(text) {
        if (!one.abandoned) (one.output ??= openOutput(one)).write(text);
      },
      room: () => one.output?.room(),
      progress: (now) => (progress ??= createProgress(writeProgress, onError)).tell(now),
      step: (step, run) => noted().step(step, run),
      waitFor: (awaited, within) => noted().waitFor(awaited, within),
      use: (now) => void (used = now),
      conclude: (now) => void (word = checkWord(now)),
    };
    one.work = work;
    const carrier = carriesContext() ? await readTrace(redis, queue, one.id) : {};
    const result = await (isHeard("queue:job")
      ? signalling(
          "queue:job",
          () => ({
            queue: name,
            scope: job.scope,
            id: one.id,
            attemptsLeft: left,
            waitedMs: Math.max(0, ageOf(one)),
            carrier,
          }),
          async () => handler(work),
        )
      : handler(work));
    return { outcome: "done", body: await encodeResult(result), reason: word, delayMs: 0 };
  } catch (error) {
    const why: unknown = one.controller?.signal.reason;
    if (why === SHUTDOWN) return INTERRUPTED;
    const suspended = suspensionIn(error);
    if (suspended !== undefined && why === undefined)
      return { outcome: "wait", body: [...suspended.waits].flat().join(" "), reason: "", delayMs: 0 };
    const failure = toFailedOutcome(one, MarrowError.is(why, "timeout") ? why : error);
    // A limit's refusal is not a failure, and a cancelled job fails as intended.
    if (failure.outcome !== "again" && why !== CANCELLED && !one.abandoned) onError(error);
    return failure;
  } finally {
    clearTimeout(late);
    progress?.stop();
    if (admission?.allowed === true) settle(admission, used).catch(onError);
  }
}

/** Settles an admission; an error of the caller's `settle` is not a failure of the job. */
async function settle(admission: Admission & { readonly allowed: true }, used: Readonly<Record<string, number>>) {
  await admission.settle(used);
}

/** Returns the outcome of a failed attempt for any thrown value. If the error cannot be read, its message is empty. */
export function toFailedOutcome(one: Held, error: unknown): Outcome {
  const { of, left } = one.line;
  const age = { failures: of - left, ageMs: ageOf(one) };
  const { message: body } = toFailure(error);
  try {
    return { ...judge(error, age, Math.random()), body };
  } catch {
    return { ...judge(undefined, age, Math.random()), body };
  }
}

/** Waits until a job's output is stored. A part that Redis will never accept fails its attempt. */
export async function settleOutput(one: Held, how: Outcome, onError: (error: unknown) => void): Promise<Outcome> {
  try {
    await one.output?.settle();
    return how;
  } catch (error) {
    one.output = undefined;
    onError(error);
    return toFailedOutcome(one, error);
  }
}

/** Returns a job's age since its push, by the server's clock: the fence is the time of the lease in microseconds. */
function ageOf({ line: { fence, madeMs }, sinceMs }: Held): number {
  return Number(fence) / 1_000 - madeMs + performance.now() - sinceMs;
}

/**
 * Encodes a result. A result that is not JSON fails without a retry, because the next attempt would pay for the same calls in vain.
 * @throws MarrowError `invalid_input` with the path of the invalid value
 */
function encodeResult(result: unknown): Argument | Promise<Argument> {
  return encodeWritable("result", result ?? null, encodePlainInTurns);
}

function checkWord(word: string): string {
  return /^[a-z_]{1,32}$/.test(word) ? word : refuse("word", "1 to 32 lower-case letters", word, "invalid_input");
}
