import { unlessAway, type Cache, type Lookup, type Question } from "../cache/index.ts";
import { MarrowError } from "../errors.ts";
import type { Costs, Decision, Limiter } from "../limiter/index.ts";
import type { Memory, Session, Turn } from "../memory/index.ts";
import type { ChatCompletion, ChatMessage, ChatModel, ChatRequest, StreamPart } from "../models/index.ts";
import { CACHE_CONTROL_DEFAULT, type CacheControl } from "./cache-control.ts";
import { toQuestion, toStoredAnswer, type StoredAnswer } from "./cacheable.ts";
import { contextOf, isInstruction, withHistory } from "./context.ts";
import { createDigests } from "./digests.ts";
import { createRecorder } from "./recorder.ts";
import { toReplay, toReplayEvents } from "./replay.ts";
import { estimateText, estimateTokens } from "./tokens.ts";

/** What a flow is made of: the roles of one scope. An absent role is passed over. */
export interface FlowOptions {
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly limiter?: Limiter | undefined;
  readonly memory?: Memory | undefined;
  readonly cache?: Cache<StoredAnswer> | undefined;
  /** Turns of a session given to the model, 1 to 1,000. @default 40 */
  readonly sessionTurns?: number | undefined;
  /** How long an answer whose client has gone is still read to its end, in milliseconds. @default 120_000 */
  readonly drainMs?: number | undefined;
  /** Hears of what could not be done in the background: a role's name and the error. */
  readonly onDegraded?: ((role: "cache" | "memory" | "limiter", error: unknown) => void) | undefined;
}

/** One request of one user. */
export interface ChatCall {
  readonly request: ChatRequest;
  /** The request as the client's bytes, when nothing needs to change in it. */
  readonly body?: Uint8Array | undefined;
  /** Who asks: subject of the limits, owner of the session. */
  readonly user: string;
  readonly session?: string | undefined;
  readonly control?: CacheControl | undefined;
}

/** Where an answer came from. `bypass`: the cache could not serve this request, or Redis was away. */
export type CacheStatus = "exact" | "similar" | "miss" | "bypass";

/** How an answer came about, for headers and metrics. */
export interface Provenance {
  readonly cache: CacheStatus;
  /** Cosine of a hit, or of the nearest miss. */
  readonly similarity?: number | undefined;
  /** Why the nearest stored question was not served. */
  readonly veto?: string | undefined;
  readonly ageMs?: number | undefined;
  /** `unavailable`: Redis was away, so the history was not read or the turns were not kept. */
  readonly session?: "kept" | "unavailable" | undefined;
  readonly decision?: Decision | undefined;
}

/** A stream of events to be written through. */
export interface AnswerStream extends AsyncIterable<Uint8Array> {
  /**
   * Tells that nobody reads on. The answer is still read to its end, within `drainMs`, so that the session keeps it.
   * Needless after the last piece; harmless at any time.
   */
  abandon(): void;
}

/** What a request comes to. Failures of the model are thrown. */
export type ChatOutcome =
  | { readonly kind: "refused"; readonly decision: Extract<Decision, { allowed: false }> }
  /** `only-if-cached` was asked, and there is nothing. */
  | { readonly kind: "absent"; readonly provenance: Provenance }
  /** A whole completion as JSON. */
  | { readonly kind: "whole"; readonly text: string; readonly provenance: Provenance }
  | { readonly kind: "stream"; readonly stream: AnswerStream; readonly provenance: Provenance };

/** The sync path of one scope. */
export interface Flow {
  /**
   * Limiter, session and exact lookup in one round trip; then, in one, the similar lookup and the reservation of tokens; then
   * the model; then, in one, cache and session, and the settlement of the tokens. While Redis is away the model answers alone.
   *
   * The turns are in the session before the answer's last byte is handed over, and also when nobody reads on.
   * @throws MarrowError `not_found` for an unknown model, `model_failed`, `timeout`
   */
  chat(call: ChatCall): Promise<ChatOutcome>;
}

const SESSION_TURNS_DEFAULT = 40;
const DRAIN_MS_DEFAULT = 120_000;
/** Longest waits for a session: a request can do without its history, but not for long without an answer. */
const WINDOW_WAIT_MS = 500;
const APPEND_WAIT_MS = 1_000;

/** Makes the sync path out of one scope's roles. */
export function createFlow(options: FlowOptions): Flow {
  const { findModel, limiter, memory, cache, onDegraded = () => {} } = options;
  const { sessionTurns = SESSION_TURNS_DEFAULT, drainMs = DRAIN_MS_DEFAULT } = options;
  const digests = createDigests();

  /** Runs a part that Redis being away must not break. */
  function orWithout<T>(role: "cache" | "memory" | "limiter", part: Promise<T> | undefined): Promise<T | undefined> {
    return unlessAway(part, (error) => onDegraded(role, error));
  }

  async function chat(call: ChatCall): Promise<ChatOutcome> {
    const { request, control = CACHE_CONTROL_DEFAULT } = call;
    const model = findModel(request.model);
    if (model === undefined) {
      throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
    }
    const begun = await begin(call, control);
    if (begun.decision?.allowed === false) return { kind: "refused", decision: begun.decision };
    const { decision, found } = begun.found?.hit === true ? begun : await reserve(call, control, begun);
    if (decision?.allowed === false && found?.hit !== true) {
      settle(begun.decision, { requests: 0 });
      return { kind: "refused", decision };
    }
    const { session, question, served } = begun;
    const provenance: Provenance = {
      cache: found?.hit === true ? found.match : served ? "miss" : "bypass",
      ...describeLookup(found),
      session: session === undefined ? undefined : begun.window === undefined ? "unavailable" : "kept",
      decision,
    };
    const { turns: history = [], version = 0 } = begun.window ?? {};
    const turn = { ...call, session, sessionKey: begun.sessionKey, history, version, decision, model };
    if (found?.hit === true) return replay({ ...turn, question }, found.value, provenance);
    if (control.onlyIfCached) return { kind: "absent", provenance };
    return ask({ ...turn, question: served && !control.noStore ? question : undefined }, provenance);
  }

  /** The first round trip: one request is taken, the session is read, and the exact answer is looked up. */
  async function begin(call: ChatCall, control: CacheControl) {
    const { request, user } = call;
    const session = call.session === undefined ? undefined : memory?.session({ user, id: call.session });
    const sessionKey = `${user.length}:${user}${call.session ?? ""}`;
    const guess =
      session === undefined ? { version: 0, context: contextOf(request, []) } : digests.guess(sessionKey, request);
    let question = cache === undefined ? undefined : toQuestion(request, guess.context);
    const [decision, window, guessed] = await Promise.all([
      limiter?.take({ user, model: request.model }, { requests: 1 }),
      orWithout("memory", session?.window({ last: sessionTurns, timeoutMs: WINDOW_WAIT_MS })),
      lookup(question, "exact", control),
    ]);
    let found = guessed;
    if (window !== undefined && window.version !== guess.version) {
      const context = contextOf(request, window.turns);
      if (context.digest !== guess.context.digest && cache !== undefined) {
        question = toQuestion(request, context);
        found = await lookup(question, "exact", control);
      }
    }
    // Without its history a session's question is another question: no stored answer serves it, and its answer serves no other.
    const known = session === undefined || window !== undefined;
    const away = !control.noCache && found === undefined;
    const served = question !== undefined && known && !away;
    return { session, sessionKey, window, question, decision, found: served ? found : undefined, served };
  }

  /** The second round trip. A stored answer uses no tokens, so they are reserved only now, beside the lookup by meaning. */
  async function reserve(
    { request, user }: ChatCall,
    control: CacheControl,
    { decision, found, question, served }: Awaited<ReturnType<typeof begin>>,
  ) {
    const countsTokens = !control.onlyIfCached && decision?.rules.some(({ unit }) => unit === "tokens") === true;
    const [reserved, near] = await Promise.all([
      countsTokens
        ? limiter?.take({ user, model: request.model }, { requests: 0, tokens: estimateTokens(request) })
        : undefined,
      served ? lookup(question, "similar", control) : undefined,
    ]);
    return { decision: reserved ?? decision, found: near ?? found };
  }

  /** One tier's answer; `undefined` when it was not asked, or the cache is away. */
  async function lookup(
    question: Question | undefined,
    tiers: "exact" | "similar",
    { noCache, maxAgeMs }: CacheControl,
  ): Promise<Lookup<StoredAnswer> | undefined> {
    if (cache === undefined || question === undefined || noCache) return undefined;
    return orWithout("cache", cache.lookup(question, { tiers, maxAgeMs }));
  }

  type Turns = Omit<ChatCall, "session"> & {
    readonly session: Session | undefined;
    readonly sessionKey: string;
    readonly history: readonly Turn[];
    /** Version of the session that the history was read at. */
    readonly version: number;
    readonly decision: Decision | undefined;
    readonly model: ChatModel;
    readonly question: Question | undefined;
  };

  async function replay(turns: Turns, answer: StoredAnswer, provenance: Provenance): Promise<ChatOutcome> {
    if (provenance.cache === "similar") settle(turns.decision, { tokens: 0 });
    const kept = await keepTurns(turns, answer.message);
    const described = kept ? provenance : { ...provenance, session: "unavailable" as const };
    if (turns.request.stream !== true)
      return { kind: "whole", text: JSON.stringify(toReplay(answer)), provenance: described };
    const events = toReplayEvents(answer, wantsUsage(turns.request));
    return { kind: "stream", stream: oneGo(Buffer.from(events)), provenance: described };
  }

  async function ask(turns: Turns, provenance: Provenance): Promise<ChatOutcome> {
    const { request, history, model, decision } = turns;
    const asked: ChatRequest =
      history.length === 0 ? request : { ...request, messages: withHistory(request.messages, history) };
    const body = history.length === 0 ? turns.body : undefined;
    const drained = new AbortController();
    try {
      if (request.stream === true) {
        const parts = await model.stream({ request: asked, body, signal: drained.signal });
        return { kind: "stream", stream: relay(turns, parts, drained), provenance };
      }
      const { text, completion } = await model.complete({ request: asked, body });
      const kept = await finish(turns, completion);
      return { kind: "whole", text, provenance: kept ? provenance : { ...provenance, session: "unavailable" } };
    } catch (error) {
      settle(decision, { tokens: 0 });
      throw error;
    }
  }

  /** Hands a model's stream on while it is recorded; who stops reading does not stop it. */
  function relay(turns: Turns, parts: AsyncIterable<StreamPart>, drained: AbortController): AnswerStream {
    const source = parts[Symbol.asyncIterator]();
    const recorder = createRecorder(turns.request.model);
    let over = false;

    async function next(): Promise<IteratorResult<Uint8Array>> {
      if (over) return { done: true, value: undefined };
      try {
        const { done, value } = await source.next();
        if (done === true) {
          over = true;
          return { done, value: undefined };
        }
        recorder.add(value.chunks);
        if (value.done) {
          over = true;
          await finish(turns, recorder.completion());
        }
        return { done: false, value: value.bytes };
      } catch (error) {
        if (!over) await keepPartial(turns, recorder.completion());
        over = true;
        throw error;
      }
    }

    function abandon(): void {
      if (over) return;
      const late = setTimeout(() => drained.abort(), drainMs);
      void (async () => {
        while ((await next()).done !== true);
      })()
        .catch((error: unknown) => onDegraded("memory", error))
        .finally(() => clearTimeout(late));
    }

    return { [Symbol.asyncIterator]: () => ({ next }), abandon };
  }

  /** Everything that follows a whole answer, in one round trip. Answers whether the turns are kept. */
  async function finish(turns: Turns, completion: ChatCompletion): Promise<boolean> {
    const { question, decision } = turns;
    settle(decision, {
      tokens: completion.usage?.total_tokens ?? estimateText([turns.request.messages, completion.choices]),
    });
    const answer = question === undefined ? undefined : toStoredAnswer(completion);
    const storing =
      question === undefined || answer === undefined ? undefined : orWithout("cache", cache?.store(question, answer));
    const message = completion.choices[0]?.message;
    const kept = message === undefined ? true : await keepTurns(turns, message);
    await storing;
    return kept;
  }

  /** What came of an answer that broke off: the session keeps it, marked, and nothing is cached. */
  async function keepPartial(turns: Turns, completion: ChatCompletion): Promise<void> {
    settle(turns.decision, { tokens: estimateText([turns.request.messages, completion.choices]) });
    const message = completion.choices[0]?.message;
    if (typeof message?.content === "string") await keepTurns(turns, { ...message, incomplete: true });
  }

  async function keepTurns(
    { session, sessionKey, request, history, version }: Turns,
    answer: ChatMessage,
  ): Promise<boolean> {
    if (session === undefined) return true;
    const added = [...request.messages.filter(({ role }) => !isInstruction(role)), answer];
    const appended = await orWithout("memory", session.append(added, { timeoutMs: APPEND_WAIT_MS }));
    if (appended === undefined) return false;
    // Turns that others added meanwhile are not known here; their version is, and makes the guess void.
    if (appended.version === version + added.length) {
      digests.remember(sessionKey, appended.version, [...history, ...added].slice(-sessionTurns));
    }
    return true;
  }

  /** Puts real costs in place of those taken; nobody waits for it. */
  function settle(decision: Decision | undefined, actual: Costs): void {
    if (decision?.allowed !== true) return;
    decision.settle(actual).catch((error: unknown) => onDegraded("limiter", error));
  }

  return { chat };
}

function wantsUsage(request: ChatRequest): boolean {
  return (request["stream_options"] as { include_usage?: unknown } | null | undefined)?.include_usage === true;
}

function describeLookup(found: Lookup<StoredAnswer> | undefined): Pick<Provenance, "similarity" | "veto" | "ageMs"> {
  if (found === undefined) return {};
  if (found.hit) return { similarity: found.similarity, ageMs: found.ageMs };
  return { similarity: found.nearest?.similarity, veto: found.nearest?.veto };
}

function oneGo(bytes: Uint8Array): AnswerStream {
  return {
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
    abandon() {},
  };
}
