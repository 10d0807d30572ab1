/** HTTP status and retry advice of an error code. */
export interface ErrorCodeInfo {
  /** HTTP status of the gateway's response. */
  readonly status: number;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** Description for people, in one sentence. */
  readonly meaning: string;
}

/** Stable name of an error; see {@link ERROR_CODES}. */
export type ErrorCode =
  | "invalid_option"
  | "invalid_input"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "too_large"
  | "unsupported_media_type"
  | "rate_limited"
  | "aborted"
  | "internal"
  | "corrupt_record"
  | "newer_record"
  | "redis_rejected"
  | "redis_denied"
  | "postgres_rejected"
  | "unsupported"
  | "model_failed"
  | "embedder_failed"
  | "unavailable"
  | "redis_full"
  | "timeout";

/** All codes of `MarrowError`. `docs/errors.md` is checked against this table. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorCodeInfo>> = {
  invalid_option: { status: 400, retryable: false, meaning: "An option has the wrong kind, range or name." },
  invalid_input: { status: 400, retryable: false, meaning: "A value given to a call has the wrong kind or shape." },
  unauthorized: { status: 401, retryable: false, meaning: "The API key is missing, unknown, revoked or has ended." },
  forbidden: {
    status: 403,
    retryable: false,
    meaning: "The API key, or the page that calls, is not allowed to do this.",
  },
  not_found: { status: 404, retryable: false, meaning: "The named thing does not exist." },
  method_not_allowed: { status: 405, retryable: false, meaning: "The path exists, but not with this method." },
  conflict: { status: 409, retryable: false, meaning: "It exists already with other settings or at another version." },
  too_large: { status: 413, retryable: false, meaning: "A value is over a named limit." },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    meaning: "The body's content type or encoding is not accepted here.",
  },
  rate_limited: {
    status: 429,
    retryable: true,
    meaning: "A limit refused the call; the answer says when to come back.",
  },
  aborted: { status: 499, retryable: false, meaning: "The caller's signal ended the call." },
  internal: { status: 500, retryable: false, meaning: "Something that should not happen did; the cause is attached." },
  corrupt_record: { status: 500, retryable: false, meaning: "A stored record cannot be read." },
  newer_record: { status: 500, retryable: false, meaning: "A stored record was written by a newer version of Marrow." },
  redis_rejected: { status: 500, retryable: false, meaning: "Redis refused a command as wrong." },
  redis_denied: { status: 503, retryable: false, meaning: "Redis refused the credentials or the user's rights." },
  postgres_rejected: {
    status: 500,
    retryable: false,
    meaning: "PostgreSQL refused a statement; the cause is attached.",
  },
  unsupported: { status: 501, retryable: false, meaning: "The server lacks a required command." },
  model_failed: { status: 502, retryable: true, meaning: "The model's endpoint failed or answered rubbish." },
  embedder_failed: { status: 502, retryable: true, meaning: "The embedder failed; the cause is attached." },
  unavailable: {
    status: 503,
    retryable: true,
    meaning: "Redis, or PostgreSQL, cannot be reached or cannot serve now.",
  },
  redis_full: { status: 503, retryable: true, meaning: "Redis is out of memory and refuses writes." },
  timeout: { status: 504, retryable: true, meaning: "A bound on waiting passed." },
};

/** Options of `MarrowError`. */
export interface MarrowErrorOptions {
  /** The underlying error, for logs. */
  readonly cause?: unknown;
  /** Details for programs (a field's path, a limit, a status); never secrets or prompt text. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

const BRAND = Symbol.for("marrow.error");

/**
 * The error class of Marrow. Use `code` to distinguish errors.
 *
 * Messages name what failed, the expected value and the kind of value received. They never contain secrets or prompt text.
 */
export class MarrowError extends Error {
  override readonly name: string = "MarrowError";
  /** The stable code. */
  readonly code: ErrorCode;
  /** Details for programs, or `undefined`. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, { cause, details }: MarrowErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether the same call may succeed later without a change by the caller. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  /** Returns true for a Marrow error, also for one of another installed copy of the package. */
  static is(value: unknown, code?: ErrorCode): value is MarrowError {
    if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
    return code === undefined || (value as unknown as MarrowError).code === code;
  }
}
