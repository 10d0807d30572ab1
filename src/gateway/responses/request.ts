import { randomBytes } from "node:crypto";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { withHistory } from "../../flow/index.ts";
import type { Turn } from "../../memory/index.ts";
import type { ChatRequest } from "../../models/index.ts";
import { toTurn } from "../items.ts";
import type { Fields, Item, ResponseBody } from "./shape.ts";

const text = z.string().max(256);

/** What must be right for a request to be understood; the rest is passed on where chat completions know it. */
export const responseBody: z.ZodType<ResponseRequest> = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.union([z.string(), z.array(z.looseObject({})).max(10_000)]).nullish(),
  instructions: z.string().nullish(),
  previous_response_id: text.min(1).nullish(),
  conversation: z.union([text.min(1), z.looseObject({ id: text.min(1) })]).nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  user: text.nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  tools: z
    .array(z.looseObject({ type: text.min(1) }))
    .max(1_024)
    .nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})]).nullish(),
  text: z.looseObject({ format: z.looseObject({ type: text }).nullish() }).nullish(),
  reasoning: z.looseObject({ effort: z.string().max(32).nullish() }).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
});

/** A request for a response, as the client sent it. */
export interface ResponseRequest extends Fields {
  readonly model: string;
  readonly input?: string | readonly Fields[] | null | undefined;
  readonly instructions?: string | null | undefined;
  readonly previous_response_id?: string | null | undefined;
  readonly conversation?: string | (Fields & { readonly id: string }) | null | undefined;
  readonly background?: boolean | null | undefined;
  readonly store?: boolean | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly user?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly max_output_tokens?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly parallel_tool_calls?: boolean | null | undefined;
  readonly tools?: readonly Fields[] | null | undefined;
  readonly tool_choice?: string | Fields | null | undefined;
  readonly text?: (Fields & { readonly format?: Fields | null | undefined }) | null | undefined;
  readonly reasoning?: (Fields & { readonly effort?: string | null | undefined }) | null | undefined;
  readonly truncation?: "auto" | "disabled" | null | undefined;
}

/** An id for a new response. */
export function newResponseId(): string {
  return `resp_${randomBytes(24).toString("hex")}`;
}

/** What was asked as items, each with an id. @throws MarrowError `invalid_input` */
export function toInputItems({ input }: ResponseRequest, id: string): readonly Item[] {
  const said = typeof input === "string" ? [{ role: "user", content: input }] : (input ?? []);
  return said.map((item: Fields, at) => {
    const { type = "message", id: _, content, ...rest } = item;
    if (typeof type !== "string")
      throw new MarrowError("invalid_input", `input.${at}.type must be a string`, { details: { path: "input" } });
    const parts = typeof content === "string" ? [{ type: partOf(rest["role"]), text: content }] : content;
    return {
      ...rest,
      type,
      id: `${type === "message" ? "msg" : "item"}_${id.slice(5, 45)}i${at}`,
      ...(content !== undefined && { content: parts }),
    };
  });
}

/** The words that models are given, in the form of chat completions. `history`: what was said before. */
export function toChatRequest(request: ResponseRequest, history: readonly Item[], input: readonly Item[]): ChatRequest {
  const { instructions, tools, tool_choice: choice, text: form, reasoning, max_output_tokens: most } = request;
  const turns: Turn[] = [...history, ...input].map((item, at) => toTurn(item, `input.${at - history.length}`));
  const told = (turn: Turn) => turn.role === "system" || turn.role === "developer";
  const first = [
    ...(instructions === null || instructions === undefined ? [] : [{ role: "system", content: instructions }]),
    ...turns.filter(told).map(({ role, content }) => ({ role, content })),
  ];
  const messages = withHistory(
    first,
    turns.filter((turn) => !told(turn)),
  );
  if (messages.length === first.length && request.conversation == null && history.length === 0 && input.length === 0)
    throw new MarrowError("invalid_input", "input must be given", { details: { path: "input" } });
  const format = toResponseFormat(form?.format);
  const chat: ChatRequest = { model: request.model, messages };
  return {
    ...chat,
    ...given("temperature", request.temperature),
    ...given("top_p", request.top_p),
    ...given("max_tokens", most),
    ...given("parallel_tool_calls", tools?.length ? request.parallel_tool_calls : undefined),
    ...given("user", request.user),
    ...given("reasoning_effort", reasoning?.effort),
    ...given("verbosity", form?.["verbosity"]),
    ...given("service_tier", request["service_tier"]),
    ...given("tools", tools?.length ? tools.map(toChatTool) : undefined),
    ...given("tool_choice", typeof choice === "object" && choice !== null ? toChatTool(choice) : choice),
    ...given("response_format", format),
  };
}

/** A response that has not begun: everything that is known of it. */
export function toShell(request: ResponseRequest, id: string, nowMs: number): ResponseBody {
  const { model, conversation } = request;
  return {
    id,
    object: "response",
    created_at: Math.floor(nowMs / 1000),
    status: request.background === true ? "queued" : "in_progress",
    background: request.background === true,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    model,
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    conversation: conversation == null ? null : { id: conversationOf(conversation) },
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    store: request.store ?? true,
    temperature: request.temperature ?? null,
    text: { format: { type: "text" }, ...request.text },
    tool_choice: request.tool_choice ?? "auto",
    tools: request.tools ?? [],
    top_p: request.top_p ?? null,
    truncation: request.truncation ?? "disabled",
    usage: null,
    ...given("user", request.user),
    metadata: request.metadata ?? {},
  };
}

/** The id of a conversation, given as such or in an object. */
export function conversationOf(conversation: NonNullable<ResponseRequest["conversation"]>): string {
  return typeof conversation === "string" ? conversation : conversation.id;
}

function partOf(role: unknown): string {
  return role === "assistant" ? "output_text" : "input_text";
}

function given(name: string, value: unknown): Fields {
  return value === undefined || value === null ? {} : { [name]: value };
}

/** A function of the Responses API as chat completions have it; other kinds go on as they came. */
function toChatTool(tool: Fields): Fields {
  const { type, ...rest } = tool;
  return type === "function" && rest["function"] === undefined ? { type, function: rest } : tool;
}

function toResponseFormat(format: Fields | null | undefined): Fields | undefined {
  if (format == null || format["type"] === "text") return undefined;
  const { type, ...rest } = format;
  return type === "json_schema" ? { type, json_schema: rest } : format;
}
