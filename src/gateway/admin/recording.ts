import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { signalsOf, type Act, type Signals } from "../../internal/signals.ts";
import type { TraceAnswer, TraceSpanAnswer } from "./answers-roles.ts";

/** A trace before storage. */
export type Trace = Omit<TraceAnswer, "id" | "object">;

/** Records the latest requests. */
export interface Recording {
  /** Records for {@link AWAKE_MS} from now on, because the dashboard shows them. */
  wake(): void;
}

/** Options of recording. */
export interface RecordingOptions {
  /** `watched`: while the dashboard shows them. */
  readonly when: "watched" | "always";
  /** Most recorded requests per second; the first ones of each second are recorded. */
  readonly perSecond: number;
  /** Stores the recorded requests. */
  readonly keep: (traces: readonly Trace[]) => Promise<void>;
}

/** Time that recording continues after the last view. */
export const AWAKE_MS = 300_000;
/** Acts of one request that are kept; further ones are left out. */
const SPANS_MAX = 64;
/** Work may go on after an answer, such as storing it: how long that is waited for. */
const LINGER_MS = 300;
/** Traces that wait to be stored; further ones are dropped. */
const WAITING_MAX = 200;
const CHARS_MAX = 128;
/** Requests of people and machines that look at the gateway are not its work. */
const UNTOLD = /^\/(?:$|dashboard|healthz|readyz|metrics|openapi|v1\/admin)/;

/** State of a running request. */
interface Open {
  readonly startMs: number;
  readonly atMs: number;
  readonly spans: (TraceSpanAnswer & { took_ms?: number; failed?: string })[];
  model?: string | undefined;
  found?: Answered["provenance"] | undefined;
  /** Stages that go on. What happens after the answer and in no stage is another's work, such as spending that is written for many. */
  stages: number;
  answered: boolean;
}
type Settled<A extends Act> = Signals[A] & { readonly error?: unknown; readonly result?: unknown };

/** Names of acts in a trace. Never contains content. */
const NAMES: { readonly [A in Act]?: (signal: Signals[A]) => readonly [name: string, detail?: string | undefined] } = {
  "flow:request": () => ["chat"],
  "flow:admit": () => ["admit"],
  "flow:remember": () => ["remember"],
  "flow:find": ({ tier }) => ["find", tier],
  "flow:ask": () => ["ask"],
  "flow:finish": () => ["finish"],
  "models:attempt": ({ upstream, host }) => ["model", upstream ?? host],
  "redis:command": ({ command, script }) => ["redis", script ?? command.toLowerCase()],
  "queue:push": ({ queue }) => ["push", queue],
  "cache:tool": ({ tool }) => ["tool", tool],
};

/** Records a sample of an application's requests by the signals that their work publishes. */
export function recordRequests(app: FastifyInstance, { when, perSecond, keep }: RecordingOptions): Recording {
  const current = new AsyncLocalStorage<Open>();
  const requests = new WeakMap<FastifyRequest, Open>();
  const going = new WeakMap<object, Going>();
  const waiting: Trace[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | undefined;
  let awakeUntil = 0;
  let second = 0;
  let left = 0;

  /** Whether one more request is recorded now. */
  function takes(): boolean {
    if (stop === undefined) return false;
    const nowMs = performance.now();
    if (when === "watched" && nowMs > awakeUntil) {
      stop();
      stop = undefined;
      return false;
    }
    if (nowMs - second >= 1_000) [second, left] = [nowMs, perSecond];
    left -= 1;
    return left >= 0;
  }

  function listen(): () => void {
    const endings = (Object.keys(NAMES) as Act[]).map((act) => {
      const ears = toEars(act, current, going);
      signalsOf(act).subscribe(ears as never);
      return () => signalsOf(act).unsubscribe(ears as never);
    });
    return () => {
      for (const end of endings) end();
    };
  }

  async function flush(): Promise<void> {
    timer = undefined;
    const traces = waiting.splice(0);
    if (traces.length > 0) await keep(traces);
  }

  app.addHook("onRequest", (request, _, done) => {
    if (stop === undefined || UNTOLD.test(request.routeOptions.url ?? "/") || !takes()) return done();
    const open: Open = { startMs: performance.now(), atMs: Date.now(), spans: [], stages: 0, answered: false };
    requests.set(request, open);
    current.run(open, done);
  });
  // Reading the body loses the async context, so it is restored here.
  app.addHook("preValidation", (request, _, done) => {
    const open = stop === undefined ? undefined : requests.get(request);
    if (open === undefined) return done();
    current.run(open, done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const open = stop === undefined ? undefined : requests.get(request);
    if (open !== undefined && waiting.length < WAITING_MAX) {
      open.answered = true;
      waiting.push(toTrace(open, request, reply));
      timer ??= setTimeout(() => void flush(), LINGER_MS).unref();
    }
    done();
  });
  app.addHook("onClose", async () => {
    stop?.();
    stop = undefined;
    clearTimeout(timer);
  });
  if (when === "always") stop = listen();

  return {
    wake() {
      awakeUntil = performance.now() + AWAKE_MS;
      stop ??= listen();
    },
  };
}

/** A running act, beside its stored part. */
interface Going {
  readonly open: Open;
  readonly span: Open["spans"][number];
  readonly fromMs: number;
}

/** Subscribes to one kind of act within recorded requests. */
function toEars(act: Act, current: AsyncLocalStorage<Open>, going: WeakMap<object, Going>) {
  const nameOf = NAMES[act] as (signal: unknown) => readonly [string, string?];
  const step = act.startsWith("flow:") ? 1 : 0;
  return {
    start(signal: object) {
      const open = current.getStore();
      if (open === undefined || open.spans.length >= SPANS_MAX) return;
      if (open.answered && open.stages + step === 0) return;
      if (act === "flow:request") open.model = (signal as Signals["flow:request"]).model.slice(0, CHARS_MAX);
      const [name, detail] = nameOf(signal);
      const fromMs = performance.now();
      const told = detail === undefined ? undefined : { detail: detail.slice(0, CHARS_MAX) };
      const span = { name, ...told, at_ms: round(fromMs - open.startMs) };
      open.spans.push(span);
      open.stages += step;
      going.set(signal, { open, span, fromMs });
    },
    asyncEnd(signal: Settled<Act>) {
      const known = going.get(signal);
      if (known === undefined) return;
      const { open, span, fromMs } = known;
      span.took_ms = round(performance.now() - fromMs);
      open.stages -= step;
      if (act === "flow:request") open.found = (signal.result as Partial<Answered> | undefined)?.provenance;
      if (signal.error !== undefined) span.failed = MarrowError.is(signal.error) ? signal.error.code : "internal";
    },
  };
}

/** Of an answer where it came from, or why the nearest stored question was not served, and nothing else. */
interface Answered {
  readonly provenance: {
    readonly cache?: string;
    readonly similarity?: number | undefined;
    readonly veto?: string | undefined;
    readonly served?: { readonly upstream?: string | undefined } | undefined;
  };
}

function toTrace(open: Open, request: FastifyRequest, reply: FastifyReply): Trace {
  const { principal } = request as Partial<Pick<FastifyRequest, "principal">>;
  return {
    at_ms: open.atMs,
    took_ms: round(performance.now() - open.startMs),
    method: request.method,
    route: request.routeOptions.url ?? "unknown",
    status: reply.raw.statusCode,
    scope: principal?.scope,
    key: principal?.id,
    request_id: request.id,
    model: open.model,
    cache: open.found?.cache,
    similarity: open.found?.similarity,
    veto: open.found?.veto,
    upstream: open.found?.served?.upstream,
    // The same list: what ends after the answer is in it when it is stored.
    spans: open.spans,
  };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
