/** Headers of a response by their lower-case names. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Reads `retry-after-ms` or `retry-after` (seconds or a date) as milliseconds; `undefined` without either. */
export function toRetryAfterMs(headers: AnswerHeaders, nowMs: number = Date.now()): number | undefined {
  const ms = Number(headers["retry-after-ms"] ?? Number.NaN);
  if (ms >= 0) return ms;
  const after = headers["retry-after"];
  if (typeof after !== "string" || after === "") return undefined;
  const seconds = Number(after);
  if (seconds >= 0) return Math.round(seconds * 1000);
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
