import { estimateTokens } from "../internal/token-estimate.ts";
import type { ChatCompletion, ChatMessage, ChatRequest, Usage } from "../models/index.ts";
import { hash } from "node:crypto";

/** One request of a log, with its answer. */
export interface LogRecord {
  /** Time of the request in milliseconds since 1970; `undefined` if the log has none. */
  readonly atMs: number | undefined;
  readonly user: string;
  readonly request: ChatRequest;
  /** Absent if it failed, or the log has no answer. */
  readonly completion: ChatCompletion | undefined;
  /** Cost according to the log, in millionths of the currency. */
  readonly micros: number | undefined;
  readonly tookMs: number;
}

/** Formats of logs. */
export type LogFormat = "plain" | "openai" | "litellm" | "langfuse";

/** Content of a log line. */
export type Parsed =
  | { readonly format: LogFormat; readonly records: readonly LogRecord[] }
  /** Not a JSON object. */
  | { readonly skipped: "broken" }
  | { readonly skipped: "other"; readonly why: Refused };

/**
 * Reason why a JSON line is not played: an unknown format (`format`), no chat request (`no_chat`), no readable messages or model
 * (`no_messages`, `no_model`), or messages from which its program removed words (`redacted`, `truncated`), so that different questions
 * would look equal.
 */
export type Refused = "format" | "no_chat" | "no_messages" | "no_model" | "redacted" | "truncated";

/** Observations of one trace that are read. */
const OBSERVATIONS_MAX = 1_000;
const USER_CHARS_MAX = 128;
const MESSAGES_MAX = 10_000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses a line: a plain record, an OpenAI request with its response, or an export of LiteLLM or Langfuse. Errors contain no text of the
 * line. Pure.
 */
export function parseLine(text: string): Parsed {
  let value: unknown;
  try {
    // Editors and exports of Windows begin a file with a byte order mark.
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return { skipped: "broken" };
  }
  if (!isFields(value)) return { skipped: "broken" };
  for (const [format, read] of READERS) {
    const records = read(value);
    if (typeof records === "string") return { skipped: "other", why: records };
    if (records !== undefined) return records.length > 0 ? { format, records } : { skipped: "other", why: "no_chat" };
  }
  return { skipped: "other", why: "format" };
}

/** Records, or why there are none; `undefined` for a line that is not of the format. */
type Read = readonly LogRecord[] | Refused | undefined;

const READERS: readonly (readonly [LogFormat, (line: Fields) => Read])[] = [
  ["langfuse", readLangfuse],
  ["litellm", readLitellm],
  ["openai", readOpenai],
  ["plain", readPlain],
];

/** `{ time, user, model, prompt | messages, system, answer, usage }`. */
function readPlain(line: Fields): Read {
  const messages = toMessages(line["messages"] ?? line["prompt"], line["system"]);
  if (messages === undefined || typeof line["model"] !== "string") return undefined;
  return record({
    at: line["time"],
    user: line["user"],
    request: { model: line["model"], messages },
    answer: line["answer"],
    usage: line["usage"],
    cost: line["cost"],
    tookMs: toNumber(line["latency_ms"]),
  });
}

/** `{ request | body, response }`, the bodies as they went over HTTP; the response may stand within `body`, as in results of batches. */
function readOpenai(line: Fields): Read {
  const body = [line["request"], line["request_body"], line["body"]].map(fromJson).find(isFields);
  const asked = isFields(body?.["body"]) ? body["body"] : body;
  if (asked === undefined) return undefined;
  const messages = toMessages(asked["messages"]);
  if (messages === undefined) return "no_messages";
  if (typeof asked["model"] !== "string") return "no_model";
  const told = fromJson(line["response"] ?? line["response_body"]);
  const outer = isFields(told) ? told : {};
  const answered = isFields(outer["body"]) ? outer["body"] : outer;
  return record({
    at: [line["time"], line["timestamp"], line["created_at"], line["created"], answered["created"]].find(isSaid),
    user: firstName(line["user"], asked["user"], asked["safety_identifier"]),
    request: { ...asked, model: asked["model"], messages },
    answer: answered,
    usage: answered["usage"],
    cost: line["cost"],
    tookMs: toNumber(line["latency_ms"] ?? line["duration_ms"]),
  });
}

/** LiteLLM's logs: of its callbacks (`StandardLoggingPayload`) and of its table of spending. */
function readLitellm(line: Fields): Read {
  if (typeof line["call_type"] !== "string") return undefined;
  if (!line["call_type"].endsWith("completion")) return "no_chat";
  // Newer versions keep the body of the request in a column of its own, and leave that of the messages empty.
  const body = fromJson(line["proxy_server_request"]);
  const sent = isFields(body) ? (isFields(body["body"]) ? body["body"] : body) : {};
  const messages = toMessages(fromJson(line["messages"])) ?? toMessages(fromJson(sent["messages"]), sent["system"]);
  if (messages === undefined) return "no_messages";
  if (typeof line["model"] !== "string" || line["model"] === "") return "no_model";
  const words = JSON.stringify(messages);
  if (words.includes(REDACTED)) return "redacted";
  if (words.includes(TRUNCATED)) return "truncated";
  const metadata = fromJson(line["metadata"]);
  const parameters = fromJson(line["model_parameters"]);
  const ended = toMoment(line["endTime"]);
  const began = toMoment(line["startTime"]);
  const told = isFields(metadata) ? metadata : {};
  return record({
    at: line["startTime"],
    user: firstName(line["end_user"], told["user_api_key_end_user_id"], line["user"], told["user_api_key_user_id"]),
    request: {
      ...parametersOf(sent),
      ...(isFields(parameters) && withoutStream(parameters)),
      model: line["model"],
      messages,
    },
    answer: line["status"] === "failure" ? undefined : fromJson(line["response"]),
    usage: { input: line["prompt_tokens"], output: line["completion_tokens"] },
    cost: line["response_cost"] ?? line["spend"],
    tookMs: began === undefined || ended === undefined ? toNumber(line["request_duration_ms"]) : ended - began,
  });
}

/** Placeholders of LiteLLM for messages that are not logged, and within long ones. */
const REDACTED = "redacted-by-litellm";
const TRUNCATED = "litellm_truncated";

/** Request fields that affect the answer. */
const PARAMETERS =
  "temperature top_p max_tokens max_completion_tokens tools tool_choice parallel_tool_calls response_format seed stop n presence_penalty frequency_penalty logit_bias reasoning_effort".split(
    " ",
  );

function parametersOf(sent: Fields): Fields {
  return Object.fromEntries(PARAMETERS.filter((name) => isSaid(sent[name])).map((name) => [name, sent[name]]));
}

/** Langfuse's exports: an observation a line, or a trace with its observations. */
function readLangfuse(line: Fields): Read {
  const within = line["observations"];
  if (Array.isArray(within)) {
    const some = (within.slice(0, OBSERVATIONS_MAX) as unknown[]).filter(isFields);
    const inTrace = (one: Fields) => ({
      ...one,
      traceId: line["id"] ?? "",
      userId: firstName(one["userId"], one["user_id"], line["userId"], line["user_id"]),
    });
    const read = some.map((one) => readLangfuse(inTrace(one)));
    const records = read.flatMap((one) => (Array.isArray(one) ? (one as readonly LogRecord[]) : []));
    return records.length > 0
      ? records
      : (read.find((one) => typeof one === "string" && one !== "no_chat") ?? "no_chat");
  }
  const isObservation = typeof line["type"] === "string" && (line["traceId"] ?? line["trace_id"]) !== undefined;
  if (!isObservation) return undefined;
  if (line["type"] !== "GENERATION") return "no_chat";
  const input = fromJson(line["input"]);
  const messages = toMessages(isFields(input) && "messages" in input ? input["messages"] : input);
  const model = firstName(line["model"], line["provided_model_name"], line["providedModelName"]);
  if (messages === undefined) return "no_messages";
  if (model === undefined) return "no_model";
  const parameters = fromJson(line["modelParameters"] ?? line["model_parameters"]);
  const [began, ended] = [line["startTime"] ?? line["start_time"], line["endTime"] ?? line["end_time"]].map(toMoment);
  const usage = line["usageDetails"] ?? line["usage_details"] ?? line["usage"];
  const costs = fromJson(line["costDetails"] ?? line["cost_details"]);
  const output = fromJson(line["output"]);
  return record({
    at: line["startTime"] ?? line["start_time"],
    user: firstName(line["userId"], line["user_id"]),
    request: { ...(isFields(parameters) && withoutStream(parameters)), model, messages },
    answer: line["level"] === "ERROR" ? undefined : (lastOf(output) ?? undefined),
    usage: fromJson(usage) ?? { input: line["promptTokens"], output: line["completionTokens"] },
    cost:
      line["calculatedTotalCost"] ??
      line["totalCost"] ??
      line["total_cost"] ??
      (isFields(costs) ? costs["total"] : undefined),
    tookMs: began === undefined || ended === undefined ? undefined : ended - began,
  });
}

interface Told {
  readonly at: unknown;
  readonly user: unknown;
  readonly request: ChatRequest;
  readonly answer: unknown;
  readonly usage: unknown;
  readonly cost: unknown;
  readonly tookMs: number | undefined;
}

function record({ at, user, request, answer, usage, cost, tookMs }: Told): readonly LogRecord[] {
  const money = toNumber(cost);
  return [
    {
      atMs: toMoment(at),
      user: toUser(user),
      request,
      completion: toCompletion(request, answer, toUsage(usage)),
      micros: money === undefined ? undefined : Math.round(money * 1_000_000),
      tookMs: Math.max(0, tookMs ?? 0),
    },
  ];
}

/** An answer as its endpoint would have given it: a response of OpenAI's form as it is, a text as one. */
function toCompletion(request: ChatRequest, answer: unknown, usage: Usage | undefined): ChatCompletion | undefined {
  if (isFields(answer) && Array.isArray(answer["choices"])) {
    const choices = (answer["choices"] as unknown[]).filter(isFields).map((choice, index) => ({
      finish_reason: "stop",
      index,
      ...choice,
    }));
    if (!choices.every((choice) => isFields((choice as Fields)["message"]))) return undefined;
    const whole = { id: "log", object: "chat.completion", created: 0, model: request.model, ...answer, choices };
    return {
      ...whole,
      usage: (isFields(answer["usage"]) ? answer["usage"] : usage) ?? null,
    } as unknown as ChatCompletion;
  }
  const message = toAnswer(answer);
  if (message === undefined) return undefined;
  const calls = Array.isArray((message as unknown as Fields)["tool_calls"]);
  const choices = [{ index: 0, message, finish_reason: calls ? "tool_calls" : "stop" }];
  const written = typeof answer === "string" ? answer : JSON.stringify(answer);
  const estimated = toUsage({ input: estimateTokens(request.messages), output: estimateTokens(written) });
  return {
    id: "log",
    object: "chat.completion",
    created: 0,
    model: request.model,
    choices,
    usage: usage ?? estimated,
  };
}

/** An answer that is a text, or a message with a content (a text or parts of one) or calls of tools. */
function toAnswer(answer: unknown): ChatMessage | undefined {
  if (typeof answer === "string") return answer === "" ? undefined : { role: "assistant", content: answer };
  if (!isFields(answer)) return undefined;
  const { content } = answer;
  const texts = Array.isArray(content)
    ? (content as unknown[]).map((part) => (isFields(part) && typeof part["text"] === "string" ? part["text"] : ""))
    : [typeof content === "string" ? content : ""];
  const text = texts.join("");
  const calls = fromJson(answer["tool_calls"]);
  if (Array.isArray(calls) && calls.length > 0)
    return { role: "assistant", content: text === "" ? null : text, tool_calls: calls };
  return text === "" ? undefined : { role: "assistant", content: text };
}

/** Of a list of messages, as frameworks log an answer, the last one. */
function lastOf(output: unknown): unknown {
  const told = isFields(output) && Array.isArray(output["messages"]) ? output["messages"] : output;
  return Array.isArray(told) ? (told as unknown[]).at(-1) : told;
}

/** Token counts by any of the names that logs have for them. */
function toUsage(told: unknown): Usage | undefined {
  if (!isFields(told)) return undefined;
  const input = toNumber(told["prompt_tokens"] ?? told["input"] ?? told["input_tokens"] ?? told["promptTokens"]);
  const output = toNumber(
    told["completion_tokens"] ?? told["output"] ?? told["output_tokens"] ?? told["completionTokens"],
  );
  if (input === undefined || output === undefined) return undefined;
  const known = "prompt_tokens" in told ? told : {};
  return { ...known, prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

/** The messages of a request: a list of them, or a prompt with its instructions. */
function toMessages(told: unknown, system?: unknown): readonly ChatMessage[] | undefined {
  const instructions = typeof system === "string" && system !== "" ? [{ role: "system", content: system }] : [];
  if (typeof told === "string") return [...instructions, { role: "user", content: told }] as readonly ChatMessage[];
  if (isFields(told)) return toMessages(told["messages"], system);
  if (!Array.isArray(told) || told.length === 0 || told.length > MESSAGES_MAX) return undefined;
  const isMessage = (one: unknown) => isFields(one) && typeof one["role"] === "string";
  return (told as unknown[]).every(isMessage) ? ([...instructions, ...told] as readonly ChatMessage[]) : undefined;
}

/** A moment: ISO 8601, or seconds or milliseconds since 1970. */
function toMoment(told: unknown): number | undefined {
  const number = typeof told === "string" && /^\d+(?:\.\d+)?$/.test(told) ? Number(told) : told;
  const ms =
    typeof number === "number"
      ? number < SECONDS_MAX
        ? number * 1_000
        : number
      : typeof told === "string"
        ? Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(told) ? told : `${told.replace(" ", "T")}Z`)
        : Number.NaN;
  return Number.isFinite(ms) && ms >= 0 && ms < MOMENT_MAX ? Math.round(ms) : undefined;
}

/** As a number of seconds this is in the year 5138. */
const SECONDS_MAX = 1e11;
const MOMENT_MAX = 8e15;

/** Returns the user of a request. A long or unusual name becomes a digest, because it only has to be distinct. */
function toUser(told: unknown): string {
  if (typeof told !== "string" || told === "") return "default";
  return told.length <= USER_CHARS_MAX && told.isWellFormed() ? told : hash("sha256", told).slice(0, 32);
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** The first of several fields that names something: exports write "" where there is nothing. */
function firstName(...told: readonly unknown[]): string | undefined {
  return told.find((one): one is string => typeof one === "string" && one !== "");
}

/** A count or an amount; exports of 64-bit integers and decimals write them as texts. */
function toNumber(value: unknown): number | undefined {
  const told = typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof told === "number" && Number.isFinite(told) && told >= 0 ? told : undefined;
}

/** A field that is JSON, or JSON as a text, as exports of tables have it. */
function fromJson(told: unknown): unknown {
  if (typeof told !== "string" || !/^\s*[[{]/.test(told)) return told;
  try {
    return JSON.parse(told);
  } catch {
    return told;
  }
}

function withoutStream({ stream: _, ...parameters }: Fields): Fields {
  return parameters;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
