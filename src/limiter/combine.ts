import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import type { Limiter } from "./contract.ts";
import type { Decision, Permit, Refusal } from "./decision.ts";
import type { Exceptions, Subject } from "./exceptions.ts";
import { toPermit, type Unwritten } from "./permit.ts";

/** Zero costs: settles a take that a later limiter refused. */
const NOTHING = { requests: 0, tokens: 0, cost: 0 };

/**
 * Combines several limiters into one where no single script reaches all of their keys, such as tenants in different slots of a cluster.
 *
 * Asks them in order, one round trip each. If a later one refuses, the earlier ones get back their units; so put the limiter that refuses
 * most often first. Meanwhile other callers see those units as taken: a take may be refused needlessly, but no limit is exceeded. If the
 * process dies in between, the request stays charged in the earlier limiters; leased units return.
 * @throws MarrowError `invalid_option` without any limiter
 */
export function combineLimiters(limiters: readonly Limiter[]): Limiter {
  if (!Array.isArray(limiters) || limiters.length === 0) refuse("limiters", "a list of at least one limiter", limiters);

  /** Calls the limiters in turn until one accepts the subject. */
  async function ofSubject<T>(ask: (limiter: Exceptions) => Promise<T>): Promise<T> {
    let unknown: unknown;
    for (const limiter of limiters) {
      try {
        return await ask(limiter);
      } catch (error) {
        if (!MarrowError.is(error, "invalid_input")) throw error;
        unknown = error;
      }
    }
    throw unknown;
  }

  async function each<T>(act: (limiter: Limiter) => Promise<T>): Promise<T[]> {
    return Promise.all(limiters.map(act));
  }

  return {
    async take(subjects, costs, options) {
      const taken: Permit[] = [];
      const giveBack = () => Promise.allSettled(taken.map((permit) => permit.settle(NOTHING)));
      for (const limiter of limiters) {
        let decision: Decision;
        try {
          decision = await limiter.take(subjects, costs, options);
        } catch (error) {
          await giveBack();
          throw error;
        }
        if (!decision.allowed) {
          await giveBack();
          return { ...decision, rules: [...taken.flatMap(({ rules }) => rules), ...decision.rules] };
        }
        taken.push(decision);
      }
      return together(taken);
    },

    resume(token, options) {
      // Base64url has no dots.
      const tokens = typeof token === "string" ? token.split(".") : [];
      if (tokens.length !== limiters.length) refuse("permit", "a permit of these limiters", token, "invalid_input");
      return together(limiters.map((limiter, at) => limiter.resume(tokens[at] as string, options)));
    },

    async peek(subjects, costs) {
      const standings = await each((limiter) => limiter.peek(subjects, costs));
      const rules = standings.flatMap((standing) => standing.rules);
      const longest = standings.reduce<Refusal | undefined>((most, one) => {
        if (one.allowed) return most;
        return most === undefined || (one.retryAfterMs ?? Infinity) > (most.retryAfterMs ?? Infinity) ? one : most;
      }, undefined);
      return longest === undefined ? { allowed: true, degraded: false, rules } : { ...longest, rules };
    },

    charge: async (subjects, costs) => void (await each((limiter) => limiter.charge(subjects, costs))),
    refund: async (subjects, costs) => void (await each((limiter) => limiter.refund(subjects, costs))),
    async reset(subjects, rules) {
      const done = await Promise.allSettled(limiters.map((limiter) => limiter.reset(subjects, rules)));
      const failed = done.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
      // A rule belongs to one of the limiters; the others reject its name.
      const wrong = failed.find(({ reason }) => !MarrowError.is(reason, "invalid_input"));
      if (wrong !== undefined || failed.length === done.length) throw (wrong ?? failed[0])?.reason;
    },
    block: (subject: Subject, options) => ofSubject((limiter) => limiter.block(subject, options)),
    unblock: (subject) => ofSubject((limiter) => limiter.unblock(subject)),
    override: (subject, limits, options) => ofSubject((limiter) => limiter.override(subject, limits, options)),
    boost: (subject, more, options) => ofSubject((limiter) => limiter.boost(subject, more, options)),
    restore: (subject) => ofSubject((limiter) => limiter.restore(subject)),
    exceptionOf: async (subject) =>
      (await each((limiter) => limiter.exceptionOf(subject))).find((one) => one !== undefined),
    exceptions: async () => (await each((limiter) => limiter.exceptions())).flat(),
  };
}

/** Permits of several limiters as one. */
function together(permits: readonly Permit[]): Permit {
  const all = async (act: (permit: Permit) => Promise<boolean>) => (await Promise.all(permits.map(act))).every(Boolean);
  const one: Unwritten = {
    degraded: permits.some(({ degraded }) => degraded),
    rules: permits.flatMap(({ rules }) => rules),
    settle: (actual) => all((permit) => permit.settle(actual)),
    adjust: (soFar) => all((permit) => permit.adjust(soFar)),
  };
  return toPermit(one, () => {
    const tokens = permits.map(({ token }) => token);
    return tokens.includes(undefined) ? undefined : tokens.join(".");
  });
}
