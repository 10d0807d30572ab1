import { Cron } from "croner";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import {
  decodeKeyPart,
  decodeRecord,
  encodeKeyPart,
  encodeRecord,
  runScript,
  toFields,
  type ScopedRedis,
} from "../redis/index.ts";
import { newJobId } from "./job.ts";
import { resolvePushOptions, type PushOptions, type ResolvedPushOptions } from "./options.ts";
import { toWords } from "./pushing.ts";
import { dueSchedules, fireSchedule, putSchedule } from "./scripts.gen.ts";

/** When a schedule pushes its job. */
export type When =
  | {
      /** Five fields, or six with seconds first: `0 8 * * MON-FRI`. */
      readonly cron: string;
      /** An IANA name. @default "UTC" */
      readonly timeZone?: string | undefined;
    }
  /** Every so many milliseconds, 1,000 to 366 days, reckoned from 1970: not drifting. */
  | { readonly everyMs: number };

/** A schedule as its queue tells of it. */
export interface Schedule<T = unknown> {
  readonly name: string;
  readonly when: When;
  readonly payload: T;
  readonly nextAtMs: number;
}

interface Stored {
  readonly when: When;
  readonly payload: unknown;
  readonly options: Omit<ResolvedPushOptions, Unscheduled>;
}

/** What jobs of a schedule cannot have: it is of one job alone. */
type Unscheduled = "id" | "idempotencyKey" | "fingerprint" | "delayMs" | "dependsOn";

/** Schedules that are looked at in one go. */
const LOOK = 20;

/** A tenant's schedules. */
export interface Schedules<T> {
  /** Pushes a job again and again, in the place of what had this name. Times that nobody worked at are made up for by one job. */
  schedule(name: string, when: When, payload: T, options?: Omit<PushOptions, Unscheduled>): Promise<void>;
  /** Ends a schedule; jobs that it pushed stay. Tells whether there was one. */
  unschedule(name: string): Promise<boolean>;
  schedules(): Promise<readonly Schedule<T>[]>;
}

/** Makes one tenant's schedules in a queue. */
export function createSchedules<T>(redis: ScopedRedis, queue: string, tenant: string): Schedules<T> {
  const full = (name: string) => `${tenant}/${encodeKeyPart("name", name)}`;
  return {
    async schedule(name, when, payload, options = {}) {
      const checked = checkWhen(when);
      if (payload === undefined) refuse("payload", "a JSON value", payload, "invalid_input");
      const {
        id: _,
        idempotencyKey: __,
        delayMs: ___,
        dependsOn: ____,
        fingerprint: _____,
        ...pushed
      } = resolvePushOptions(options);
      const next = nextAfter(checked, Date.now());
      if (next === undefined) refuse("when", "a time that will come", when, "invalid_input");
      const record = encodeRecord({ when: checked, payload, options: pushed } satisfies Stored);
      await runScript(redis, putSchedule, { queue }, { name: full(name), record, next_ms: next });
    },
    unschedule: async (name) =>
      (await runScript(redis, putSchedule, { queue }, { name: full(name), record: "", next_ms: 0 })) === 1,
    async schedules() {
      const fields = (await redis.send(["HGETALL", `${queue}:schedules`], { reply: "bytes" })) as readonly Buffer[];
      const own = [...toFields(fields)].filter(([name]) => name.startsWith(`${tenant}/`));
      if (own.length === 0) return [];
      const names = own.map(([name]) => name);
      const times = (await redis.send(["ZMSCORE", `${queue}:due`, ...names])) as readonly (string | null)[];
      return own.map(([name, record], at) => {
        const { when, payload } = decodeRecord(record) as Stored;
        const nextAtMs = Number(times[at]);
        return { name: decodeKeyPart(name.slice(tenant.length + 1)), when, payload: payload as T, nextAtMs };
      });
    },
  };
}

/** Pushes what is due, each once over all workers. */
export async function fireSchedules(redis: Pick<ScopedRedis, "send">, queue: string): Promise<void> {
  const reply = await runScript(redis, dueSchedules, { queue }, { limit: LOOK }, { reply: "bytes" });
  const [now, ...due] = reply as readonly [number, ...Buffer[]];
  for (let at = 0; at < due.length; at += 3) {
    const [name, dueMs, record] = due.slice(at, at + 3) as [Buffer, Buffer, Buffer];
    const { when, payload, options } = decodeRecord(record) as Stored;
    const [tenant = ""] = String(name).split("/");
    const words = toWords(newJobId(), { ...resolvePushOptions({}), ...options });
    const next = nextAfter(when, now) ?? 0;
    const values = { name, due_ms: String(dueMs), next_ms: next, tenant, words, payload: encodeRecord(payload) };
    await runScript(redis, fireSchedule, { queue }, values);
  }
}

/** The first time after a moment; `undefined` when there is none. */
export function nextAfter(when: When, afterMs: number): number | undefined {
  if ("everyMs" in when) return (Math.floor(afterMs / when.everyMs) + 1) * when.everyMs;
  const next = new Cron(when.cron, { timezone: when.timeZone ?? "UTC", paused: true }).nextRun(new Date(afterMs));
  return next?.getTime();
}

function checkWhen(when: When): When {
  if ("everyMs" in when)
    return {
      everyMs: checkInteger("when.everyMs", when.everyMs, { min: 1_000, max: 366 * 86_400_000 }, "invalid_input"),
    };
  const cron = checkText("when.cron", when.cron, 256, "invalid_input");
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
