import type { AgentInputItem, Session as AgentsSession } from "@openai/agents";
import { MarrowError } from "../errors.ts";
import { APPEND_MAX, type Kept, type Session, type Turn } from "../memory/index.ts";

/** Turns in one read. */
const PAGE = 1_000;
/** Turns that a window gives at most. */
const WINDOW_MAX = 5_000;
/** Turns that `popItem` reads to find an item. */
const POP_READ = 100;
/** Most attempts of `popItem` under concurrent changes. */
const TRIES = 16;

/**
 * Adapts a session to the `Session` of OpenAI's Agents SDK: `run(agent, input, { session: toAgentsSession(session) })`.
 *
 * Turns are stored as OpenAI's chat messages, so that the gateway, `context` and other frameworks share the session; the original item is
 * stored beside them under `agents`, and returned unchanged. Bytes become base64. One round trip for each `addItems` of up to 1,000 items,
 * stored all or none, and for each `getItems` of up to 1,000; two for `popItem`.
 */
export function toAgentsSession(session: Session): AgentsSession {
  async function readAll(): Promise<readonly Turn[]> {
    const found: Turn[] = [];
    for (let after = 0, newest = 1; after < newest;) {
      const { turns, oldest, version } = await session.read({ after, limit: PAGE });
      found.push(...turns.filter(isWhole).map(({ turn }) => turn));
      after = Math.max(after, oldest - 1) + PAGE;
      newest = version;
    }
    return found;
  }

  return {
    getSessionId: async () => session.id,

    async getItems(limit) {
      if (limit === undefined) return toItems(await readAll());
      if (!(limit > 0)) return [];
      const turns = limit > WINDOW_MAX ? await readAll() : (await session.window({ last: Math.ceil(limit) })).turns;
      return toItems(turns).slice(-limit);
    },

    async addItems(items) {
      for (let at = 0; at < items.length; at += APPEND_MAX)
        await session.append(items.slice(at, at + APPEND_MAX).map(toTurn));
    },

    async popItem() {
      for (let tried = 0; tried < TRIES; tried += 1) {
        const { turns, version } = await session.read({ from: "newest", limit: POP_READ });
        const last = turns.findLast((kept) => isWhole(kept) && toItems([kept.turn]).length > 0);
        if (last === undefined) return undefined;
        const items = toItems(turns.filter(isWhole).map(({ turn }) => turn));
        // A turn that others wrote may be several items: all but the last are put back.
        const rest = toItems([last.turn]).slice(0, -1);
        try {
          await session.rewind(last.sequence - 1, { expectedVersion: version });
        } catch (error) {
          if (MarrowError.is(error, "conflict")) continue;
          throw error;
        }
        if (rest.length > 0) await session.append(rest.map(toTurn));
        return items.at(-1);
      }
      throw new MarrowError("conflict", "concurrent changes to the session kept conflicting with this one");
    },

    async clearSession() {
      await session.clear();
    },
  };
}

/** A model must not be asked with a history that lacks a turn. @throws MarrowError for a turn that cannot be read */
function isWhole({ sequence, incomplete, unreadable }: Kept): boolean {
  if (unreadable !== undefined) throw new MarrowError(unreadable, `turn ${sequence} of the session cannot be read`);
  return incomplete !== true;
}

type Fields = Readonly<Record<string, unknown>>;

function toTurn(given: AgentInputItem): Turn {
  const agents = withoutBytes(given) as Fields;
  const { type, role, content, callId } = agents;
  if (typeof role === "string") return { role, content: textOf(content), agents };
  if (type === "function_call") {
    const called = { name: agents["name"], arguments: agents["arguments"] };
    return {
      role: "assistant",
      content: null,
      tool_calls: [{ id: callId, type: "function", function: called }],
      agents,
    };
  }
  if (type === "function_call_result")
    return { role: "tool", tool_call_id: callId, content: textOf(agents["output"]), agents };
  // Chat messages have no place for this item, so only this session returns it.
  return { role: "item", agents };
}

/** Items of turns, oldest first; turns that others wrote come as items that say the same. */
function toItems(turns: readonly Turn[]): AgentInputItem[] {
  const names = new Map<unknown, string>();
  return turns.flatMap((turn): AgentInputItem[] => {
    const { role, content, agents, tool_call_id: callId } = turn;
    const calls = (turn["tool_calls"] ?? []) as readonly {
      id: string;
      function: { name: string; arguments: string };
    }[];
    for (const { id, function: called } of calls) names.set(id, called.name);
    if (agents !== undefined && agents !== null) return [agents as AgentInputItem];
    const text = textOf(content);
    if (role === "user") return [{ type: "message", role, content: text }];
    if (role === "system" || role === "developer") return [{ type: "message", role: "system", content: text }];
    if (role === "tool") {
      const name = names.get(callId) ?? "unknown";
      return [{ type: "function_call_result", name, callId: String(callId), status: "completed", output: text }];
    }
    if (role !== "assistant") return [];
    const said: AgentInputItem[] =
      text === "" ? [] : [{ type: "message", role, status: "completed", content: [{ type: "output_text", text }] }];
    return [
      ...said,
      ...calls.map(({ id, function: { name, arguments: args } }): AgentInputItem => {
        return { type: "function_call", callId: id, name, arguments: args, status: "completed" };
      }),
    ];
  });
}

/** The words of a content: a text, a part, or a list of parts. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  const parts = (Array.isArray(content) ? content : [content]) as readonly ({ readonly text?: unknown } | null)[];
  return parts.flatMap((part) => (typeof part?.text === "string" ? [part.text] : [])).join("");
}

/** A value with its bytes as base64, which the SDK reads just as well. */
function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutBytes(inner)]));
}
