import { Cron } from "croner";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkObject, checkText, refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import {
  allOf,
  createFieldOrder,
  decodeKeyPart,
  decodeRecord,
  encodeKeyPart,
  encodeRecord,
  readRecord,
  boundRounds,
  runScript,
  type Argument,
  type ScopedRedis,
  type Unreadable,
} from "../redis/index.ts";
import { newJobId } from "./job.ts";
import { resolvePushOptions, type PushOptions, type ResolvedPushOptions } from "./options.ts";
import { toWords } from "./pushing.ts";
import { dueSchedules, fireSchedules as fireDue, putSchedule } from "./scripts.gen.ts";

/** Times at which a schedule pushes its job. */
export type When =
  | {
      /** Five fields, or six with seconds first: `0 8 * * MON-FRI`. */
      readonly cron: string;
      /** An IANA name. @default "UTC" */
      readonly timeZone?: string | undefined;
    }
  /** Interval in milliseconds, 1,000 to 366 days, in multiples since 1970, so it does not drift. */
  | { readonly everyMs: number };

/** A stored schedule. */
export type Schedule<T = unknown> =
  | { readonly name: string; readonly nextAtMs: number; readonly when: When; readonly payload: T }
  /** A schedule that cannot be read, and why. It pushes nothing until it is declared again. */
  | {
      readonly name: string;
      readonly nextAtMs: number;
      readonly unreadable: Unreadable;
      readonly when?: undefined;
      readonly payload?: undefined;
    };

interface Stored {
  readonly when: When;
  readonly payload: unknown;
  readonly options: Omit<ResolvedPushOptions, Unscheduled>;
}

/** Options that make no sense for a schedule, because they concern a single job. */
const UNSCHEDULED = ["id", "idempotencyKey", "replace", "fingerprint", "delayMs", "dependsOn"] as const;
type Unscheduled = (typeof UNSCHEDULED)[number];

/** Schedules that one script reads, and that one pushes. */
const PAGE = 250;
/** Schedules of one listed page at most. */
const PAGE_MAX = 1_000;
/** Most pages per run. Schedules beyond that are pushed in the next run, a second later. */
const PAGES_MAX = 200;

/** Options for listing schedules. */
export interface ScheduleListOptions {
  /** The `cursor` of the previous page. @default the first page */
  readonly after?: string | undefined;
  /** 1 to 1,000. @default 25 */
  readonly limit?: number | undefined;
}

/** A page of a tenant's schedules. */
export interface SchedulePage<T = unknown> {
  readonly data: readonly Schedule<T>[];
  /** Cursor of the next page; absent on the last one. */
  readonly cursor?: string | undefined;
}

/** A tenant's schedules. */
export interface Schedules<T> {
  /**
   * Declares a recurring job, and replaces the schedule of the same name.
   *
   * The same `when` again, as at each start of a service, changes payload and options and keeps the next due time, also an overdue one.
   * Another `when` counts from the server's current time. Times missed without a worker are made up for by one job. Two round trips.
   * @throws MarrowError `invalid_input`
   */
  schedule(name: string, when: When, payload: T, options?: Omit<PushOptions, Unscheduled>): Promise<void>;
  /** Deletes a schedule; jobs that it pushed stay. Returns whether it existed. */
  unschedule(name: string): Promise<boolean>;
  /** Lists all schedules by name: two round trips per 1,000. */
  schedules(): Promise<readonly Schedule<T>[]>;
  /** Lists a page of schedules by name. Two round trips. @throws MarrowError `invalid_input` */
  listSchedules(options?: ScheduleListOptions): Promise<SchedulePage<T>>;
}

/** Opens one tenant's schedules in a queue. */
export function createSchedules<T>(redis: ScopedRedis, queue: string, tenant: string): Schedules<T> {
  const full = (name: string) => `${tenant}/${encodeKeyPart("name", name)}`;
  const order = createFieldOrder(redis, {
    hash: `${queue}:schedules`,
    order: `${queue}:schedules:order`,
    membersOf: (name) => [name],
  });

  async function listSchedules({ after, limit = 25 }: ScheduleListOptions = {}): Promise<SchedulePage<T>> {
    const most = checkInteger("limit", limit, { min: 1, max: PAGE_MAX }, "invalid_input");
    const from = after === undefined ? `[${tenant}/` : `(${tenant}/${checkText("after", after, 512, "invalid_input")}`;
    // A zero comes next after a slash: behind all names of the tenant.
    const found = await order.page(from, `(${tenant}0`, most + 1);
    const names = found.slice(0, most);
    if (names.length === 0) return { data: [] };
    const [records, times] = allOf(
      await redis.pipeline(
        [
          ["HMGET", `${queue}:schedules`, ...names],
          ["ZMSCORE", `${queue}:due`, ...names],
        ],
        { reply: "bytes" },
      ),
    ) as unknown as readonly [readonly (Buffer | null)[], readonly (Buffer | number | null)[]];
    const data = names.flatMap((name, at) => {
      const record = records[at];
      // One that ended between the two trips is in no list.
      return record === null || record === undefined ? [] : [toSchedule<T>(tenant, name, record, times[at])];
    });
    return { data, ...(found.length > most && { cursor: names.at(-1)?.slice(tenant.length + 1) }) };
  }

  return {
    async schedule(name, when, payload, options = {}) {
      const checked = checkWhen(when);
      checkObject("options", options);
      for (const one of UNSCHEDULED)
        if ((options as PushOptions)[one] !== undefined)
          refuse(one, "left out: it is of no use to a schedule", (options as PushOptions)[one], "invalid_input");
      if (payload === undefined) refuse("payload", "a JSON value", payload, "invalid_input");
      encodeWritable("payload", payload, encodeRecord);
      const {
        id: _,
        idempotencyKey: __,
        delayMs: ___,
        dependsOn: ____,
        fingerprint: _____,
        replace: ______,
        ...pushed
      } = resolvePushOptions(options);
      const record = encodeRecord({ when: checked, payload, options: pushed } satisfies Stored);
      const [nowMs] = await readDue(redis, queue, 0, 0);
      const next = nextAfter(checked, nowMs);
      if (next === undefined) refuse("when", "a time in the future", when, "invalid_input");
      const values = { name: full(name), record, times: JSON.stringify(checked), next_ms: next };
      await runScript(redis, putSchedule, { queue }, values);
    },
    unschedule: async (name) =>
      (await runScript(redis, putSchedule, { queue }, { name: full(name), record: "", times: "", next_ms: 0 })) === 1,
    listSchedules,
    async schedules() {
      const all: Schedule<T>[] = [];
      let after: string | undefined;
      const round = boundRounds("the list of schedules");
      do {
        round();
        const { data, cursor } = await listSchedules({ after, limit: PAGE_MAX });
        all.push(...data);
        after = cursor;
      } while (after !== undefined);
      return all;
    },
  };
}

function toSchedule<T>(
  tenant: string,
  name: string,
  record: Buffer,
  dueMs: Buffer | number | null | undefined,
): Schedule<T> {
  const read = readRecord(record);
  const known = { name: decodeKeyPart(name.slice(tenant.length + 1)), nextAtMs: Number(String(dueMs ?? 0)) };
  if (read.unreadable !== undefined) return { ...known, unreadable: read.unreadable };
  const { when, payload } = read.value as Stored;
  return { ...known, when, payload: payload as T };
}

/**
 * Pushes all due jobs by the server's clock, each once over all workers: two round trips per 250 schedules. An unreadable schedule is
 * reported to `onError` and does not delay others.
 */
export async function fireSchedules(
  redis: Pick<ScopedRedis, "send">,
  queue: string,
  onError: (error: unknown) => void,
): Promise<void> {
  // Those that cannot be read stay due, and are passed over.
  let unread = 0;
  for (let page = 0; page < PAGES_MAX; page++) {
    const [nowMs, due] = await readDue(redis, queue, unread, PAGE);
    const nextOf = nextsAfter(nowMs);
    const operands = due.flatMap((one) => {
      try {
        return toOperands(one, nextOf);
      } catch (error) {
        onError(error);
        unread += 1;
        return [];
      }
    });
    const pushed = operands.length > 0 && (await runScript(redis, fireDue, { queue }, { due: operands }));
    // None: another worker is at them, or memory is full.
    if (due.length < PAGE || pushed === 0) return;
  }
}

/** Returns a function that does the same for a worker that calls it repeatedly: one run at a time, with errors reported. */
export function createFiring(
  redis: Pick<ScopedRedis, "send">,
  queue: string,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let firing: Promise<void> | undefined;
  return () =>
    (firing ??= fireSchedules(redis, queue, onError)
      .catch(onError)
      .finally(() => (firing = undefined)));
}

/** Next times after one moment: schedules of the same times are reckoned once. */
function nextsAfter(nowMs: number): (when: When) => number {
  const known = new Map<string, number>();
  return (when) => {
    const times = JSON.stringify(when);
    const next = known.get(times) ?? nextAfter(when, nowMs) ?? 0;
    known.set(times, next);
    return next;
  };
}

/** A schedule whose time has come. */
type Due = readonly [name: Buffer, dueMs: Buffer, record: Buffer];

/** The server's time, and schedules that are due by it. */
async function readDue(
  redis: Pick<ScopedRedis, "send">,
  queue: string,
  offset: number,
  limit: number,
): Promise<readonly [nowMs: number, due: readonly Due[]]> {
  const reply = await runScript(redis, dueSchedules, { queue }, { offset, limit }, { reply: "bytes" });
  const [nowMs, ...fields] = reply as readonly [number, ...Buffer[]];
  const due = Array.from({ length: fields.length / 3 }, (_, at) => fields.slice(3 * at, 3 * at + 3) as unknown as Due);
  return [nowMs, due];
}

function toOperands([name, dueMs, record]: Due, nextOf: (when: When) => number): readonly Argument[] {
  const { when, payload, options } = decodeRecord(record) as Stored;
  const [tenant = ""] = String(name).split("/");
  const words = toWords(newJobId(), { ...resolvePushOptions({}), ...options });
  return [name, dueMs, String(nextOf(when)), tenant, words, encodeRecord(payload)];
}

/** Returns the first due time after a moment; `undefined` without one. */
export function nextAfter(when: When, afterMs: number): number | undefined {
  if ("everyMs" in when) return (Math.floor(afterMs / when.everyMs) + 1) * when.everyMs;
  const next = new Cron(when.cron, { timezone: when.timeZone ?? "UTC", paused: true }).nextRun(new Date(afterMs));
  return next?.getTime();
}

function checkWhen(when: When): When {
  checkObject("when", when);
  const given = Object.keys(when);
  const known = "everyMs" in when ? ["everyMs"] : ["cron", "timeZone"];
  const other = given.find((name) => !known.includes(name));
  if (other !== undefined)
    refuse(`when.${other}`, `left out: ${known.join(" and ")} are supported`, undefined, "invalid_input");
  if ("everyMs" in when)
    return {
      everyMs: checkInteger("when.everyMs", when.everyMs, { min: 1_000, max: 366 * 86_400_000 }, "invalid_input"),
    };
  const cron = checkText("when.cron", when.cron, 256, "invalid_input");
  // The parser would take a date and a year's field, too: such a schedule ends without a word.
  if (!/^\s*(?:@\w+|\S+(?:\s+\S+){4,5})\s*$/.test(cron))
    refuse("when", "a cron expression of five fields, or six with seconds", cron, "invalid_input");
  const timeZone = checkText("when.timeZone", when.timeZone ?? "UTC", 64, "invalid_input");
  try {
    nextAfter({ cron, timeZone }, Date.now());
  } catch (cause) {
    throw new MarrowError("invalid_input", "when must be a cron expression in a known time zone", {
      cause,
      details: { path: "when" },
    });
  }
  return { cron, timeZone };
}
