import { MarrowError } from "../errors.ts";
import { canonicalJson } from "../internal/canonical-json.ts";
import type { Follow, Lead } from "../relay/index.ts";
import type { AskingTogether, Told } from "./asking.ts";
import { unlessAway } from "./away.ts";
import type { Cache, StreamOptions, Streamed } from "./lookup.ts";
import { toFingerprint, toQuestion, type Question } from "./question.ts";

interface Parts<V> {
  readonly asking: AskingTogether;
  readonly cache: () => Cache<V>;
}

/** Makes `stream`: looks up, coalesces concurrent misses that follow the parts, and stores. */
export function createStream<V>({ asking, cache }: Parts<V>): Cache<V>["stream"] {
  async function stream<P>(
    asked: string | Question,
    ask: () => AsyncIterable<P> | Promise<AsyncIterable<P>>,
    options: StreamOptions<V, P>,
  ): Promise<Streamed<P>> {
    const { signal, toValue, toParts } = options;
    const question = toQuestion(asked);
    const found = await unlessAway(cache().lookup(question, options));
    if (found?.hit === true) return { source: found.match, parts: oneAfterOther(toParts(found.value)) };
    if (found === undefined) return { source: "bypass", parts: await ask() };
    if (toFingerprint(question).followUp || options.singleFlight === false)
      return { source: "miss", parts: keeping(await ask(), () => {}) };
    const joined = await join();
    if (joined.role === "made") return { source: "shared", parts: oneAfterOther(toParts(joined.value)) };
    if (joined.role === "lead") await begin(joined);
    return { source: joined.role === "lead" ? "miss" : "shared", parts: reading(joined) };

    /** Leads, reads along, or has the answer that was stored since. */
    async function join(look = true): Promise<Lead<Told<V>> | Follow<Told<V>> | { role: "made"; value: V }> {
      const began = await asking.join<Told<V>>(question, { look, signal });
      if (began.role === "lead" && began.overtaken === true) {
        const again = await lookAgain(began);
        if (again !== undefined) return { role: "made", value: again };
      }
      if (began.role !== "made") return began;
      const made = await unlessAway(cache().lookup(question, { ...options, tiers: "exact" }));
      return made?.hit === true ? { role: "made", value: made.value } : join(false);
    }

    /** Looks up by meaning, for the caller and its followers. If that fails, the flight does. */
    async function lookAgain(lead: Lead<Told<V>>): Promise<V | undefined> {
      try {
        const again = await unlessAway(cache().lookup(question, { ...options, tiers: "similar" }));
        if (again?.hit !== true) return undefined;
        lead.add({ value: again.value });
        await lead.end();
        return again.value;
      } catch (error) {
        await lead.fail(error);
        throw error;
      }
    }

    /** Calls the model and continues independently of readers: a slow one delays no other. */
    async function begin(lead: Lead<Told<V>>): Promise<void> {
      try {
        void pump(lead, await ask());
      } catch (error) {
        await lead.fail(error);
        throw error;
      }
    }

    async function pump(lead: Lead<Told<V>>, source: AsyncIterable<P>): Promise<void> {
      try {
        for await (const part of keeping(source, (value) => lead.add({ value }))) {
          lead.add({ part });
          if (lead.deserted()) return await lead.leave();
        }
        await lead.end();
      } catch (error) {
        await lead.fail(error);
      }
    }

    /** Passes parts on, and stores the complete answer if they end normally. */
    async function* keeping(source: AsyncIterable<P>, onValue: (value: V) => void): AsyncGenerator<P> {
      const parts: P[] = [];
      for await (const part of source) {
        parts.push(part);
        yield part;
      }
      const value = toValue(parts);
      if (value === undefined || options.keep?.(value) === false) return;
      await unlessAway(cache().store(question, value, options));
      onValue(value);
    }

    /** Reads along. If the leader dies, joins again and continues after the parts read so far. */
    async function* reading({ read }: Pick<Follow<Told<V>>, "read">): AsyncGenerator<P> {
      const known: P[] = [];
      const parts = read(signal);
      try {
        for (;;) {
          const { done, value: told } = await parts.next();
          if (done === true) {
            if (told.kind === "failed") throw told.error;
            if (told.kind === "whole" && known.length > 0) return;
            break;
          }
          if ("part" in told) {
            known.push(told.part as P);
            yield told.part as P;
          } else if (known.length === 0) {
            yield* toParts(told.value);
            return;
          }
        }
      } finally {
        // A reader that stops early leaves the flight, so that no call continues without readers.
        await parts.return({ kind: "left" });
      }
      const anew = await join();
      if (anew.role === "lead") await begin(anew);
      yield* after(known, anew.role === "made" ? oneAfterOther(toParts(anew.value)) : reading(anew));
    }
  }

  return stream;
}

/** Skips the parts that were read already. */
async function* after<P>(read: readonly P[], parts: AsyncIterable<P>): AsyncGenerator<P> {
  let at = 0;
  for await (const part of parts) {
    if (at >= read.length) yield part;
    else if (canonicalJson(part) !== canonicalJson(read[at]))
      throw new MarrowError(
        "conflict",
        "the model was called again and produced a different answer; read it from the start",
      );
    at += 1;
  }
}

async function* oneAfterOther<P>(parts: Iterable<P>): AsyncGenerator<P> {
  yield* parts;
}
