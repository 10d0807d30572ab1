import { channel as plainChannel, tracingChannel, type TracingChannel } from "node:diagnostics_channel";

/** Headers that go out with what a signal tells of: a subscriber may add to them in its `start`, such as `traceparent`. */
export type Carrier = Record<string, string>;

/** A request over HTTP, from its head to the last byte of its answer. */
export interface GatewayRequestSignal {
  readonly method: string;
  /** The route's pattern, never the path: `/v1/tasks/:id`. */
  route: string;
  readonly requestId: string;
  /** The caller's `traceparent`, unread. */
  readonly traceparent: string | undefined;
  scope?: string | undefined;
  /** The id of the API key. */
  key?: string | undefined;
  status?: number | undefined;
}

/** The answer of a request as a stream of events, from its opening to its end. */
export interface GatewayStreamSignal {
  /** From the request to its first event, in milliseconds; known at the end. */
  firstMs: number | undefined;
}

/** A tool that this process runs, or whose kept result it gives. */
export interface ToolSignal {
  readonly tool: string;
}

/** A request of the flow, until there is an answer: of a stream its beginning. Holds what was asked; `result` holds what was answered. */
export interface FlowRequestSignal {
  readonly model: string;
  readonly user: string;
  readonly stream: boolean;
  /** The session's or conversation's id. */
  readonly conversation: string | undefined;
  /** What was asked: content. */
  readonly request: unknown;
}

/** A stage of a request. */
export interface FlowStageSignal {
  /** Of `find` the tier. */
  readonly tier?: "exact" | "similar" | undefined;
  /** Of `finish` the tokens that the answer used. */
  usage?: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
}

/** One HTTP call of a model's endpoint, until the head of its answer. */
export interface UpstreamAttemptSignal {
  /** The endpoint's name in the configuration. */
  readonly upstream: string | undefined;
  readonly host: string;
  readonly model: string;
  readonly path: string;
  readonly headers: Carrier;
  status?: number | undefined;
}

/** One command of Redis, retries included: its name alone. */
export interface RedisCommandSignal {
  readonly command: string;
  /** Of a script its name, such as `find_entry`, once it ran by {@link TracingChannel}'s process. */
  readonly script: string | undefined;
}

/** A job that is pushed. */
export interface QueuePushSignal {
  readonly queue: string;
  readonly scope: string;
}

/** One attempt at a job. */
export interface QueueJobSignal {
  readonly queue: string;
  readonly scope: string;
  readonly id: string;
  readonly attemptsLeft: number;
  /** Since it was pushed, in milliseconds. */
  readonly waitedMs: number;
  /** What its trace is carried on by, as `marrow:context:carry` was told when it was pushed. */
  readonly carrier: Carrier;
}

/** A webhook that is sent once. */
export interface QueueWebhookSignal {
  readonly id: string;
  readonly event: string;
  readonly job: string;
  readonly attempt: number;
  readonly headers: Carrier;
  /** That of its job. */
  readonly carrier: Carrier;
}

/** A message of the bus that is handled: one of an agent's inbox, or of a topic. */
export interface BusMessageSignal {
  readonly kind: "mail" | "topic";
  readonly id: string;
  /** The agent, or the group of readers. */
  readonly to: string;
  readonly redelivered: boolean;
  /** Since it was sent, in milliseconds, by the clocks of Redis and of this process. */
  readonly waitedMs: number;
  /** What carries on the trace in which it was sent or published; empty where nobody knows. */
  readonly carrier: Carrier;
}

/** All that can be listened to: what the signals of each tracing channel `marrow:<role>:<act>` hold. */
export interface Signals {
  "gateway:request": GatewayRequestSignal;
  "gateway:stream": GatewayStreamSignal;
  "gateway:tool": ToolSignal;
  "flow:request": FlowRequestSignal;
  "flow:admit": FlowStageSignal;
  "flow:remember": FlowStageSignal;
  "flow:find": FlowStageSignal;
  "flow:ask": FlowStageSignal;
  "flow:finish": FlowStageSignal;
  "models:attempt": UpstreamAttemptSignal;
  "redis:command": RedisCommandSignal;
  "queue:push": QueuePushSignal;
  "queue:job": QueueJobSignal;
  "queue:webhook": QueueWebhookSignal;
  "bus:message": BusMessageSignal;
  "cache:tool": ToolSignal;
}

/** What is told of, by role and act. */
export type Act = keyof Signals;

const ALL: Readonly<Record<Act, true>> = {
  "gateway:request": true,
  "gateway:stream": true,
  "gateway:tool": true,
  "flow:request": true,
  "flow:admit": true,
  "flow:remember": true,
  "flow:find": true,
  "flow:ask": true,
  "flow:finish": true,
  "models:attempt": true,
  "redis:command": true,
  "queue:push": true,
  "queue:job": true,
  "queue:webhook": true,
  "bus:message": true,
  "cache:tool": true,
};

/** The names of all acts. */
export const ACTS: readonly Act[] = Object.keys(ALL) as Act[];

const CHANNELS = Object.fromEntries(ACTS.map((act) => [act, tracingChannel(`marrow:${act}`)])) as unknown as {
  readonly [A in Act]: TracingChannel<unknown, Signals[A]>;
};

/** The channel of an act. Node's own `tracingChannel("marrow:<role>:<act>")` is the same one. */
export function signalsOf<A extends Act>(act: A): TracingChannel<unknown, Signals[A]> {
  return CHANNELS[act];
}

/** Hears of an act of this process once it settled: its signal, how long it took, its error or what it came to. */
export type Ear<A extends Act> = (signal: Signals[A], seconds: number, error: unknown, result: unknown) => void;

/** Ears by act. A list is never changed, for an act may be telling it: another takes its place. */
const EARS = Object.fromEntries(ACTS.map((act) => [act, undefined])) as { [A in Act]: readonly Ear<A>[] | undefined };

/**
 * Listens to an act that is run by {@link signalling}, for counts and times of this process: a subscriber of the channel costs an act the five
 * messages of a trace and what makes its context current, an ear costs one call. Returns what ends it.
 */
export function hear<A extends Act>(act: A, ear: Ear<A>): () => void {
  const ears = EARS as Record<Act, readonly Ear<A>[] | undefined>;
  ears[act] = [...(ears[act] ?? []), ear];
  return () => {
    const left = ears[act]?.filter((one) => one !== ear) ?? [];
    ears[act] = left.length === 0 ? undefined : left;
  };
}

/**
 * Goes along with acts, and has something current within them, as spans are. Costs an act three calls, in place of the five messages and the closures
 * of its channel.
 */
export interface Follower<A extends Act = Act> {
  /** An act begins. `undefined`: it is not gone along with. */
  begin(signal: Signals[A]): Followed | undefined;
}

/** An act that is gone along with. */
export interface Followed {
  /** Runs what belongs to the act. */
  within<T>(run: () => T): T;
  /** The act settled: its error, or what it came to. What is known of its signal by then is in it. */
  end(error: unknown, result: unknown): void;
}

/**
 * Followers by act. Of the whole process, as channels are: an application that was bundled in pieces may have several copies of this file. A list is
 * never changed, for an act may be at it: another takes its place.
 */
const FOLLOWERS = ((globalThis as { [FOLLOWED]?: Followers })[Symbol.for("marrow:followers:1") as typeof FOLLOWED] ??=
  Object.fromEntries(ACTS.map((act) => [act, undefined])) as Followers);
declare const FOLLOWED: unique symbol;
type Followers = Record<Act, readonly Follower<never>[] | undefined>;

/** Goes along with an act from now on. Returns what ends that. */
export function follow<A extends Act>(act: A, follower: Follower<A>): () => void {
  FOLLOWERS[act] = [...(FOLLOWERS[act] ?? []), follower];
  return () => {
    const left = FOLLOWERS[act]?.filter((one) => one !== follower) ?? [];
    FOLLOWERS[act] = left.length === 0 ? undefined : left;
  };
}

/** Begins an act for its followers, each within the one before it; `undefined` when none goes along. */
export function beginFollowed<A extends Act>(act: A, signal: Signals[A]): Followed | undefined {
  const followers = FOLLOWERS[act] as readonly Follower<A>[] | undefined;
  let outer: Followed | undefined;
  for (const follower of followers ?? []) {
    const around = outer;
    const inner = around === undefined ? follower.begin(signal) : around.within(() => follower.begin(signal));
    if (inner !== undefined) outer = around === undefined ? inner : nest(around, inner);
  }
  return outer;
}

function nest(outer: Followed, inner: Followed): Followed {
  return {
    within: (run) => outer.within(() => inner.within(run)),
    end(error, result) {
      inner.end(error, result);
      outer.end(error, result);
    },
  };
}

/** Whether anybody listens to an act. What a signal holds is made only then. */
export function isHeard(act: Act): boolean {
  return EARS[act] !== undefined || FOLLOWERS[act] !== undefined || CHANNELS[act].hasSubscribers;
}

/**
 * Runs an act and tells of it: `start` and `end` around its synchronous part, `asyncStart` and `asyncEnd` once it settled (then the signal has
 * a `result`), `error` when it failed (then it has an `error`). While nobody listens the act runs alone, and `toSignal` is not called.
 */
export function signalling<A extends Act, T>(
  act: A,
  toSignal: () => Signals[A],
  run: (signal?: Signals[A]) => Promise<T>,
): Promise<T> {
  const channel = CHANNELS[act];
  const ears = EARS[act];
  const isTraced = channel.hasSubscribers;
  const isFollowed = FOLLOWERS[act] !== undefined;
  if (ears === undefined && !isTraced && !isFollowed) return run();
  const signal = toSignal();
  const going = isFollowed ? beginFollowed(act, signal) : undefined;
  if (ears === undefined && going === undefined)
    return isTraced ? channel.tracePromise(() => run(signal), signal) : run(signal);
  const startMs = ears === undefined ? 0 : performance.now();
  const work = isTraced ? () => channel.tracePromise(() => run(signal), signal) : () => run(signal);
  const running = going === undefined ? work() : going.within(work);
  running.then(
    (result) => tell(ears, going, signal, startMs, undefined, result),
    (error: unknown) => tell(ears, going, signal, startMs, error, undefined),
  );
  return running;
}

function tell<A extends Act>(
  ears: readonly Ear<A>[] | undefined,
  going: Followed | undefined,
  signal: Signals[A],
  startMs: number,
  error: unknown,
  result: unknown,
): void {
  going?.end(error, result);
  if (ears === undefined) return;
  const seconds = (performance.now() - startMs) / 1_000;
  for (const ear of ears) ear(signal, seconds, error, result);
}

const CARRYING = plainChannel("marrow:context:carry");

/** Whether anybody carries traces on beyond this process. */
export function carriesContext(): boolean {
  return CARRYING.hasSubscribers;
}

/** What carries the current trace on: the subscribers of `marrow:context:carry` fill it. */
export function carriedContext(): Carrier {
  const carrier: Carrier = {};
  CARRYING.publish(carrier);
  return carrier;
}
