import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { decodeRecord, encodeRecordBody, runScript, toFields, type ScopedRedis } from "../redis/index.ts";
import { lostJob } from "./job.ts";
import { putStep, readNotes } from "./scripts.gen.ts";

/** What a handler notes of its job, so that another attempt finds it. */
export interface Steps {
  /**
   * Runs a step once for each job and keeps its result: another attempt, at any worker, is given the result that was kept and does not run the
   * step again. Names are 1 to 64 of letters, digits, `_ . : -`; 1,000 steps and signals for each job. The result is a JSON value of at most 1 MB;
   * the caller gets it as JSON gives it back. A step that throws is not kept. One that is asked for within itself is refused. A worker that dies between the end of the step and the writing of its
   * result runs it again: give `idempotencyKey` to whatever the step calls. One round trip for the first step of an attempt, one for each new step.
   * @throws MarrowError `invalid_input`, `too_large`, `conflict` when the job is another worker's by now
   */
  readonly step: <S>(name: string, run: (step: { readonly idempotencyKey: string }) => Promise<S> | S) => Promise<S>;
  /**
   * Waits for a signal of `queue.signal(id, name, value)`, or until `timeoutMs` (1 ms to 366 days) after the job first asked. A job that has to
   * wait gives its place back: the handler is left by an error that it must let pass, and begins anew, at any worker, when the signal has come or the
   * time is over; it finds its steps done. Waiting uses no attempt. Of several that are waited for at once (`Promise.race`, `any`, `all`) the first
   * signal, or the first time that is over, lets the job go on. What a wait came to is kept as a step is: a signal that comes after the time is refused,
   * and of several waits of one name the time of the first one counts.
   * @throws MarrowError `invalid_input`
   */
  readonly waitFor: (name: string, options: { readonly timeoutMs: number }) => Promise<Signal>;
}

/** What a wait for a signal comes to. */
export type Signal = { readonly arrived: true; readonly value: unknown } | { readonly arrived: false };

/** Steps and signals that one job may have. */
export const NOTES_MAX = 1_000;
const RESULT_BYTES_MAX = 1_048_576;
const TIMEOUT_MS_MAX = 366 * 86_400_000;

/** What leaves a handler whose job waits for a signal. */
export class Suspended extends Error {
  override readonly name: string = "Suspended";
  /** Signals that this attempt asked for and did not get, with the time to wait for each, in milliseconds. */
  readonly waits: ReadonlyMap<string, number>;

  constructor(waits: ReadonlyMap<string, number>) {
    super("the job waits for a signal: let this error leave the handler");
    this.waits = waits;
  }
}

/** The suspension that an error is, that it was caused by, or that is among the errors of a `Promise.any`. */
export function suspensionIn(error: unknown): Suspended | undefined {
  for (let [one, depth] = [error, 0]; one instanceof Error && depth < 10; one = one.cause, depth++) {
    if (one instanceof Suspended) return one;
    const among: readonly unknown[] = one instanceof AggregateError ? one.errors : [];
    const suspended = among.find((other) => other instanceof Suspended);
    if (suspended !== undefined) return suspended;
  }
  return undefined;
}

/** A name of a step or a signal. @throws MarrowError `invalid_input` */
export function checkNoteName(path: string, name: unknown): string {
  if (typeof name !== "string" || !/^[\w.:-]{1,64}$/.test(name))
    refuse(path, "1 to 64 of letters, digits, _ . : -", name, "invalid_input");
  return name;
}

/** What a job's handler is given to note its steps by. */
export function createSteps(
  redis: Pick<ScopedRedis, "send">,
  queue: string,
  { id, fence, idempotencyKey }: { readonly id: string; readonly fence: string; readonly idempotencyKey: string },
): Steps {
  let read: Promise<Notes> | undefined;
  const running = new Map<string, Promise<unknown>>();
  /** Which step the code runs in, and which steps each one asked for and has not got yet. */
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
    // Those that are waited for at once are all known, and what was answered is told, before this one gives the place back.
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
      // Whoever awaits it later, behind a step, is told then: until then it is nobody's error.
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
  // What counts is the JSON as it was given, not what compression makes of it.
  const json = encodeWritable(`step ${name}`, result ?? null, (one) => Buffer.from(JSON.stringify(one)));
  if (json.length <= RESULT_BYTES_MAX) return encodeRecordBody(json);
  throw new MarrowError("too_large", `the result of step ${name} is larger than ${RESULT_BYTES_MAX} bytes`, {
    details: { path: `step ${name}` },
  });
}
