import { BaseListChatMessageHistory } from "@langchain/core/chat_history";
import {
  mapChatMessagesToStoredMessages,
  mapStoredMessagesToChatMessages,
  type BaseMessage,
  type StoredMessage,
} from "@langchain/core/messages";
import { MarrowError } from "../errors.ts";
import type { Session, Turn } from "../memory/index.ts";

/** Roles of OpenAI's chat messages by LangChain's types. */
const ROLES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    human: "user",
    ai: "assistant",
    system: "system",
    tool: "tool",
    function: "function",
  }),
);
const TYPES: ReadonlyMap<string, string> = new Map([...ROLES].map(([type, role]) => [role, type]));
const PAGE = 1_000;

/**
 * A session as LangChain's chat history. Turns are stored as OpenAI's chat messages, so that the gateway, `context` and LangChain share the
 * session; fields that only LangChain uses are stored beside them under `langchain`. Each `addMessages` is one round trip, and stores all
 * its messages or none.
 */
export class MarrowChatHistory extends BaseListChatMessageHistory {
  lc_namespace: string[] = ["marrow", "langchain"];
  readonly #session: Session;

  constructor(session: Session) {
    super();
    this.#session = session;
  }

  async getMessages(): Promise<BaseMessage[]> {
    const messages: StoredMessage[] = [];
    for (let after = 0, newest = 1; after < newest;) {
      const { turns, oldest, version } = await this.#session.read({ after, limit: PAGE });
      for (const { sequence, turn, incomplete, unreadable } of turns) {
        if (unreadable !== undefined)
          throw new MarrowError(unreadable, `turn ${sequence} of the session cannot be read`);
        if (incomplete !== true) messages.push(toStored(turn));
      }
      after = Math.max(after, oldest - 1) + PAGE;
      newest = version;
    }
    return mapStoredMessagesToChatMessages(messages);
  }

  async addMessage(message: BaseMessage): Promise<void> {
    await this.addMessages([message]);
  }

  override async addMessages(messages: BaseMessage[]): Promise<void> {
    if (messages.length > 0) await this.#session.append(mapChatMessagesToStoredMessages(messages).map(toTurn));
  }

  override async clear(): Promise<void> {
    await this.#session.clear();
  }
}

interface Call {
  readonly id?: string | undefined;
  readonly name: string;
  readonly args: unknown;
}

function toTurn({ type, data }: StoredMessage): Turn {
  const {
    content,
    role,
    name,
    tool_call_id: callId,
    tool_calls: calls,
    ...rest
  } = data as StoredMessage["data"] & {
    readonly tool_calls?: readonly Call[];
  };
  return {
    role: type === "generic" ? (role ?? type) : (ROLES.get(type) ?? type),
    content,
    ...(name !== undefined && { name }),
    ...(callId !== undefined && { tool_call_id: callId }),
    ...(calls !== undefined &&
      calls.length > 0 && {
        tool_calls: calls.map(({ id, name: called, args }) => ({
          id,
          type: "function",
          function: { name: called, arguments: JSON.stringify(args) },
        })),
      }),
    langchain: { type, ...rest },
  };
}

function toStored(turn: Turn): StoredMessage {
  const {
    role,
    content,
    name,
    tool_call_id: callId,
    tool_calls: calls,
    langchain,
  } = turn as Turn & {
    readonly name?: string;
    readonly tool_call_id?: string;
    readonly tool_calls?: readonly { readonly id?: string; readonly function: { name: string; arguments: string } }[];
    readonly langchain?: { readonly type?: string } & Record<string, unknown>;
  };
  const { type = TYPES.get(role) ?? "generic", ...rest } = langchain ?? {};
  return {
    type,
    data: {
      ...rest,
      content: (content ?? "") as string,
      ...(type === "generic" && { role }),
      name,
      tool_call_id: callId,
      ...(calls !== undefined && {
        tool_calls: calls.map(({ id, function: called }) => ({
          id,
          name: called.name,
          args: toArguments(called.arguments),
          type: "tool_call",
        })),
      }),
    } as unknown as StoredMessage["data"],
  };
}

/** Arguments that a model wrote wrongly are given as they are. */
function toArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { arguments: text };
  }
}
