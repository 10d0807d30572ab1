import type { ModelMessage } from "ai";
import type { Turn } from "../memory/index.ts";

interface Part {
  readonly type: string;
  readonly text?: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly input?: unknown;
  readonly output?: { readonly value?: unknown };
}

/**
 * Converts messages of the AI SDK to turns, in the form of OpenAI's chat messages, so that the gateway and other frameworks can read them.
 * The original message is stored beside them under `ai`; it must be JSON, so pass files by reference. A message with results of several
 * tools becomes one turn for each.
 */
export function toTurns(messages: readonly ModelMessage[]): Turn[] {
  return messages.flatMap((message): Turn[] => {
    const { role, content } = message;
    if (typeof content === "string") return [{ role, content, ai: message }];
    const parts = content as readonly Part[];
    if (role === "tool") {
      return parts.map((part, at) => ({
        role: "tool",
        tool_call_id: part.toolCallId,
        content: textOf(part.output?.value),
        // All of the message stands with its first turn.
        ai: at === 0 ? message : null,
      }));
    }
    const calls = parts.filter(({ type }) => type === "tool-call");
    const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
    return [
      {
        role,
        content: text === "" && calls.length > 0 ? null : text,
        ...(calls.length > 0 && {
          tool_calls: calls.map(({ toolCallId: id, toolName: name, input }) => ({
            id,
            type: "function",
            function: { name, arguments: JSON.stringify(input) },
          })),
        }),
        ai: message,
      },
    ];
  });
}

/** Converts turns back to messages: the original ones if stored, else equivalent ones. */
export function toModelMessages(turns: readonly Turn[]): ModelMessage[] {
  const names = new Map<unknown, string>();
  return turns.flatMap((turn) => {
    const { role, content, ai, tool_call_id: callId } = turn;
    if (ai === null) return [];
    const calls = (turn["tool_calls"] ?? []) as readonly {
      id: string;
      function: { name: string; arguments: string };
    }[];
    for (const { id, function: called } of calls) names.set(id, called.name);
    if (ai !== undefined) return [ai as ModelMessage];
    const text = textOf(content);
    if (role === "tool") {
      const output = { type: "text", value: text };
      const result = { type: "tool-result", toolCallId: callId, toolName: names.get(callId) ?? "unknown", output };
      return [{ role, content: [result] } as ModelMessage];
    }
    if (calls.length === 0) return [{ role, content: text } as ModelMessage];
    const called = calls.map(({ id, function: { name, arguments: given } }) => ({
      type: "tool-call",
      toolCallId: id,
      toolName: name,
      input: toInput(given),
    }));
    const said = text === "" ? [] : [{ type: "text", text }];
    return [{ role, content: [...said, ...called] } as ModelMessage];
  });
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Arguments that a model wrote wrongly are given as they are. */
function toInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
