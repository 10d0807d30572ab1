import { estimateTokens } from "../internal/token-estimate.ts";
import type { ChatCompletion, ChatMessage, ChatRequest, Usage } from "../models/index.ts";
import { hash } from "node:crypto";

/** One request of a log, with its answer. */
export interface LogRecord {
  /** When it was asked, in milliseconds since 1970; `undefined` where the log does not say. */
  readonly atMs: number | undefined;
  readonly user: string;
  readonly request: ChatRequest;
  /** Absent: it failed, or the log has no answer. */
  readonly completion: ChatCompletion | undefined;
  /** What the log says that it cost, in millionths of the currency. */
  readonly micros: number | undefined;
  readonly tookMs: number;
}

/** Formats that are read. */
export type LogFormat = "plain" | "openai" | "litellm" | "langfuse";

/** What a line of a log holds. */
export type Parsed =
  | { readonly format: LogFormat; readonly records: readonly LogRecord[] }
  /** `broken`: no JSON object; `other`: it asks nothing of a chat model. */
  | { readonly skipped: "broken" | "other" };

/** Observations of one trace that are read. */
const OBSERVATIONS_MAX = 1_000;
const USER_CHARS_MAX = 128;
const MESSAGES_MAX = 10_000;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a line: a plain record, an OpenAI request with its response, or an export of LiteLLM or Langfuse. Pure; nothing of it is repeated. */
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
    if (records !== undefined) return records.length > 0 ? { format, records } : { skipped: "other" };
  }
  return { skipped: "other" };
}

/** Each answers `undefined` for a line that is not of its format, and nothing for one that asks no chat model. */
const READERS: readonly (readonly [LogFormat, (line: Fields) => readonly LogRecord[] | undefined])[] = [
  ["langfuse", readLangfuse],
  ["litellm", readLitellm],
  ["openai", readOpenai],
  ["plain", readPlain],
];

/** `{ time, user, model, prompt | messages, system, answer, usage }`. */
function readPlain(line: Fields): readonly LogRecord[] | undefined {
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
function readOpenai(line: Fields): readonly LogRecord[] | undefined {
  const body = [line["request"], line["request_body"], line["body"]].map(fromJson).find(isFields);
  const asked = isFields(body?.["body"]) ? body["body"] : body;
  if (asked === undefined) return undefined;
  const messages = toMessages(asked["messages"]);
  if (messages === undefined || typeof asked["model"] !== "string") return [];
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
function readLitellm(line: Fields): readonly LogRecord[] | undefined {
  if (typeof line["call_type"] !== "string") return undefined;
  if (!line["call_type"].endsWith("completion")) return [];
  const messages = toMessages(fromJson(line["messages"])) ?? toMessages(fromJson(line["proxy_server_request"]));
  if (messages === undefined || typeof line["model"] !== "string") return [];
  const metadata = fromJson(line["metadata"]);
  const parameters = fromJson(line["model_parameters"]);
  const ended = toMoment(line["endTime"]);
  const began = toMoment(line["startTime"]);
  const told = isFields(metadata) ? metadata : {};
  return record({
    at: line["startTime"],
    user: firstName(line["end_user"], told["user_api_key_end_user_id"], line["user"], told["user_api_key_user_id"]),
    request: { ...(isFields(parameters) && withoutStream(parameters)), model: line["model"], messages },
    answer: line["status"] === "failure" ? undefined : fromJson(line["response"]),
    usage: { input: line["prompt_tokens"], output: line["completion_tokens"] },
    cost: line["response_cost"] ?? line["spend"],
    tookMs: began === undefined || ended === undefined ? undefined : ended - began,
  });
}

/** Langfuse's exports: an observation a line, or a trace with its observations. */
function readLangfuse(line: Fields): readonly LogRecord[] | undefined {
  const within = line["observations"];
  if (Array.isArray(within)) {
    const some = (within.slice(0, OBSERVATIONS_MAX) as unknown[]).filter(isFields);
    const inTrace = (one: Fields) => ({
      ...one,
      traceId: line["id"] ?? "",
      userId: firstName(one["userId"], one["user_id"], line["userId"], line["user_id"]),
    });
    return some.flatMap((one) => readLangfuse(inTrace(one)) ?? []);
  }
  const isObservation = typeof line["type"] === "string" && (line["traceId"] ?? line["trace_id"]) !== undefined;
  if (!isObservation) return undefined;
  if (line["type"] !== "GENERATION") return [];
  const input = fromJson(line["input"]);
  const messages = toMessages(isFields(input) && "messages" in input ? input["messages"] : input);
  const model = firstName(line["model"], line["provided_model_name"], line["providedModelName"]);
  if (messages === undefined || model === undefined) return [];
  const parameters = fromJson(line["modelParameters"] ?? line["model_parameters"]);
  const [began, ended] = [line["startTime"] ?? line["start_time"], line["endTime"] ?? line["end_time"]].map(toMoment);
  const usage = line["usageDetails"] ?? line["usage_details"] ?? line["usage"];
  const costs = fromJson(line["costDetails"] ?? line["cost_details"]);
  const output = fromJson(line["output"]);
  return record({
    at: line["startTime"] ?? line["start_time"],
    user: firstName(line["userId"], line["user_id"]),
    request: { ...(isFields(parameters) && withoutStream(parameters)), model, messages },
    answer:
      line["level"] === "ERROR" ? undefined : isFields(output) && "content" in output ? output["content"] : output,
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
  if (typeof answer !== "string" || answer === "") return undefined;
  const message: ChatMessage = { role: "assistant", content: answer };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  const estimated = toUsage({ input: estimateTokens(request.messages), output: estimateTokens(answer) });
  return {
    id: "log",
    object: "chat.completion",
    created: 0,
    model: request.model,
    choices,
    usage: usage ?? estimated,
  };
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

/** Whose a request is. A long or odd name is a digest: it only has to be one for each. */
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
