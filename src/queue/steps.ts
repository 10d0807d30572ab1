import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { decodeRecord, encodeRecordBody, runScript, toFields, type ScopedRedis } from "../redis/index.ts";
import { lostJob } from "./job.ts";
import { putStep, readNotes } from "./scripts.gen.ts";
import { isCertainlyOver } from "../internal/json-pieces.ts";

/** Durable steps of a job, which later attempts reuse. */
export interface Steps {
  /**
   * Runs a step once per job and stores its result; later attempts, on any worker, get the stored result.
   *
   * Names have 1 to 64 letters, digits, `_ . : -`; at most 1,000 steps and signals per job. The result is a JSON value of at most 1 MB,
   * returned as JSON decodes it. A step that throws is not stored. A step may not call itself. If the worker dies after the step but before
   * its result is stored, the step runs again: pass `idempotencyKey` to the services that it calls. One round trip for an attempt's first
   * step, and one for each new step.
   * @throws MarrowError `invalid_input`, `too_large`, `conflict` if another worker has the job by now
   */
  readonly step: <S>(name: string, run: (step: { readonly idempotencyKey: string }) => Promise<S> | S) => Promise<S>;
  /**
   * Waits for a signal of `queue.signal(id, name, value)`, or until `timeoutMs` (1 ms to 366 days) after the job's first call.
   *
   * A job that must wait frees its place: this call throws an error that the handler must let pass. Once the signal has arrived or the time
   * is over, the handler starts again, on any worker, with its steps done. Waiting uses no attempt. Of several concurrent waits
   * (`Promise.race`, `any`, `all`) the first signal or timeout resumes the job. The outcome is stored like a step: a signal after the
   * timeout is refused. For repeated waits on one name the first timeout counts.
   * @throws MarrowError `invalid_input`
   */
  readonly waitFor: (name: string, options: { readonly timeoutMs: number }) => Promise<Signal>;
}

/** Outcome of a wait for a signal. */
export type Signal = { readonly arrived: true; readonly value: unknown } | { readonly arrived: false };

/** Most steps and signals of one job. */
export const NOTES_MAX = 1_000;
const RESULT_BYTES_MAX = 1_048_576;
const TIMEOUT_MS_MAX = 366 * 86_400_000;

/** Error that ends the handler of a job that waits for a signal. */
export class Suspended extends Error {
  override readonly name: string = "Suspended";
  /** Signals that this attempt still waits for, with the timeout of each, in milliseconds. */
  readonly waits: ReadonlyMap<string, number>;

  constructor(waits: ReadonlyMap<string, number>) {
    super("the job waits for a signal: let this error leave the handler");
    this.waits = waits;
  }
}

/** Returns the suspension that an error is, has as its cause, or contains as an error of a `Promise.any`. */
export function suspensionIn(error: unknown): Suspended | undefined {
  for (let [one, depth] = [error, 0]; one instanceof Error && depth < 10; one = one.cause, depth++) {
    if (one instanceof Suspended) return one;
    const among: readonly unknown[] = one instanceof AggregateError ? one.errors : [];
    const suspended = among.find((other) => other instanceof Suspended);
    if (suspended !== undefined) return suspended;
  }
  return undefined;
}

/** Checks the name of a step or a signal. @throws MarrowError `invalid_input` */
export function checkNoteName(path: string, name: unknown): string {
  if (typeof name !== "string" || !/^[\w.:-]{1,64}$/.test(name))
    refuse(path, "1 to 64 of letters, digits, _ . : -", name, "invalid_input");
  return name;
}

/** Makes the steps of a job for its handler. */
export function createSteps(
  redis: Pick<ScopedRedis, "send">,
  queue: string,
  { id, fence, idempotencyKey }: { readonly id: string; readonly fence: string; readonly idempotencyKey: string },
): Steps {
  let read: Promise<Notes> | undefined;
  const running = new Map<string, Promise<unknown>>();
  /** The step that the code runs in, and the pending steps that each step called. */
  const within = new AsyncLocalStorage<string>();
  const asked = new Map<string, string[]>();
  const waits = new Map<string, number>();
  const notes = () =>
    (read ??= readAll().catch((error: unknown) => {
      // A handler may catch it and go on once Redis is back.
      read = undefined;
      throw error;
    }));

  async function readAll(): Promise<Notes> {
    const reply = await runScript(redis, readNotes, { queue }, { id, fence }, { reply: "bytes" });
    const [nowMs, ...fields] = reply as readonly [number, ...Buffer[]];
    if (fields.length === 1) throw lostJob(id);
    return { nowMs, kept: toFields(fields) };
  }

  async function runStep(name: string, run: Parameters<Steps["step"]>[1]): Promise<unknown> {
    const kept = (await notes()).kept.get(`s:${name}`);
    if (kept !== undefined) return decodeRecord(kept);
    const result = encodeStep(name, await within.run(name, run, { idempotencyKey: `${idempotencyKey}:${name}` }));
    const reply = await runScript(redis, putStep, { queue }, { id, fence, name, result, most: NOTES_MAX });
    if (String(reply) === "lost") throw lostJob(id);
    if (String(reply) === "full")
      throw new MarrowError("too_large", `a job has at most ${NOTES_MAX} steps and signals`, {
        details: { path: "name" },
      });
    return decodeRecord(result);
  }

  async function wait(name: string, { timeoutMs }: Parameters<Steps["waitFor"]>[1]): Promise<Signal> {
    const checked = checkNoteName("name", name);
    checkInteger("timeoutMs", timeoutMs, { min: 1, max: TIMEOUT_MS_MAX }, "invalid_input");
    const { kept, nowMs } = await notes();
    const value = kept.get(`g:${checked}`);
    if (value !== undefined) return { arrived: true, value: decodeRecord(value) };
    const untilMs = kept.get(`w:${checked}`);
    if (untilMs !== undefined && Number(String(untilMs)) <= nowMs) return { arrived: false };
    if (!waits.has(checked)) waits.set(checked, timeoutMs);
    // Wait one turn, so that all concurrent waits are known and stored results are delivered before the job is suspended.
    await nextTurn();
    throw new Suspended(waits);
  }

  return {
    async step<S>(name: string, run: (step: { readonly idempotencyKey: string }) => Promise<S> | S): Promise<S> {
      const checked = checkNoteName("name", name);
      const asking = within.getStore();
      if (asking !== undefined && waitsFor(asked, checked, asking)) throw inCircle(checked);
      const begun = running.get(checked) ?? runStep(checked, run).finally(() => running.delete(checked));
      running.set(checked, begun);
      if (asking === undefined) return (await begun) as S;
      const others = asked.get(asking) ?? [];
      asked.set(asking, others);
      others.push(checked);
      try {
        return (await begun) as S;
      } finally {
        others.splice(others.indexOf(checked), 1);
      }
    },

    waitFor(name, options) {
      const waiting = wait(name, options);
      // A handler that awaits it later gets the rejection then; until then it must not count as unhandled.
      waiting.catch(() => {});
      return waiting;
    },
  };
}

/** Whether a step waits for another one, over any number of others. Pure. */
function waitsFor(asked: ReadonlyMap<string, readonly string[]>, step: string, other: string): boolean {
  const met = new Set([step]);
  for (const one of met) {
    if (one === other) return true;
    for (const next of asked.get(one) ?? []) met.add(next);
  }
  return false;
}

function inCircle(name: string): MarrowError {
  return new MarrowError(
    "invalid_input",
    `step ${name} waits for itself: it was called inside a step that it waits for`,
    {
      details: { path: `step ${name}`, step: name },
    },
  );
}

interface Notes {
  readonly nowMs: number;
  readonly kept: ReadonlyMap<string, Buffer>;
}

function encodeStep(name: string, result: unknown): Buffer {
  // The bound applies to the JSON before compression.
  const json = encodeWritable(`step ${name}`, result ?? null, (one) =>
    isCertainlyOver(one, RESULT_BYTES_MAX) ? undefined : Buffer.from(JSON.stringify(one)),
  );
  if (json !== undefined && json.length <= RESULT_BYTES_MAX) return encodeRecordBody(json);
  throw new MarrowError("too_large", `the result of step ${name} is larger than ${RESULT_BYTES_MAX} bytes`, {
    details: { path: `step ${name}` },
  });
}
