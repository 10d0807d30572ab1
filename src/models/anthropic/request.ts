import { USER_ID, type ChatRequest } from "../chat.ts";
import { isText, type Fields } from "../../internal/fields.ts";
import {
  isEmpty,
  isFalse,
  isOne,
  isTextOnly,
  isZero,
  inert,
  own,
  refuse,
  send,
  sendUnless,
  type FieldRow,
} from "../../internal/field-rows.ts";
import { madeOf } from "../origins.ts";
import { toFields, objectAt, uncarried, unfit } from "../rows.ts";
import { KIND, toConversation } from "./messages.ts";
import { withTranscripts } from "../spoken.ts";
import { toTextTool } from "./custom-tools.ts";
import { toThinking, type EffortForm } from "./effort.ts";

/**
 * Conversion of each chat request field to Anthropic's messages API. Unlisted fields, such as `thinking` and `top_k`, are passed on
 * unchanged.
 */
export const ANTHROPIC_FIELDS: ReadonlyMap<string, FieldRow> = new Map([
  ["model", send("model")],
  ["messages", own],
  ["stream", send("stream")],
  ["stream_options", inert],
  ["max_completion_tokens", own],
  ["max_tokens", own],
  // One is what this API goes by without them, and newer models refuse both at once.
  ["temperature", sendUnless("temperature", isOne)],
  ["top_p", sendUnless("top_p", isOne)],
  ["stop", send("stop_sequences", toStops)],
  ["tools", own],
  ["tool_choice", own],
  ["parallel_tool_calls", own],
  ["response_format", own],
  ["reasoning_effort", own],
  ["reasoning", own],
  ["thinking", own],
  ["output_config", own],
  ["user", own],
  ["safety_identifier", own],
  ["service_tier", send("service_tier", toTier)],
  ["metadata", inert],
  ["store", inert],
  ["prediction", inert],
  ["prompt_cache_key", inert],
  ["prompt_cache_retention", inert],
  ["prompt_cache_options", inert],
  ["verbosity", refuse((value) => value === "medium")],
  ["text", refuse(isEmpty)],
  ["n", refuse(isOne)],
  ["logprobs", refuse(isFalse)],
  ["top_logprobs", refuse(isZero)],
  ["presence_penalty", refuse(isZero)],
  ["frequency_penalty", refuse(isZero)],
  ["logit_bias", refuse(isEmpty)],
  ["seed", refuse()],
  ["modalities", refuse(isTextOnly)],
  ["audio", refuse()],
  ["moderation", refuse()],
  ["functions", refuse()],
  ["function_call", refuse()],
  ["web_search_options", refuse()],
]);

/** Options of the conversion. */
export interface RequestOptions {
  /** Bound for answers whose request sets none, because this API requires one. */
  readonly outputTokens: number;
  /** How the model accepts a reasoning effort. */
  readonly effort: EffortForm;
}

/**
 * Converts a chat request for the messages API. Pure.
 * @throws MarrowError `invalid_input` that names the field, part or tool which cannot be carried
 */
export function toAnthropicBody(request: ChatRequest, { outputTokens, effort }: RequestOptions): Fields {
  const fields = toFields(ANTHROPIC_FIELDS, request, KIND);
  const { system, messages } = toConversation(withTranscripts(request.messages, KIND));
  const bound = request["max_completion_tokens"] ?? request["max_tokens"];
  const { thinking, config, maxTokens } = toThinking(request, bound, { outputTokens, form: effort });
  const format = toFormat(request["response_format"]);
  const output = { ...config, ...(format !== undefined && { format }) };
  const { tools, choice } = toTools(request);
  const user = request[USER_ID] ?? request["safety_identifier"] ?? request["user"];
  return {
    ...fields,
    max_tokens: maxTokens,
    ...(system.length > 0 && { system }),
    messages,
    ...(tools !== undefined && { tools }),
    ...(choice !== undefined && { tool_choice: choice }),
    ...(thinking !== undefined && { thinking }),
    ...(Object.keys(output).length > 0 && { output_config: output }),
    ...(isText(user) && { metadata: { user_id: user } }),
  };
}

function toStops(stop: string | readonly string[]): readonly string[] | undefined {
  const stops = (typeof stop === "string" ? [stop] : stop).filter((one) => one !== "");
  return stops.length === 0 ? undefined : stops;
}

/** Converts a service tier; only two are supported. */
function toTier(tier: string, path: string): string {
  if (tier === "auto" || tier === "standard_only") return tier;
  if (tier === "default") return "standard_only";
  throw uncarried(path, KIND, `the tier ${tier.slice(0, 32)}`);
}

function toFormat(format: unknown): Fields | undefined {
  if (format === undefined || format === null) return undefined;
  const { type, json_schema: named } = objectAt(format, "response_format");
  if (type === "text") return undefined;
  if (type !== "json_schema") throw uncarried("response_format.type", KIND, "JSON without a schema; use json_schema");
  const { schema } = objectAt(named, "response_format.json_schema");
  return { type, schema: objectAt(schema, "response_format.json_schema.schema") };
}

function toTools(request: ChatRequest): { readonly tools?: readonly Fields[]; readonly choice?: Fields } {
  const { tools: given, tool_choice: choice, parallel_tool_calls: parallel } = request;
  if (given === undefined || given === null) return {};
  if (!Array.isArray(given)) throw unfit("tools", "a list of tools", given);
  if (given.length === 0) return {};
  const allowed = allowedBy(choice);
  const tools = given
    .map((tool: unknown, at) => toTool(tool, `tools.${at}`))
    .filter(({ name }) => allowed?.names.has(name) ?? true);
  const chosen = toChoice(allowed?.mode ?? choice);
  // The API sets single calls as part of a tool choice, so there must be one.
  const single = parallel === false && chosen?.["type"] !== "none" && { disable_parallel_tool_use: true };
  if (chosen === undefined && single === false) return { tools };
  return { tools, choice: { type: "auto", ...chosen, ...single } };
}

function toTool(tool: unknown, path: string): Fields {
  const { type, function: named, custom, cache_control: cache, ...beside } = objectAt(tool, path);
  const cached = cache !== undefined && cache !== null && { cache_control: cache };
  // Such as `defer_loading`: the endpoint accepts or refuses it.
  if (type === "custom")
    return madeOf(path, { ...withoutNulls(beside), ...withoutNulls(toTextTool(custom, `${path}.custom`)), ...cached });
  if (type !== "function") throw uncarried(`${path}.type`, KIND, `a tool of type ${String(type).slice(0, 64)}`);
  const { name, description, parameters, strict, ...more } = objectAt(named, `${path}.function`);
  if (!isText(name)) throw unfit(`${path}.function.name`, "a name", name);
  return madeOf(path, {
    ...withoutNulls({ ...beside, ...more }),
    name,
    ...(isText(description) && { description }),
    input_schema: parameters ?? { type: "object", properties: {} },
    ...(typeof strict === "boolean" && { strict }),
    ...cached,
  });
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

/** Returns the tools that a choice allows, and the mode of choosing. */
function allowedBy(choice: unknown): { readonly names: ReadonlySet<unknown>; readonly mode: unknown } | undefined {
  const { type, allowed_tools: allowed } = (choice ?? {}) as Fields;
  if (type !== "allowed_tools") return undefined;
  const path = "tool_choice.allowed_tools";
  const { mode = "auto", tools } = objectAt(allowed, path);
  if (!Array.isArray(tools)) throw unfit(`${path}.tools`, "a list of tools", tools);
  const names = tools.map((tool: unknown, at) => {
    const here = `${path}.tools.${at}`;
    const given = objectAt(tool, here);
    const field = given["type"] === "custom" ? "custom" : "function";
    return objectAt(given[field], `${here}.${field}`)["name"];
  });
  return { names: new Set(names), mode };
}

function toChoice(choice: unknown): Fields | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === "auto" || choice === "none") return { type: choice };
  if (choice === "required") return { type: "any" };
  const { type, function: named, custom } = objectAt(choice, "tool_choice");
  if (type !== "function" && type !== "custom")
    throw uncarried("tool_choice.type", KIND, `a choice of type ${String(type).slice(0, 64)}`);
  const { name } = objectAt(type === "custom" ? custom : named, `tool_choice.${type}`);
  if (!isText(name)) throw unfit(`tool_choice.${type}.name`, "the name of a tool", name);
  return { type: "tool", name };
}
