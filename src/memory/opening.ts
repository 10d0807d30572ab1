import { hash } from "node:crypto";
import { checkObject, checkText } from "../internal/check.ts";
import { runScript, type ScopedRedis } from "../redis/index.ts";
import type { Opened, Session } from "./handle.ts";
import type { SessionKeys } from "./keys.ts";
import type { ResolvedMemoryOptions } from "./options.ts";
import { completeTurn, withdrawTurn } from "./scripts.gen.ts";
import { loadCountTokens } from "./tokens.ts";
import { checkTurns, toElement, toElements, toOpenElement } from "./turn.ts";

interface Parts {
  readonly redis: ScopedRedis;
  readonly options: ResolvedMemoryOptions;
  /** The session's encoded id, and its keys. */
  readonly session: string;
  readonly keys: Pick<SessionKeys, "log" | "meta" | "ids"> & { readonly sessions: string };
  readonly channel: string;
  readonly append: Session["append"];
  /** Appends elements of the log as they are. */
  readonly appendElements: (
    elements: readonly Buffer[],
    id: string,
    born: number | undefined,
    timeoutMs: number | undefined,
  ) => Promise<readonly [number, number, string, string]>;
  /** Called when there are new turns to extract facts from. */
  readonly onAppend: () => void;
}

/** Results of opening a question, by the script's number. */
const STATES: ReadonlyMap<number, Opened["state"]> = new Map([
  [1, "opened"],
  [2, "open"],
  [-2, "ended"],
]);

/**
 * Stores questions before their answers exist. A question and the place of its answer are appended together, so both have their numbers
 * from the start and later turns follow them.
 */
export function createOpenings(parts: Parts): Pick<Session, "open" | "complete" | "withdraw"> {
  const { redis, options, session, keys, channel, append, appendElements, onAppend } = parts;
  const { sessionTtlMs, sessionLifeMs, sessionBytesMax, sessionTokensMax, turnBytesMax } = options;
  const idOf = (key: string) => checkText("idempotencyKey", key, 256, "invalid_input");
  /** Counts a turn's tokens; absent if the counter must be loaded. */
  const counter = sessionTokensMax === 0 ? () => 0 : options.countTokens;

  return {
    async open(turns, openOptions) {
      const { idempotencyKey, createdAtMs, timeoutMs } = checkObject("options", openOptions);
      const [id, list, count] = [idOf(idempotencyKey), checkTurns(turns), counter ?? (await loadCountTokens())];
      const made = toElements(list, turnBytesMax, count);
      const questions = await Promise.all((made instanceof Promise ? await made : made).map(toOpenElement));
      const place = Buffer.from(`0~${list.length}.${hash("sha1", id).slice(0, 8)}:`);
      const elements = [...questions, place];
      const [status, version, epoch, created] = await appendElements(elements, id, createdAtMs, timeoutMs);
      const state = STATES.get(status) ?? "complete";
      return { version, epoch, createdAtMs: Number(created) || undefined, state };
    },

    async complete(turns, answer, completeOptions) {
      const { idempotencyKey, createdAtMs, timeoutMs } = checkObject("options", completeOptions);
      const [id, list] = [idOf(idempotencyKey), checkTurns(turns)];
      const isWhole = checkObject("answer", answer)["incomplete"] !== true;
      const element = toElement(answer, "answer", turnBytesMax, counter ?? (await loadCountTokens()));
      const values = {
        session,
        id,
        answer: element instanceof Promise ? await element : element,
        release: isWhole ? 0 : 1,
        ttl_ms: sessionTtlMs,
        life_ms: sessionLifeMs,
        max_bytes: sessionBytesMax,
        max_tokens: sessionTokensMax,
        born: createdAtMs ?? "",
        channel,
      };
      const reply = await runScript(redis, completeTurn, keys, values, { timeoutMs });
      const [status, version, epoch, epochBefore] = reply as [number, number, string, string];
      if (status === 0) {
        const once = isWhole ? { idempotencyKey: id } : {};
        const appended = await append([...list, answer], { ...once, createdAtMs, timeoutMs });
        return { ...appended, epochBefore: appended.epoch };
      }
      if (status === 1) onAppend();
      return { version, epoch, epochBefore, repeated: status === -1, ended: status === -2 };
    },

    async withdraw(idempotencyKey) {
      const values = { session, id: idOf(idempotencyKey), channel };
      return (await runScript(redis, withdrawTurn, keys, values)) === 1;
    },
  };
}
