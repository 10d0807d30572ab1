import { hash } from "node:crypto";
import { z } from "zod";
import { wordOf } from "../../internal/describe.ts";
import { applyRows, isEmpty, own, refuse, send, type FieldRow } from "../../internal/field-rows.ts";
import { USER_ID, type ChatRequest } from "../../models/index.ts";
import { isWords, type LongText } from "../../internal/long-text.ts";
import type { Fields } from "../../internal/fields.ts";
import { checkFields } from "./block-fields.ts";
import { textsAt, toChatMessages } from "./blocks.ts";
import { refused, wrong } from "./refusals.ts";

const content = z.union([z.string(), z.array(z.looseObject({})).max(100_000)]);

/** Fields that must be valid for a request to be understood; the table of fields defines the conversion of each. */
export const countBody: z.ZodType<MessagesRequest> = z.looseObject({
  model: z.string().min(1).max(256),
  messages: z
    .array(z.looseObject({ role: z.enum(["user", "assistant", "system"]), content }))
    .min(1)
    .max(10_000),
  system: content.nullish(),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  stop_sequences: z.array(z.string().max(1_024)).max(8_191).nullish(),
  metadata: z.looseObject({ user_id: z.string().max(512).nullish() }).nullish(),
  tools: z.array(z.looseObject({})).max(1_024).nullish(),
  tool_choice: z.looseObject({ type: z.string().max(64) }).nullish(),
  thinking: z.looseObject({ type: z.string().max(64), budget_tokens: z.int().min(1).nullish() }).nullish(),
  output_config: z.looseObject({ effort: z.string().max(32).nullish(), format: z.looseObject({}).nullish() }).nullish(),
});

/** The same for creating a message, whose answer needs a bound. */
export const messagesBody: z.ZodType<MessagesRequest> = z.intersection(
  countBody,
  z.looseObject({ max_tokens: z.int().min(1) }),
);

/** A request of Anthropic's messages API, as the client sent it. */
export interface MessagesRequest extends Fields {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string | LongText | readonly Fields[] }[];
  readonly system?: string | LongText | readonly Fields[] | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly metadata?: Fields | null | undefined;
  readonly tools?: readonly Fields[] | null | undefined;
  readonly tool_choice?: Fields | null | undefined;
  readonly thinking?: (Fields & { readonly budget_tokens?: number | null | undefined }) | null | undefined;
  readonly output_config?: Fields | null | undefined;
}

/** Conversion of each field of a request. A field without a row is refused, so that nothing is dropped silently. */
export const MESSAGE_FIELDS: ReadonlyMap<string, FieldRow> = new Map([
  ["model", own],
  ["messages", own],
  ["system", own],
  ["stream", own],
  ["max_tokens", send("max_completion_tokens")],
  ["temperature", send("temperature")],
  ["top_p", send("top_p")],
  ["top_k", send("top_k")],
  ["stop_sequences", send("stop", (stop: readonly string[]) => (stop.length === 0 ? undefined : stop))],
  ["metadata", send("safety_identifier", toUser)],
  ["service_tier", send("service_tier", toTier)],
  ["tools", send("tools", toTools)],
  ["tool_choice", own],
  ["thinking", own],
  ["output_config", own],
  ["cache_control", send("cache_control")],
  ["speed", refuse((value) => value === "standard")],
  ["inference_geo", refuse()],
  ["container", refuse()],
  ["context_management", refuse()],
  ["mcp_servers", refuse((value) => Array.isArray(value) && isEmpty(value))],
  ["diagnostics", refuse()],
  ["thread", refuse()],
  ["fallbacks", refuse()],
]);

/**
 * Converts a messages request to a chat request. Pure.
 * @throws MarrowError `invalid_input` that names an unsupported field, block or tool
 */
export function toChatRequest(request: MessagesRequest): ChatRequest {
  const fields = applyRows(
    MESSAGE_FIELDS,
    request,
    () => refuse(),
    (name) => refused(name, "this field"),
  );
  const system = !hasSystem(request) ? [] : [{ role: "system", content: textsAt(request.system ?? "", "system") }];
  return {
    ...fields,
    model: request.model,
    messages: [...system, ...toChatMessages(request.messages)],
    ...toThinking(request),
    ...(typeof request.metadata?.["user_id"] === "string" && { [USER_ID]: request.metadata["user_id"] }),
    ...toChoice(request.tool_choice, fields["tools"] !== undefined),
  };
}

/** Returns true for a request with instructions, of which an empty list has none. */
export function hasSystem({ system }: MessagesRequest): boolean {
  return system != null && (isWords(system) || system.length > 0);
}

/** Longest `safety_identifier`, in characters. */
const USER_CHARS_MAX = 64;

/** Converts the user's id to one that OpenAI's APIs accept: a longer one to its SHA-256 in hexadecimal digits, always the same. */
function toUser(metadata: Fields, path: string): unknown {
  checkFields("metadata", metadata, path);
  const { user_id: user } = metadata;
  if (typeof user !== "string" || user.length <= USER_CHARS_MAX) return user ?? undefined;
  return hash("sha256", user);
}

function toTier(tier: unknown, path: string): string {
  if (tier === "auto") return tier;
  if (tier === "standard_only") return "default";
  throw refused(path, `the tier ${wordOf(tier)}`);
}

/** Fields of a tool that only affect its transport. */
const INERT_OF_TOOL = new Set(["eager_input_streaming"]);

function toTools(tools: readonly Fields[], path: string): readonly Fields[] | undefined {
  if (tools.length === 0) return undefined;
  return tools.map((tool, at) => {
    const here = `${path}.${at}`;
    const { type, name, description, input_schema: schema, strict, cache_control: cache, ...rest } = tool;
    if (type !== undefined && type !== null && type !== "custom")
      throw refused(`${here}.type`, `tools of type ${wordOf(type)}`, "; the gateway knows custom tools");
    if (typeof name !== "string" || name === "") throw wrong(`${here}.name`, "a name");
    if (typeof schema !== "object" || schema === null) throw wrong(`${here}.input_schema`, "a JSON schema");
    if (description != null && typeof description !== "string") throw wrong(`${here}.description`, "a string");
    if (strict != null && typeof strict !== "boolean") throw wrong(`${here}.strict`, "true or false");
    const isDirect = (value: unknown) => JSON.stringify(value) === '["direct"]';
    for (const [field, value] of Object.entries(rest)) {
      const asksNothing = value === null || value === false || (Array.isArray(value) && value.length === 0);
      if (asksNothing || INERT_OF_TOOL.has(field) || (field === "allowed_callers" && isDirect(value))) continue;
      throw refused(`${here}.${field.slice(0, 64)}`, "this field");
    }
    const named = {
      name,
      ...(description != null && { description }),
      parameters: schema,
      ...(strict != null && { strict }),
    };
    return { type: "function", function: named, ...(cache != null && { cache_control: cache }) };
  });
}

/** Converts a choice of tools; without tools, one that requires none says nothing. */
function toChoice(choice: Fields | null | undefined, hasTools: boolean): Fields {
  if (choice == null) return {};
  checkFields("tool_choice", choice, "tool_choice");
  const { type, name, disable_parallel_tool_use: single } = choice;
  if (name != null && type !== "tool")
    throw refused("tool_choice.name", `the name of a tool beside the type ${wordOf(type)}`);
  if (!hasTools) {
    if (type === "auto" || type === "none") return {};
    throw refused("tool_choice.type", `a choice of type ${wordOf(type)} without tools`);
  }
  const parallel = single === true ? { parallel_tool_calls: false } : {};
  switch (type) {
    case "auto":
    case "none":
      return { tool_choice: type, ...parallel };
    case "any":
      return { tool_choice: "required", ...parallel };
    case "tool":
      if (typeof name !== "string" || name === "") throw wrong("tool_choice.name", "the name of a tool");
      return { tool_choice: { type: "function", function: { name } }, ...parallel };
    default:
      throw refused("tool_choice.type", `a choice of type ${wordOf(type)}`);
  }
}

/** Lower bounds of reasoning budgets, with the effort for each. */
const EFFORTS: readonly (readonly [number, string])[] = [
  [16_384, "high"],
  [4_096, "medium"],
  [0, "low"],
];

/**
 * Converts reasoning options: to an effort, which every kind of upstream supports, and beside it the client's own fields, for upstreams
 * that support them. Upstreams that refuse these get the effort alone.
 */
function toThinking({ thinking, output_config: config }: MessagesRequest): Fields {
  const { effort, format } = config ?? {};
  if (config != null) checkFields("output_config", config, "output_config");
  const budget = thinking?.["type"] === "enabled" ? (thinking.budget_tokens ?? 0) : undefined;
  const guessed = budget === undefined ? undefined : EFFORTS.find(([from]) => budget >= from)?.[1];
  const wish = typeof effort === "string" ? effort : guessed;
  return {
    ...(wish !== undefined && { reasoning_effort: wish }),
    ...(thinking != null && { thinking }),
    ...(typeof effort === "string" && { output_config: { effort } }),
    ...(format != null && { response_format: toFormat(format as Fields) }),
  };
}

function toFormat(format: Fields): Fields {
  checkFields("output_config.format", format, "output_config.format");
  const { type, schema } = format;
  if (type !== "json_schema") throw refused("output_config.format.type", `a format of type ${wordOf(type)}`);
  if (typeof schema !== "object" || schema === null) throw wrong("output_config.format.schema", "a JSON schema");
  return { type, json_schema: { name: "output", schema, strict: true } };
}
