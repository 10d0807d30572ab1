import { toFingerprint, type Hit, type Lookup, type Question } from "../cache/index.ts";
import { MarrowError } from "../errors.ts";
import type { Decision } from "../limiter/index.ts";
import type { Session, Turn } from "../memory/index.ts";
import { withDeadline, type ChatChunk, type ChatCompletion, type ChatModel, type ModelCall } from "../models/index.ts";
import type { ChatCall, ChatOutcome, Flow, FlowOptions, Provenance } from "./call.ts";
import { CACHE_CONTROL_DEFAULT, type CacheControl } from "./cache-control.ts";
import { lacksAsked, toQuestion, toStoredAnswer, type StoredAnswer } from "./cacheable.ts";
import { contextOf, lostIn, wholeFrom, withHistory } from "./context.ts";
import { createDigests } from "./digests.ts";
import { createKeeping, toldOf, type Keeping } from "./keeping.ts";
import { affinityOf, describeLookup, isLate, servedBy } from "./provenance.ts";
import { createRecorder } from "./recorder.ts";
import { createLeaving, type Leaving } from "./leaving.ts";
import { relay } from "./relaying.ts";
import { oneGo, toReplay, toReplayEvents, wantsUsage } from "./replay.ts";
import {
  afterSaid,
  readAlong,
  recorded,
  toChunks,
  toEventStream,
  withNewId,
  type Leading,
  type Sharing,
  type Together,
  type Told,
} from "./together.ts";
import { createSettling, type Asked } from "./settling.ts";
import { besideOf } from "./sharing.ts";
import { staged, telling } from "./signals.ts";
import { NOTHING_USED, toEstimate, toEstimatedUsage } from "./spending.ts";
import { askUsage, createEventHolder, createUsageFilter } from "./usage-asked.ts";
import { createOrWithout } from "./without.ts";

const SESSION_TURNS_DEFAULT = 40;
const DRAIN_MS_DEFAULT = 120_000;
/** The same for an answer that is kept for whoever asks for it later. */
const KEPT_DRAIN_MS = 3_600_000;
/** Longest wait for a session: a request can do without its history, but not for long without an answer. */
const WINDOW_WAIT_MS = 500;

/** Makes the sync path out of one scope's roles. */
export function createFlow(options: FlowOptions): Flow {
  const { findModel, memory, conversations, cache, prices, onDegraded = () => {} } = options;
  const { sessionTurns = SESSION_TURNS_DEFAULT, drainMs = DRAIN_MS_DEFAULT, onDisconnect = "finish" } = options;
  const digests = createDigests();
  const windowOf = { last: sessionTurns, timeoutMs: WINDOW_WAIT_MS };

  const { settle, freePlace, spend, hit, shared } = createSettling(options);
  const orWithout = createOrWithout(onDegraded);

  async function chat(call: ChatCall): Promise<ChatOutcome> {
    const startMs = performance.now();
    const { request, control = CACHE_CONTROL_DEFAULT } = call;
    const known = findModel(request.model);
    if (known === undefined) {
      throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
    }
    const model = call.deadline?.whole === true ? withDeadline(known, call.deadline.atMs) : known;
    const begun = await begin(call, control);
    if (begun.decision?.allowed === false) return { kind: "refused", decision: begun.decision };
    const { decision, found, asking } =
      begun.found?.hit === true ? { ...begun, asking: undefined } : await reserve(call, control, begun);
    const refused = decision?.allowed === false && found?.hit !== true;
    if (refused) {
      if (asking?.role === "lead") void asking.leave();
      void begun.keeping.withdraw();
      settle(begun.decision, { requests: 0 });
      return { kind: "refused", decision };
    }
    const { session, question, served } = begun;
    const isAlone = asking?.role === "lead" && asking.isAlone;
    const provenance: Provenance = {
      // Where Redis reads and refuses writes nothing is stored either: the cache is passed by.
      cache: found?.hit === true ? found.match : served && !isAlone ? "miss" : "bypass",
      ...describeLookup(found),
      ...(options.tellsSaved === true && found?.hit === true && { saved: found.cost }),
      session: session === undefined ? undefined : begun.window === undefined ? "unavailable" : "kept",
      decision,
    };
    const since = { startMs, askedMs: performance.now() };
    const turn = {
      ...call,
      session,
      keeping: begun.keeping,
      history: begun.window?.turns ?? [],
      decision,
      model,
      since,
    };
    if (found?.hit === true) return replay({ ...turn, question }, found, provenance);
    if (control.onlyIfCached) return { kind: "absent", provenance };
    const turns = { ...turn, question: served && !control.noStore ? question : undefined };
    if (asking === undefined || asking.role === "lead") return staged("ask", () => ask(turns, provenance, asking));
    return staged("ask", () => share(turns, { ...provenance, cache: "shared" }, asking));
  }

  /** Joins those who ask this just now; `undefined` when nothing may be shared. */
  async function join(
    question: Question | undefined,
    control: CacheControl = CACHE_CONTROL_DEFAULT,
    beside?: Promise<Lookup<StoredAnswer> | undefined>,
  ): Promise<Together | undefined> {
    if (cache === undefined || question === undefined || toFingerprint(question).followUp) return undefined;
    const look = control.maxAgeMs === Infinity;
    const asking = await orWithout("cache", cache.join<Told>(question, { look, beside }));
    if (asking?.role !== "made") return asking;
    if ((await beside)?.hit === true) return undefined;
    const made = await lookup(question, "exact", CACHE_CONTROL_DEFAULT);
    if (made?.hit === true) return { role: "made", completion: toReplay(made.value) };
    // It was stored, and ended since.
    const anew = await orWithout("cache", cache.join<Told>(question, { look: false }));
    return anew?.role === "made" ? undefined : anew;
  }

  /** The first round trip: one request is taken, the session is read, and the exact answer is looked up. */
  async function begin(call: ChatCall, control: CacheControl) {
    const { request, user, key, conversation, session: named } = call;
    const limiter = call.limiter ?? options.limiter;
    const subjects = { user, model: request.model, ...(key !== undefined && { key }) };
    const [held, id] = conversation === undefined ? [memory, named] : [conversations, conversation];
    const session = id === undefined ? undefined : held?.session({ user, id });
    const sessionKey = `${conversation === undefined ? "s" : "c"}${user.length}:${user}${id ?? ""}`;
    const guess =
      session === undefined
        ? { version: 0, epoch: "", context: contextOf(request, []) }
        : digests.guess(sessionKey, request);
    const beside = besideOf(options.sharing, call, control);
    let question = cache === undefined ? undefined : toQuestion(request, guess.context, beside);
    const [decision, read, guessed] = await Promise.all([
      limiter && staged("admit", () => limiter.take(subjects, { requests: 1, concurrency: 0 })),
      orWithout("memory", session && staged("remember", () => session.window(windowOf))),
      lookup(question, "exact", control),
    ]);
    if (conversation !== undefined && (session === undefined || read?.epoch === "")) {
      settle(decision, { requests: 0 });
      throw new MarrowError("not_found", "there is no conversation of this id", { details: { path: "conversation" } });
    }
    const window = read && { ...read, turns: wholeFrom(read.turns, sessionTurns) };
    const lost = conversation && window && lostIn(request.messages, window.turns, call.resultPath);
    if (lost instanceof Error) {
      settle(decision, { requests: 0 });
      throw lost;
    }
    let found = guessed;
    if (window !== undefined && (window.version !== guess.version || window.epoch !== guess.epoch)) {
      const context = contextOf(request, window.turns);
      if (context.digest !== guess.context.digest && cache !== undefined) {
        question = toQuestion(request, context, beside);
        found = await lookup(question, "exact", control);
      }
    }
    // Without its history a session's question is another question: no stored answer serves it, and its answer serves no other.
    const known = session === undefined || window !== undefined;
    const away = !control.noCache && found === undefined;
    const served = question !== undefined && known && !away;
    const { idempotencyKey } = call;
    const about = { session, sessionKey, request, window, idempotencyKey };
    return {
      limiter,
      subjects,
      session,
      window,
      keeping: createKeeping({ ...about, digests, sessionTurns, orWithout, onKept: toldOf(options, call) }),
      question,
      decision,
      found: served ? found : undefined,
      served,
    };
  }

  /**
   * The second round trip. A stored answer uses no tokens, so they are reserved only now, beside the lookup by meaning; and a question is kept
   * by its session now, for its answer may take long.
   */
  async function reserve(
    { request, user }: ChatCall,
    control: CacheControl,
    { limiter, subjects, decision, found, question, served, keeping }: Awaited<ReturnType<typeof begin>>,
  ) {
    const counts = !control.onlyIfCached && decision?.rules.some(({ unit }) => unit !== "requests") === true;
    const shares = served && !control.noCache && !control.noStore && !control.onlyIfCached;
    const similar = served ? lookup(question, "similar", control, user) : undefined;
    const joining = shares ? join(question, control, similar) : undefined;
    if (!control.onlyIfCached) keeping.open();
    try {
      const [reserved, near, asking] = await Promise.all([
        counts ? limiter?.take(subjects, toEstimate(request, prices), { reserve: true }) : undefined,
        similar,
        joining,
      ]);
      return { decision: reserved ?? decision, found: near ?? found, asking };
    } catch (error) {
      void keeping.withdraw();
      // Who asks no more must not lead those who ask the same.
      const asking = await joining?.catch(() => undefined);
      if (asking?.role === "lead") await asking.leave();
      throw error;
    }
  }

  /** One tier's answer; `undefined` when it was not asked, or the cache is away. */
  async function lookup(
    question: Question | undefined,
    tiers: "exact" | "similar",
    { noCache, noStore, maxAgeMs }: CacheControl,
    subject?: string,
  ): Promise<Lookup<StoredAnswer> | undefined> {
    if (cache === undefined || question === undefined || noCache) return undefined;
    // An alias keeps the wording: what must not be stored is not judged.
    const asked = { tiers, maxAgeMs, judge: !noStore, subject };
    const looked = await orWithout(
      "cache",
      staged("find", () => cache.lookup(question, asked), tiers),
    );
    return looked?.hit === true && lacksAsked(question, looked.value) ? { hit: false } : looked;
  }

  type Turns = Omit<ChatCall, "session"> & {
    readonly session: Session | undefined;
    readonly keeping: Keeping;
    readonly history: readonly Turn[];
    readonly decision: Decision | undefined;
    readonly model: ChatModel;
    readonly question: Question | undefined;
    readonly since: Asked["since"];
  };

  async function replay(turns: Turns, found: Hit<StoredAnswer>, provenance: Provenance): Promise<ChatOutcome> {
    const { match, value: answer, cost } = found;
    if (match === "similar" || match === "judged") settle(turns.decision, NOTHING_USED);
    hit(turns, match, cost);
    const kept = await turns.keeping.keep(answer.message);
    const told = { ...answer, usage: answer.usage ?? toEstimatedUsage(turns.request, answer.message) };
    const described = kept ? provenance : { ...provenance, session: "unavailable" as const };
    if (turns.request.stream !== true)
      return { kind: "whole", text: JSON.stringify(toReplay(told)), provenance: described };
    const events = toReplayEvents(told, wantsUsage(turns.request));
    return { kind: "stream", stream: oneGo(Buffer.from(events)), provenance: described };
  }

  async function ask(turns: Turns, provenance: Provenance, lead?: Leading): Promise<ChatOutcome> {
    const leaving = watch(turns, lead);
    try {
      if (turns.request.stream === true) {
        const parts = await turns.model.stream(askUsage(toCall(turns, leaving.signal)));
        const stream = relay({
          model: turns.request.model,
          parts,
          shown: wantsUsage(turns.request) ? createEventHolder() : createUsageFilter(),
          lead,
          leaving,
          isOwn: (error) => leaving.cancelled || isLate(turns, error),
          finish: (completion) => finish(turns, completion),
          keepPartial: (completion) => keepPartial(turns, completion),
        });
        return { kind: "stream", stream, provenance: { ...provenance, served: servedBy(turns.model, parts) } };
      }
      const { text, kept, served } = await askWhole(turns, lead, leaving.signal);
      leaving.close();
      const described = { ...provenance, served };
      return { kind: "whole", text, provenance: kept ? described : { ...described, session: "unavailable" } };
    } catch (error) {
      leaving.close();
      void turns.keeping.withdraw();
      settle(turns.decision, NOTHING_USED);
      await (leaving.cancelled || isLate(turns, error) ? lead?.leave() : lead?.fail(error));
      throw error;
    }
  }

  /** Watches whether the client stays, and who else wants the answer. */
  function watch({ gone, keeps, session, question, decision }: Turns, lead?: Leading): Leaving {
    return createLeaving({
      gone,
      lead,
      wanted: keeps === true || (onDisconnect === "finish" && (session !== undefined || question !== undefined)),
      onLeft: () => freePlace(decision),
      drainMs: keeps === true ? KEPT_DRAIN_MS : drainMs,
    });
  }

  /** What the model is asked: the request as it came where nothing needs to change in it. */
  function toCall({ request, history, body, signal: given, ...turns }: Turns, ended?: AbortSignal): ModelCall {
    const signals = [given, ended].filter((one) => one !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    const how = { signal, affinity: affinityOf(turns, request), deadlineMs: turns.deadline?.atMs };
    if (history.length === 0) return { request, body, ...how };
    return { request: { ...request, messages: withHistory(request.messages, history) }, ...how };
  }

  async function askWhole(turns: Turns, lead: Leading | undefined, ended?: AbortSignal) {
    const answer = await turns.model.complete(toCall(turns, ended));
    const { text, completion } = answer;
    lead?.add({ completion });
    // Who follows is told in the same round trip in which it is stored.
    const [kept] = await Promise.all([finish(turns, completion), lead?.end()]);
    return { text, completion, kept, served: servedBy(turns.model, answer) };
  }

  /** Gives the answer that another request is given just now. */
  async function share(turns: Turns, provenance: Provenance, asking: Sharing): Promise<ChatOutcome> {
    const { request } = turns;
    const chunks = orWithdrawn(turns, sharing(turns, asking));
    const recorder = createRecorder(request.model);
    try {
      // What fails before its first part is a failure of the request, not of its stream.
      const first = await chunks.next();
      if (request.stream === true) {
        const stream = toEventStream(chunks, first, wantsUsage(request), () => {
          freePlace(turns.decision);
          if (turns.session !== undefined || turns.keeps === true) return true;
          settle(turns.decision, NOTHING_USED);
          return false;
        });
        return { kind: "stream", stream, provenance };
      }
      for (let next = first; next.done !== true; next = await chunks.next()) recorder.add([next.value]);
    } catch (error) {
      settle(turns.decision, NOTHING_USED);
      throw error;
    }
    return { kind: "whole", text: JSON.stringify(withNewId(recorder.completion())), provenance };
  }

  /** An answer whose question its session does not keep when it breaks off. */
  async function* orWithdrawn({ keeping }: Turns, chunks: AsyncGenerator<ChatChunk>): AsyncGenerator<ChatChunk> {
    try {
      yield* chunks;
    } catch (error) {
      void keeping.withdraw();
      throw error;
    }
  }

  /**
   * Reads along as chunks. When the one that asks is gone, this request joins anew: it may have to ask itself, and goes on after what was
   * said already.
   */
  async function* sharing(turns: Turns, asking: Sharing): AsyncGenerator<ChatChunk> {
    const recorder = createRecorder(turns.request.model);
    if (asking.role === "made") yield* recorded(toChunks(asking.completion), recorder);
    else if (!(yield* readAlong(asking, recorder))) {
      const said = recorder.completion().choices[0]?.message;
      const anew = await join(turns.question);
      if (anew?.role === "follow" || anew?.role === "made") {
        yield* afterSaid(said, sharing(turns, anew));
        return;
      }
      const { stream: _, stream_options: __, ...request } = turns.request;
      const { completion } = await askWhole({ ...turns, request, body: undefined }, anew).catch(async (error) => {
        await anew?.fail(error);
        throw error;
      });
      yield* afterSaid(said, toChunks(completion));
      return;
    }
    settle(turns.decision, NOTHING_USED);
    shared(turns, () => recorder.completion());
    const message = recorder.completion().choices[0]?.message;
    if (message !== undefined) await turns.keeping.keep(message);
  }

  /** Everything that follows a whole answer, in one round trip. Answers whether the turns are kept. */
  function finish(turns: Turns, completion: ChatCompletion): Promise<boolean> {
    return staged("finish", () => finishNow(turns, completion));
  }

  async function finishNow(turns: Turns, completion: ChatCompletion): Promise<boolean> {
    const { question } = turns;
    const { tokens, cost } = spend(turns, completion);
    const answer = question === undefined ? undefined : toStoredAnswer(completion);
    const storing =
      question === undefined || answer === undefined
        ? undefined
        : orWithout("cache", cache?.store(question, answer, { saves: tokens, cost, subject: turns.user }));
    const message = completion.choices[0]?.message;
    const kept = message === undefined ? true : await turns.keeping.keep(message);
    await storing;
    return kept;
  }

  /** What came of an answer that broke off: the session keeps it, marked, and nothing is cached. */
  async function keepPartial(turns: Turns, completion: ChatCompletion): Promise<void> {
    spend(turns, completion);
    const message = completion.choices[0]?.message;
    if (typeof message?.content === "string") await turns.keeping.keep({ ...message, incomplete: true });
    else await turns.keeping.withdraw();
  }

  return { chat: (call) => telling(call, chat) };
}
