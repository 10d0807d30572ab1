import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { StreamResponse, TaskState, type Task } from "@a2a-js/sdk";
import type {
  AgentExecutionEvent,
  EventListener,
  ExecutionEventBus,
  ExecutionEventName,
  FinishedListener,
} from "@a2a-js/sdk/server";
import { insist } from "../internal/insist.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { cannotServe, runScript, type ScopedRedis } from "../redis/index.ts";
import type { ResolvedA2AOptions } from "./options.ts";
import { appendEvent, holdTask } from "./scripts.gen.ts";
import { isTerminal } from "./tasks.ts";

/** The events of a task in one process: produced there, or followed from another process. */
export interface TaskBus extends ExecutionEventBus {
  /** Returns true if its events are made here. */
  isOwn(): boolean;
  /** Returns true if somebody saves its events. */
  isSaved(): boolean;
  /** Makes the next listener the saver of its events. Calls `onUnsaved` when the last such listener has left. */
  expectSaver(): void;
  /** Starts producing the events here. Returns whether no other process does. */
  own(): Promise<boolean>;
  /** Follows the events after this one; `undefined`: after the next read. */
  follow(): void;
  /** Reports the position of a task that was read; later events are followed. */
  position(last: number): void;
  /** Returns the number in Redis of this process's event at this count, once it is stored. */
  numberOf(count: number): Promise<number>;
  stop(): void;
}

const LOOK_MS = { first: 25, last: 200 } as const;
const PAGE = 256;
/** Longest wait of a follower for the position of a read task. */
const POSITION_MS = 250;

/** Callbacks of a bus. */
interface TaskBusHooks {
  readonly onOrphan: () => void;
  readonly onStop: () => void;
  /** Called for each event of its own. */
  readonly onMade: (event: AgentExecutionEvent) => void;
  /** Nobody saves its events any more. */
  readonly onUnsaved: () => void;
}

/** Makes the bus of a task in this process. */
export function createTaskBus(
  redis: ScopedRedis,
  task: string,
  { start, eventTtlMs, leaseMs, onError }: ResolvedA2AOptions,
  { onOrphan, onStop, onMade, onUnsaved }: TaskBusHooks,
): TaskBus {
  const holder = randomUUID();
  const events = new Set<EventListener>();
  const ends = new Set<FinishedListener>();
  const savers = new Set<EventListener>();
  let saverExpected = false;
  let finishing = false;
  const once = new Map<EventListener | FinishedListener, EventListener | FinishedListener>();
  const numbers: Promise<number>[] = [];
  const stopped = new AbortController();
  let writing: Promise<number> = Promise.resolve(0);
  let held: Promise<boolean> | undefined;
  let heart: NodeJS.Timeout | undefined;
  /** Whether all of its events are made; some may not be in Redis yet. */
  let over = false;
  let following = false;
  let positioned = Promise.withResolvers<number>();

  const act = (lease: number) => runScript(redis, holdTask, { start }, { task, holder, lease_ms: lease });

  function own(): Promise<boolean> {
    following = false;
    over = false;
    if (held !== undefined) return held;
    const asked = act(leaseMs).then(
      (got) => {
        if (held === asked && got === 1) heart ??= setInterval(() => void act(leaseMs).catch(onError), leaseMs / 3);
        else if (held === asked) held = undefined;
        return got === 1;
      },
      (error: unknown) => {
        // It is asked for again: what failed once must not fail for ever.
        if (held === asked) held = undefined;
        throw error;
      },
    );
    held = asked;
    return asked;
  }

  function emit(event: AgentExecutionEvent): void {
    for (const listener of events) listener(event);
  }

  function end(): void {
    for (const listener of ends) listener();
  }

  /**
   * @throws MarrowError `invalid_input` for a value that JSON cannot express; its executor gets the error, and the other events are kept
   */
  function toText({ kind, data }: AgentExecutionEvent): string {
    return encodeWritable("event", data, () =>
      JSON.stringify(StreamResponse.toJSON({ payload: { $case: kind, value: data } as never })),
    );
  }

  /**
   * Writes an event and returns its number. Retries while Redis is unavailable. An event that Redis will never accept is reported to
   * `onError` and skipped; its number is then that of the event `before` it.
   */
  async function append(text: string, before: number): Promise<number> {
    const put = async () => {
      // Writing the last events needs the lease, although no executor owns the task any more.
      await (over ? act(leaseMs) : own());
      return runScript(redis, appendEvent, { start }, { task, holder, event: text, life_ms: eventTtlMs });
    };
    try {
      return Number((await insist(put, () => stopped.signal.aborted, onError, cannotServe)) ?? 0);
    } catch (error) {
      onError(error);
      return before;
    }
  }

  /** Reads along what another process makes, until it ends or that process is gone. */
  async function readAlong(): Promise<void> {
    const late = sleep(POSITION_MS).then(() => undefined);
    let last = await Promise.race([positioned.promise, late]);
    let waitMs: number = LOOK_MS.first;
    let alone = 0;
    while (following && !stopped.signal.aborted) {
      const from = last === undefined ? "+" : `(${last}-1`;
      const commands = [
        ["GET", `${start}:holder:${task}`],
        last === undefined
          ? ["XREVRANGE", `${start}:events:${task}`, "+", "-", "COUNT", "1"]
          : ["XRANGE", `${start}:events:${task}`, from, "+", "COUNT", String(PAGE)],
      ];
      const [owner, found] = await redis.pipeline(commands);
      if (owner instanceof Error || found instanceof Error) onError(owner instanceof Error ? owner : found);
      else {
        const entries = found as readonly (readonly [string, readonly string[]])[];
        if (last === undefined) last = Number(entries[0]?.[0].split("-")[0] ?? 0);
        else {
          for (const [id, [, text = ""]] of entries) {
            last = Number(id.split("-")[0]);
            const { payload } = StreamResponse.fromJSON(JSON.parse(text));
            if (payload !== undefined) emit({ kind: payload.$case, data: payload.value } as AgentExecutionEvent);
            if (payload !== undefined && endsWith(payload)) return end();
          }
          if (entries.length > 0) waitMs = LOOK_MS.first;
        }
        alone = owner === null ? alone + 1 : 0;
        // Between two messages of a task nobody has it for a moment.
        if (alone === 3) onOrphan();
      }
      await sleep(waitMs);
      waitMs = Math.min(LOOK_MS.last, waitMs * 1.5);
    }
  }

  const bus: TaskBus = {
    isOwn: () => held !== undefined,
    isSaved: () => savers.size > 0,
    own,
    expectSaver: () => void (saverExpected = true),
    follow() {
      if (following || held !== undefined) return;
      following = true;
      void readAlong().catch(onError);
    },
    position(last) {
      positioned.resolve(last);
      if (!following) positioned = Promise.withResolvers();
    },
    numberOf: async (count) => (await numbers[Math.min(count, numbers.length) - 1]) ?? 0,
    publish(event) {
      const text = toText(event);
      writing = writing.then((before) => append(text, before));
      numbers.push(writing);
      onMade(event);
      emit(event);
    },
    finished() {
      // The saver has received everything, stops listening, and continues with unsaved events.
      finishing = true;
      end();
      finishing = false;
      if (held !== undefined) void writing.then(() => (over ? act(0) : 0)).catch(onError);
      over = true;
      clearInterval(heart);
      heart = undefined;
      held = undefined;
    },
    on(name: ExecutionEventName, listener: never) {
      (name === "event" ? events : (ends as Set<unknown>)).add(listener);
      if (name === "event" && saverExpected) {
        saverExpected = false;
        savers.add(listener);
      }
      return bus;
    },
    off(name: ExecutionEventName, listener: never) {
      const known = (once.get(listener) ?? listener) as never;
      once.delete(listener);
      (name === "event" ? events : (ends as Set<unknown>)).delete(known);
      if (name === "event" && !finishing && savers.delete(known) && savers.size === 0) onUnsaved();
      // A follower that nobody listens to has nothing to read along for.
      if (following && events.size === 0) bus.stop();
      return bus;
    },
    once(name: ExecutionEventName, listener: never) {
      const wrapped = (event: never) => {
        bus.off(name as "event", listener);
        (listener as (event: never) => void)(event);
      };
      once.set(listener, wrapped as never);
      return bus.on(name as "event", wrapped as never);
    },
    removeAllListeners(name) {
      if (name !== "finished") events.clear();
      if (name !== "event") ends.clear();
      return bus;
    },
    stop() {
      following = false;
      stopped.abort();
      clearInterval(heart);
      onStop();
    },
  };
  return bus;
}

function endsWith(payload: NonNullable<StreamResponse["payload"]>): boolean {
  if (payload.$case === "message") return true;
  if (payload.$case === "artifactUpdate") return false;
  const state = (payload.value as Pick<Task, "status">).status?.state;
  return isTerminal(state) || state === TaskState.TASK_STATE_INPUT_REQUIRED;
}
