import type { Follow } from "../relay/index.ts";
import type { AskingTogether, Leading, Told } from "./asking.ts";
import { unlessAway } from "./away.ts";
import type { Cache, Lookup, Through, ThroughOptions } from "./lookup.ts";
import type { Near, RunningPolicy } from "./policy.ts";
import { toFingerprint, toQuestion, type Question } from "./question.ts";

interface Parts<V> {
  readonly asking: AskingTogether;
  readonly policy: RunningPolicy<V>;
  readonly cache: () => Cache<V>;
}

/** Makes `through`: looks up, coalesces concurrent misses, and stores. */
export function createThrough<V>({ asking, policy, cache }: Parts<V>): Cache<V>["through"] {
  const running = new Map<string, Promise<Through<V>>>();

  async function lookupOrAsk(
    question: Question,
    ask: () => Promise<V>,
    options: ThroughOptions<V>,
  ): Promise<Through<V>> {
    const found = await unlessAway(cache().lookup(question, options));
    if (found?.hit === true) {
      const { match: source, value, similarity, ageMs } = found;
      if (source === "similar" && policy.audits()) audit(question, found, value, ask);
      return { source, value, similarity, ageMs };
    }
    if (found === undefined) return { source: "bypass", value: await ask() };
    const { stale } = found;
    if (stale !== undefined) {
      // Serve it now, and let one of the callers that find it stale refresh it; a failed refresh needs no report.
      askAndStore(question, ask, found, options).catch(() => {});
      return { source: "stale", value: stale.value, similarity: 1, ageMs: stale.ageMs };
    }
    return askAndStore(question, ask, found, options);
  }

  async function askAndStore(
    question: Question,
    ask: () => Promise<V>,
    found: Extract<Lookup<V>, { hit: false }>,
    options: ThroughOptions<V>,
  ): Promise<Through<V>> {
    const { text, followUp } = toFingerprint(question);
    const alone = followUp || options.singleFlight === false;
    const { withheld } = found;
    // The policy may store only answers that the nearest entry gets wrong. That is decided first, without delaying the answer.
    const storesLater = withheld !== undefined && !policy.insertsAll;
    const { keep } = options;
    const storing = storesLater ? { ...options, keep: () => false } : options;
    const came = alone ? { shared: false, value: await askHere(question, ask, storing) } : await askTogether();
    if (withheld !== undefined) {
      void policy.compare(text, withheld, withheld.value, came.value).then(async (right) => {
        if (!storesLater || right === true || came.shared || keep?.(came.value) === false) return;
        await cache()
          .store(question, came.value, options)
          .catch(() => {});
      });
    }
    return { source: came.shared ? "shared" : "miss", value: came.value };

    async function askTogether(): Promise<{ readonly shared: boolean; readonly value: V }> {
      const { signal } = options;
      // A stale answer still exists, so its existence proves nothing.
      let look = found.stale === undefined;
      for (;;) {
        const joined = await asking.join<Told<V>>(question, { look, signal });
        if (joined.role === "made") {
          const made = await unlessAway(cache().lookup(question, { ...options, tiers: "exact" }));
          if (made?.hit === true) return { shared: true, value: made.value };
          look = false;
        } else if (joined.role === "lead") {
          return leading(joined, async () => {
            // Another caller's answer was stored after the lookup, and may serve.
            const again =
              joined.overtaken === true
                ? await unlessAway(cache().lookup(question, { ...options, tiers: "similar" }))
                : undefined;
            if (again?.hit === true) return { shared: true, value: again.value };
            return { shared: false, value: await askHere(question, ask, storing) };
          });
        } else {
          const value = await valueOf(joined, signal);
          if (value !== undefined) return { shared: true, value };
        }
      }
    }
  }

  async function askHere(question: Question, ask: () => Promise<V>, options: ThroughOptions<V>): Promise<V> {
    const value = await ask();
    if ((options.keep ?? (() => true))(value)) await unlessAway(cache().store(question, value, options));
    return value;
  }

  function audit(question: Question, near: Near, stored: V, ask: () => Promise<V>): void {
    ask().then(
      (fresh) => policy.compare(toFingerprint(question).text, near, stored, fresh),
      () => {},
    );
  }

  return (asked, ask, options = {}) => {
    const question = toQuestion(asked);
    const { id } = toFingerprint(question);
    const current = running.get(id);
    if (current !== undefined) return current;
    const started = lookupOrAsk(question, ask, options).finally(() => running.delete(id));
    running.set(id, started);
    return started;
  };
}

/** Calls the model for all followers. They get the answer once it is stored, so that later callers find it in the cache. */
async function leading<V, A extends { readonly value: V }>(lead: Leading<Told<V>>, ask: () => Promise<A>): Promise<A> {
  try {
    const answer = await ask();
    lead.add({ value: answer.value });
    await lead.end();
    return answer;
  } catch (error) {
    await lead.fail(error);
    throw error;
  }
}

/** Returns the leader's answer; `undefined` if the leader is gone or gave no value. */
async function valueOf<V>({ read }: Follow<Told<V>>, signal: AbortSignal | undefined): Promise<V | undefined> {
  const parts = read(signal);
  let value: V | undefined;
  for (;;) {
    const { done, value: next } = await parts.next();
    if (done !== true) value = "value" in next ? next.value : value;
    else if (next.kind === "failed") throw next.error;
    else return next.kind === "whole" ? value : undefined;
  }
}
