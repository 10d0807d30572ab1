import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { createWriter, type OutputWriter } from "../relay/index.ts";
import {
  decodeKeyPart,
  decodeRecord,
  encodeRecord,
  encodeRecordBody,
  runScript,
  type Redis,
  type Reply,
} from "../redis/index.ts";
import { queueKeys } from "./keys.ts";
import { resolveWorkerOptions, type Admission, type ResolvedWorkerOptions, type WorkerOptions } from "./options.ts";
import { judge } from "./retry.ts";
import { fireSchedules } from "./schedule.ts";
import { extendLeases, turnJobs } from "./scripts.gen.ts";
import type { Handler, Worker } from "./work.ts";

/** How often a worker says that it lives and looks for who does not, at most, in milliseconds: a dead one is noticed this much after its lease. */
const BEAT_MS = 1_500;
/** How often a worker looks for work that nobody told it of, in milliseconds. */
const LOOK_MS = 1_000;
const AWAY_MS = { first: 50, last: 2_000 } as const;

interface Held {
  readonly id: string;
  readonly fence: string;
  /** Made when its signal is asked for, or it is to stop: most jobs need none. */
  controller: AbortController | undefined;
  readonly output: OutputWriter;
  lost: boolean;
}

/** How a job ended. */
interface Ended {
  readonly one: Held;
  readonly outcome: string;
  readonly body: Buffer | string;
  readonly reason: string;
  readonly delayMs: number;
}

/** From how many jobs at the same time on they are asked for by halves. */
const HALVED_FROM = 8;
/** Jobs that are told or asked for in one script: Lua hands over no more in one call. */
const TURN_MAX = 1_000;

/**
 * Works at a queue for all its tenants. What ends is told and what is next is asked in one script, for all that ended in the same moment.
 * A worker that dies is noticed after `leaseMs` and another one's next word, which comes within 1.5 s.
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
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}

/** Works at one partition. */
function workAt<T, R>(redis: Redis, queue: string, options: ResolvedWorkerOptions<T>, handler: Handler<T, R>): Worker {
  const { name, concurrency, tenantMax, leaseMs, timeoutMs, drainMs, admit, onError } = options;
  /** Its name among the workers. One that is bound by tenant asks itself, for only then the bound is looked at. */
  const worker = randomUUID().slice(0, 13);
  const waiter = tenantMax === 0 ? `${worker} ${leaseMs}` : "1";
  const held = new Map<string, Held>();
  const ended: Ended[] = [];
  /** Turns under way, and jobs that they ask for. */
  let turns = 0;
  let asked = 0;
  /** The last turn got as much as it asked for. */
  let plenty = false;
  let scheduled = false;
  /** Somebody said that there is work since the last turn began. */
  let awake = false;
  let awayMs: number = AWAY_MS.first;
  let closing = false;
  let due: NodeJS.Timeout | undefined;

  // While Redis is at one half of the jobs this process is at the other.
  const turnsMax = concurrency < HALVED_FROM ? 1 : 2;
  const share = Math.min(TURN_MAX, Math.ceil(concurrency / turnsMax));

  const room = () => (closing ? 0 : concurrency - held.size - asked);

  /** Tells what ended and asks for more, once all that is ready in this moment has come together. */
  function turnSoon(): void {
    if (scheduled || turns >= turnsMax) return;
    scheduled = true;
    setImmediate(begin);
  }

  function begin(): void {
    scheduled = false;
    if (turns >= turnsMax) return;
    const wanted = Math.min(share, room());
    turns += 1;
    asked += wanted;
    void turn(wanted).then((more) => {
      turns -= 1;
      plenty = more;
      if (ended.length > 0 || ((more || awake) && room() > 0)) turnSoon();
    });
    if (plenty && room() > 0) turnSoon();
  }

  /** One turn. Answers whether there may be more to do. */
  async function turn(wanted: number): Promise<boolean> {
    awake = false;
    const told = ended.splice(0, TURN_MAX);
    if (told.length === 0 && wanted === 0) return false;
    try {
      const words = told.flatMap(({ one, outcome, body, reason, delayMs }) => [
        one.id,
        one.fence,
        outcome,
        body,
        reason,
        delayMs,
        one.output.count,
      ]);
      const values = { lease_ms: leaseMs, wanted, cap: tenantMax, waiter, ended: words };
      const reply = await runScript(redis, turnJobs, { queue }, values, { reply: "bytes" });
      awayMs = AWAY_MS.first;
      asked -= wanted;
      const [states, jobs, dueMs] = reply as readonly [readonly Buffer[], readonly Buffer[], number];
      states.forEach((state, at) => {
        const { one, ...how } = told[at] as Ended;
        if (String(state) === "lost") onError(lost(one.id));
        if (String(state) === "gap") void writeAgain(one, how);
      });
      for (let at = 0; at < jobs.length; at += 8) start(jobs.slice(at, at + 8));
      clearTimeout(due);
      if (dueMs >= 0 && dueMs < LOOK_MS) due = setTimeout(wakeUp, dueMs + 1);
      return jobs.length === 8 * wanted;
    } catch (error) {
      onError(error);
      asked -= wanted;
      // What ended is told again: what was heard already is not ours any more then.
      ended.unshift(...told);
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      awayMs = Math.min(AWAY_MS.last, awayMs * 2);
      return true;
    }
  }

  /** What is kept of a job that is this worker's. */
  function hold(id: string, fence: string): Held {
    const one: Held = {
      id,
      fence,
      controller: undefined,
      output: createWriter(
        redis,
        { record: `${queue}:job:${id}`, log: `${queue}:log:${id}`, fence },
        (state) => hear(one, state),
        onError,
      ),
      lost: false,
    };
    return one;
  }

  function start(fields: readonly Buffer[]): void {
    const [id, fence, tenant, payload, ...numbers] = fields as [Buffer, Buffer, Buffer, Buffer, ...Buffer[]];
    const [left = 0, lives = 0, createdAtMs = 0, attempts = 0] = numbers.map((number) => Number(String(number)));
    const one = hold(String(id), String(fence));
    held.set(one.id, one);
    void (async () => {
      const late =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => stop(one, new MarrowError("timeout", `the job took over ${timeoutMs} ms`)), timeoutMs);
      let admission: Admission | undefined;
      let used: Readonly<Record<string, number>> = {};
      let word = "";
      try {
        const job = { scope: decodeKeyPart(String(tenant)), payload: decodeRecord(payload) as T };
        admission = await admit?.(job);
        if (admission?.allowed === false)
          throw new MarrowError("rate_limited", "a limit refused the job", {
            details: { retryAfterMs: admission.retryAfterMs },
          });
        const result = await handler({
          ...job,
          id: one.id,
          fence: Number(one.fence),
          idempotencyKey: `${name}:${one.id}`,
          attemptsLeft: left,
          crashesLeft: lives,
          createdAtMs,
          get signal() {
            return (one.controller ??= new AbortController()).signal;
          },
          get cancelled() {
            return one.controller?.signal.reason === CANCELLED;
          },
          write: one.output.write,
          use: (now) => void (used = now),
          conclude: (now) => void (word = checkWord(now)),
        });
        await end(one, "done", encodeRecord(result ?? null), word, 0);
      } catch (error) {
        const why: unknown = one.controller?.signal.reason;
        if (why === SHUTDOWN) return await end(one, "release", "", "", 0);
        const cause: unknown = MarrowError.is(why, "timeout") ? why : error;
        const { outcome, reason, delayMs } = judge(
          cause,
          { failures: attempts - left, ageMs: Date.now() - createdAtMs },
          Math.random(),
        );
        await end(one, outcome, "", reason, delayMs);
      } finally {
        clearTimeout(late);
        if (admission?.allowed === true) await admission.settle(used);
      }
    })().catch(onError);
  }

  async function end(
    one: Held,
    outcome: string,
    body: Buffer | string,
    reason: string,
    delayMs: number,
  ): Promise<void> {
    await one.output.settle();
    held.delete(one.id);
    if (!one.lost) ended.push({ one, outcome, body, reason, delayMs });
    turnSoon();
  }

  /** Ends a job anew whose output lost parts to a fail-over: it is held again meanwhile. */
  async function writeAgain(one: Held, { outcome, body, reason, delayMs }: Omit<Ended, "one">): Promise<void> {
    held.set(one.id, one);
    one.output.recheck();
    await end(one, outcome, body, reason, delayMs);
  }

  function stop(one: Held, why: MarrowError): void {
    one.controller ??= new AbortController();
    one.controller.abort(why);
  }

  /** What Redis says of a job that is held. */
  function hear(one: Held, state: string): void {
    if (state === "lost" && !one.lost) {
      one.lost = true;
      one.output.stop();
      stop(one, lost(one.id));
    } else if (state === "cancelling") stop(one, CANCELLED);
  }

  async function beat(): Promise<void> {
    const all = [...held.values()];
    try {
      const values = { lease_ms: leaseMs, held: all.flatMap(({ id, fence }) => [id, fence]) };
      const states = (await runScript(redis, extendLeases, { queue }, values)) as readonly Reply[];
      all.forEach((one, at) => hear(one, String(states[at])));
    } catch (error) {
      onError(error);
    }
  }

  /** Takes a job that was handed over as it was pushed. */
  async function take(message: string): Promise<void> {
    const words = message.split(" ", 7);
    const [id = "", fence = ""] = words;
    const text = message.slice(words.join(" ").length + 1);
    const [, , tenant, left, lives, made, of] = words.map((word) => Buffer.from(word));
    const payload =
      text === ""
        ? ((await redis.send(["GET", `${queue}:in:${id}`], { reply: "bytes" })) as Buffer | null)
        : encodeRecordBody(Buffer.from(text));
    // It is asked for more beside: it says then that it waits.
    awake = true;
    if (room() > 0 && payload !== null && !held.has(id))
      start([Buffer.from(id), Buffer.from(fence), tenant, payload, left, lives, made, of] as Buffer[]);
    else giveBack(hold(id, fence));
    turnSoon();
  }

  /** Hands a job back as it was; what is said of it later is not heard. */
  function giveBack(one: Held): void {
    one.lost = true;
    ended.push({ one, outcome: "release", body: "", reason: "", delayMs: 0 });
  }

  function wakeUp(): void {
    awake = true;
    // Nothing ended in this moment, so there is nothing to wait for.
    if (!scheduled && room() > 0) begin();
  }

  function onMessage(channel: string, message: string): void {
    if (channel.endsWith(":wake")) return wakeUp();
    if (channel.endsWith(worker)) return void take(message).catch(onError);
    const one = held.get(message);
    if (one !== undefined) hear(one, "cancelling");
  }

  const subscription = redis
    .subscribe([`${queue}:wake`, `${queue}:cancel`, `${queue}:hand:${worker}`], onMessage)
    .catch((error: unknown) => {
      onError(error);
      return undefined;
    });
  const heartbeat = setInterval(() => void beat(), Math.min(BEAT_MS, leaseMs / 3));
  const look = setInterval(() => {
    wakeUp();
    fireSchedules(redis, queue).catch(onError);
  }, LOOK_MS);
  void subscription.then(wakeUp);

  return {
    get running() {
      return held.size;
    },
    async close() {
      closing = true;
      clearInterval(look);
      clearTimeout(due);
      const idle = async (withinMs: number) => {
        const untilMs = performance.now() + withinMs;
        while ((held.size > 0 || ended.length > 0 || turns > 0 || scheduled) && performance.now() < untilMs)
          await new Promise((resolve) => setTimeout(resolve, 5));
      };
      await idle(drainMs);
      for (const one of held.values()) stop(one, SHUTDOWN);
      await idle(HAND_BACK_MS);
      // Who does not listen to the signal is handed back over its head.
      for (const one of held.values()) {
        giveBack(one);
        one.output.stop();
      }
      held.clear();
      if (ended.length > 0) turnSoon();
      await idle(HAND_BACK_MS);
      clearInterval(heartbeat);
      await (await subscription)?.close();
    },
  };
}

function checkWord(word: string): string {
  return /^[a-z_]{1,32}$/.test(word) ? word : refuse("word", "1 to 32 lower-case letters", word, "invalid_input");
}

/** How long jobs may take to hear that the worker shuts down, in milliseconds. */
const HAND_BACK_MS = 500;
const CANCELLED = new MarrowError("aborted", "the job was cancelled");
const SHUTDOWN = new MarrowError("aborted", "the worker shuts down");

function lost(id: string): MarrowError {
  return new MarrowError("conflict", `job ${id} is not this worker's any more`, { details: { id } });
}
