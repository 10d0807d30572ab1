import { mapChanged } from "../internal/map-changed.ts";
import { isText } from "../internal/fields.ts";
import { THOUGHTS, type ChatMessage, type ChatRequest } from "./chat.ts";
import { saysOf } from "./refusal.ts";

/** The fields in which endpoints say what they thought, in the order in which they are looked for. */
const FIELDS = ["reasoning_content", "reasoning"] as const;

/** A field in which an endpoint says what it thought. */
export type ThoughtsField = (typeof FIELDS)[number];

/** The field in which a message or a delta says what was thought; `undefined` where it says nothing of it. */
export function thoughtsFieldOf(said: Readonly<Record<string, unknown>>): ThoughtsField | undefined {
  return FIELDS.find((field) => isText(said[field]));
}

/**
 * The request with the thoughts of the turns since the user's last message: those of a tool loop, which their maker goes on with. The same object
 * where there are none. Pure.
 */
export function withLoopThoughts(request: ChatRequest, field: ThoughtsField): ChatRequest {
  const from = request.messages.findLastIndex(({ role }) => role === "user") + 1;
  return mapMessages(request, (message, at) => {
    const thoughts = at < from ? undefined : message[THOUGHTS];
    return thoughts === undefined || hasThoughts(message) ? message : { ...message, [field]: thoughts };
  });
}

/**
 * The request with thoughts in every turn of an assistant, empty where none are known: some endpoints refuse a turn without the field. The same
 * object where all have it. Pure.
 */
export function withAllThoughts(request: ChatRequest): ChatRequest {
  return mapMessages(request, (message) =>
    message.role !== "assistant" || typeof message["reasoning_content"] === "string"
      ? message
      : { ...message, reasoning_content: message[THOUGHTS] ?? message["reasoning"] ?? "" },
  );
}

/** Whether a refusal says that a turn is lacking its thoughts, and one of the request has none. Words of a value within the field are others. */
export function isLackOfThoughts(request: ChatRequest, refusal: string): boolean {
  return request.messages.some(isWithoutThoughts) && asksForThoughts(request, refusal);
}

/** Whether a refusal names thoughts that the request has, and does not ask for more of them. */
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

/** Whether a refusal says that a call came back without the signature that its maker gave it. */
export function isLackOfSignature(refusal: string): boolean {
  return (
    /thought_?signature/i.test(refusal) &&
    /missing|required|lack|must (?:be (?:passed|provided|included|present)|have|include|contain)/i.test(refusal)
  );
}

/** Words by which endpoints ask for thoughts; those that ask for a kind of value there are others. */
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
