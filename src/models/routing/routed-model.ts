import { renameForwarded } from "../forwarded-body.ts";
import { MarrowError } from "../../errors.ts";
import { pause } from "../../internal/pause.ts";
import type { ChatModel, ForwardedAnswer, ModelCall, Served } from "../model.ts";
import { answerUntilOver, untilOver } from "../placed.ts";
import { untilSaid } from "./beginning.ts";
import type { CoolDowns } from "./cool-downs.ts";
import { noteCall, standingOf, type HealthRules } from "./health.ts";
import { nextStep, type Step, type StepRules } from "./next-step.ts";
import { run, type Outcome, type Runner } from "./race.ts";
import { createRetryBudget } from "./retry-budget.ts";
import type { Target } from "./target.ts";
import { judgeFailure, tellingOf, type FailureKind, type Verdict } from "./verdict.ts";

/** An id that clients name, and whom it may mean. */
export interface Route {
  readonly id: string;
  readonly groups: readonly (readonly Target[])[];
  /** Whether a session's calls go to one upstream of a group. */
  readonly sticky: boolean;
  /** After which silence a second upstream is asked beside the first; absent: never. */
  readonly hedgeAfterMs?: number | undefined;
}

/** How routes ask again. */
export interface RouteRules extends StepRules {
  /** Longest wait where the caller names no deadline. */
  readonly timeoutMs: number;
  readonly retryShare: number;
  readonly retryReserve: number;
  readonly coolDown: HealthRules;
}

/** What one call of an upstream came to. */
export interface Asked {
  readonly upstream: string;
  readonly model: string;
  readonly outcome: "ok" | FailureKind;
  /** Why the upstream was asked. */
  readonly why: "first" | "again" | "instead" | "beside";
}

/** What a route's model is made of. */
export interface RouteParts {
  readonly rules: RouteRules;
  readonly coolDowns: CoolDowns;
  readonly onAsked: (asked: Asked) => void;
  readonly onHealth: (target: Target) => void;
  readonly random: () => number;
}

/** A step that may be taken, and when the budget gave a further call for it. */
interface TakenStep extends Step<Target> {
  readonly takenMs?: number | undefined;
}

/** A call that is on its way. */
interface Running {
  readonly target: Target;
  readonly step: TakenStep;
  readonly sinceMs: number;
}

/** After which silence of an upstream that was benched another one is asked beside it. */
const PROBE_PATIENCE_MS = 2_000;
const CLAIM_MS = 10_000;
/** How long a target whose probe another process makes is left alone here. */
const OTHERS_PROBE_MS = 250;

/** A route as a model: asks upstreams as {@link nextStep} decides, until one answers. */
export function routedModel(route: Route, parts: RouteParts): ChatModel {
  const { rules, coolDowns, random } = parts;
  const budget = createRetryBudget({ share: rules.retryShare, reserve: rules.retryReserve });

  /** Asks until something came; `ask` is done for each upstream, and its value is whole, or a beginning that can no longer be taken back. */
  async function ask<T>(
    call: Pick<ModelCall, "signal" | "deadlineMs" | "affinity">,
    work: (target: Target, signal: AbortSignal, left: () => void) => Promise<T>,
  ): Promise<{ readonly value: T; readonly served: Served }> {
    const { signal, affinity } = call;
    coolDowns.refresh();
    const deadlineMs = Math.min(call.deadlineMs ?? Infinity, performance.now() + rules.timeoutMs);
    budget.began(performance.now());
    const calls: { readonly target: Target; verdict?: Verdict | undefined }[] = [];
    const failures: unknown[] = [];
    const running = new Map<Runner<T>, Running>();
    /** The calls that were sent, as far as is known. */
    const sent = () => calls.filter(({ verdict }) => verdict?.isUnsent !== true);

    function decide(): Step<Target> | undefined {
      const nowMs = performance.now();
      return nextStep(
        {
          groups: route.groups,
          nowMs,
          deadlineMs,
          standingOf: ({ health }) => standingOf(health, nowMs),
          untilOf: ({ health }) => health.untilMs,
          loadOf: ({ upstream }) => upstream.inFlight,
          isFull: ({ upstream }) => upstream.inFlight >= (upstream.concurrency ?? Infinity),
          calls,
          sticky: route.sticky ? affinity : undefined,
          random,
        },
        rules,
      );
    }

    /** The next step that may be taken: a probe is one process's at a time, and what goes beyond the first call has a budget. */
    async function next(): Promise<TakenStep | undefined> {
      for (let tries = 0; tries <= route.groups.flat().length; tries += 1) {
        const step = decide();
        if (step === undefined) return undefined;
        if (step.probe) {
          // Asked before anybody waits: within this process the next request sees it at once.
          step.target.health.probeMs = performance.now() + CLAIM_MS;
          if (!(await coolDowns.claim(step.target.id, CLAIM_MS))) {
            step.target.health.probeMs = performance.now() + OTHERS_PROBE_MS;
            continue;
          }
        }
        if (sent().length === 0) return step;
        const takenMs = performance.now();
        if (budget.take(takenMs)) return { ...step, takenMs };
        if (step.probe) step.target.health.probeMs = 0;
        return undefined;
      }
      return undefined;
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
      const runner = run((own) => work(target, own, left), { timeoutMs: step.timeoutMs, signal });
      running.set(runner, { target, step, sinceMs });
      void runner.outcome.then((outcome) => {
        if (outcome.ok) {
          note(target, false, sinceMs);
          parts.onAsked({ upstream: target.upstream.name, model: target.model, outcome: "ok", why });
          return;
        }
        left();
        const verdict = judgeFailure(outcome.error);
        entry.verdict = verdict;
        if (verdict.counts) note(target, true, sinceMs);
        // A probe that says nothing of the upstream makes room for another one.
        else if (step.probe) target.health.probeMs = 0;
        if (verdict.isUnsent !== true)
          parts.onAsked({ upstream: target.upstream.name, model: target.model, outcome: verdict.kind, why });
        else if (step.takenMs !== undefined) budget.giveBack(step.takenMs);
      });
    }

    function note(target: Target, failed: boolean, sinceMs: number): void {
      const change = noteCall(target.health, { failed, sinceMs }, performance.now(), rules.coolDown);
      if (change?.kind === "benched") coolDowns.benched(target.id, change.forMs);
      if (change?.kind === "healed") coolDowns.healed(target.id);
      if (change !== undefined) parts.onHealth(target);
    }

    /** Gives up what is still on its way, but for a probe: its word is waited for. Who was asked before `winner` and said nothing is too slow. */
    function drop(winner?: number): void {
      for (const [runner, { step, target, sinceMs }] of running) {
        if (!step.probe) runner.cancel();
        if (!step.probe && winner !== undefined && sinceMs < winner) note(target, true, sinceMs);
        void runner.outcome.then((late) => late.ok && abandon(late.value, runner));
      }
    }

    /** How it ends when nobody is left to ask. */
    function end(): End {
      const nowMs = performance.now();
      const cooling = route.groups
        .flat()
        .map(({ health }) => ({ standing: standingOf(health, nowMs), until: health.untilMs }));
      const isLeftAlone = cooling.every(({ standing, until }) => standing === "cooling" && until > nowMs);
      const soonestMs = Math.min(...cooling.map(({ until }) => until)) - nowMs;
      return { attempts: sent().length, deadlineMs, retryAfterMs: isLeftAlone ? Math.ceil(soonestMs) : undefined };
    }

    let hedged = false;
    /** Whether the call beside was not sent: the next one is asked at once. */
    let passedOver = false;
    for (;;) {
      if (running.size === 0) {
        const step = await next();
        if (step === undefined) throw toFinal(failures, end());
        if (step.waitMs > 0) await wait(step.waitMs, signal);
        start(step, false);
      }
      const only = running.size === 1 && !hedged ? [...running.values()][0]?.step : undefined;
      const patience =
        only?.probe === true ? Math.min(PROBE_PATIENCE_MS, route.hedgeAfterMs ?? Infinity) : route.hedgeAfterMs;
      const patienceMs = patience !== undefined && passedOver ? 0 : patience;
      const event = await first(running, only === undefined ? undefined : patienceMs);
      if (event === "silence") {
        hedged = true;
        const beside = await next();
        if (beside !== undefined && beside.waitMs === 0) start(beside, true);
        continue;
      }
      const { runner, outcome } = event;
      const entry = running.get(runner);
      running.delete(runner);
      if (outcome.ok) {
        drop(entry?.sinceMs);
        return {
          value: outcome.value,
          served: { upstream: entry?.target.upstream.name ?? "", attempts: sent().length },
        };
      }
      failures.push(outcome.error);
      const { elsewhere, isUnsent } = judgeFailure(outcome.error);
      passedOver = isUnsent === true && hedged;
      if (passedOver) hedged = false;
      if (!elsewhere) {
        drop();
        throw toFinal([outcome.error], { attempts: sent().length, deadlineMs });
      }
    }
  }

  /** The call as one target is asked. */
  function toTarget(call: ModelCall, { model }: Target, signal: AbortSignal): ModelCall {
    const { request } = call;
    return request.model === model
      ? { ...call, signal }
      : { ...call, signal, request: { ...request, model }, body: undefined };
  }

  return {
    serves: (id) => id === route.id,
    list: async () => [{ id: route.id, owned_by: "marrow", created: 0 }],

    async complete(call) {
      const { value, served } = await ask(call, async (target, signal, left) => {
        const answer = await target.upstream.model.complete(toTarget(call, target, signal));
        left();
        return answer;
      });
      return { ...value, served };
    },

    async stream(call) {
      const { value, served } = await ask(call, async (target, signal, left) => {
        const stream = await target.upstream.model.stream(toTarget(call, target, signal));
        return untilOver(await untilSaid(stream), left, signal);
      });
      return { [Symbol.asyncIterator]: () => value, served };
    },

    async forward(path, body, signal, deadlineMs, asker) {
      const { value, served } = await ask<ForwardedAnswer>(
        { signal, deadlineMs },
        async ({ upstream, model }, own, left) => {
          if (upstream.model.forward === undefined)
            throw new MarrowError("model_failed", "the model's endpoint has no such route", {
              details: { status: 404 },
            });
          const answer = await upstream.model.forward(
            path,
            route.id === model ? body : renameForwarded(body, () => model),
            own,
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

/** Lets go of what came too late. */
function abandon(value: unknown, runner: Runner<unknown>): void {
  (value as Partial<ForwardedAnswer> | undefined)?.abandon?.();
  runner.cancel();
}

/** The first that ends, or that nothing came for so long. */
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

/** How asking ended. */
interface End {
  readonly attempts: number;
  readonly deadlineMs: number;
  /** After which time the first of them is asked again, where all are left alone. */
  readonly retryAfterMs?: number | undefined;
}

/** What a client is told when no upstream answered. */
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
  // What an endpoint says of its own time goes before.
  return new MarrowError(telling.code, telling.message, {
    cause: telling.cause,
    details: { ...telling.details, ...(telling.details?.["retryAfterMs"] === undefined && when), attempts },
  });
}
