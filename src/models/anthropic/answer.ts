import { MarrowError } from "../../errors.ts";
import { CALLS_MAX, PARTS_MAX, tooMany } from "../answer-bounds.ts";
import { argumentsOf } from "../calls.ts";
import type { ChatCompletion, ChatMessage, Usage } from "../chat.ts";
import { malformed, toErrorObject } from "../failures.ts";
import { createOmissions } from "../omitted.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { asRead, withMore, wordsOr, type LongText } from "../../internal/long-text.ts";
import { createOrder } from "../../internal/order.ts";
import { textOfInput } from "./custom-tools.ts";
import { toDetail } from "./thoughts.ts";

/** Maps stop reasons to those of chat completions. Unknown reasons are passed on unchanged; such an answer is never cached. */
const FINISHES: ReadonlyMap<unknown, string> = new Map([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["tool_use", "tool_calls"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  // The model would go on: no bound was reached, and no client of a chat can go on.
  ["pause_turn", "stop"],
  ["refusal", "content_filter"],
]);

/** The reason beside an answer whose endpoint gave none: it may be whole or not, so it is never cached. */
const UNKNOWN = "unknown";

/** Status of each error type, for errors within a stream or a response with status 200. */
const STATUSES: ReadonlyMap<unknown, number> = new Map([
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["billing_error", 402],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["request_too_large", 413],
  ["rate_limit_error", 429],
  ["api_error", 500],
  ["timeout_error", 504],
  ["overloaded_error", 529],
]);

/** What is known beside an answer, whole or streamed. */
export interface AnswerOptions {
  /** Texts that must not appear in errors that clients see. */
  readonly secrets: readonly string[];
  readonly nowMs: number;
  /** Names of the request's custom tools. */
  readonly customs: ReadonlySet<unknown>;
}

/**
 * Converts a whole message to a completion. Pure. @throws MarrowError `model_failed` for an error, or an answer without content for a
 * completion
 */
export function toCompletion(answer: Fields, { secrets, nowMs, customs }: AnswerOptions): ChatCompletion {
  if (answer["type"] === "error") throw toStreamError(answer["error"], secrets);
  const { id, model, content, stop_reason: reason, stop_sequence: sequence, stop_details: details, usage } = answer;
  if (!Array.isArray(content) && typeof content !== "string") throw malformed("its answer has no content");
  if (content.length > PARTS_MAX && typeof content !== "string") throw tooMany(PARTS_MAX, "blocks");
  const said = toMessage(typeof content === "string" ? [content] : (content as readonly unknown[]), customs);
  const message = { ...said, refusal: toRefusal(reason, details) };
  return {
    id: typeof id === "string" ? id : "",
    object: "chat.completion",
    created: Math.floor(nowMs / 1000),
    model: typeof model === "string" ? model : "",
    choices: [
      {
        index: 0,
        message,
        logprobs: null,
        ...toFinish(reason, sequence, { details, isCalling: said["tool_calls"] !== undefined }),
      },
    ],
    ...(isObject(usage) && { usage: toUsage(usage) }),
  };
}

/**
 * Returns the finish reason, with this API's own beside it if chat completions have no exact equivalent. `isCalling`: the answer has calls.
 * `isCut`: the input of one has not ended.
 */
export function toFinish(
  reason: unknown,
  sequence: unknown,
  {
    details,
    isCalling,
    isCut = false,
  }: { readonly details: unknown; readonly isCalling: boolean; readonly isCut?: boolean },
): { readonly finish_reason: string; readonly [field: string]: unknown } {
  if (!isText(reason))
    return { finish_reason: isCut ? "length" : isCalling ? "tool_calls" : "stop", native_finish_reason: UNKNOWN };
  const told = FINISHES.get(reason) ?? reason;
  const known = told === "stop" && isCalling ? "tool_calls" : told;
  const exact = reason === "end_turn" || reason === "tool_use" || reason === "max_tokens" || reason === "refusal";
  return {
    finish_reason: known,
    ...(!exact && { native_finish_reason: reason }),
    ...(isText(sequence) && { stop_reason: sequence }),
    ...(isObject(details) && { stop_details: details }),
  };
}

/** Returns the message of a model's safety classifier. */
export function toRefusal(reason: unknown, details: unknown): string | null {
  const why = isObject(details) ? details["explanation"] : undefined;
  return reason === "refusal" && isText(why) ? why : null;
}

/**
 * Converts token counts. Chat completions count cached tokens within the prompt, this API separately. Absent and null fields count as 0.
 * Other fields, such as `service_tier`, keep their names.
 */
export function toUsage(usage: Fields): Usage {
  const count = (value: unknown) => (typeof value === "number" && value >= 0 ? value : 0);
  const cached = count(usage["cache_read_input_tokens"]);
  const written = count(usage["cache_creation_input_tokens"]);
  const prompt = count(usage["input_tokens"]) + cached + written;
  const completion = count(usage["output_tokens"]);
  const { thinking_tokens: thoughts } = isObject(usage["output_tokens_details"]) ? usage["output_tokens_details"] : {};
  const beside = Object.entries(usage).filter(([name, value]) => !COUNTED.has(name) && value !== null);
  return {
    ...(Object.fromEntries(beside) as Fields),
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    ...(typeof thoughts === "number" && { completion_tokens_details: { reasoning_tokens: thoughts } }),
  };
}

/** Counts with their own names in chat completions. */
const COUNTED: ReadonlySet<string> = new Set([
  "input_tokens",
  "output_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
  "output_tokens_details",
]);

/** Builds the failure for an error within a stream, or a response with status 200. */
export function toStreamError(error: unknown, secrets: readonly string[]): MarrowError {
  const type = isObject(error) ? error["type"] : undefined;
  return new MarrowError("model_failed", "the model's endpoint reported an error within its answer", {
    details: { status: STATUSES.get(type) ?? 502, error: toErrorObject(error, secrets) },
  });
}

function toMessage(blocks: readonly unknown[], customs: AnswerOptions["customs"]): ChatMessage {
  let text: string | LongText | undefined;
  let thoughts: string | LongText | undefined;
  const details: Fields[] = [];
  const calls: Fields[] = [];
  const order = createOrder();
  const omissions = createOmissions("block");
  for (const [index, given] of blocks.entries()) {
    const block = typeof given === "string" ? { type: "text", text: given } : given;
    if (!isObject(block)) {
      omissions.add("unknown");
      continue;
    }
    const detail = toDetail(block, index);
    switch (block["type"]) {
      case "text":
        text = withMore(text ?? "", wordsOr(block["text"]));
        order.add({ content: block["text"] });
        for (const type of citedIn(block)) omissions.add(type);
        break;
      case "thinking":
        if (isText(block["thinking"])) {
          const more: string = (thoughts === undefined ? "" : "\n\n") + block["thinking"];
          order.add({ reasoning_content: more });
          thoughts = withMore(thoughts ?? "", more);
        }
        break;
      case "redacted_thinking":
        break;
      case "tool_use":
        calls.push(
          customs.has(block["name"])
            ? toCustomCall(block, textOfInput(block["input"]))
            : toCall(block, argumentsOf(block["input"]) ?? "{}"),
        );
        order.add({ tool_calls: calls.slice(-1) });
        break;
      default:
        omissions.add(block["type"]);
    }
    if (detail === undefined) continue;
    details.push(detail);
    order.add({ reasoning_details: [detail] });
  }
  if (calls.length > CALLS_MAX) throw tooMany(CALLS_MAX, "tool calls");
  const omitted = omissions.told(
    [text, thoughts].some((said) => said !== undefined) || details.length + calls.length > 0,
  );
  return {
    role: "assistant",
    // Without calls a message has a text, if only an empty one: chat completions refuse it otherwise when it comes back.
    content: (text && asRead(text)) ?? (calls.length > 0 ? null : ""),
    ...(thoughts !== undefined && { reasoning_content: asRead(thoughts) }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...order.told(),
    ...omitted,
  };
}

/**
 * Returns the types of a text's citations. Chat completions have a place only for citations of pages, and this API does not report
 * positions.
 */
export function citedIn({ citations }: Fields): readonly unknown[] {
  return Array.isArray(citations) ? (citations as readonly unknown[]).map(citationType) : [];
}

/** Returns the type under which an omitted citation is reported. */
export function citationType(citation: unknown): unknown {
  return isObject(citation) && isText(citation["type"]) ? citation["type"] : "citation";
}

/** Converts a tool call for chat completions. */
export function toCall({ id, name }: Fields, given: string | LongText): Fields {
  return { id, type: "function", function: { name, arguments: given } };
}

/** Converts a call of a tool that stands for a custom tool. */
export function toCustomCall({ id, name }: Fields, input: string | LongText): Fields {
  return { id, type: "custom", custom: { name, input } };
}
