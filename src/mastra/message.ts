import type { MastraDBMessage } from "@mastra/core/agent";
import { filterByDateRange, type StorageCloneThreadInput } from "@mastra/core/storage";
import type { Kept, Turn } from "../memory/index.ts";

/** Converts a message to a turn: role and text for other readers, and the whole message under `mastra`. */
export function toTurn(message: MastraDBMessage): Turn {
  const { role, content } = message;
  const isSpoken = role === "user" || role === "assistant" || role === "system";
  return {
    role: isSpoken ? role : "item",
    content: textOf(content),
    mastra: { ...message, createdAt: toIso(message) },
  };
}

/** Converts a turn to a message. Turns by others become messages with their text; `undefined` for a turn without text. */
export function toMessage(
  { sequence, turn }: Kept,
  {
    threadId,
    resourceId,
    sinceMs,
  }: { readonly threadId: string; readonly resourceId: string; readonly sinceMs: number },
): MastraDBMessage | undefined {
  const { role, content, mastra } = turn;
  if (typeof mastra === "object" && mastra !== null) {
    const message = mastra as MastraDBMessage;
    return { ...message, threadId, resourceId, createdAt: new Date(message.createdAt) };
  }
  if ((role !== "user" && role !== "assistant" && role !== "system") || typeof content !== "string") return undefined;
  return {
    id: `turn-${sequence}`,
    role,
    // Turns written by other programs have no time of their own; this keeps their order.
    createdAt: new Date(sinceMs + sequence),
    threadId,
    resourceId,
    content: { format: 2, content, parts: [{ type: "text", text: content }] },
  };
}

/** Returns a thread's messages, oldest first. Of two versions of a message, the later one counts. */
export function toMessages(
  turns: readonly Kept[],
  place: { readonly threadId: string; readonly resourceId: string; readonly sinceMs: number },
): readonly MastraDBMessage[] {
  const byId = new Map<string, MastraDBMessage>();
  for (const kept of turns) {
    const message = kept.incomplete === true ? undefined : toMessage(kept, place);
    if (message !== undefined) byId.set(message.id, message);
  }
  return [...byId.values()].toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}

/** Applies a change to a message: fields of `content` and of its `metadata` are merged. */
export function mergeMessage(message: MastraDBMessage, change: MessageChange): MastraDBMessage {
  const content = { ...message.content, ...change.content } as MastraDBMessage["content"];
  const metadata = { ...message.content.metadata, ...change.content?.metadata };
  if (Object.keys(metadata).length > 0) content.metadata = metadata;
  return { ...message, ...change, content, createdAt: message.createdAt };
}

/** Selects the messages for a copy of their thread, oldest first. */
export function chooseMessages(
  messages: readonly MastraDBMessage[],
  { messageLimit, messageFilter = {} }: NonNullable<StorageCloneThreadInput["options"]> = {},
): readonly MastraDBMessage[] {
  const { startDate: start, endDate: end, messageIds } = messageFilter;
  const range = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
  const ids = messageIds === undefined ? undefined : new Set(messageIds);
  const chosen = filterByDateRange([...messages], ({ createdAt }) => createdAt, range).filter(
    ({ id }) => ids === undefined || ids.has(id),
  );
  if (messageLimit === undefined) return chosen;
  return messageLimit > 0 ? chosen.slice(-messageLimit) : [];
}

/** Fields of a message that can be changed. */
export type MessageChange = Partial<Omit<MastraDBMessage, "createdAt" | "content">> & {
  id: string;
  content?: Partial<MastraDBMessage["content"]>;
};

function toIso({ createdAt }: MastraDBMessage): string {
  return new Date(createdAt ?? Date.now()).toISOString();
}

/** The words of a message: its text parts, or its plain content. */
function textOf(content: MastraDBMessage["content"]): string {
  if (typeof content === "string") return content;
  const texts = (content.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : []));
  return texts.length > 0 ? texts.join("") : (content.content ?? "");
}
