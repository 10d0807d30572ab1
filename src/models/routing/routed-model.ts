import { renameForwarded } from "../forwarded-body.ts";
import { MarrowError } from "../../errors.ts";
import { pause } from "../../internal/pause.ts";
import { loopMakerOf } from "../maker.ts";
import type { ChatModel, ForwardedAnswer, ModelCall, Served } from "../model.ts";
import { answerUntilOver, untilOver } from "../placed.ts";
import type { CoolDowns } from "./cool-downs.ts";
import { noteCall, standingOf, type HealthRules } from "./health.ts";
import { nextStep, type Step, type StepRules } from "./next-step.ts";
import { run, type Attempt, type Outcome, type Runner } from "./race.ts";
import { createRetryBudget } from "./retry-budget.ts";
import type { Target } from "./target.ts";
import { judgeFailure, tellingOf, type FailureKind, type Verdict } from "./verdict.ts";

/** An id that clients name, and the targets behind it. */
export interface Route {
  readonly id: string;
  readonly groups: readonly (readonly Target[])[];
  /** Whether a session's calls go to the same upstream of a group. */
  readonly sticky: boolean;
  /** Silence after which a second upstream is called in parallel. @default never */
  readonly hedgeAfterMs?: number | undefined;
}

/** Retry rules of routes. */
export interface RouteRules extends StepRules {
  /** Longest duration if the caller sets no deadline. */
  readonly timeoutMs: number;
  readonly retryShare: number;
  readonly retryReserve: number;
  readonly coolDown: HealthRules;
}

/** Result of one upstream call. */
export interface Asked {
  readonly upstream: string;
  readonly model: string;
  readonly outcome: "ok" | FailureKind;
  /** Reason for the call. */
  readonly why: "first" | "again" | "instead" | "beside";
}

/** Dependencies of a route's model. */
export interface RouteParts {
  readonly rules: RouteRules;
  readonly coolDowns: CoolDowns;
  readonly onAsked: (asked: Asked) => void;
  readonly onHealth: (target: Target) => void;
  readonly random: () => number;
}

/** A permitted step, and the time at which the budget granted its additional call. */
interface TakenStep extends Step<Target> {
  readonly takenMs?: number | undefined;
}

/** A running call. */
interface Running {
  readonly target: Target;
  readonly step: TakenStep;
}

/** Silence of a probed upstream after which another one is called in parallel. */
const PROBE_PATIENCE_MS = 2_000;
/** Time that a probe excludes others in this process. */
const PROBE_MS = 10_000;
/** Wait for memory of this process after which a failure says nothing about the upstream, in milliseconds. */
const HELD_MS_MAX = 1_000;
/** First and longest interval at which a call that waits for a slot checks other upstreams, in milliseconds. */
const LOOK_MS = { first: 50, last: 1_000 } as const;
/** Time that a target is skipped here while another process probes it. */
const OTHERS_PROBE_MS = 250;

/** Makes a model of a route: calls upstreams in the order of {@link nextStep} until one answers. */
export function routedModel(route: Route, parts: RouteParts): ChatModel {
  const { rules, coolDowns, random } = parts;
  const budget = createRetryBudget({ share: rules.retryShare, reserve: rules.retryReserve });

  /**
   * Calls upstreams until one succeeds. `work` runs for each; its value is complete, or the start of an answer that can no longer be
   * retried.
   */
  async function ask<T>(
    call: Omit<ModelCall, "request" | "body"> & { readonly request?: ModelCall["request"] },
    work: (target: Target, attempt: Attempt, left: () => void) => Promise<T>,
  ): Promise<{ readonly value: T; readonly served: Served }> {
    const { signal, affinity, asker, room } = call;
    const maker = call.request && loopMakerOf(call.request);
    coolDowns.refresh();
    const deadlineMs = Math.min(call.deadlineMs ?? Infinity, performance.now() + rules.timeoutMs);
    budget.began(performance.now());
    const calls: { readonly target: Target; verdict?: Verdict | undefined }[] = [];
    const failures: unknown[] = [];
    const running = new Map<Runner<T>, Running>();
    /** Returns the calls that were sent, as far as known. */
    const sent = () => calls.filter(({ verdict }) => verdict?.isUnsent !== true);
    const isFull = ({ upstream }: Target) =>
      upstream.inFlight >= (upstream.concurrency ?? Infinity) || upstream.model.places?.isFree(asker) === false;

    function decide(known = calls): Step<Target> | undefined {
      const nowMs = performance.now();
      return nextStep(
        {
          groups: route.groups,
          nowMs,
          deadlineMs,
          standingOf: ({ health }) => standingOf(health, nowMs),
          untilOf: ({ health }) => health.untilMs,
          loadOf: ({ upstream }) => upstream.inFlight,
          isFull,
          calls: known,
          sticky: route.sticky ? affinity : undefined,
          isMaker: maker === undefined ? undefined : ({ upstream }) => upstream.model.maker === maker,
          random,
        },
        rules,
      );
    }

    /**
     * Returns the next permitted step: only one process probes a target at a time, and calls beyond the first need budget. Synchronous
     * except for a probe, so that a free slot is not taken by another call in between.
     */
    function next(triesLeft = route.groups.flat().length): TakenStep | undefined | Promise<TakenStep | undefined> {
      const step = decide();
      return step?.probe === true ? claimed(step, triesLeft) : within(step);
    }

    async function claimed(step: Step<Target>, triesLeft: number): Promise<TakenStep | undefined> {
      const { id, health } = step.target;
      // Set before the wait, so that the next request of this process sees it.
      health.probeMs = performance.now() + PROBE_MS;
      if (await coolDowns.claim(id)) return within(step);
      health.probeMs = performance.now() + OTHERS_PROBE_MS;
      return triesLeft > 0 ? next(triesLeft - 1) : undefined;
    }

    function within(step: Step<Target> | undefined): TakenStep | undefined {
      if (step === undefined || sent().length === 0) return step;
      const takenMs = performance.now();
      if (budget.take(takenMs)) return { ...step, takenMs };
      if (step.probe) unclaim(step.target);
      return undefined;
    }

    /** Permits another probe. */
    function unclaim({ id, health }: Target): void {
      health.probeMs = 0;
      coolDowns.unclaim(id);
    }

    function start(step: TakenStep, beside: boolean): void {
      const { target } = step;
      const others = sent();
      const again = others.some((other) => other.target === target) ? "again" : "instead";
      const why = others.length === 0 ? "first" : beside ? "beside" : again;
      const entry: (typeof calls)[0] = { target };
      calls.push(entry);
      const sinceMs = performance.now();
      target.upstream.inFlight += 1;
      let isOut = true;
      const left = () => {
        if (isOut) target.upstream.inFlight -= 1;
        isOut = false;
      };
      const runner = run((attempt) => work(target, attempt, left), { timeoutMs: step.timeoutMs, signal, room });
      running.set(runner, { target, step });
      void runner.outcome.then((outcome) => {
        if (!outcome.ok) left();
        settle(entry, outcome, { step, sinceMs, why, heldMs: runner.heldMs() });
        // After the health was updated, so that the next caller sees it.
        if (step.probe) unclaim(target);
      });
    }

    function settle(
      entry: (typeof calls)[0],
      outcome: Outcome<T>,
      {
        step,
        sinceMs,
        why,
        heldMs,
      }: Pick<Asked, "why"> & {
        readonly step: TakenStep;
        readonly sinceMs: number;
        readonly heldMs: number;
      },
    ): void {
      const { target } = step;
      const verdict = outcome.ok ? undefined : judgeFailure(outcome.error);
      entry.verdict = verdict;
      // An upstream may well give up a client that reads nothing for a while.
      const isOurs = verdict !== undefined && heldMs >= HELD_MS_MAX;
      if (verdict?.counts !== false && !isOurs) note(target, verdict !== undefined, sinceMs);
      const asked = { upstream: target.upstream.name, model: target.model, why };
      if (verdict?.isUnsent !== true) parts.onAsked({ ...asked, outcome: verdict?.kind ?? "ok" });
      else if (step.takenMs !== undefined) budget.giveBack(step.takenMs);
    }

    function note(target: Target, failed: boolean, sinceMs: number): void {
      const change = noteCall(target.health, { failed, sinceMs }, performance.now(), rules.coolDown);
      if (change?.kind === "benched") coolDowns.benched(target.id, change.forMs);
      if (change?.kind === "healed") coolDowns.healed(target.id);
      if (change !== undefined) parts.onHealth(target);
    }

    /** Cancels calls in flight, except for probes, whose results are needed. An upstream that was only slower is not penalised. */
    function drop(): void {
      for (const [runner, { step }] of running) {
        if (!step.probe) runner.cancel();
        void runner.outcome.then((late) => late.ok && abandon(late.value, runner));
      }
    }

    /** Ends the request without targets left. */
    function end(): End {
      const nowMs = performance.now();
      const cooling = route.groups
        .flat()
        .map(({ health }) => ({ standing: standingOf(health, nowMs), until: health.untilMs }));
      const isLeftAlone = cooling.every(({ standing, until }) => standing === "cooling" && until > nowMs);
      const soonestMs = Math.min(...cooling.map(({ until }) => until)) - nowMs;
      return { attempts: sent().length, deadlineMs, retryAfterMs: isLeftAlone ? Math.ceil(soonestMs) : undefined };
    }

    const isWaiting = ([runner, { target }]: readonly [Runner<T>, Running]) =>
      target.upstream.model.places?.isWaiting(runner.signal) === true;

    /** Returns true if another upstream could be called at once instead of one whose call waits for a slot. */
    function isFreeElsewhere(target: Target): boolean {
      const step = decide(calls.filter((one) => one.target !== target || one.verdict !== undefined));
      return step !== undefined && !step.probe && step.waitMs === 0 && !isFull(step.target);
    }

    /** Returns the silence of the only running call after which another upstream is called in parallel. */
    function patienceOf(only: readonly [Runner<T>, Running] | undefined): number | undefined {
      if (only === undefined || hedged) return undefined;
      const { hedgeAfterMs } = route;
      const patience = only[1].step.probe ? Math.min(PROBE_PATIENCE_MS, hedgeAfterMs ?? Infinity) : hedgeAfterMs;
      return patience !== undefined && passedOver && !only[0].isHeld() ? 0 : patience;
    }

    const isAmongOthers = route.groups.flat().length > 1;
    /** Number of checks for other upstreams while waiting for a slot. */
    let looks = 0;
    let hedged = false;
    /** Whether the parallel call was not sent, so that the next one is made at once. */
    let passedOver = false;
    for (;;) {
      if (running.size === 0) {
        const asked = next();
        const step = asked instanceof Promise ? await asked : asked;
        if (step === undefined) throw toFinal(failures, end());
        if (step.waitMs > 0) await wait(step.waitMs, signal);
        start(step, false);
      }
      const only = running.size === 1 ? [...running.entries()][0] : undefined;
      const placeless = only !== undefined && isAmongOthers && isWaiting(only) ? only : undefined;
      const lookMs = Math.min(LOOK_MS.last, LOOK_MS.first * 2 ** looks);
      looks = placeless === undefined ? 0 : looks + 1;
      const event = await first(running, placeless === undefined ? patienceOf(only) : lookMs);
      if (event === "silence" && placeless !== undefined) {
        // Gives its turn up only for a place that is free; what began to be sent meanwhile goes on.
        if (isWaiting(placeless) && isFreeElsewhere(placeless[1].target)) placeless[0].expire();
        continue;
      }
      if (event === "silence") {
        // Its upstream has answered: another answer would only need more memory.
        if (only?.[0].isHeld() === true) continue;
        hedged = true;
        const beside = await next();
        if (beside !== undefined && beside.waitMs === 0) start(beside, true);
        continue;
      }
      const { runner, outcome } = event;
      const entry = running.get(runner);
      running.delete(runner);
      if (outcome.ok) {
        drop();
        return {
          value: outcome.value,
          served: { upstream: entry?.target.upstream.name ?? "", attempts: sent().length },
        };
      }
      failures.push(outcome.error);
      const { elsewhere, isUnsent } = judgeFailure(outcome.error);
      passedOver = isUnsent === true && hedged;
      if (passedOver) hedged = false;
      // No memory for its answer: one that runs beside it may have some.
      const isBeside = running.size > 0 && MarrowError.is(outcome.error, "unavailable");
      if (!elsewhere && !isBeside) {
        drop();
        throw toFinal([outcome.error], { attempts: sent().length, deadlineMs });
      }
    }
  }

  /** Prepares the call for one target. */
  function toTarget(call: ModelCall, { model }: Target, attempt: Attempt): ModelCall {
    const { request } = call;
    return request.model === model
      ? { ...call, ...attempt }
      : { ...call, ...attempt, request: { ...request, model }, body: undefined };
  }

  return {
    serves: (id) => id === route.id,
    list: async () => [{ id: route.id, owned_by: "marrow", created: 0 }],

    async complete(call) {
      const { value, served } = await ask(call, async (target, attempt, left) => {
        const answer = await target.upstream.model.complete(toTarget(call, target, attempt));
        left();
        return answer;
      });
      return { ...value, served };
    },

    async stream(call) {
      const { value, served } = await ask(call, async (target, attempt, left) => {
        const stream = await target.upstream.model.stream(toTarget(call, target, attempt));
        return untilOver(stream[Symbol.asyncIterator](), left, attempt.signal);
      });
      return { [Symbol.asyncIterator]: () => value, served };
    },

    async forward(path, body, signal, deadlineMs, asker) {
      const { value, served } = await ask<ForwardedAnswer>(
        { signal, deadlineMs, asker },
        async ({ upstream, model }, attempt, left) => {
          if (upstream.model.forward === undefined)
            throw new MarrowError("model_failed", "the model's endpoint has no such route", {
              details: { status: 404 },
            });
          const answer = await upstream.model.forward(
            path,
            route.id === model ? body : renameForwarded(body, () => model),
            attempt.signal,
            undefined,
            asker,
          );
          return answerUntilOver(answer, left);
        },
      );
      return { ...value, served };
    },
  };
}

/** Releases a late result. */
function abandon(value: unknown, runner: Runner<unknown>): void {
  (value as Partial<ForwardedAnswer> | undefined)?.abandon?.();
  runner.cancel();
}

/** Resolves with the first outcome, or after a time without one. */
async function first<T>(
  running: ReadonlyMap<Runner<T>, unknown>,
  patienceMs: number | undefined,
): Promise<"silence" | { readonly runner: Runner<T>; readonly outcome: Outcome<T> }> {
  const ends = [...running.keys()].map(async (runner) => ({ runner, outcome: await runner.outcome }));
  if (patienceMs === undefined) return Promise.race(ends);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<"silence">((resolve) => {
    timer = setTimeout(() => resolve("silence"), patienceMs);
  });
  return Promise.race([...ends, silence]).finally(() => clearTimeout(timer));
}

async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await pause(ms, signal, "the model call");
}

/** Result of the attempts. */
interface End {
  readonly attempts: number;
  readonly deadlineMs: number;
  /** Time until the first cool-down ends, if all targets are benched. */
  readonly retryAfterMs?: number | undefined;
}

/** Builds the error for the client after all upstreams failed. */
function toFinal(failures: readonly unknown[], { attempts, deadlineMs, retryAfterMs }: End): unknown {
  const telling = tellingOf(failures);
  const when = retryAfterMs !== undefined && { retryAfterMs };
  if (telling === undefined && performance.now() >= deadlineMs)
    return new MarrowError("timeout", "no upstream became available for this model in time", { details: { attempts } });
  if (telling === undefined)
    return new MarrowError("model_failed", "no upstream is available for this model now", {
      details: { status: 503, attempts, ...when },
    });
  if (!MarrowError.is(telling)) return telling;
  // An endpoint's own retry time takes precedence.
  return new MarrowError(telling.code, telling.message, {
    cause: telling.cause,
    details: { ...telling.details, ...(telling.details?.["retryAfterMs"] === undefined && when), attempts },
  });
}
