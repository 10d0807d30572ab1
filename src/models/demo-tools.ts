import type { ChatMessage, ChatRequest } from "./chat.ts";

/** A tool call of the demo model. */
export interface DemoCall {
  readonly name: string;
  /** Arguments as JSON. */
  readonly arguments: string;
}

interface Tool {
  readonly type?: unknown;
  readonly function?: {
    readonly name?: unknown;
    readonly description?: unknown;
    readonly parameters?: Schema | null;
  };
}
interface Schema {
  readonly properties?: Readonly<Record<string, { readonly type?: unknown; readonly enum?: readonly unknown[] }>>;
  readonly required?: readonly string[];
}

const TOOLS_MAX = 128;
const CHARS_MAX = 2_000;

/**
 * Returns the tool that the demo model calls for a question: the one whose name and description share the most words with it, so that agent
 * loops can be tried without a real model. `undefined` if no tool fits, tools are forbidden, or the last message is not the user's. Pure.
 */
export function demoCall(
  request: ChatRequest,
  question: string,
  wordsOf: (text: string) => string[],
): DemoCall | undefined {
  const { tools, tool_choice: choice, messages } = request;
  if (!Array.isArray(tools) || choice === "none" || messages.at(-1)?.role !== "user") return undefined;
  const asked = new Set(wordsOf(question.slice(0, CHARS_MAX)));
  const forced = (choice as { function?: { name?: unknown } } | null | undefined)?.function?.name;
  let best: { readonly tool: NonNullable<Tool["function"]>; readonly score: number } | undefined;
  for (const { function: tool } of (tools as readonly Tool[]).slice(0, TOOLS_MAX)) {
    if (typeof tool?.name !== "string" || (forced !== undefined && tool.name !== forced)) continue;
    const about = `${tool.name.replaceAll(/[_-]/g, " ")} ${typeof tool.description === "string" ? tool.description.slice(0, CHARS_MAX) : ""}`;
    const score = new Set(wordsOf(about).filter((word) => asked.has(word))).size;
    if (score > (best?.score ?? (forced === undefined && choice !== "required" ? 0 : -1))) best = { tool, score };
  }
  if (best === undefined) return undefined;
  return {
    name: String(best.tool.name),
    arguments: JSON.stringify(argumentsFor(best.tool.parameters ?? {}, question)),
  };
}

/** Returns the answer to a tool result, or `undefined` if the last message is none. */
export function demoResult(
  messages: readonly ChatMessage[],
  textOf: (message: ChatMessage) => string,
): string | undefined {
  const last = messages.at(-1);
  return last?.role === "tool" ? `The tool says: ${textOf(last).slice(0, CHARS_MAX)}` : undefined;
}

/** Returns a value of the right type for each property: names in the question for texts, because the demo model understands nothing. */
function argumentsFor({ properties = {} }: Schema, question: string): Readonly<Record<string, unknown>> {
  const names = question.slice(0, CHARS_MAX).match(/\b[A-Z][\w-]*(?:\s+[A-Z][\w-]*)*/g) ?? [];
  const text = names.length > 1 ? (names.at(-1) as string) : question.slice(0, 100);
  const values = Object.entries(properties).map(([name, { type, enum: choices }]) => {
    if (choices !== undefined && choices.length > 0) return [name, choices[0]];
    if (type === "number" || type === "integer") return [name, 1];
    if (type === "boolean") return [name, true];
    if (type === "array") return [name, []];
    return [name, type === "object" ? {} : text];
  });
  return Object.fromEntries(values) as Readonly<Record<string, unknown>>;
}
