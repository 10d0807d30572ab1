import { CANARY } from "./values.ts";

/** An answer as it is judged. */
export interface Judged {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Statuses from 500 on that an answer may have all the same: a command that is missing, a model that failed, a wait that ended, nothing stored. */
const ALLOWED: ReadonlySet<number> = new Set([501, 502, 503, 504]);
const STACK = /\n\s+at [\w.<> [\]]+ ?\(|node_modules|file:\/\/\/|\.ts:\d+:\d+/;

/** Tells what is wrong with an answer, or `undefined`. */
export function judgeAnswer(
  url: string,
  { status, type, body }: Judged,
  secrets: readonly string[],
): string | undefined {
  // What others call 503 is 529 in Anthropic's API.
  const isOverloaded =
    status === 529 && url.startsWith("/v1/messages") && errorOf(body)?.["type"] === "overloaded_error";
  if (status >= 500 && !ALLOWED.has(status) && !isOverloaded) return `status ${status}`;
  if (STACK.test(body)) return "a stack in the answer";
  if (secrets.some((secret) => body.includes(secret))) return "a secret in the answer";
  if (status < 400 || url === "/readyz") return undefined;
  if (!type.startsWith("application/json")) return body === "" ? undefined : `an error of type ${type}`;
  const shaped = errorOf(body);
  if (shaped === undefined) return "an error of another shape";
  if (url.startsWith("/mcp") || url.startsWith("/a2a")) return undefined;
  const named =
    typeof shaped["message"] === "string" && typeof shaped["type"] === "string" && typeof shaped["code"] === "string";
  // Anthropic's errors name no parameter.
  if (url.startsWith("/v1/messages")) return named ? undefined : "an error of another shape";
  return named && (shaped["param"] === null || typeof shaped["param"] === "string")
    ? undefined
    : "an error of another shape";
}

/** Tells what is wrong with a line of the log, or `undefined`. */
export function judgeLine(line: string, secrets: readonly string[]): string | undefined {
  if (STACK.test(line) || /\\n\s+at /.test(line)) return "a stack in the log";
  if (line.includes(CANARY)) return "a caller's text in the log";
  return secrets.some((secret) => line.includes(secret)) ? "a secret in the log" : undefined;
}

function errorOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "object" && error !== null ? (error as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
