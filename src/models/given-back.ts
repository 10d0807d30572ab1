import { mapChanged } from "../internal/map-changed.ts";
import { wordsOr } from "../internal/long-text.ts";
import { THOUGHTS, type ChatMessage, type ChatRequest } from "./chat.ts";
import { saysOf } from "./refusal.ts";

/** Fields in which endpoints return reasoning, in order of lookup. */
const FIELDS = ["reasoning_content", "reasoning"] as const;

/** Field in which an endpoint returns reasoning. */
export type ThoughtsField = (typeof FIELDS)[number];

/** Returns the reasoning field of a message or delta; `undefined` if it has none. */
export function thoughtsFieldOf(said: Readonly<Record<string, unknown>>): ThoughtsField | undefined {
  return FIELDS.find((field) => wordsOr(said[field]).length > 0);
}

/**
 * Adds the reasoning of the turns since the user's last message, because a model continues it during a tool loop. Returns the same object
 * if there is none. Pure.
 */
export function withLoopThoughts(request: ChatRequest, field: ThoughtsField): ChatRequest {
  const from = request.messages.findLastIndex(({ role }) => role === "user") + 1;
  return mapMessages(request, (message, at) => {
    const thoughts = at < from ? undefined : message[THOUGHTS];
    return thoughts === undefined || hasThoughts(message) ? message : { ...message, [field]: thoughts };
  });
}

/**
 * Adds the reasoning field to every assistant turn, empty if unknown: some endpoints refuse a turn without it. Returns the same object if
 * all have it. Pure.
 */
export function withAllThoughts(request: ChatRequest): ChatRequest {
  return mapMessages(request, (message) =>
    message.role !== "assistant" || typeof message["reasoning_content"] === "string"
      ? message
      : { ...message, reasoning_content: message[THOUGHTS] ?? message["reasoning"] ?? "" },
  );
}

/**
 * Returns true if a refusal says that a turn lacks its reasoning, and the request has such a turn. A refusal of the field's value does not
 * count.
 */
export function isLackOfThoughts(request: ChatRequest, refusal: string): boolean {
  return request.messages.some(isWithoutThoughts) && asksForThoughts(request, refusal);
}

/** Returns true if a refusal names reasoning that the request has, and does not ask for more of it. */
export function isRefusalOfThoughts(request: ChatRequest, refusal: string): boolean {
  const names = /\breasoning_content\b/.test(refusal) && request.messages.some((one) => "reasoning_content" in one);
  return names && !asksForThoughts(request, refusal);
}

function asksForThoughts(request: ChatRequest, refusal: string): boolean {
  return LACKING.some((pattern) => saysOf(request, refusal, pattern));
}

function isWithoutThoughts({ role, reasoning_content: said }: ChatMessage): boolean {
  return role === "assistant" && (said ?? null) === null;
}

/** Returns true if a refusal says that a call came back without its maker's signature. */
export function isLackOfSignature(refusal: string): boolean {
  return (
    /thought_?signature/i.test(refusal) &&
    /missing|required|lack|must (?:be (?:passed|provided|included|present)|have|include|contain)/i.test(refusal)
  );
}

/** Phrases by which endpoints require reasoning; those that require a type of value differ. */
const LACKING: readonly RegExp[] = [
  String.raw`\bmissing\s+(?:the\s+)?(?:field\s+|parameter\s+)?["'${"`"}]?reasoning_content\b`,
  String.raw`\breasoning_content\b["'${"`"}]?(?:\s+(?:field|parameter))?\s*:?\s*(?:is|was)?\s*(?:missing|required|field required)\b`,
  String.raw`\breasoning_content\b[^.;:]{0,80}\b(?:must|needs? to|should) be (?:passed|provided|included|present|sent)\b`,
  String.raw`\b(?:must|should|needs? to) (?:have|include|contain|provide|pass(?: back)?)\s+(?:the\s+|a\s+|its\s+)?["'${"`"}]?reasoning_content\b`,
].map(
  (words) =>
    new RegExp(`${words}(?![^.;]{0,200}\\b(?:string|text|list|array|number|boolean|empty|length|characters)\\b)`, "i"),
);

function hasThoughts(message: ChatMessage): boolean {
  return FIELDS.some((field) => (message[field] ?? null) !== null);
}

function mapMessages(request: ChatRequest, change: (message: ChatMessage, at: number) => ChatMessage): ChatRequest {
  const messages = mapChanged(request.messages, change);
  return messages === request.messages ? request : { ...request, messages };
}
