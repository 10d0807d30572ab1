import { MarrowError } from "../../errors.ts";
import { CALLS_MAX, PARTS_MAX, tooMany } from "../answer-bounds.ts";
import { argumentsOf } from "../calls.ts";
import type { ChatCompletion, ChatMessage, Usage } from "../chat.ts";
import { malformed, toErrorObject } from "../failures.ts";
import { createOmissions } from "../omitted.ts";
import { isObject, isText, textOr, type Fields } from "../../internal/fields.ts";
import { asRead, withMore, wordsOr, type LongText } from "../../internal/long-text.ts";
import { createOrder } from "../../internal/order.ts";
import { movedBy } from "../../internal/phases.ts";
import { BETWEEN, toDetail, toPartMark, toThoughts } from "./thoughts.ts";

/**
 * Maps reasons for an incomplete response to finish reasons of chat completions. Unknown reasons are passed on unchanged; such an answer is
 * never cached.
 */
const REASONS: ReadonlyMap<unknown, string> = new Map([
  ["max_output_tokens", "length"],
  ["max_tokens", "length"],
  ["max_messages", "length"],
  ["content_filter", "content_filter"],
]);

/** Status of each code of a failed response. */
const STATUSES: ReadonlyMap<unknown, number> = new Map([
  ["rate_limit_exceeded", 429],
  ["insufficient_quota", 429],
  ["invalid_prompt", 400],
  ["context_length_exceeded", 400],
  ["server_error", 500],
]);

/** Response fields that a completion expresses otherwise, or that repeat the request. Others, such as `moderation`, keep their names. */
const KNOWN: ReadonlySet<string> = new Set(
  (
    "id object model created_at completed_at status error incomplete_details output usage output_text " +
    "service_tier access_programs background conversation instructions metadata input_transformations " +
    "max_output_tokens max_tool_calls parallel_tool_calls previous_response_id prompt prompt_cache_key " +
    "prompt_cache_options prompt_cache_retention reasoning safety_identifier store temperature text " +
    "tool_choice tools top_logprobs top_p truncation user billing presence_penalty frequency_penalty " +
    "context_management context_edits stream stream_options"
  ).split(" "),
);

/** Returns the response's additional fields, under their own names. */
export function toBeside(response: Fields): Fields {
  return Object.fromEntries(Object.entries(response).filter(([name, value]) => value !== null && !KNOWN.has(name)));
}

/** Converts a whole response to a completion. Pure. @throws MarrowError `model_failed` for one that failed or is not complete */
export function toCompletion(answer: Fields, secrets: readonly string[], nowMs: number): ChatCompletion {
  const { id, model, created_at: at, output, usage, service_tier: tier, error } = answer;
  if (!Array.isArray(output)) throw isObject(error) ? toFailed(error, secrets) : malformed("its answer has no output");
  if (output.length > PARTS_MAX) throw tooMany(PARTS_MAX, "items");
  const { message, logprobs, isCalling } = toMessage(output as readonly unknown[]);
  const isCut = (output as readonly unknown[]).some((item) => isObject(item) && isUnfinished(item));
  const finish_reason = toFinish(answer, { isCalling, isCut }, secrets);
  return {
    ...toBeside(answer),
    id: isText(id) ? id : "",
    object: "chat.completion",
    created: typeof at === "number" ? Math.floor(at) : Math.floor(nowMs / 1000),
    model: isText(model) ? model : "",
    choices: [{ index: 0, message, logprobs: logprobs.length > 0 ? { content: logprobs } : null, finish_reason }],
    ...(isObject(usage) && { usage: toUsage(usage) }),
    ...(isText(tier) && { service_tier: tier }),
  };
}

/**
 * Returns the finish reason of a response, which is incomplete where its status, its details or an item of its output (`isCut`) says so.
 * `isCalling`: it has calls. @throws MarrowError `model_failed` if it did not end with an answer
 */
export function toFinish(
  response: Fields,
  { isCalling, isCut }: { readonly isCalling: boolean; readonly isCut: boolean },
  secrets: readonly string[],
): string {
  const { status = "completed", error, incomplete_details: details } = response;
  const { reason } = isObject(details) ? details : {};
  if (status === "incomplete" || (status === "completed" && (isCut || isText(reason))))
    return REASONS.get(reason) ?? (isText(reason) ? reason : "length");
  if (status === "completed") return isCalling ? "tool_calls" : "stop";
  if (status === "failed" || isObject(error)) throw toFailed(error, secrets);
  throw malformed(`its answer is ${String(status).slice(0, 32)}`);
}

/** Builds the failure of a response, or of an error within its stream. */
export function toFailed(error: unknown, secrets: readonly string[]): MarrowError {
  const code = isObject(error) ? error["code"] : undefined;
  return new MarrowError("model_failed", "the model's endpoint reported an error within its answer", {
    details: { status: STATUSES.get(code) ?? 502, error: toErrorObject(error, secrets) },
  });
}

/** Converts token counts to the names of chat completions; other fields, such as `cost`, keep their names. */
export function toUsage(usage: Fields): Usage {
  const count = (value: unknown) => (typeof value === "number" && value >= 0 ? value : 0);
  const { input_tokens, output_tokens, input_tokens_details: given, output_tokens_details: made, ...beside } = usage;
  const [prompt, completion] = [count(input_tokens), count(output_tokens)];
  return {
    ...beside,
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: typeof usage["total_tokens"] === "number" ? usage["total_tokens"] : prompt + completion,
    ...(isObject(given) && { prompt_tokens_details: given }),
    ...(isObject(made) && { completion_tokens_details: made }),
  };
}

/** Converts a citation for chat completions: its fields are under its type, and positions count from the beginning of the whole text. */
export function toAnnotation(annotation: unknown, before: number): Fields {
  const { type, ...rest } = isObject(annotation) ? movedBy(annotation, before) : {};
  return type === "url_citation" ? { type, url_citation: rest } : { type, ...rest };
}

/**
 * Returns the start of a message as an entry of `phases`: its offset in the content, and its phase. `undefined` for the first one without a
 * phase, because an answer is usually one message.
 */
export function toPhase({ phase }: Fields, start: number, before: number): Fields | undefined {
  return isText(phase) || before > 0 ? { start, phase: isText(phase) ? phase : null } : undefined;
}

/** Returns the start of a further part of a message as an entry of `phases`. */
export function toPartBegin(part: number, start: number): Fields {
  return { start, part };
}

/** Returns true for a text part of a message. */
export function isTextPart({ type }: Fields): boolean {
  return type === "output_text" || type === "text";
}

/** Returns true for an item that its endpoint did not finish. */
export function isUnfinished({ status }: Fields): boolean {
  return status === "incomplete";
}

/** Returns true for a tool call. */
export function isCall({ type }: Fields): boolean {
  return type === "function_call" || type === "custom_tool_call";
}

/** Converts a tool call for chat completions. */
export function toCall({ type, call_id: callId, id, name }: Fields, given: string | LongText): Fields {
  const named = isText(callId) ? callId : id;
  return type === "custom_tool_call"
    ? { id: named, type: "custom", custom: { name, input: given } }
    : { id: named, type: "function", function: { name, arguments: given } };
}

function toMessage(output: readonly unknown[]) {
  let [text, thoughts]: (string | LongText | undefined)[] = [];
  let refusal: string | undefined;
  const [details, calls, annotations, logprobs]: [Fields[], Fields[], Fields[], unknown[]] = [[], [], [], []];
  const phases: Fields[] = [];
  const order = createOrder();
  let messages = 0;
  const omissions = createOmissions("item");
  for (const [index, item] of output.entries()) {
    if (!isObject(item)) {
      omissions.add("unknown");
      continue;
    }
    if (item["type"] === "message") {
      const phase = toPhase(item, text?.length ?? 0, messages);
      if (phase !== undefined) {
        phases.push(phase);
        order.add({ phases: [phase] });
      }
      messages += 1;
      const begun = text?.length ?? 0;
      for (const [place, part] of partsOf(item).entries()) {
        if (part["type"] === "refusal") {
          refusal = (refusal ?? "") + textOr(part["refusal"]);
          order.add({ refusal: part["refusal"] });
        }
        if (!isTextPart(part)) {
          if (part["type"] !== "refusal") omissions.add(part["type"]);
          continue;
        }
        const before = text?.length ?? 0;
        const said = wordsOr(part["text"]);
        const marks = before > begun && said.length > 0 ? [toPartBegin(place, before)] : [];
        phases.push(...marks);
        text = withMore(text ?? "", said);
        const cited = Array.isArray(part["annotations"]) ? (part["annotations"] as readonly unknown[]) : [];
        for (const one of cited) annotations.push(toAnnotation(one, before));
        order.add({ phases: marks, content: part["text"], annotations: cited });
        if (Array.isArray(part["logprobs"])) for (const one of part["logprobs"] as unknown[]) logprobs.push(one);
      }
    } else if (item["type"] === "reasoning") {
      for (const [part, said] of toThoughts(item).entries()) {
        // Every part except the very first has its start.
        const known: string | LongText | undefined = thoughts;
        const start = (known?.length ?? 0) + BETWEEN.length;
        const marks = known === undefined ? [] : [toPartMark({ index, part, start })];
        details.push(...marks);
        const more = known === undefined ? said : withMore(BETWEEN, said);
        order.add({ reasoning_content: more, ...(marks.length > 0 && { reasoning_details: marks }) });
        thoughts = withMore(known ?? "", more);
      }
      const detail = toDetail(item, index);
      if (detail !== undefined) details.push(detail);
      if (detail !== undefined) order.add({ reasoning_details: [detail] });
    } else if (isCall(item)) {
      const call = toCall(item, argumentsOf(item["arguments"] ?? item["input"]) ?? "");
      calls.push(call);
      order.add({ tool_calls: [call] });
    } else omissions.add(item["type"]);
  }
  if (calls.length > CALLS_MAX) throw tooMany(CALLS_MAX, "tool calls");
  const isSpoken = text !== undefined || refusal !== undefined || thoughts !== undefined;
  const isSaid = isSpoken || details.length + calls.length > 0;
  const message: ChatMessage = {
    role: "assistant",
    // Without calls a message has a text, if only an empty one: chat completions refuse it otherwise when it comes back.
    content: (text && asRead(text)) ?? (calls.length > 0 || refusal !== undefined ? null : ""),
    refusal: refusal ?? null,
    ...(annotations.length > 0 && { annotations }),
    ...(phases.length > 0 && { phases }),
    ...(thoughts !== undefined && { reasoning_content: asRead(thoughts) }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...order.told(),
    ...omissions.told(isSaid),
  };
  return { message, logprobs, isCalling: calls.length > 0 };
}

/** Returns the parts of a message's content. @throws MarrowError `model_failed` for more than any answer has */
export function partsOf({ content }: Fields): readonly Fields[] {
  if (!Array.isArray(content)) return [];
  if (content.length > PARTS_MAX) throw tooMany(PARTS_MAX, "parts of one item");
  return (content as readonly unknown[]).filter(isObject);
}
