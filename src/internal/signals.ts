import { channel as plainChannel, tracingChannel, type TracingChannel } from "node:diagnostics_channel";

/** Headers to propagate: a subscriber may add some in its `start`, such as `traceparent`. */
export type Carrier = Record<string, string>;

/** An HTTP request, from its headers to the last byte of its response. */
export interface GatewayRequestSignal {
  readonly method: string;
  /** Pattern of the route, never the path: `/v1/tasks/:id`. */
  route: string;
  readonly requestId: string;
  /** The caller's `traceparent`, unparsed. */
  readonly traceparent: string | undefined;
  scope?: string | undefined;
  /** Id of the API key. */
  key?: string | undefined;
  status?: number | undefined;
}

/** A streamed response, from its start to its end. */
export interface GatewayStreamSignal {
  /** Time from the request to its first event, in milliseconds; set at the end. */
  firstMs: number | undefined;
}

/** A tool call that this process runs or answers from its cache. */
export interface ToolSignal {
  readonly tool: string;
}

/** A request of the flow, until its answer, or the start of a streamed one. Contains content: the request, and in `result` the answer. */
export interface FlowRequestSignal {
  readonly model: string;
  readonly user: string;
  readonly stream: boolean;
  /** Id of the session or conversation. */
  readonly conversation: string | undefined;
  /** The request, which is content. */
  readonly request: unknown;
}

/** A stage of a request. */
export interface FlowStageSignal {
  /** For `find`: the tier. */
  readonly tier?: "exact" | "similar" | undefined;
  /** For `finish`: the tokens of the answer. */
  usage?: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
}

/** One HTTP call of a model's endpoint, until the headers of its response. */
export interface UpstreamAttemptSignal {
  /** The endpoint's name in the configuration. */
  readonly upstream: string | undefined;
  readonly host: string;
  readonly model: string;
  readonly path: string;
  readonly headers: Carrier;
  status?: number | undefined;
}

/** One Redis command, retries included: only its name. */
export interface RedisCommandSignal {
  readonly command: string;
  /** For a script: its name, such as `find_entry`, once this process has run it. */
  readonly script: string | undefined;
}

/** A pushed job. */
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
  /** Time since its push, in milliseconds. */
  readonly waitedMs: number;
  /** Trace context of its push, as filled by subscribers of `marrow:context:carry`. */
  readonly carrier: Carrier;
}

/** One attempt to deliver a webhook. */
export interface QueueWebhookSignal {
  readonly id: string;
  readonly event: string;
  readonly job: string;
  readonly attempt: number;
  readonly headers: Carrier;
  /** Trace context of its job. */
  readonly carrier: Carrier;
}

/** A message of the bus that is being handled, from an inbox or a topic. */
export interface BusMessageSignal {
  readonly kind: "mail" | "topic";
  readonly id: string;
  /** The agent, or the group of readers. */
  readonly to: string;
  readonly redelivered: boolean;
  /** Time since it was sent, in milliseconds, by the clocks of Redis and this process. */
  readonly waitedMs: number;
  /** Trace context of its sender; empty if unknown. */
  readonly carrier: Carrier;
}

/** All signals: the messages of each tracing channel `marrow:<role>:<act>`. */
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

/** Name of a signal, by role and act. */
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

/** Names of all signals. */
export const ACTS: readonly Act[] = Object.keys(ALL) as Act[];

const CHANNELS = Object.fromEntries(ACTS.map((act) => [act, tracingChannel(`marrow:${act}`)])) as unknown as {
  readonly [A in Act]: TracingChannel<unknown, Signals[A]>;
};

/** Returns the channel of an act, equal to Node's `tracingChannel("marrow:<role>:<act>")`. */
export function signalsOf<A extends Act>(act: A): TracingChannel<unknown, Signals[A]> {
  return CHANNELS[act];
}

/** Called when an act has settled, with its signal, duration, error and result. */
export type Ear<A extends Act> = (signal: Signals[A], seconds: number, error: unknown, result: unknown) => void;

/** Listeners by act. A list is replaced, never changed, because an act may be iterating over it. */
const EARS = Object.fromEntries(ACTS.map((act) => [act, undefined])) as { [A in Act]: readonly Ear<A>[] | undefined };

/**
 * Listens to an act that runs through {@link signalling}, for metrics of this process. Cheaper than subscribing to the channel: one call
 * per act instead of the five messages of a trace. Returns a function that ends it.
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
 * Follows acts and has a current context within them, as spans do. Costs three calls per act, instead of the channel's five messages and
 * closures.
 */
export interface Follower<A extends Act = Act> {
  /** An act begins. Return `undefined` to ignore it. */
  begin(signal: Signals[A]): Followed | undefined;
}

/** A followed act. */
export interface Followed {
  /** Runs a part of the act in its context, and gives it `given`: so that callers need no closure of their own. */
  within<T, G>(run: (given: G) => T, given: G): T;
  /** Ends the act with its error or result. Its signal is complete by then. */
  end(error: unknown, result: unknown): void;
}

/**
 * Followers by act. Of the whole process, as channels are: an application that was bundled in pieces may have several copies of this file. A list is
 * never changed, for an act may be at it: another takes its place.
 */
const FOLLOWERS = ((globalThis as { [FOLLOWED]?: Followers })[Symbol.for("marrow:followers:2") as typeof FOLLOWED] ??=
  Object.fromEntries(ACTS.map((act) => [act, undefined])) as Followers);
declare const FOLLOWED: unique symbol;
type Followers = Record<Act, readonly Follower<never>[] | undefined>;

/** Follows an act from now on. Returns a function that stops it. */
export function follow<A extends Act>(act: A, follower: Follower<A>): () => void {
  FOLLOWERS[act] = [...(FOLLOWERS[act] ?? []), follower];
  return () => {
    const left = FOLLOWERS[act]?.filter((one) => one !== follower) ?? [];
    FOLLOWERS[act] = left.length === 0 ? undefined : left;
  };
}

/** Begins an act for its followers, each within the previous one; `undefined` without followers. */
export function beginFollowed<A extends Act>(act: A, signal: Signals[A]): Followed | undefined {
  const followers = FOLLOWERS[act] as readonly Follower<A>[] | undefined;
  if (followers === undefined) return undefined;
  let outer = followers[0]?.begin(signal);
  for (let at = 1; at < followers.length; at += 1) {
    const follower = followers[at] as Follower<A>;
    const around = outer;
    const inner = around === undefined ? follower.begin(signal) : around.within(beginOne<A>, { follower, signal });
    if (inner !== undefined) outer = around === undefined ? inner : nest(around, inner);
  }
  return outer;
}

function beginOne<A extends Act>({
  follower,
  signal,
}: {
  readonly follower: Follower<A>;
  readonly signal: Signals[A];
}): Followed | undefined {
  return follower.begin(signal);
}

function nest(outer: Followed, inner: Followed): Followed {
  return {
    within: (run, given) => outer.within((one) => inner.within(run, one), given),
    end(error, result) {
      inner.end(error, result);
      outer.end(error, result);
    },
  };
}

/** Returns true if an act has listeners. Signals are only built then. */
export function isHeard(act: Act): boolean {
  return EARS[act] !== undefined || FOLLOWERS[act] !== undefined || CHANNELS[act].hasSubscribers;
}

/**
 * Runs an act and publishes it: `start` and `end` around its synchronous part, `asyncStart` and `asyncEnd` once it settled (with `result`),
 * `error` on failure (with `error`). Without listeners only the act runs, and `toSignal` is not called.
 */
export function signalling<A extends Act, T>(
  act: A,
  toSignal: () => Signals[A],
  run: (signal?: Signals[A]) => Promise<T>,
): Promise<T> {
  if (!isHeard(act)) return run();
  const signal = toSignal();
  const told = tellAct(act, signal);
  const work = CHANNELS[act].hasSubscribers ? published(act, run) : run;
  if (told === undefined) return work(signal);
  const running = told.within(work, signal);
  told.endWith(running);
  return running;
}

/** The work of an act whose channel has subscribers. A function of its own, for the closure would burden acts without subscribers. */
function published<A extends Act, T>(
  act: A,
  run: (signal: Signals[A]) => Promise<T>,
): (signal: Signals[A]) => Promise<T> {
  return (signal) => CHANNELS[act].tracePromise(() => run(signal), signal);
}

/**
 * Tells the ears and followers of an act that it begins; `undefined` without any. Whoever calls this tells of the end too, without the
 * promise and closures that {@link signalling} takes. The channel of the act is not told.
 */
export function tellAct<A extends Act>(act: A, signal: Signals[A]): Told<A> | undefined {
  const ears = EARS[act];
  const followed = beginFollowed(act, signal);
  return ears === undefined && followed === undefined ? undefined : new ToldAct(ears, followed, signal);
}

/** Returns true if the channel of an act has subscribers, which {@link tellAct} does not reach. */
export function isPublished(act: Act): boolean {
  return CHANNELS[act].hasSubscribers;
}

/** An act under way, for its ears and followers. */
export interface Told<A extends Act = Act> extends Followed {
  readonly signal: Signals[A];
  /** Ends the act once a promise settles, with its result or error. */
  endWith(running: Promise<unknown>): void;
}

/** A class, for there are some twenty of them in each request. */
class ToldAct<A extends Act> implements Told<A> {
  readonly ears: readonly Ear<A>[] | undefined;
  readonly followed: Followed | undefined;
  readonly signal: Signals[A];
  readonly startMs: number;

  constructor(ears: readonly Ear<A>[] | undefined, followed: Followed | undefined, signal: Signals[A]) {
    this.ears = ears;
    this.followed = followed;
    this.signal = signal;
    this.startMs = ears === undefined ? 0 : performance.now();
  }

  within<T, G>(run: (given: G) => T, given: G): T {
    return this.followed === undefined ? run(given) : this.followed.within(run, given);
  }

  end(error: unknown, result: unknown): void {
    const { ears, followed, signal } = this;
    followed?.end(error, result);
    if (ears === undefined) return;
    const seconds = (performance.now() - this.startMs) / 1_000;
    for (let at = 0; at < ears.length; at += 1) (ears[at] as Ear<A>)(signal, seconds, error, result);
  }

  endWith(running: Promise<unknown>): void {
    running.then(
      (result) => this.end(undefined, result),
      (error: unknown) => this.end(error, undefined),
    );
  }
}

const CARRYING = plainChannel("marrow:context:carry");

/** Returns true if a follower propagates traces beyond this process. */
export function carriesContext(): boolean {
  return CARRYING.hasSubscribers;
}

/** Returns the current trace context, which subscribers of `marrow:context:carry` fill. */
export function carriedContext(): Carrier {
  const carrier: Carrier = {};
  CARRYING.publish(carrier);
  return carrier;
}
