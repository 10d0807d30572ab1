import type { ChatMessage } from "@llamaindex/core/llms";
import { BaseChatStore } from "@llamaindex/core/storage/chat-store";
import { MarrowError } from "../errors.ts";
import { checkText, refuse } from "../internal/check.ts";
import { APPEND_MAX, type Kept, type Memory, type Session, type Turn } from "../memory/index.ts";

/** Turns in one read. */
const PAGE = 1_000;
/** Sessions in one page of a user's list. */
const SESSIONS_PAGE = 100;
/** Keys that one list has at most: the sessions that changed last. */
const KEYS_MAX = 10_000;
const ROLES = new Set(["user", "assistant", "system", "developer", "memory"]);

/** Options of {@link MarrowChatStore}. */
export interface MarrowChatStoreParams {
  readonly memory: Memory;
  /** The user; each key is one of their sessions. */
  readonly user: string;
}

/**
 * A user's sessions as LlamaIndex's chat store: a key is a session, a message is a turn. Messages are stored in the form of OpenAI's chat
 * messages, so the gateway and other frameworks read the same session; `options`, such as tool calls, are returned unchanged.
 *
 * Writes of one store run in order. LlamaIndex's memories do not wait for them; the next read does, and throws their error.
 */
export class MarrowChatStore<O extends object = object> extends BaseChatStore<O> {
  readonly #memory: Memory;
  readonly #user: string;
  /** Writes that have begun, one after another. */
  #writes: Promise<void> = Promise.resolve();
  /** The first failure of a write since the last read. */
  #failure: unknown;

  /** Makes no round trip. */
  constructor({ memory, user }: MarrowChatStoreParams) {
    super();
    this.#memory = memory;
    this.#user = checkText("user", user, 512);
  }

  /** @throws MarrowError also for an earlier write that failed, since LlamaIndex's memories do not wait for writes */
  async getMessages(key: string): Promise<ChatMessage<O>[]> {
    await this.#writes;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return this.#read(key);
  }

  /** Replaces a conversation. Not one step: others may see it empty for a moment. */
  // oxlint-disable-next-line typescript/no-misused-promises -- its callers may wait for it
  setMessages(key: string, messages: ChatMessage<O>[]): Promise<void> {
    return this.#write(() => this.#replace(key, messages));
  }

  /** Appends a message; with `idx`, rewrites the conversation with the message at that index. */
  // oxlint-disable-next-line typescript/no-misused-promises -- its callers may wait for it
  addMessage(key: string, message: ChatMessage<O>, idx?: number): Promise<void> {
    return this.#write(async () => {
      if (idx === undefined) await this.#session(key).append(toTurn(message));
      else {
        const messages = await this.#read(key);
        await this.#replace(key, messages.toSpliced(checkPlace(idx, messages.length), 0, message));
      }
    });
  }

  // oxlint-disable-next-line typescript/no-misused-promises -- its callers may wait for it
  deleteMessages(key: string): Promise<void> {
    return this.#write(async () => {
      await this.#session(key).clear();
    });
  }

  /** Deletes one message by its index, from 0. */
  // oxlint-disable-next-line typescript/no-misused-promises -- its callers may wait for it
  deleteMessage(key: string, idx: number): Promise<void> {
    return this.#write(async () => {
      const session = this.#session(key);
      const kept = (await readAll(session)).filter(({ turn }) => toMessages(turn).length > 0);
      const found = kept[checkPlace(idx, kept.length - 1)];
      if (found !== undefined) await session.remove(found.sequence);
    });
  }

  /** Returns the keys of the user's sessions, last changed first; at most 10,000. */
  async getKeys(): Promise<IterableIterator<string>> {
    const keys: string[] = [];
    for (let after: string | undefined, more = true; more && keys.length < KEYS_MAX;) {
      const { data, cursor } = await this.#memory.sessions({ user: this.#user, after, limit: SESSIONS_PAGE });
      keys.push(...data.map(({ id }) => id));
      after = cursor;
      more = cursor !== undefined;
    }
    return keys.values();
  }

  /**
   * Runs a write after earlier ones. LlamaIndex's memories drop the promise of a write, so its error is kept for the next read; otherwise
   * it would end the process as an unhandled rejection.
   */
  #write(work: () => Promise<void>): Promise<void> {
    const done = this.#writes.then(work);
    this.#writes = done.catch((error: unknown) => {
      this.#failure ??= error;
    });
    return done;
  }

  async #read(key: string): Promise<ChatMessage<O>[]> {
    return (await readAll(this.#session(key))).flatMap(({ turn }) => toMessages<O>(turn));
  }

  async #replace(key: string, messages: readonly ChatMessage<O>[]): Promise<void> {
    const session = this.#session(key);
    await session.clear();
    for (let at = 0; at < messages.length; at += APPEND_MAX)
      await session.append(messages.slice(at, at + APPEND_MAX).map(toTurn));
  }

  #session(key: string): Session {
    return this.#memory.session({ user: this.#user, id: checkText("key", key, 512, "invalid_input") });
  }
}

async function readAll(session: Session): Promise<readonly Kept[]> {
  const found: Kept[] = [];
  for (let after = 0, newest = 1; after < newest;) {
    const { turns, oldest, version } = await session.read({ after, limit: PAGE });
    found.push(...turns.filter(({ incomplete }) => incomplete !== true));
    after = Math.max(after, oldest - 1) + PAGE;
    newest = version;
  }
  const broken = found.find(({ unreadable }) => unreadable !== undefined);
  if (broken?.unreadable !== undefined)
    throw new MarrowError(broken.unreadable, `turn ${broken.sequence} of the session cannot be read`);
  return found;
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

function toTurn<O extends object>({ role, content, options }: ChatMessage<O>): Turn {
  const { toolCall = [], toolResult } = (options ?? {}) as {
    readonly toolCall?: readonly ToolCall[];
    readonly toolResult?: { readonly id: string; readonly result: string };
  };
  const beside = { llamaindex: { role, content, ...(options !== undefined && { options }) } };
  if (toolResult !== undefined)
    return { role: "tool", tool_call_id: toolResult.id, content: toolResult.result, ...beside };
  if (toolCall.length === 0) return { role, content, ...beside };
  const calls = toolCall.map(({ id, name, input }) => {
    return {
      id,
      type: "function",
      function: { name, arguments: typeof input === "string" ? input : JSON.stringify(input) },
    };
  });
  return { role, content, tool_calls: calls, ...beside };
}

/** The message of a turn; none for what LlamaIndex has no role for. */
function toMessages<O extends object>({ role, content, llamaindex }: Turn): ChatMessage<O>[] {
  if (typeof llamaindex === "object" && llamaindex !== null) return [llamaindex as ChatMessage<O>];
  if (!ROLES.has(role) || content === undefined || content === null) return [];
  return [{ role: role as "user", content: content as string }];
}

function checkPlace(idx: number, max: number): number {
  if (Number.isInteger(idx) && idx >= 0 && idx <= max) return idx;
  return refuse("idx", `an integer from 0 to ${Math.max(max, 0)}`, idx, "invalid_input");
}
