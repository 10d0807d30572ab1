import { randomBytes } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { checkScope, runScript, type Reply, type ScopedRedis } from "../redis/index.ts";
import { toAsked, toUnits, type Asked } from "./asked.ts";
import { combineLimiters } from "./combine.ts";
import { periodOf } from "./calendar.ts";
import type { Limiter, Subjects } from "./contract.ts";
import { roomOf } from "./counting.ts";
import { toState, type Costs, type Decision, type Permit, type RuleState } from "./decision.ts";
import { createExceptions } from "./exceptions.ts";
import { limiterKeys } from "./keys.ts";
import { createLeases, type Held } from "./leases.ts";
import { createLocal } from "./local.ts";
import { mending } from "./mending.ts";
import {
  APP_SUBJECT,
  resolveOptions,
  type LimiterOptions,
  type ResolvedLimiterOptions,
  type ResolvedRule,
} from "./options.ts";
import { toPermit } from "./permit.ts";
import { createPresence } from "./presence.ts";
import { resetUnits, takeUnits } from "./scripts.gen.ts";
import { createSettlements, toOnce, type Once } from "./settlements.ts";
import { readToken, toToken } from "./token.ts";
import { createWaiters } from "./waiters.ts";
import { createWire, FLAGS } from "./wire.ts";

/**
 * Makes a limiter for one scope. Its rules may cover any number of levels and units; each take is charged to all of them or to none.
 *
 * The counts of one subject are one string of 9 bytes plus 28 for each rule. A sliding log and slots use an additional sorted set.
 * @throws MarrowError `invalid_option`
 */
export function createLimiter(redis: ScopedRedis, options: LimiterOptions): Limiter {
  const scoped = checkScope(redis);
  const resolved = resolveOptions(options);
  const levels = new Set(resolved.rules.map(({ by }) => by));
  if (resolved.slots === "scope" || levels.size === 1) return createOneSlot(scoped, resolved);
  const ofLevel = (level: string) => resolved.rules.filter(({ by }) => by === level);
  return combineLimiters([...levels].map((level) => createOneSlot(scoped, { ...resolved, rules: ofLevel(level) })));
}

/** Retry delay while Redis is unavailable. */
const RETRY_WHEN_AWAY_MS = 1_000;
/** Polling interval of a take that waits for a slot. */
const POLL_MS = { first: 20, last: 100 } as const;
const WAIT_MS_MAX = 3_600_000;
/**
 * Attempts of one take. It is repeated if the server's clock is in another calendar period than ours, or if a subject turns out to have
 * exceptions.
 */
const TRIES = 20;
/** Excepted records that are remembered. */
const EXCEPTED_MAX = 10_000;

/** One take, with nothing left open. */
interface Wanted {
  readonly keys: readonly string[];
  /** The value of each subject, in the order of the rules. */
  readonly subjects: readonly string[];
  readonly asked: Asked;
  readonly id: string;
  readonly reserve: boolean;
  readonly renew: boolean;
  readonly once?: Once | undefined;
}

interface Told {
  readonly nowMs: number;
  readonly refused: number;
  readonly waitMs: number | undefined;
  readonly rules: readonly RuleState[];
}

function createOneSlot(scoped: ScopedRedis, options: ResolvedLimiterOptions): Limiter {
  const { name, onUnavailable, timeoutMs, leaseMs, holdMaxMs } = options;
  const names = limiterKeys(scoped, name, options.slots);
  const wire = createWire(options.rules, names, leaseMs);
  const { rules, tags, subjectOf } = wire;
  /** Identifies the rules' counts, for permits that another process settles. */
  const kind = tags.reduce((sum, tag) => (sum * 31 + tag) % 2 ** 32, tags.length);
  const inOrder = options.rules.map((rule) => rules.indexOf(rule));
  const settlements = createSettlements(scoped, wire.layout, timeoutMs);
  const leases = createLeases(scoped, leaseMs, timeoutMs);
  const local = createLocal(wire, options.localShare);
  const presence = createPresence();
  const waiters = createWaiters();
  const here = randomBytes(6).toString("base64url");
  /** Records that were found marked: with them the key of exceptions is sent along. */
  const excepted = new Set<string>();
  let made = 0;
  /** Difference of the server's clock to ours. */
  let aheadMs = 0;
  const nowMs = () => Date.now() + aheadMs;
  const taking = { timeoutMs, reply: "bytes", accepts: isTaken } as const;
  const costsOf = (asked: Asked) => rules.map(({ unit }) => asked[unit]);
  const noCosts = rules.map(() => 0);
  const specNow = () => wire.spec(noCosts, 0, nowMs());

  async function ask(
    keys: readonly string[],
    costs: readonly number[],
    flags: number,
    id: string,
    held: readonly string[],
  ): Promise<Told> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const marked = excepted.size > 0 && wire.subjects.some((_, s) => excepted.has(keys[s] as string));
      const taken = held.length > 0 || wire.named ? [id, ...held] : [];
      const values = { spec: wire.spec(costs, marked ? flags + FLAGS.exceptions : flags, nowMs()), taken };
      const sent = marked ? keys : keys.slice(0, -1);
      const reply = await mending(scoped, wire.layout, keys, () =>
        runScript(scoped, takeUnits, { keys: sent }, values, taking),
      );
      const [now, refused, waitMs, ...numbers] = readReply(reply);
      aheadMs = (now as number) - Date.now();
      if (refused === -1) continue;
      if (refused === -3) {
        if (excepted.size >= EXCEPTED_MAX) excepted.clear();
        excepted.add(keys[(waitMs as number) - 1] as string);
        continue;
      }
      const charged = refused === 0 && (flags & FLAGS.look) === 0;
      const rooms = numbers.slice(rules.length);
      const used = rules.map((_, i) => (numbers[i] ?? 0) + (charged ? (costs[i] as number) : 0));
      return {
        nowMs: now as number,
        refused: refused as number,
        waitMs: (waitMs as number) < 0 ? undefined : waitMs,
        rules: refused === -2 ? [] : statesOf(used, rooms, now as number),
      };
    }
    throw new MarrowError("internal", "the limiter and the server disagree about the calendar or the exceptions");
  }

  function statesOf(used: readonly number[], rooms: readonly number[], now: number): RuleState[] {
    return inOrder.map((i) => {
      const rule = rules[i] as ResolvedRule;
      const room = rooms[i] ?? roomOf(rule);
      return toState(rule, { used: used[i] as number, room }, now, periodOf(rule, now)?.untilMs);
    });
  }

  /** Names who refuses. */
  function refusedBy(refused: number): string {
    return refused === -2 ? "blocked" : (rules[refused - 1]?.id ?? "unknown");
  }

  /** Units that a lease holds, for each subject; "" for none. */
  function heldOf(id: string, costs: readonly number[], isHeld: readonly boolean[]): string[] {
    return wire.subjects.map((_, s) => {
      if (!isHeld.some((one, i) => one && subjectOf[i] === s)) return "";
      const units = rules.flatMap((__, i) =>
        isHeld[i] === true && subjectOf[i] === s && (costs[i] as number) > 0 ? [`${tags[i]}=${costs[i]}`] : [],
      );
      return `${id};${units.join(",")}`;
    });
  }

  /** Selects the rules whose costs a lease holds: slots, and for a reservation tokens and cost. */
  function whichAreHeld(costs: readonly number[], reserve: boolean): boolean[] {
    return rules.map(({ unit }, i) =>
      unit === "concurrency" ? (costs[i] as number) > 0 : reserve && unit !== "requests",
    );
  }

  async function decide({ keys, subjects, asked, id, reserve, renew }: Wanted, waits: boolean): Promise<Decision> {
    const costs = costsOf(asked);
    const isHeld = whichAreHeld(costs, reserve);
    const held = isHeld.includes(true) ? heldOf(id, costs, isHeld) : [];
    if (!presence.ask()) return withoutRedis(keys, asked);
    let told: Told;
    try {
      told = await ask(keys, costs, waits ? FLAGS.wait : 0, id, held);
    } catch (error) {
      if (!presence.failed(error) && !MarrowError.is(error, "corrupt_record")) throw error;
      return withoutRedis(keys, asked);
    }
    if (presence.answered()) reconcile();
    if (told.refused !== 0) {
      const refusal = { allowed: false, degraded: false, rules: told.rules } as const;
      return { ...refusal, refusedBy: refusedBy(told.refused), retryAfterMs: told.waitMs };
    }
    return permit({ keys, subjects, asked, id, reserve, renew, takenAtMs: told.nowMs, rules: told.rules });
  }

  function permit(taken: Wanted & { readonly takenAtMs: number; readonly rules: readonly RuleState[] }): Permit {
    const { keys, id, takenAtMs, once } = taken;
    const costs = costsOf(taken.asked);
    const isHeld = whichAreHeld(costs, taken.reserve);
    const memberOf = (text: string) => (text === "" ? "" : `${takenAtMs}:${text}`);
    let current = taken.asked;
    let members = isHeld.includes(true) ? heldOf(id, costs, isHeld).map(memberOf) : [];
    let over = false;
    const partsOf = (list: readonly string[]): Held["parts"] =>
      list.flatMap((member, s) => {
        return member === "" ? [] : [{ record: keys[s] as string, leases: wire.leasesOf(keys, s), member }];
      });
    const held: Held | undefined = isHeld.includes(true)
      ? { parts: partsOf(members), untilMs: performance.now() + holdMaxMs, lost: false }
      : undefined;
    if (held !== undefined && taken.renew) leases.add(held);

    async function put(real: Asked, ends: boolean): Promise<boolean> {
      if (over) return false;
      over = ends;
      if (ends && held !== undefined) leases.remove(held);
      const changes = rules.map(({ unit }, i) => ({ old: current[unit], new: real[unit], leased: isHeld[i] === true }));
      const fewer = real.concurrency < current.concurrency;
      const before = members;
      members = ends || held === undefined ? members.map(() => "") : heldOf(id, costsOf(real), isHeld).map(memberOf);
      current = real;
      const same = held === undefined && changes.every((one) => one.old === one.new);
      if (same && !(ends && once !== undefined)) return true;
      const after = members;
      const pairs = wire.subjects.map((_, s) => [before[s] ?? "", after[s] ?? ""] as const);
      const settlement = { settled: wire.settled(takenAtMs, changes), id, members: pairs };
      const kept = await settlements(keys, specNow, ends ? { ...settlement, once } : settlement);
      if (held !== undefined && !ends && !held.lost) held.parts = partsOf(after);
      if (held !== undefined && (ends || fewer)) waiters.wake(wire.linesOf(keys).map(({ line }) => line));
      return kept;
    }

    const { rules: states, subjects, reserve: reserved } = taken;
    const settle: Permit["settle"] = async (actual = {}) =>
      put({ ...toAsked({ ...toUnits(current), ...actual }), concurrency: 0 }, true);
    const adjust: Permit["adjust"] = async (soFar) => {
      const next = toAsked({ ...toUnits(current), ...soFar });
      return put({ ...next, concurrency: Math.min(current.concurrency, next.concurrency) }, false);
    };
    return toPermit({ degraded: false, rules: states, settle, adjust }, () =>
      toToken({ rules: kind, takenAtMs, id, reserved, asked: current, subjects }),
    );
  }

  function withoutRedis(keys: readonly string[], asked: Asked): Decision {
    const refusal = { allowed: false, degraded: true, rules: [], refusedBy: "unavailable" } as const;
    const open = { allowed: true, degraded: true, token: undefined } as const;
    if (onUnavailable === "refuse") return { ...refusal, retryAfterMs: RETRY_WHEN_AWAY_MS };
    if (onUnavailable === "allow") return { ...open, rules: [], settle: async () => true, adjust: async () => true };
    const now = nowMs();
    const { refused, waitMs, used, rooms } = local.take(keys, costsOf(asked), now);
    const states = statesOf(used, rooms, now);
    if (refused !== -1) {
      const retryAfterMs = waitMs === Infinity ? undefined : waitMs;
      return { ...refusal, rules: states, refusedBy: refusedBy(refused + 1), retryAfterMs };
    }
    let current: Asked | undefined = asked;
    const put = async (real: Asked, ends: boolean) => {
      if (current === undefined) return false;
      const [before, after] = [costsOf(current), costsOf(real)];
      current = ends ? undefined : real;
      local.correct(
        keys,
        after.map((cost, i) => cost - (before[i] as number)),
        nowMs(),
      );
      return true;
    };
    const changed = (actual: Costs) => toAsked({ ...toUnits(current ?? asked), ...actual });
    return {
      ...open,
      rules: states,
      settle: async (actual = {}) => put({ ...changed(actual), concurrency: 0 }, true),
      async adjust(soFar) {
        const next = changed(soFar);
        return put({ ...next, concurrency: Math.min((current ?? asked).concurrency, next.concurrency) }, false);
      },
    };
  }

  /** Charges in Redis the units that were admitted while it was unavailable. */
  function reconcile(): void {
    for (const { keys, units, atMs } of local.drain()) {
      book(keys, units, atMs).catch(() => {
        // Unavailable again: units that it never counted are dropped with their windows.
      });
    }
  }

  async function leaveLine(keys: readonly string[], asked: Asked, id: string): Promise<void> {
    const member = `${asked.concurrency}:${id}`;
    const commands = wire.linesOf(keys).flatMap(({ line, leases: zset }) => [
      ["ZREM", line, member],
      ["ZREM", zset, `w;${member}`],
    ]);
    // A place that is not given up ends by itself.
    if (commands.length > 0) await scoped.pipeline(commands, { timeoutMs }).catch(() => {});
  }

  async function correct(subjects: Subjects, costs: Costs, sign: 1 | -1): Promise<void> {
    const units = costsOf(toAsked({ requests: 0, ...costs, concurrency: 0 }));
    const keys = wire.keys(checkSubjects(subjects));
    await book(
      keys,
      units.map((one) => sign * one),
      0,
    );
  }

  /** Charges units without a permit (negative units are returned), at a given time; 0 is now. */
  async function book(keys: readonly string[], units: readonly number[], atMs: number): Promise<void> {
    const changes = units.map((one) => ({ old: 0, new: one, leased: false }));
    const members = wire.subjects.map(() => ["", ""] as const);
    await settlements(keys, specNow, { settled: wire.settled(atMs, changes), id: nextId(), members });
  }

  function nextId(): string {
    made += 1;
    return here + made.toString(36);
  }

  return {
    ...createExceptions(scoped, wire, names, options.slots),

    async take(subjects, costs = {}, { reserve = false, renew = true, wait, signal } = {}) {
      const of = checkSubjects(subjects);
      const keys = wire.keys(of);
      const asked = toAsked(costs);
      const id = nextId();
      const wanted = { keys, subjects: wire.subjects.map(of), asked, id, reserve, renew };
      if (wait === undefined) return decide(wanted, false);
      const maxMs = checkInteger("wait.maxMs", wait.maxMs, { min: 0, max: WAIT_MS_MAX }, "invalid_input");
      const deadlineMs = performance.now() + maxMs;
      const waiter = waiters.join(wire.linesOf(keys).map(({ line }) => line));
      try {
        for (let pollMs: number = POLL_MS.first; ; pollMs = Math.min(POLL_MS.last, pollMs * 1.5)) {
          const decision = await decide(wanted, maxMs > 0);
          if (decision.allowed) return decision;
          const leftMs = deadlineMs - performance.now();
          const forSlot = rules.some((rule) => rule.id === decision.refusedBy && rule.unit === "concurrency");
          const { retryAfterMs = Infinity } = decision;
          const pauseMs = forSlot && retryAfterMs !== Infinity ? Math.min(pollMs, leftMs) : retryAfterMs;
          if (decision.degraded || leftMs <= 0 || pauseMs > leftMs) {
            if (maxMs > 0 && !decision.degraded) await leaveLine(keys, asked, id);
            return decision;
          }
          await waiter.pause(pauseMs, signal).catch(async (aborted: unknown) => {
            await leaveLine(keys, asked, id);
            throw aborted;
          });
        }
      } finally {
        waiter.leave();
      }
    },

    async peek(subjects, costs = {}) {
      const keys = wire.keys(checkSubjects(subjects));
      const { refused, waitMs, rules: states } = await ask(keys, costsOf(toAsked(costs)), FLAGS.look, nextId(), []);
      const common = { degraded: false, rules: states };
      if (refused === 0) return { ...common, allowed: true };
      return { ...common, allowed: false, refusedBy: refusedBy(refused), retryAfterMs: waitMs };
    },

    resume(token, resumed) {
      const { takenAtMs, id, reserved: reserve, asked, subjects } = readToken(token, kind, wire.subjects.length);
      const keys = wire.keys((by) => subjects[wire.subjects.indexOf(by)] as string);
      const once = toOnce(resumed, names.settled(id, wire.subjects[0] as string, subjects[0] as string));
      return permit({ keys, subjects, asked, id, reserve, renew: false, once, takenAtMs, rules: [] });
    },

    charge: (subjects, costs) => correct(subjects, costs, 1),
    refund: (subjects, costs) => correct(subjects, costs, -1),

    async reset(subjects, ids) {
      for (const id of ids ?? [])
        if (!rules.some((rule) => rule.id === id)) refuse("rules", "ids of rules", id, "invalid_input");
      const keys = wire.keys(checkSubjects(subjects));
      const marks = rules.map(({ id }) => (ids === undefined || ids.includes(id) ? 1 : 0));
      const spec = wire.spec(marks, 0, nowMs());
      await mending(scoped, wire.layout, keys, () => runScript(scoped, resetUnits, { keys }, { spec }));
    },
  };
}

/** Whether a reply is one of the script `take_units`: doubles, the first of them a time between 2001 and 2286. */
function isTaken(reply: Reply): boolean {
  if (!Buffer.isBuffer(reply) || reply.length < 24 || reply.length % 8 !== 0) return false;
  const now = reply.readDoubleLE(0);
  return now > 1e12 && now < 1e13;
}

/** The doubles of a reply. */
function readReply(reply: Reply): readonly number[] {
  if (!Buffer.isBuffer(reply)) return [];
  return Array.from({ length: reply.length / 8 }, (_, at) => reply.readDoubleLE(8 * at));
}

/** Returns the value of each `by`. Wrong values are refused when they become part of a key. */
function checkSubjects(subjects: Subjects): (by: string) => string {
  if (typeof subjects !== "object" || subjects === null) refuse("subjects", "an object", subjects, "invalid_input");
  return (by) => (by === APP_SUBJECT ? APP_SUBJECT : (subjects[by] as string));
}
