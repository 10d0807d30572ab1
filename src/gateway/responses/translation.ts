import { MarrowError } from "../../errors.ts";
import { wordOf } from "../../internal/describe.ts";
import { applyRows, inert, isTextOnly, own, refuse, send, type FieldRow } from "../../internal/field-rows.ts";
import type { Fields } from "../../internal/fields.ts";
import { NATIVE_TOOL } from "../../models/index.ts";

/**
 * Conversion of each field of a Responses request to chat completions, for models with that API, so that nothing is dropped silently. A
 * field without a row is passed on unchanged; the upstream accepts or refuses it.
 */
export const REQUEST_FIELDS: ReadonlyMap<string, FieldRow> = new Map([
  ["model", own],
  ["input", own],
  ["instructions", own],
  ["previous_response_id", own],
  ["conversation", own],
  ["background", own],
  ["store", own],
  ["stream", own],
  ["include", own],
  ["max_tool_calls", own],
  ["text", own],
  ["reasoning", own],
  ["type", inert],
  ["stream_options", inert],
  ["truncation", inert],
  ["prompt", refuse()],
  ["context_management", refuse()],
  // Fields of a WebSocket, and fields of chats whose results have no place in a response.
  ["generate", refuse()],
  ["messages", refuse()],
  ["n", refuse()],
  ["functions", refuse()],
  ["function_call", refuse()],
  ["modalities", refuse(isTextOnly)],
  ["audio", refuse()],
  ["max_output_tokens", send("max_completion_tokens")],
  ["temperature", send("temperature")],
  ["top_p", send("top_p")],
  ["presence_penalty", send("presence_penalty")],
  ["frequency_penalty", send("frequency_penalty")],
  ["top_logprobs", send("top_logprobs")],
  ["parallel_tool_calls", send("parallel_tool_calls")],
  ["tools", send("tools", toChatTools)],
  ["tool_choice", send("tool_choice", toChatToolChoice)],
  ["user", send("user")],
  ["safety_identifier", send("safety_identifier")],
  ["prompt_cache_key", send("prompt_cache_key")],
  ["prompt_cache_retention", send("prompt_cache_retention")],
  ["service_tier", send("service_tier")],
  ["metadata", send("metadata")],
]);

/** Supported values of `include`; others belong to tools that the gateway does not run. */
const INCLUDES = new Set([
  "reasoning.encrypted_content",
  "message.output_text.logprobs",
  "message.input_image.image_url",
  "file_search_call.results",
]);

/** Returns true if a request asks for encrypted reasoning. */
export function wantsEncrypted({ include }: { readonly include?: readonly string[] | null | undefined }): boolean {
  return include?.includes("reasoning.encrypted_content") === true;
}

/**
 * Converts the fields of a Responses request for a chat request, without its messages. Pure.
 * @throws MarrowError `invalid_input` that names an unsupported field, tool or choice
 */
export function toChatFields(request: Fields): Fields {
  const fields = applyRows(REQUEST_FIELDS, request, send, (name) => refused(name, "this field", ""));
  const { text, reasoning, include, tools } = request as {
    readonly text?: Fields | null;
    readonly reasoning?: Fields | null;
    readonly include?: readonly unknown[] | null;
    readonly tools?: readonly Fields[] | null;
  };
  checkChoice(request["tool_choice"] as string | Fields | null | undefined, tools ?? [], "tool_choice");
  Object.assign(fields, toTextFields(text ?? {}), toReasoningFields(reasoning ?? {}));
  for (const [at, one] of (include ?? []).entries())
    if (!INCLUDES.has(wordOf(one))) throw refused(`include.${at}`, wordOf(one), "");
  const wantsLogprobs = include?.includes("message.output_text.logprobs") === true;
  // 0 is the specification's default and requests nothing; reasoning models refuse the field.
  if (fields["top_logprobs"] === 0 && !wantsLogprobs) delete fields["top_logprobs"];
  if (wantsLogprobs || fields["top_logprobs"] !== undefined) fields["logprobs"] = true;
  // Endpoints refuse options of tools without tools.
  if (fields["tools"] === undefined) {
    delete fields["parallel_tool_calls"];
    if (tools?.some(isFileSearch) === true || fields["tool_choice"] === "auto" || fields["tool_choice"] === "none")
      delete fields["tool_choice"];
  }
  return { ...fields };
}

/** Returns true for a search in the gateway's own vector stores. */
export function isFileSearch(tool: Fields): boolean {
  return tool["type"] === "file_search";
}

/** Converts `text`; fields without an equivalent are passed on unchanged. */
function toTextFields({ format, verbosity, ...others }: Fields): Fields {
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  if (verbosity !== undefined && verbosity !== null) {
    if (!VERBOSITIES.has(verbosity)) throw wrong("text.verbosity", "low, medium or high");
    fields["verbosity"] = verbosity;
  }
  if (format !== undefined && format !== null) {
    const { type, ...rest } = format as Fields;
    if (!FORMATS.has(type)) throw wrong("text.format.type", "text, json_object or json_schema");
    if (type === "json_schema" && (typeof rest["name"] !== "string" || rest["name"] === ""))
      throw wrong("text.format.name", "the name of the schema");
    if (type === "json_schema" && String(rest["name"]).length > NAME_CHARS_MAX)
      throw wrong("text.format.name", `a name of at most ${NAME_CHARS_MAX} characters`);
    if (type === "json_schema") fields["response_format"] = { type, json_schema: withoutNulls(rest) };
    else if (type !== "text") fields["response_format"] = format;
  }
  const unknown = withoutNulls(others);
  if (Object.keys(unknown).length > 0) fields["text"] = unknown;
  return fields;
}

const VERBOSITIES: ReadonlySet<unknown> = new Set(["low", "medium", "high"]);
const FORMATS: ReadonlySet<unknown> = new Set(["text", "json_object", "json_schema"]);

function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path}: must be ${expected}`, { details: { path } });
}

/**
 * Converts reasoning options. Chat completions support `effort`; the summary option is sent in the form of OpenRouter's API, and omitted
 * after a refusal. Other fields are passed on unchanged.
 */
function toReasoningFields({ effort, summary, generate_summary: older, ...others }: Fields): Fields {
  const wanted = summary ?? older ?? undefined;
  const reasoning = { ...(wanted !== undefined && { summary: wanted }), ...withoutNulls(others) };
  return {
    ...(effort !== undefined && effort !== null && { reasoning_effort: effort }),
    ...(Object.keys(reasoning).length > 0 && { reasoning }),
  };
}

function toChatTools(tools: readonly Fields[], path: string): readonly Fields[] | undefined {
  const sent = tools.flatMap((tool, at) => (isFileSearch(tool) ? [] : [toChatTool(tool, `${path}.${at}`)]));
  return sent.length === 0 ? undefined : sent;
}

/** Converts one tool for chat completions. */
function toChatTool(tool: Fields, path: string): Fields {
  const { type, ...rest } = tool;
  const isNamed = typeof rest["name"] === "string" || rest["function"] !== undefined || rest["custom"] !== undefined;
  if ((type === "function" || type === "custom") && !isNamed)
    throw refused(`${path}.name`, "a tool without a name", "");
  const name = nameOf(tool);
  if (typeof name === "string" && name.length > NAME_CHARS_MAX)
    throw wrong(`${path}.name`, `a name of at most ${NAME_CHARS_MAX} characters, and has ${name.length}`);
  if (type === "function")
    return rest["function"] === undefined
      ? { type, function: withoutNulls(rest), ...(rest["strict"] == null && { [NATIVE_TOOL]: true }) }
      : tool;
  if (type === "custom") return rest["custom"] === undefined ? { type, custom: toCustom(withoutNulls(rest)) } : tool;
  throw refused(`${path}.type`, `tools of type ${wordOf(type)}`, KNOWN_TOOLS);
}

/** Characters of the name of a tool or a schema, as in OpenAI's API. */
const NAME_CHARS_MAX = 64;
const CHOICES: ReadonlySet<string> = new Set(["none", "auto", "required"]);
const KNOWN_TOOLS = "; the gateway knows function, custom and file_search";

/** Converts a custom tool, whose grammar is nested one level deeper in chat completions. */
function toCustom(custom: Fields): Fields {
  const format = custom["format"] as Fields | undefined;
  if (format?.["type"] !== "grammar" || format["grammar"] !== undefined) return custom;
  const { type, ...grammar } = format;
  return { ...custom, format: { type, grammar } };
}

/** Checks that a tool choice names tools of the request, because a model cannot be restricted to others. */
function checkChoice(choice: string | Fields | null | undefined, tools: readonly Fields[], path: string): void {
  if (choice === "required" && tools.length === 0) throw wrong(path, "none or auto where there are no tools");
  if (typeof choice !== "object" || choice === null) return;
  if (choice["type"] === "allowed_tools") {
    const { mode, tools: allowed } = allowedOf(choice);
    if (mode !== "auto" && mode !== "required") throw wrong(`${path}.mode`, "auto or required");
    if (!Array.isArray(allowed) || allowed.length === 0) throw wrong(`${path}.tools`, "one tool or more");
    for (const [at, one] of (allowed as readonly Fields[]).entries()) checkChoice(one, tools, `${path}.tools.${at}`);
    return;
  }
  const { type } = choice;
  if (type === "file_search" && !tools.some(isFileSearch)) throw absent(path, "no tool of this type is in tools");
  if (type !== "function" && type !== "custom") return;
  const name = nameOf(choice);
  if (typeof name !== "string" || name === "") throw wrong(`${path}.name`, "the name of a tool in tools");
  if (!tools.some((tool) => tool["type"] === type && nameOf(tool) === name))
    throw absent(`${path}.name`, "no tool of this name is in tools");
}

function absent(path: string, what: string): MarrowError {
  return new MarrowError("invalid_input", `${path}: ${what}`, { details: { path } });
}

/** Returns the name of a tool in the form of either API. */
function nameOf(tool: Fields): unknown {
  return tool["name"] ?? ((tool["function"] ?? tool["custom"]) as Fields | undefined)?.["name"];
}

/** Returns true if a tool choice permits the gateway's own search. */
export function allowsFileSearch(choice: string | Fields | null | undefined): boolean {
  if (typeof choice !== "object" || choice === null) return choice !== "none";
  if (choice["type"] !== "allowed_tools") return isFileSearch(choice);
  const { tools } = allowedOf(choice);
  return Array.isArray(tools) && (tools as readonly Fields[]).some(isFileSearch);
}

/** Returns the tools that a choice permits, in the form of either API. */
function allowedOf(choice: Fields): { readonly mode: unknown; readonly tools: unknown } {
  const { mode, tools } = (choice["allowed_tools"] ?? choice) as Fields;
  return { mode: mode ?? "auto", tools };
}

/** Converts a tool choice to the form of the Responses API; a request may have that of chats. */
export function toToolChoice(choice: string | Fields | null | undefined): unknown {
  if (typeof choice !== "object" || choice === null) return choice ?? "auto";
  const { type } = choice;
  if (type === "function" || type === "custom") return { type, name: nameOf(choice) };
  if (type !== "allowed_tools") return choice;
  const { mode, tools } = allowedOf(choice);
  return { type, mode, tools: Array.isArray(tools) ? (tools as readonly Fields[]).map(toToolChoice) : tools };
}

function toChatToolChoice(choice: string | Fields, path: string): unknown {
  if (typeof choice === "string") {
    if (CHOICES.has(choice)) return choice;
    throw new MarrowError("invalid_input", `${path}: must be none, auto or required, or name a tool`, {
      details: { path },
    });
  }
  const { type } = choice;
  if (type === "function" || type === "custom") return { type, [type]: { name: nameOf(choice) } };
  if (type === "file_search") return undefined;
  if (type === "allowed_tools") {
    const { mode, tools } = allowedOf(choice);
    const allowed = ((tools ?? []) as readonly Fields[]).filter((tool) => !isFileSearch(tool));
    // The gateway's own search has already run, and the model gets no tool.
    if (allowed.length === 0) return "none";
    return {
      type,
      allowed_tools: { mode, tools: allowed.map((tool, at) => toChatToolChoice(tool, `${path}.tools.${at}`)) },
    };
  }
  throw refused(`${path}.type`, `a tool choice of type ${wordOf(type)}`, KNOWN_TOOLS);
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** Builds the error for an unsupported value. */
export function refused(path: string, what: string, hint: string): MarrowError {
  return new MarrowError("invalid_input", `${path}: ${what} cannot be served here${hint}`, { details: { path } });
}
