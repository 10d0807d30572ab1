import { NATIVE_TOOL, type ChatRequest } from "../chat.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import {
  isBlankOnly,
  isEmpty,
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
import { toFields, objectAt, uncarried, unfit } from "../rows.ts";
import { withTranscripts } from "../spoken.ts";
import { toInput } from "./input.ts";
import { KIND } from "./parts.ts";

/** Conversion of each chat request field to the Responses API. Unlisted fields are passed on unchanged. */
export const RESPONSES_FIELDS: ReadonlyMap<string, FieldRow> = new Map([
  ["model", send("model")],
  ["messages", own],
  ["stream", send("stream")],
  ["stream_options", send("stream_options", toStreamOptions)],
  ["max_completion_tokens", send("max_output_tokens", atLeastFloor)],
  ["max_tokens", own],
  ["temperature", send("temperature")],
  ["top_p", send("top_p")],
  ["top_logprobs", sendUnless("top_logprobs", isZero)],
  ["logprobs", own],
  ["tools", send("tools", toTools)],
  ["tool_choice", send("tool_choice", toChoice)],
  ["parallel_tool_calls", send("parallel_tool_calls")],
  ["response_format", own],
  ["verbosity", own],
  ["text", own],
  ["reasoning_effort", own],
  ["reasoning", own],
  ["thinking", own],
  ["output_config", own],
  ["user", send("user")],
  ["safety_identifier", send("safety_identifier")],
  ["prompt_cache_key", send("prompt_cache_key")],
  ["prompt_cache_retention", send("prompt_cache_retention")],
  ["prompt_cache_options", send("prompt_cache_options")],
  ["service_tier", send("service_tier")],
  ["metadata", send("metadata")],
  ["moderation", send("moderation")],
  ["store", own],
  ["prediction", inert],
  ["cache_control", inert],
  ["n", refuse(isOne)],
  ["stop", refuse(isBlankOnly)],
  ["seed", refuse()],
  ["presence_penalty", refuse(isZero)],
  ["frequency_penalty", refuse(isZero)],
  ["logit_bias", refuse(isEmpty)],
  ["modalities", refuse(isTextOnly)],
  ["audio", refuse()],
  ["functions", refuse()],
  ["function_call", refuse()],
  ["web_search_options", refuse()],
]);

/** Requests reasoning in a form that can be sent back. */
export const ENCRYPTED = "reasoning.encrypted_content";

/**
 * Converts a chat request for the Responses API. The endpoint stores nothing unless the request says so, because Marrow stores
 * conversations. Pure.
 * @throws MarrowError `invalid_input` that names the field, part or tool which cannot be carried
 */
export function toResponsesBody(request: ChatRequest): Fields {
  const fields = toFields(RESPONSES_FIELDS, request, KIND);
  const { max_tokens: bound, logprobs, response_format: format, verbosity, store, text: others } = request;
  const text = {
    ...(isObject(others) && others),
    ...(format !== undefined && format !== null && toFormat(format)),
    ...(isText(verbosity) && { verbosity }),
  };
  const reasoning = toReasoning(request);
  const include = [
    ...(logprobs === true ? ["message.output_text.logprobs"] : []),
    ...(store === true ? [] : [ENCRYPTED]),
  ];
  return {
    ...fields,
    input: toInput(withTranscripts(request.messages, KIND)),
    ...(fields["max_output_tokens"] === undefined &&
      typeof bound === "number" && { max_output_tokens: atLeastFloor(bound) }),
    ...(Object.keys(text).length > 0 && { text }),
    ...(reasoning !== undefined && { reasoning }),
    ...(include.length > 0 && { include }),
    store: store === true,
  };
}

/** The least `max_output_tokens` that this API accepts. */
const OUTPUT_TOKENS_MIN = 16;

/** Raises a bound for the answer to the least that this API accepts: clients ask for one token to see whether a model answers. */
function atLeastFloor(bound: unknown): unknown {
  return typeof bound === "number" && bound > 0 ? Math.max(OUTPUT_TOKENS_MIN, bound) : bound;
}

/** Converts reasoning options to an effort. Those of other APIs are replaced by the effort beside them. */
function toReasoning({ reasoning_effort: effort, reasoning, thinking, output_config: config }: ChatRequest) {
  const asked = isObject(reasoning) ? reasoning : {};
  const hasEffort = isText(effort) || asked["effort"] !== undefined;
  if (!hasEffort && isObject(config)) throw uncarried("output_config", KIND);
  const all = {
    ...(isObject(thinking) && toSummary(thinking, hasEffort)),
    ...asked,
    ...(isText(effort) && { effort }),
  };
  return Object.keys(all).length === 0 ? undefined : all;
}

/** Fields of Anthropic's option for thinking; the effort beside it stands for its budget. */
const THINKING: ReadonlySet<string> = new Set(["type", "budget_tokens", "display"]);
/** Types that ask for no effort of their own. */
const UNBOUND: ReadonlySet<unknown> = new Set(["disabled", "adaptive"]);

/** Checks that the effort stands for all of a `thinking`, and returns how the reasoning is shown. */
function toSummary(thinking: Fields, hasEffort: boolean): Fields {
  const { type, display } = thinking;
  const other = Object.entries(thinking).find(([name, value]) => !THINKING.has(name) && value != null);
  if (other !== undefined) throw uncarried(`thinking.${other[0].slice(0, 64)}`, KIND);
  if (type !== "enabled" && !UNBOUND.has(type))
    throw uncarried("thinking.type", KIND, `thinking of type ${String(type).slice(0, 64)}`);
  if (type === "enabled" && !hasEffort) throw uncarried("thinking", KIND, "thinking without reasoning_effort");
  return display === "summarized" ? { summary: "auto" } : {};
}

/** Removes the option for usage, which every stream ends with. */
function toStreamOptions({ include_usage: _, ...rest }: Fields): Fields | undefined {
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function toFormat(format: unknown): Fields {
  const { type, json_schema: named, ...rest } = objectAt(format, "response_format");
  if (type === "text") return {};
  if (type !== "json_schema") return { format: { type, ...rest } };
  return { format: { type, ...objectAt(named, "response_format.json_schema") } };
}

function toTools(tools: unknown, path: string): readonly Fields[] | undefined {
  if (!Array.isArray(tools)) throw unfit(path, "a list of tools", tools);
  return tools.length === 0 ? undefined : tools.map((tool: unknown, at) => toTool(tool, `${path}.${at}`));
}

function toTool(tool: unknown, path: string): Fields {
  const {
    type,
    function: named,
    custom,
    cache_control: _,
    [NATIVE_TOOL]: isNative,
    ...beside
  }: Fields & { readonly [NATIVE_TOOL]?: true } = objectAt(tool, path);
  if (type === "function") {
    const { parameters, strict, ...rest } = objectAt(named, `${path}.function`);
    nameIn(rest, `${path}.function`);
    const more = { ...beside, ...rest };
    // Strict by default here, and loose in chat completions.
    const told = isNative === true && strict === undefined ? {} : { strict: strict === true };
    return { type, ...more, parameters: parameters ?? { type: "object", properties: {} }, ...told };
  }
  if (type !== "custom") throw uncarried(`${path}.type`, KIND, `a tool of type ${String(type).slice(0, 64)}`);
  const { format, ...rest } = objectAt(custom, `${path}.custom`);
  nameIn(rest, `${path}.custom`);
  if (!isObject(format)) return { type, ...beside, ...rest };
  const { grammar, ...plain } = format;
  return { type, ...beside, ...rest, format: isObject(grammar) ? { ...plain, ...grammar } : plain };
}

/** Returns the name of a tool. @throws MarrowError `invalid_input` without one */
function nameIn(named: unknown, path: string): string {
  const { name } = objectAt(named, path);
  if (!isText(name)) throw unfit(`${path}.name`, "the name of a tool", name);
  return name;
}

function toChoice(choice: unknown, path: string): unknown {
  if (typeof choice === "string") return choice;
  const { type, function: named, custom, allowed_tools: allowed } = objectAt(choice, path);
  if (type === "function") return { type, name: nameIn(named, `${path}.function`) };
  if (type === "custom") return { type, name: nameIn(custom, `${path}.custom`) };
  if (type !== "allowed_tools") throw uncarried(`${path}.type`, KIND, `a choice of type ${String(type).slice(0, 64)}`);
  const { mode = "auto", tools } = objectAt(allowed, `${path}.allowed_tools`);
  if (!Array.isArray(tools)) throw unfit(`${path}.allowed_tools.tools`, "a list of tools", tools);
  return { type, mode, tools: tools.map((tool: unknown, at) => toChoice(tool, `${path}.allowed_tools.tools.${at}`)) };
}
