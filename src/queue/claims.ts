import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { ownField } from "../internal/fields.ts";
import { MESSAGE_MAX, toFailure } from "../internal/failure.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { maskSecrets } from "../internal/mask-secrets.ts";
import { pause } from "../internal/pause.ts";
import { mapInSlices, ownTurn } from "../internal/time-slice.ts";
import {
  decodeRecord,
  decodeMeasured,
  encodePlainInTurns,
  runScript,
  toFields,
  checkScope,
  type Argument,
  type ScopedRedis,
} from "../redis/index.ts";
import { encodeBounded } from "./bounded.ts";
import { lostJob, noJob, readLine, type JobLine } from "./job.ts";
import { queueKeyOf, tenantPart } from "./keys.ts";
import { checkJobId, checkPartitions } from "./options.ts";
import { retryDelayMs } from "./retry.ts";
import { fireSchedules } from "./schedule.ts";
import { claimJobs, extendLeases, putStep, readNotes, turnJobs, writeParts, writeProgress } from "./scripts.gen.ts";
import { checkNoteName, NOTES_MAX } from "./steps.ts";
import { isCertainlyOver } from "../internal/json-pieces.ts";

/** A job leased to a worker outside of this process. */
export interface ClaimedJob<T = unknown> {
  readonly id: string;
  /** Passed with every report about the job. Reports with an outdated fence are refused once another worker has the job. */
  readonly fence: string;
  readonly payload: T;
  readonly attemptsLeft: number;
  readonly crashesLeft: number;
  readonly createdAtMs: number;
  /** Idempotency key, the same for every attempt. */
  readonly idempotencyKey: string;
  /** Results of steps that earlier attempts completed, by name. */
  readonly steps: Readonly<Record<string, unknown>>;
}

/** Identifies a leased job. */
export interface Claim {
  readonly id: string;
  readonly fence: string;
}

/** Failure of an attempt. */
export interface ClaimFailure {
  /** 1 to 32 lower-case letters and `_`. @default "failed" */
  readonly reason?: string | undefined;
  /** Error message; stored as one line of at most 500 characters with secrets masked. */
  readonly message?: string | undefined;
  /** Whether another attempt may help. @default true */
  readonly retryable?: boolean | undefined;
  /** Delay before the next attempt, at most 604,800,000 (a week). @default 1, 2, 4 … 300 s, of which up to half is random */
  readonly retryAfterMs?: number | undefined;
}

/**
 * One tenant's jobs for workers in any language, with the guarantees of `createWorker`: leases with fences, and one end for each job. A
 * report about a job that another worker has by now is refused as a `conflict`. One round trip each.
 */
export interface Claims<T = unknown> {
  /**
   * Leases up to `limit` jobs (1 to 100) for `leaseMs` (1,000 to 3,600,000), and waits up to `waitMs` (0 to 30,000) if there are none. A
   * claim ends early if payloads and step results reach 4 MiB together; other jobs stay queued. Two round trips per poll, and one for the
   * steps of each job.
   */
  claim(
    options: { readonly limit?: number; readonly leaseMs?: number; readonly waitMs?: number },
    signal?: AbortSignal,
  ): Promise<readonly ClaimedJob<T>[]>;
  /** Extends a lease by `leaseMs`. Returns `cancelling` if the worker should stop. */
  extend(claim: Claim, options?: { readonly leaseMs?: number | undefined }): Promise<"running" | "cancelling">;
  /**
   * Appends to the output. `from` is the number of parts that this attempt wrote before, so a repeated call appends nothing twice. Returns
   * the number of parts.
   */
  write(claim: Claim, from: number, texts: readonly string[]): Promise<number>;
  progress(claim: Claim, progress: unknown): Promise<void>;
  /** Stores the result of a step, once. Returns the stored result: an earlier one if the step was done before. */
  step(claim: Claim, name: string, result: unknown): Promise<unknown>;
  /**
   * Ends a job with its result. Returns `cancelled` if it was cancelled or removed. A repeated call with the same result returns the same.
   */
  finish(claim: Claim, result: unknown): Promise<"done" | "cancelled">;
  /** Ends an attempt as failed. The job is retried while it has attempts left; otherwise it is dead. A repeated call has no effect. */
  fail(claim: Claim, failure: ClaimFailure): Promise<void>;
  /** Returns a job to the queue unchanged. */
  release(claim: Claim): Promise<void>;
}

const LOOK_MS = { first: 100, last: 1_000 } as const;
const RETRY_MS_MAX = 604_800_000;
const PARTS_MAX = 512;
const PART_CHARS_MAX = 65_536;
const BYTES_MAX = { step: 1_048_576, progress: 4_096, claim: 4_194_304 } as const;

/** Opens one tenant's jobs for workers outside of this process. @throws MarrowError `invalid_option` */
export function createClaims<T = unknown>(
  redis: ScopedRedis,
  { name, partitions }: { readonly name: string; readonly partitions?: number | undefined },
): Claims<T> {
  const scoped = checkScope(redis);
  const tenant = tenantPart(scoped.scope);
  const named = { name: checkText("name", name, 128), partitions: checkPartitions(partitions) };
  const queue = queueKeyOf(scoped.app, named, scoped.scope);

  /** The line of a job that the worker has. */
  async function held({ id, fence }: Claim): Promise<JobLine> {
    checkClaim({ id, fence });
    const stored = await scoped.send(["GET", `${queue}:job:${id}`]);
    const line = stored === null ? undefined : readLine(String(stored));
    if (line?.tenant !== tenant) throw noJob();
    if (line.fence !== fence || !(line.state === "running" || line.state === "cancelling")) throw lostJob(id);
    return line;
  }

  async function look(limit: number, leaseMs: number): Promise<readonly ClaimedJob<T>[]> {
    await fireSchedules(scoped, queue, () => {});
    const values = { tenant, lease_ms: leaseMs, wanted: limit };
    const reply = (await runScript(scoped, claimJobs, { queue }, values, { reply: "bytes" })) as readonly Buffer[];
    const jobs = Array.from({ length: reply.length / 3 }, (_, at) => reply.slice(3 * at, 3 * at + 3));
    const taken: ClaimedJob<T>[] = [];
    let room = BYTES_MAX.claim;
    for (const [at, [id, stored, record]] of jobs.entries()) {
      const line = readLine(String(stored));
      const claim = { id: String(id), fence: line.fence };
      const asked = await readPayload(claim, record as Buffer);
      if (asked === undefined) continue;
      const steps = line.noted ? await stepsOf(claim) : {};
      taken.push({
        ...claim,
        payload: asked.payload,
        attemptsLeft: line.left,
        crashesLeft: line.lives,
        createdAtMs: line.madeMs,
        idempotencyKey: `${name}:${claim.id}`,
        steps,
      });
      room -= asked.bytes + (line.noted ? JSON.stringify(steps).length : 0);
      if (room > 0) continue;
      await handBack(jobs.slice(at + 1));
      break;
    }
    return taken;
  }

  /** Puts jobs back that were taken and do not fit into one answer: as they were, which uses no attempt. */
  async function handBack(jobs: readonly (readonly Buffer[])[]): Promise<void> {
    if (jobs.length === 0) return;
    const ended = jobs.flatMap(([id, stored]) => [`${String(id)} ${readLine(String(stored)).fence} release 0 0 `, ""]);
    await runScript(scoped, turnJobs, { queue }, { lease_ms: 1_000, wanted: 0, cap: 0, waiter: "", ended });
  }

  /** Reads a job's payload. A job with an unreadable payload becomes dead, as with `createWorker`, and does not delay others. */
  async function readPayload(
    claim: Claim,
    record: Buffer,
  ): Promise<{ readonly payload: T; readonly bytes: number } | undefined> {
    // Payloads may be large, and there may be many: whatever else came in is served between them.
    await ownTurn();
    try {
      const { value, bytes } = await decodeMeasured(record);
      return { payload: value as T, bytes };
    } catch (error) {
      const { reason, message } = toFailure(error);
      await end(claim, `dead 0 0 ${reason}`, message);
      return undefined;
    }
  }

  /** Results of the steps that were done, or of one of them: others may be large, and are not decoded then. */
  async function stepsOf(claim: Claim, only?: string): Promise<Readonly<Record<string, unknown>>> {
    const reply = await runScript(scoped, readNotes, { queue }, { ...claim }, { reply: "bytes" });
    const [, ...fields] = reply as readonly [number, ...Buffer[]];
    if (fields.length < 2) return {};
    const done = [...toFields(fields)].filter(([field]) =>
      only === undefined ? field.startsWith("s:") : field === `s:${only}`,
    );
    const results = await mapInSlices(done, ([field, record]) => [field.slice(2), decodeRecord(record)] as const);
    return Object.fromEntries(results);
  }

  /** Checks whether an attempt already ended this way, because the reply to an earlier report was lost. */
  async function isSaid({ id, fence }: Claim, states: readonly string[], result?: Argument): Promise<boolean> {
    const keys = [`${queue}:job:${id}`, `${queue}:body:${id}`];
    const [stored, body] = (await scoped.send(["MGET", ...keys], { reply: "bytes" })) as readonly (Buffer | null)[];
    const line = stored == null ? undefined : readLine(String(stored));
    if (line?.tenant !== tenant || line.fence !== fence || !states.includes(line.state)) return false;
    return result === undefined || body?.equals(Buffer.from(result)) === true;
  }

  async function end(claim: Claim, words: string, body: Argument): Promise<void> {
    await held(claim);
    const ended = [`${claim.id} ${claim.fence} ${words}`, body];
    const values = { lease_ms: 1_000, wanted: 0, cap: 0, waiter: "", ended };
    const [wrong] = (await runScript(scoped, turnJobs, { queue }, values)) as readonly [readonly unknown[]];
    if (wrong.length > 0) throw lostJob(claim.id);
  }

  return {
    async claim({ limit = 1, leaseMs = 30_000, waitMs = 0 }, signal) {
      checkInteger("limit", limit, { min: 1, max: 100 }, "invalid_input");
      checkLease(leaseMs);
      checkInteger("waitMs", waitMs, { min: 0, max: 30_000 }, "invalid_input");
      const untilMs = performance.now() + waitMs;
      for (let pollMs: number = LOOK_MS.first; ; pollMs = Math.min(LOOK_MS.last, pollMs * 1.5)) {
        const jobs = await look(limit, leaseMs);
        // Given out to somebody who left: back as they were, at no cost.
        if (signal?.aborted === true) {
          await Promise.all(jobs.map((job) => end(job, "release 0 0 ", "")));
          throw new MarrowError("aborted", "waiting for a job was aborted by its signal");
        }
        const leftMs = untilMs - performance.now();
        if (jobs.length > 0 || leftMs <= 0) return jobs;
        await pause(Math.min(pollMs, leftMs), signal, "waiting for a job");
      }
    },

    async extend(claim, { leaseMs = 30_000 } = {}) {
      await held(claim);
      const values = { lease_ms: checkLease(leaseMs), held: [claim.id, claim.fence] };
      const [state] = (await runScript(scoped, extendLeases, { queue }, values)) as readonly string[];
      if (state !== "running" && state !== "cancelling") throw lostJob(claim.id);
      return state;
    },

    async write(claim, from, texts) {
      await held(claim);
      checkInteger("from", from, { min: 0, max: 1_000_000_000 }, "invalid_input");
      const sound = Array.isArray(texts) && texts.length > 0 && texts.length <= PARTS_MAX;
      if (!sound || !texts.every((text) => typeof text === "string" && text.length <= PART_CHARS_MAX))
        refuse("texts", `1 to ${PARTS_MAX} texts of at most ${PART_CHARS_MAX} characters`, texts, "invalid_input");
      const reply = String(await runScript(scoped, writeParts, { queue }, { ...claim, from, parts: texts }));
      if (reply === "lost") throw lostJob(claim.id);
      return reply.startsWith("gap:") ? Number(reply.slice(4)) : from + texts.length;
    },

    async progress(claim, progress) {
      await held(claim);
      const json = encodeWritable("progress", progress, (one) =>
        isCertainlyOver(one, BYTES_MAX.progress) ? undefined : (JSON.stringify(one) as string | undefined),
      );
      if (json === undefined || Buffer.byteLength(json) > BYTES_MAX.progress)
        refuse("progress", `a JSON value of at most ${BYTES_MAX.progress} bytes`, progress, "invalid_input");
      const state = await runScript(scoped, writeProgress, { queue }, { ...claim, progress: json });
      if (String(state) === "lost") throw lostJob(claim.id);
    },

    async step(claim, step, result) {
      await held(claim);
      const record = encodeBounded("result", result ?? null, BYTES_MAX.step);
      const values = { ...claim, name: checkNoteName("name", step), result: record, most: NOTES_MAX };
      const reply = String(await runScript(scoped, putStep, { queue }, values));
      if (reply === "lost") throw lostJob(claim.id);
      if (reply === "full") throw new MarrowError("too_large", `a job has at most ${NOTES_MAX} steps and signals`);
      return ownField(await stepsOf(claim, step), step) ?? null;
    },

    async finish(claim, result) {
      const record = await encodeWritable("result", result ?? null, encodePlainInTurns);
      try {
        await end(claim, "done 0 0 ", record);
      } catch (error) {
        if (!MarrowError.is(error, "conflict") || !(await isSaid(claim, ["done", "cancelled"], record))) throw error;
      }
      const stored = await scoped.send(["GET", `${queue}:job:${claim.id}`]);
      return stored !== null && readLine(String(stored)).state === "done" ? "done" : "cancelled";
    },

    async fail(claim, { reason = "failed", message = "", retryable = true, retryAfterMs }) {
      if (!/^[a-z_]{1,32}$/.test(reason)) refuse("reason", "1 to 32 lower-case letters and _", reason, "invalid_input");
      const said = maskSecrets(
        checkText("message", message === "" ? " " : message, 100_000, "invalid_input"),
        MESSAGE_MAX,
      );
      const line = await held(claim).catch(async (error: unknown) => {
        if (MarrowError.is(error, "conflict") && (await isSaid(claim, ["delayed", "dead", "cancelled"])))
          return undefined;
        throw error;
      });
      if (line === undefined) return;
      const { of, left } = line;
      const delayMs =
        retryAfterMs === undefined
          ? retryDelayMs(of - left, Math.random())
          : checkInteger("retryAfterMs", retryAfterMs, { min: 0, max: RETRY_MS_MAX }, "invalid_input");
      await end(claim, `${retryable ? "retry" : "dead"} ${delayMs} 0 ${reason}`, said);
    },

    release: (claim) => end(claim, "release 1 0 ", ""),
  };
}

function checkLease(leaseMs: number): number {
  return checkInteger("leaseMs", leaseMs, { min: 1_000, max: 3_600_000 }, "invalid_input");
}

function checkClaim({ id, fence }: Claim): void {
  checkJobId("id", id);
  if (typeof fence !== "string" || !/^\d{1,20}$/.test(fence))
    refuse("fence", "the fence of the job's lease", fence, "invalid_input");
}
