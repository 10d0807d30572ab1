import type { Lookup, Question } from "../../cache/index.ts";
import { MarrowError } from "../../errors.ts";
import type { Decision, Limiter, Subjects } from "../../limiter/index.ts";
import type { Session, Window } from "../../memory/index.ts";
import type { ChatCall } from "../call.ts";
import type { CacheControl } from "../cache-control.ts";
import { toQuestion, type StoredAnswer } from "../cacheable.ts";
import { contextInTurns, contextOf, lostIn, wholeFrom } from "../context.ts";
import { prepareLarge } from "../large-context.ts";
import { createKeeping, toldOf, type Keeping } from "../keeping.ts";
import type { FlowKit } from "../kit.ts";
import { besideOf } from "../sharing.ts";
import { staged } from "../signals.ts";
import { lookup } from "./lookup.ts";
import { noteStep } from "../../internal/steps.ts";

/** Longest wait for a session. A request can continue without its history. */
const WINDOW_WAIT_MS = 500;

/** Results of the first round trip. */
export interface Begun {
  readonly limiter: Limiter | undefined;
  readonly subjects: Subjects;
  readonly session: Session | undefined;
  /** The session's latest turns; `undefined` without a session, or if it cannot be read. */
  readonly window: Window | undefined;
  readonly keeping: Keeping;
  readonly question: Question | undefined;
  readonly decision: Decision | undefined;
  readonly found: Lookup<StoredAnswer> | undefined;
  /** Whether the cache may answer the request and store its answer. */
  readonly served: boolean;
}

/** Runs the first round trip: takes one request, reads the session, and looks up the exact answer. */
export async function begin(kit: FlowKit, call: ChatCall, control: CacheControl): Promise<Begun> {
  const { memory, conversations, cache, digests, sessionTurns, orWithout, settle } = kit;
  const { request, user, key, conversation, session: named, lead } = call;
  const limiter = call.limiter ?? kit.limiter;
  const subjects = { user, model: request.model, ...(key !== undefined && { key }) };
  const [held, id] = conversation === undefined ? [memory, named] : [conversations, conversation];
  const session = id === undefined ? undefined : held?.session({ user, id });
  const sessionKey = `${conversation === undefined ? "s" : "c"}${user.length}:${user}${id ?? ""}`;
  const preparing = cache === undefined ? undefined : prepareLarge(request);
  if (preparing !== undefined) {
    await preparing;
    noteStep("prepare");
  }
  const guessing = cache === undefined || session === undefined ? undefined : digests.guess(sessionKey, request, lead);
  const guess = guessing instanceof Promise ? await guessing : guessing;
  const beside = besideOf(kit.sharing, call, control);
  let question =
    cache === undefined ? undefined : toQuestion(request, guess?.context ?? contextOf(request, []), beside);
  const [decision, read, guessed] = await Promise.all([
    limiter && staged("admit", () => limiter.take(subjects, { requests: 1, concurrency: 0 })),
    orWithout(
      "memory",
      session &&
        staged("remember", () => session.window({ last: sessionTurns, timeoutMs: WINDOW_WAIT_MS, keepsPieces: true })),
    ),
    lookup(kit, question, "exact", control),
  ]);
  noteStep("compose");
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
  if (
    window !== undefined &&
    guess !== undefined &&
    (window.version !== guess.version || window.epoch !== guess.epoch)
  ) {
    const composed = contextInTurns(request, window.turns, lead);
    const context = composed instanceof Promise ? await composed : composed;
    if (context.digest !== guess.context.digest) {
      question = toQuestion(request, context, beside);
      found = await lookup(kit, question, "exact", control);
    }
  }
  // Without its history a session's question is another question: no stored answer serves it, and its answer serves no other.
  const known = session === undefined || window !== undefined;
  const away = !control.noCache && found === undefined;
  const served = question !== undefined && known && !away;
  const { idempotencyKey, kept } = call;
  const about = { session, sessionKey, request, window, idempotencyKey, kept };
  return {
    limiter,
    subjects,
    session,
    window,
    keeping: createKeeping({ ...about, digests, sessionTurns, orWithout, onKept: toldOf(kit, call) }),
    question,
    decision,
    found: served ? found : undefined,
    served,
  };
}
