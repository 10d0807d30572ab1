import { isUtf8 } from "node:buffer";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { createTimeSlice } from "../../internal/time-slice.ts";
import type { JsonBudget } from "../../internal/json-budget.ts";
import { parseBody } from "../http/input-error.ts";
import { readBounded } from "../http/large-json.ts";

/** Endpoints of requests in a batch. */
export const BATCH_ENDPOINTS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"] as const;

/** Most lines in a batch. */
export const LINES_MAX = 50_000;
/** Time limit of a batch, in seconds: `24h`. */
export const WINDOW_SECONDS = 86_400;

/** A stored batch, in OpenAI's format. Times are seconds since 1970. */
export interface Batch {
  readonly id: string;
  readonly object: "batch";
  readonly endpoint: string;
  readonly completion_window: "24h";
  readonly input_file_id: string;
  readonly output_file_id?: string | undefined;
  readonly error_file_id?: string | undefined;
  readonly status: BatchStatus;
  readonly created_at: number;
  readonly expires_at: number;
  readonly in_progress_at?: number | undefined;
  readonly finalizing_at?: number | undefined;
  readonly completed_at?: number | undefined;
  readonly failed_at?: number | undefined;
  readonly expired_at?: number | undefined;
  readonly cancelling_at?: number | undefined;
  readonly cancelled_at?: number | undefined;
  readonly errors?: { readonly object: "list"; readonly data: readonly LineError[] } | undefined;
  readonly request_counts: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly metadata: Readonly<Record<string, string>> | null;
  /** TTL of the files that it writes, in seconds. Hidden from clients. @default no expiry */
  readonly output_life?: number | undefined;
  /** Id of the owner. Hidden from clients. @default no owner */
  readonly owner?: string | undefined;
}

export type BatchStatus =
  | "validating"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "failed"
  | "expired"
  | "cancelling"
  | "cancelled";

/** Problem of a line in the input file. */
export interface LineError {
  readonly code: string;
  readonly line: number;
  readonly message: string;
  readonly param: string | null;
}

/** One request of a batch. */
export interface BatchLine {
  readonly custom_id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Result of a line, as in the output or error file. */
export interface LineResult {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: unknown } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const lineBody = z.looseObject({
  custom_id: z.string().min(1).max(512),
  method: z.literal("POST"),
  url: z.string(),
  body: z.looseObject({ model: z.string().min(1) }),
});

const ERRORS_MAX = 100;

/** Bounds of a line, equal to those of the same request over HTTP. */
export interface LineBounds {
  readonly bodyBytesMax: number;
  readonly json: JsonBudget;
}

/**
 * Reads the input file of a scope's batch: one request per line, all for one endpoint, each with a unique name, read as a request's body is. Runs in
 * slices, because a file may have tens of thousands of lines, or one of several megabytes.
 * @throws MarrowError `rate_limited` when too many bodies wait for the thread that reads long ones
 */
export async function readLines(
  scope: string,
  content: Buffer,
  endpoint: string,
  bounds: LineBounds,
): Promise<{ readonly lines: readonly BatchLine[]; readonly errors: readonly LineError[] }> {
  const lines: BatchLine[] = [];
  const errors: LineError[] = [];
  const known = new Set<string>();
  const refuse = (line: number, code: string, message: string, param: string | null = null) => {
    if (errors.length < ERRORS_MAX) errors.push({ code, line, message, param });
  };
  const slice = createTimeSlice();
  for (let [line, start] = [0, 0]; start <= content.length;) {
    const end = content.indexOf(LINE_FEED, start);
    const raw = content.subarray(start, end === -1 ? content.length : end);
    start = end === -1 ? content.length + 1 : end + 1;
    line += 1;
    const rest = slice();
    if (rest !== undefined) await rest;
    if (isBlank(raw)) continue;
    if (!isUtf8(raw)) {
      refuse(line, "invalid_encoding", "the file must be UTF-8, and this line is not");
      continue;
    }
    const read = await fromJson(scope, raw, bounds);
    if (typeof read === "string") {
      refuse(line, "invalid_line", read);
      continue;
    }
    const parsed = parseBody(lineBody, read.value);
    if (!parsed.success) {
      const path = parsed.error.issues[0]?.path.join(".") ?? "";
      refuse(line, "invalid_line", path === "" ? "a line must be a JSON object" : `${path} is wrong`, path || null);
      continue;
    }
    const { custom_id: name, url, body } = parsed.data;
    if (url !== endpoint) refuse(line, "mismatched_url", `url must be ${endpoint}`, "url");
    else if (known.has(name)) refuse(line, "duplicate_custom_id", "custom_id must not occur twice", "custom_id");
    else if (body["stream"] === true || body["background"] === true)
      refuse(line, "invalid_request", "a batch line must set neither stream nor background", "body");
    known.add(name);
    lines.push({ custom_id: name, body });
  }
  if (lines.length === 0 && errors.length === 0) refuse(1, "empty_file", "the file has no lines");
  if (lines.length > LINES_MAX) refuse(LINES_MAX + 1, "too_many_lines", `a batch has at most ${LINES_MAX} lines`);
  return { lines, errors };
}

const LINE_FEED = 0x0a;

/** Returns true for white space alone, as JSON knows it. */
function isBlank(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 1)
    if (bytes[at] !== 0x20 && bytes[at] !== 0x09 && bytes[at] !== 0x0d) return false;
  return true;
}

/** Parses a line, or returns its problem. */
async function fromJson(
  scope: string,
  line: Buffer,
  { bodyBytesMax, json }: LineBounds,
): Promise<{ readonly value: unknown } | string> {
  if (line.length > bodyBytesMax) return `a line must have at most ${bodyBytesMax} bytes, as a request of its own`;
  try {
    return { value: await readBounded(scope, line, json) };
  } catch (error) {
    if (MarrowError.is(error, "rate_limited")) throw error;
    return MarrowError.is(error) ? error.message.replace("the body", "a line") : "a line must be a JSON object";
  }
}
