import type { Fields } from "../../internal/fields.ts";
import type { ResponseBody } from "./shape.ts";
import { conversationOf, type ResponseRequest } from "./request.ts";
import { toToolChoice } from "./translation.ts";

/**
 * Makes a response before its model is called, with every field that Open Responses and OpenAI's clients require. Absent fields have the
 * specification's defaults; unknown values are null.
 */
export function toShell(request: ResponseRequest, id: string, nowMs: number): ResponseBody {
  const { model, conversation, text, reasoning, tools, tool_choice: choice } = request;
  return {
    id,
    object: "response",
    created_at: Math.floor(nowMs / 1000),
    completed_at: null,
    status: request.background === true ? "queued" : "in_progress",
    background: request.background === true,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request["max_tool_calls"] ?? null,
    model,
    access_programs: null,
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    conversation: conversation == null ? null : { id: conversationOf(conversation) },
    prompt_cache_key: request["prompt_cache_key"] ?? null,
    ...(request["prompt_cache_retention"] != null && { prompt_cache_retention: request["prompt_cache_retention"] }),
    ...(request["prompt_cache_options"] != null && { prompt_cache_options: request["prompt_cache_options"] }),
    reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.["summary"] ?? null },
    safety_identifier: request["safety_identifier"] ?? null,
    service_tier: toTier(request["service_tier"]),
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    top_p: request.top_p ?? 1,
    presence_penalty: request["presence_penalty"] ?? 0,
    frequency_penalty: request["frequency_penalty"] ?? 0,
    top_logprobs: request["top_logprobs"] ?? 0,
    text: { ...(text?.["verbosity"] != null && { verbosity: text["verbosity"] }), format: toFormat(text?.format) },
    tool_choice: toToolChoice(choice),
    tools: (tools ?? []).map(toTool),
    truncation: request.truncation ?? "disabled",
    usage: null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  };
}

/** `auto` is a preference, not a tier. */
function toTier(asked: unknown): string {
  return typeof asked === "string" && asked !== "auto" ? asked : "default";
}

function toFormat(format: Fields | null | undefined): Fields {
  if (format == null) return { type: "text" };
  return format["type"] === "json_schema" ? { description: null, strict: false, ...format } : format;
}

/** Adds the fields of a tool that the specification requires. */
function toTool(tool: Fields): Fields {
  const {
    function: named,
    custom,
    ...rest
  } = tool as Fields & { readonly function?: Fields; readonly custom?: Fields };
  // A nested definition came in the form of a chat.
  if (rest["type"] === "function") return { description: null, parameters: null, strict: null, ...rest, ...named };
  return rest["type"] === "custom" ? { ...rest, ...custom } : tool;
}
