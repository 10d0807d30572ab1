import { MarrowError } from "../errors.ts";
import { createWriter, type OutputWriter } from "../relay/index.ts";
import { runScript, type Argument, type Redis, type Reply } from "../redis/index.ts";
import { createSettler } from "./dependents.ts";
import {
  attempt,
  CANCELLED,
  INTERRUPTED,
  isFrail,
  newHeld,
  RELEASED,
  settleOutput,
  SHUTDOWN,
  stop,
  toFailedOutcome,
  type Ended,
  type Held,
  type Outcome,
} from "./hand.ts";
import { lostJob } from "./job.ts";
import { queueKeys } from "./keys.ts";
import { resolveWorkerOptions, type ResolvedWorkerOptions, type WorkerOptions } from "./options.ts";
import { createFiring } from "./schedule.ts";
import { extendLeases, turnJobs, writeParts } from "./scripts.gen.ts";
import { createWaiter, type Handed } from "./waiter.ts";
import type { Handler, Worker } from "./work.ts";

/**
 * Longest interval between a worker's heartbeats, which also find dead workers, in milliseconds: a dead worker is noticed this long after
 * its lease.
 */
const BEAT_MS = 1_500;
/** Interval of a worker's checks for work without a notification, in milliseconds. */
const LOOK_MS = 1_000;
const AWAY_MS = { first: 50, last: 2_000 } as const;

/** From how many jobs at the same time on they are asked for by halves. */
const HALVED_FROM = 8;
/** Most jobs that one script ends or leases: Lua passes no more in one call. */
const TURN_MAX = 1_000;

/**
 * While its jobs take less than 4 ms, a worker prefetches as many as it completes in 4 ms, at most 128. Those that cannot start within 50
 * ms are released unchanged, and so at once are those that a crash would end or has met already: a crash costs each job at most one of its
 * crashes.
 */
const AHEAD_MS = 4;
const AHEAD_MAX = 128;
const AHEAD_WAIT_MS = 50;
/** And for so long it then holds no more than it does. */
const PLAIN_MS = 1_000;
/** Longest duration that a job counts for in the mean, in milliseconds. */
const LONG_MS = 50;

/**
 * Processes a queue's jobs for all tenants. One script ends the jobs that finished in the same moment and leases the next ones. A dead
 * worker is noticed after `leaseMs` and the next heartbeat of another one, within 1.5 s.
 * @throws MarrowError `invalid_option`
 */
export function createWorker<T = unknown, R = unknown>(
  redis: Redis,
  options: WorkerOptions<T>,
  handler: Handler<T, R>,
): Worker {
  const resolved = resolveWorkerOptions(options);
  const keys = queueKeys(redis.app, resolved);
  const share = { ...resolved, concurrency: Math.ceil(resolved.concurrency / keys.length) };
  const workers = keys.map((queue) => workAt(redis, queue, share, handler));
  return {
    get running() {
      return workers.reduce((sum, { running }) => sum + running, 0);
    },
    get abandoned() {
      return workers.reduce((sum, worker) => sum + worker.abandoned, 0);
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}

/** Works at one partition. */
function workAt<T, R>(redis: Redis, queue: string, options: ResolvedWorkerOptions<T>, handler: Handler<T, R>): Worker {
  const { concurrency, tenantMax, leaseMs, drainMs, graceMs, onError } = options;
  const waiter = createWaiter(redis, queue, options, take);
  const held = new Map<string, Held>();
  const settleAll = createSettler(redis, queue);
  /** Those of them that are not begun. */
  const ahead: Held[] = [];
  const ended: Ended[] = [];
  /** Turns under way, and jobs that they ask for. */
  let turns = 0;
  let asked = 0;
  /** Mean duration of its last jobs. */
  let meanMs = LONG_MS;
  /** Until when it holds no more than it does; 0 once that is over. */
  let plainUntilMs = 0;
  /** The last turn got as much as it asked for. */
  let plenty = false;
  let scheduled = false;
  /** True if work was announced since the last turn began. */
  let awake = false;
  let awayMs: number = AWAY_MS.first;
  /** Handlers that run on though their jobs ended without them. */
  let abandoned = 0;
  let closing = false;
  let due: NodeJS.Timeout | undefined;
  let waited: NodeJS.Timeout | undefined;

  /** Most jobs that it may hold. */
  const reach = () =>
    tenantMax > 0 || meanMs > AHEAD_MS || isPlain()
      ? concurrency
      : concurrency + Math.min(AHEAD_MAX, Math.floor((concurrency * AHEAD_MS) / meanMs));
  function isPlain(): boolean {
    if (plainUntilMs > 0 && performance.now() >= plainUntilMs) plainUntilMs = 0;
    return plainUntilMs > 0;
  }
  // Handlers that run on though their jobs ended without them hold no place until there are as many as jobs at the same time.
  const room = () => (closing ? 0 : reach() - held.size - asked - Math.max(0, abandoned - concurrency));
  // While Redis is at one half of the jobs this process is at the other.
  const turnsMax = () => (reach() < HALVED_FROM ? 1 : 2);

  /** Reports finished jobs and requests more, together for all that finish in this moment. */
  function turnSoon(): void {
    if (scheduled || turns >= turnsMax()) return;
    scheduled = true;
    setImmediate(beginTurn);
  }

  function beginTurn(): void {
    scheduled = false;
    if (turns >= turnsMax()) return;
    const share = Math.min(TURN_MAX, Math.ceil(reach() / turnsMax()));
    const wanted = Math.max(0, Math.min(share, room()));
    turns += 1;
    asked += wanted;
    void turn(wanted, ended.splice(0, closing ? TURN_MAX : share)).then((more) => {
      turns -= 1;
      plenty = more;
      if (ended.length > 0 || ((more || awake) && room() > 0)) turnSoon();
    });
    if (ended.length > 0 || (plenty && room() > 0)) turnSoon();
  }

  /** One turn. Answers whether there may be more to do. */
  async function turn(wanted: number, told: readonly Ended[]): Promise<boolean> {
    awake = false;
    if (told.length === 0 && wanted === 0) return false;
    try {
      const words: Argument[] = [];
      for (const { one, outcome, body, reason, delayMs } of told)
        words.push(`${one.id} ${one.line.fence} ${outcome} ${delayMs} ${one.output?.count ?? 0} ${reason}`, body);
      const values = { lease_ms: leaseMs, wanted, cap: tenantMax, ended: words };
      const reply = await waiter
        .during((name) => runScript(redis, turnJobs, { queue }, { ...values, waiter: name }, { reply: "bytes" }))
        .finally(() => (asked -= wanted));
      awayMs = AWAY_MS.first;
      const [wrong, jobs, dueMs] = reply as readonly [readonly (number | Buffer)[], readonly Buffer[], number];
      for (let at = 0; at < wrong.length; at += 2) {
        const { one, ...how } = told[Number(wrong[at]) - 1] as Ended;
        if (String(wrong[at + 1]) === "lost") onError(lostJob(one.id));
        else void writeAgain(one, how);
      }
      for (let at = 0; at < jobs.length; at += 3) {
        const [id, line, payload] = jobs.slice(at, at + 3) as [Buffer, Buffer, Buffer];
        accept(String(id), String(line), payload);
      }
      clearTimeout(due);
      if (dueMs >= 0 && dueMs < LOOK_MS) due = setTimeout(wakeUp, dueMs + 1);
      return jobs.length === 3 * wanted;
    } catch (error) {
      onError(error);
      // Report the finished jobs again: those that Redis already recorded are no longer ours then.
      ended.unshift(...told);
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      awayMs = Math.min(AWAY_MS.last, awayMs * 2);
      return true;
    }
  }

  function openOutput(one: Held): OutputWriter {
    const { id } = one;
    const { fence } = one.line;
    return createWriter(
      (from, parts) => runScript(redis, writeParts, { queue }, { id, fence, from, parts }),
      (state) => hear(one, state),
      onError,
    );
  }

  /** Accepts a leased job, and starts it if there is a free place. */
  function accept(id: string, line: string, payload: Uint8Array | string): void {
    const one = newHeld(id, line, payload);
    // The worker lost this job and got it again: stop its former handler.
    const former = held.get(id);
    if (former !== undefined) hear(former, "lost");
    held.set(id, one);
    if (held.size - ahead.length <= concurrency) return begin(one);
    ahead.push(one);
    if (isFrail(one.line)) return release(one);
    waited ??= setTimeout(releaseAhead, AHEAD_WAIT_MS);
  }

  function begin(one: Held): void {
    const startMs = performance.now();
    void attempt(one, options, handler, parts)
      .catch((error: unknown) => {
        // An error that cannot even be read.
        onError(error);
        return toFailedOutcome(one, undefined);
      })
      .then((how) => {
        clearTimeout(one.grace);
        if (one.abandoned) {
          abandoned -= 1;
          return turnSoon();
        }
        meanMs += (Math.min(LONG_MS, performance.now() - startMs) - meanMs) / 8;
        return end(one, how);
      })
      .catch(onError);
  }

  const parts = { redis, queue, openOutput, halt };

  /** Signals a job's handler to stop. If it does not within `graceMs`, the job ends without it and its place is free. */
  function halt(one: Held, why: MarrowError): void {
    stop(one, why);
    one.grace ??= setTimeout(() => {
      if (one.abandoned) return;
      one.abandoned = true;
      abandoned += 1;
      onError(new MarrowError("timeout", `the handler of job ${one.id} ignored its signal for ${graceMs} ms`));
      end(one, toFailedOutcome(one, why)).catch(onError);
    }, graceMs);
  }

  /** Ends a job once its output is written, and starts the next held one. */
  async function end(one: Held, how: Outcome): Promise<void> {
    const told = one.output === undefined ? how : await settleOutput(one, how, onError);
    drop(one);
    if (!one.lost) ended.push({ ...told, one });
    const next = ahead.shift();
    if (next !== undefined) begin(next);
    turnSoon();
  }

  /** Holds a job no more; the same job may be here again, with a later fence. */
  function drop(one: Held): void {
    if (held.get(one.id) === one) held.delete(one.id);
  }

  /** Hands back what could not be begun in time. */
  function releaseAhead(): void {
    waited = undefined;
    const untilMs = closing ? Infinity : performance.now() - AHEAD_WAIT_MS;
    while (ahead[0] !== undefined && ahead[0].sinceMs <= untilMs) release(ahead[0]);
    if (ahead.length > 0) waited = setTimeout(releaseAhead, AHEAD_WAIT_MS);
  }

  /** Hands a job back that could not be begun. */
  function release(one: Held): void {
    meanMs = LONG_MS;
    plainUntilMs = performance.now() + PLAIN_MS;
    letGo(one);
  }

  /** Hands a job back that is not begun; one that was cancelled ends by it. */
  function letGo(one: Held): void {
    ahead.splice(ahead.indexOf(one), 1);
    drop(one);
    giveBack(one);
    turnSoon();
  }

  /** Ends a job anew whose output lost parts to a fail-over: it is held again meanwhile. */
  async function writeAgain(one: Held, how: Outcome): Promise<void> {
    held.set(one.id, one);
    one.output?.recheck();
    await end(one, how);
  }

  /** Handles Redis's report about a held job. */
  function hear(one: Held, state: string): void {
    if (state === "lost" && !one.lost) {
      one.lost = true;
      one.output?.stop();
      if (!ahead.includes(one)) return halt(one, lostJob(one.id));
      stop(one, lostJob(one.id));
    } else if (state === "cancelling") {
      if (!ahead.includes(one)) return halt(one, CANCELLED);
      stop(one, CANCELLED);
    } else return;
    letGo(one);
  }

  async function beat(): Promise<void> {
    const all = [...held.values()];
    try {
      const values = { lease_ms: leaseMs, held: all.flatMap(({ id, line }) => [id, line.fence]) };
      const states = (await runScript(redis, extendLeases, { queue }, values)) as readonly Reply[];
      all.forEach((one, at) => hear(one, String(states[at])));
      // Jobs of workers that are gone come back in pages, all of them now.
      if (states.length > all.length) await settleAll();
    } catch (error) {
      onError(error);
    }
  }

  /** Takes a job that was handed over as it was pushed. */
  function take({ id, line, payload }: Handed): void {
    // Request more jobs as well, which registers the worker as waiting.
    awake = true;
    if (room() > 0 && payload !== undefined && !held.has(id)) accept(id, line, payload);
    else giveBack(newHeld(id, line, ""));
    turnSoon();
  }

  /** Returns a job to the queue unchanged and ignores later reports about it. */
  function giveBack(one: Held): void {
    if (!one.lost) ended.push({ ...(one.work === undefined ? RELEASED : INTERRUPTED), one });
    one.lost = true;
  }

  function wakeUp(): void {
    awake = true;
    // Nothing ended in this moment, so there is nothing to wait for.
    if (!scheduled && room() > 0) beginTurn();
  }

  function onMessage(channel: string, message: string): void {
    if (channel.endsWith(":wake")) return wakeUp();
    if (channel.endsWith(waiter.channel)) return waiter.hear(message);
    const one = held.get(message);
    if (one !== undefined) hear(one, "cancelling");
  }

  const subscription = redis
    .subscribe([`${queue}:wake`, `${queue}:cancel`, waiter.channel], onMessage)
    .catch((error: unknown) => {
      onError(error);
      return undefined;
    });
  const heartbeat = setInterval(() => void beat(), Math.min(BEAT_MS, leaseMs / 3));
  const fire = createFiring(redis, queue, onError);
  const lookAround = () => void (wakeUp(), fire());
  const look = setInterval(lookAround, LOOK_MS);
  // Run once at the start: a service that restarts more often than the interval would otherwise push nothing.
  lookAround();
  void subscription.then((opened) => (opened && waiter.listen(), wakeUp()));

  return {
    get running() {
      return held.size - ahead.length;
    },
    get abandoned() {
      return abandoned;
    },
    async close() {
      closing = true;
      const left = waiter.leave();
      clearInterval(look);
      clearTimeout(due);
      clearTimeout(waited);
      releaseAhead();
      const idle = async (withinMs: number) => {
        const untilMs = performance.now() + withinMs;
        while ((held.size > 0 || ended.length > 0 || turns > 0 || scheduled) && performance.now() < untilMs)
          await new Promise((resolve) => setTimeout(resolve, 5));
      };
      await idle(drainMs);
      // Jobs that arrive until then are returned with the rest.
      await left;
      for (const one of held.values()) stop(one, SHUTDOWN);
      await idle(HAND_BACK_MS);
      // Jobs whose handlers ignore the signal are returned anyway.
      for (const one of held.values()) {
        giveBack(one);
        clearTimeout(one.grace);
        one.output?.stop();
      }
      held.clear();
      if (ended.length > 0) turnSoon();
      await idle(HAND_BACK_MS);
      clearInterval(heartbeat);
      await (await subscription)?.close();
    },
  };
}

/** Time that jobs have to react to the shutdown, in milliseconds. */
const HAND_BACK_MS = 500;
