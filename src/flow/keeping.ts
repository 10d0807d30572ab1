import { randomUUID } from "node:crypto";
import type { Session, Turn, Window } from "../memory/index.ts";
import type { ChatMessage, ChatRequest } from "../models/index.ts";
import type { ChatCall, FlowOptions } from "./call.ts";
import { isInstruction, newestTurns, wholeFrom } from "./context.ts";
import type { createDigests } from "./digests.ts";
import { unsaid } from "./resent.ts";
import { withStrings } from "../internal/long-text.ts";
import { sizeOf } from "../internal/json-pieces.ts";

/** Longest wait for a session's append. A request can continue without it. */
const APPEND_WAIT_MS = 1_000;

/** Stores a request's turns in its session. */
export interface Keeping {
  /** Stores the question before its answer exists, in the background while the model is called. */
  open(): void;
  /** Stores the answer after its question. Returns whether the session has both. */
  keep(answer: ChatMessage): Promise<boolean>;
  /** Removes the question, because its client got an error instead of an answer. */
  withdraw(): Promise<void>;
}

/** Dependencies of storing a request's turns. */
export interface KeepingParts {
  readonly session: Session | undefined;
  /** Identifies the session in this process. */
  readonly sessionKey: string;
  readonly request: ChatRequest;
  /** The session's turns at the time of the request; `undefined` if they could not be read. */
  readonly window: Window | undefined;
  /** Equal for retries of the request. @default a unique key */
  readonly idempotencyKey: string | undefined;
  readonly kept: ChatCall["kept"];
  readonly digests: ReturnType<typeof createDigests>;
  readonly sessionTurns: number;
  /** Called with the approximate size of the stored turns, in characters of JSON. */
  readonly onKept?: ((chars: number) => void) | undefined;
  /** Runs an optional step; if Redis is unavailable, continues without its result. */
  readonly orWithout: <T>(role: "memory", part: Promise<T> | undefined) => Promise<T | undefined>;
}

/** Returns the callback that reports the stored size for a session or conversation; `undefined` if the flow has none. */
export function toldOf(
  { onKept }: Pick<FlowOptions, "onKept">,
  { user, session, conversation }: Pick<ChatCall, "user" | "session" | "conversation">,
): KeepingParts["onKept"] {
  return onKept === undefined ? undefined : (chars) => onKept({ user, session, conversation, chars });
}

/** Makes the keeping of one request: stored together if the answer is known at once, else question first. Makes no round trip yet. */
export function createKeeping(parts: KeepingParts): Keeping {
  const { session } = parts;
  return session === undefined ? NOTHING_KEPT : keepIn(session, parts);
}

/** For a request without a session. */
const NOTHING_KEPT: Keeping = { open() {}, keep: async () => true, async withdraw() {} };

function keepIn(session: Session, parts: KeepingParts): Keeping {
  const { sessionKey, request, window, digests, sessionTurns, orWithout } = parts;
  const { turns: history = [], version = 0, epoch = "", createdAtMs } = window ?? {};
  const once = { idempotencyKey: parts.idempotencyKey ?? randomUUID(), timeoutMs: APPEND_WAIT_MS };
  let opening: ReturnType<Session["open"]> | undefined;
  let questions: readonly Turn[] | undefined;

  function added(): readonly Turn[] {
    if (questions !== undefined) return questions;
    const said = request.messages.filter(({ role }) => !isInstruction(role));
    const held = history.filter(({ role }) => role !== "item" && !isInstruction(role));
    const fresh = unsaid(said, held);
    const { said: turns } = parts.kept ?? {};
    if (turns === undefined) questions = fresh;
    // A client may resend stored messages, so the turns they consist of are stored already.
    else questions = fresh.length === said.length ? turns : newestTurns(turns, fresh.length);
    return questions;
  }

  /** Caches the session's turns, unless another process changed it since it was read. */
  function remember(answer: Turn, now: { readonly version: number; readonly epoch: string }, before: string) {
    const more = [...added(), answer];
    if (now.version !== version + more.length || (version !== 0 && before !== epoch)) return;
    const turns = wholeFrom([...history, ...more].slice(-sessionTurns), sessionTurns);
    digests.remember(sessionKey, { version: now.version, epoch: now.epoch, turns });
  }

  function tell(answer: Turn): void {
    if (parts.onKept !== undefined) parts.onKept(sizeOf([...added(), answer]));
  }

  return {
    open() {
      if (window === undefined || added().length === 0) return;
      opening = session.open(added(), { ...once, createdAtMs });
      opening.catch(() => {});
    },

    async keep(recorded) {
      const answer = parts.kept === undefined ? recorded : parts.kept.toAnswer(withStrings(recorded));
      if (opening === undefined) {
        const isWhole = answer["incomplete"] !== true;
        const key = isWhole ? once : { timeoutMs: APPEND_WAIT_MS };
        const appended = await orWithout("memory", session.append([...added(), answer], { ...key, createdAtMs }));
        if (appended === undefined || appended.ended) return false;
        if (appended.repeated) return true;
        tell(answer);
        remember(answer, appended, appended.epoch);
        return true;
      }
      // Whether the question came to Redis is found out by its answer.
      const opened = await opening.catch(() => undefined);
      // The session that had the question, at the latest: one that was cleared or forgotten since does not come back with its answer.
      const born = createdAtMs ?? opened?.createdAtMs;
      const kept = await orWithout("memory", session.complete(added(), answer, { ...once, createdAtMs: born }));
      if (kept === undefined || kept.ended) return false;
      if (!kept.repeated) tell(answer);
      const { version: newest, epoch: ended } = opened ?? { version: 0, epoch: "" };
      if (!kept.repeated && opened?.state === "opened" && newest === kept.version && ended === kept.epochBefore)
        remember(answer, kept, ended);
      return true;
    },

    async withdraw() {
      if (opening === undefined) return;
      await opening.catch(() => {});
      await orWithout("memory", session.withdraw(once.idempotencyKey)).catch(() => {});
    },
  };
}
