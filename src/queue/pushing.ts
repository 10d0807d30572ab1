import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkObject, refuse } from "../internal/check.ts";
import { gather } from "../internal/gather.ts";
import { toJson as toJsonInTurns } from "../internal/json-pieces.ts";
import { carriesContext, isHeard, signalling } from "../internal/signals.ts";
import { createTimeSlice } from "../internal/time-slice.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import {
  encodeLargeRecordBody,
  encodePlainBeside,
  runScript,
  type Argument,
  type ScopedRedis,
  keepTraces,
} from "../redis/index.ts";
import { newJobId } from "./job.ts";
import { nearby } from "./nearby.ts";
import {
  RESULT_TTL_MS,
  resolvePushOptions,
  type PushOptions,
  type ResolvedPushOptions,
  type ResolvedQueueOptions,
} from "./options.ts";
import { pushJobs } from "./scripts.gen.ts";

/** One job of `pushMany`. */
export interface NewJob<T> extends PushOptions {
  readonly payload: T;
}

/** Pushes a tenant's jobs. */
export interface Pusher {
  /** Pushes a job, in one script with all pushes of the same moment. */
  push(payload: unknown, options: PushOptions): Promise<string>;
  /** Pushes all jobs, or none if they exceed the backlog. */
  pushMany(jobs: readonly NewJob<unknown>[]): Promise<readonly string[]>;
}

const BULK = 1_000;
const JOBS_MAX = 100_000;

/** A job as the script takes it: its words, its payload. */
type Operands = readonly [words: string, payload: Argument];

/** Makes the pusher of one tenant. */
export function createPusher(
  redis: ScopedRedis,
  { name, queue, tenant }: { readonly name: string; readonly queue: string; readonly tenant: string },
  { backlogMax, idempotencyMs }: Pick<ResolvedQueueOptions, "backlogMax" | "idempotencyMs">,
): Pusher {
  async function put(jobs: readonly Operands[]): Promise<readonly string[]> {
    const [first, second] = jobs;
    const alone = second === undefined ? first : undefined;
    const near = alone && nearby.get(queue);
    const here = near?.worker ?? "";
    const values = { tenant, backlog: backlogMax, idem_ms: idempotencyMs, here, jobs: alone ?? jobs.flat() };
    const pushed = runScript(redis, pushJobs, { queue }, values);
    if (alone) near?.follow(pushed, alone[1]);
    return ((await pushed) as readonly string[]).slice(0, jobs.length);
  }

  /** Pushes all jobs of one moment. If they do not fit together, each is tried alone. */
  const pushOne = gather<Operands, string>(async (jobs) => {
    let replies = await put(jobs);
    if (replies[0] === FULL && jobs.length > 1)
      replies = (await Promise.all(jobs.map((one) => put([one])))).map(([reply = FULL]) => reply);
    return replies.map((reply) => toError(reply, backlogMax) ?? reply);
  });

  return {
    push: async (payload, options) => {
      const made = toOperands(payload, checkObject("options", options), idempotencyMs);
      const operands = made instanceof Promise ? await made : made;
      if (!isHeard("queue:push") && !carriesContext()) return pushOne(operands);
      const signal = { queue: name, scope: redis.scope };
      return signalling(
        "queue:push",
        () => signal,
        () => {
          if (carriesContext()) keepTraces(redis, queue, [idOf(operands)], options.delayMs);
          return pushOne(operands);
        },
      );
    },

    async pushMany(jobs) {
      if (!isHeard("queue:push") && !carriesContext()) return pushAll(jobs);
      const signal = { queue: name, scope: redis.scope };
      return signalling(
        "queue:push",
        () => signal,
        async () => pushAll(jobs),
      );
    },
  };

  async function pushAll(jobs: readonly NewJob<unknown>[]): Promise<readonly string[]> {
    if (!Array.isArray(jobs) || jobs.length > JOBS_MAX)
      refuse("jobs", `a list of at most ${JOBS_MAX}`, jobs, "invalid_input");
    const operands: Operands[] = [];
    const slice = createTimeSlice();
    for (const [at, job] of jobs.entries()) {
      const { payload, ...options } = checkObject(`jobs.${at}`, job);
      const made = toOperands(payload, options, idempotencyMs);
      operands.push(made instanceof Promise ? await made : made);
      const rest = slice();
      if (rest !== undefined) await rest;
    }
    if (carriesContext())
      keepTraces(
        redis,
        queue,
        operands.map(idOf),
        jobs.reduce((longest, { delayMs = 0 }) => Math.max(longest, delayMs), 0),
      );
    const ids: string[] = [];
    for (let at = 0; at < operands.length; at += BULK) {
      const replies = await put(operands.slice(at, at + BULK));
      const wrong = replies.map((reply) => toError(reply, backlogMax, ids.length)).find((error) => error !== undefined);
      if (wrong !== undefined) throw wrong;
      ids.push(...replies);
    }
    return ids;
  }
}

/** The id of a job that is put: the first of its words. */
function idOf([words]: Operands): string {
  return words.slice(0, words.indexOf(" "));
}

const FULL = "full";

/** Converts a script's reply that is not an id to its error. */
function toError(reply: string, backlogMax: number, pushed = 0): MarrowError | undefined {
  if (reply === FULL)
    return new MarrowError("too_large", "the tenant has too many waiting jobs", { details: { backlogMax, pushed } });
  if (reply === "?")
    return new MarrowError("conflict", "a job that this one depends on does not exist or will never finish", {
      details: { path: "dependsOn" },
    });
  if (reply === "!")
    return new MarrowError("conflict", "the id or the idempotency key is already used for something else", {
      details: { path: "idempotencyKey" },
    });
  return undefined;
}

/** @throws MarrowError `invalid_input` */
function toOperands(payload: unknown, options: PushOptions, idempotencyMs: number): Operands | Promise<Operands> {
  if (payload === undefined) refuse("payload", "a JSON value", payload, "invalid_input");
  const keyed = options.idempotencyKey !== undefined && options.resultTtlMs === undefined;
  const resolved = resolvePushOptions(
    keyed ? { ...options, resultTtlMs: Math.max(RESULT_TTL_MS, idempotencyMs) } : options,
  );
  const { id = newJobId(), idempotencyKey, fingerprint } = resolved;
  const json = encodeWritable("payload", payload, toJson);
  const isOwn = idempotencyKey === "" || fingerprint === undefined || fingerprint === null;
  const compared = isOwn ? json : encodeWritable("fingerprint", fingerprint, toJson);
  const toOptions = (told: string | Buffer) => {
    const digest = idempotencyKey === "" ? "" : hash("sha256", told).slice(0, 32);
    return toWords(id, resolved, resolved.replace ? `=${digest}` : digest);
  };
  if (typeof json === "string" && typeof compared === "string") {
    const body = encodePlainBeside(json);
    // A large text is hashed in a turn of its own.
    return body instanceof Promise
      ? body.then((large) => [toOptions(compared), large] as const)
      : [toOptions(compared), body];
  }
  return Promise.all([json, compared]).then(async ([written, told]) => {
    const body = typeof written === "string" ? encodePlainBeside(written) : encodeLargeRecordBody(written);
    const record = await body;
    return [toOptions(told), record] as const;
  });
}

/** The JSON of a value: that of a large one is written in turns of the event loop. @throws TypeError for a value that is not JSON */
function toJson(value: unknown): string | Promise<Buffer> {
  const json = toJsonInTurns(value) as string | Promise<Buffer> | undefined;
  if (json === undefined) throw new TypeError("not JSON");
  return json;
}

/** Encodes a job's options, as `scripts/lib/new_line.lua` reads them. */
export function toWords(id: string, options: ResolvedPushOptions, digest = ""): string {
  if (last?.options !== options || last.digest !== digest) {
    const { priority, waitTtlMs = "", idempotencyKey, dependsOn } = options;
    const { delayMs, attempts, crashes, kind, resultTtlMs, outputTtlMs } = options;
    const key = encodeURIComponent(idempotencyKey);
    const words =
      `${priority} ${waitTtlMs} ${key} ${digest} ${dependsOn.join(",")} ` +
      `${delayMs} ${attempts} ${crashes} ${attempts} ${kind} ${resultTtlMs} ${outputTtlMs}`;
    last = { options, digest, words };
  }
  return `${id} ${last.words}`;
}

/** The last words without an id: most jobs have the same. */
let last: { readonly options: ResolvedPushOptions; readonly digest: string; readonly words: string } | undefined;
