/** A judge's verdict on two questions: one answer serves both, or it does not, or the judge cannot decide. */
export type Verdict = "same" | "different" | "unsure";

/** Two questions, and the stored answer of the second one. */
export interface JudgePair<V = unknown> {
  /** The question asked now. */
  readonly asked: string;
  /** The question of the stored answer. */
  readonly stored: string;
  readonly answer: V;
}

/** Reason for `unsure`. `timeout`, `failed` and `rubbish` are faults of the judge; `injection` is one of the judged texts. */
export type UnsureReason = "said" | "injection" | "rubbish" | "timeout" | "failed";

/** A verdict with its cost. */
export interface Judged {
  readonly verdict: Verdict;
  /** Only with `unsure`. */
  readonly reason?: UnsureReason | undefined;
  /** Money, in millionths of the currency of your prices. @default 0 */
  readonly micros?: number | undefined;
}

/**
 * Decides whether one answer serves two questions. The texts are a user's words: treat them as data. If the judge throws, takes too long or
 * returns anything else, that is counted as `unsure`.
 */
export type QuestionJudge<V = unknown> = (
  pair: JudgePair<V>,
  options: { readonly signal: AbortSignal },
) => Verdict | Judged | Promise<Verdict | Judged>;

/** Largest cost of one verdict: a million of the currency. */
const MICROS_MAX = 1e12;
const VERDICTS = new Set<unknown>(["same", "different", "unsure"]);
const REASONS = new Set<unknown>(["said", "injection", "rubbish", "timeout", "failed"]);

/** Calls a judge and waits at most `timeoutMs`. Never throws: any failure is `unsure` with its reason. */
export async function hearJudge<V>(judge: QuestionJudge<V>, pair: JudgePair<V>, timeoutMs: number): Promise<Judged> {
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Judged>((resolve) => {
    timer = setTimeout(() => {
      resolve({ verdict: "unsure", reason: "timeout" });
      ended.abort();
    }, timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve(judge(pair, { signal: ended.signal })).then(toJudged), late]);
  } catch {
    return { verdict: "unsure", reason: "failed" };
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a judge's result. Pure. */
export function toJudged(said: unknown): Judged {
  if (VERDICTS.has(said)) return withReason({ verdict: said as Verdict });
  if (typeof said !== "object" || said === null) return { verdict: "unsure", reason: "rubbish" };
  const { verdict, reason, micros } = said as Partial<Judged>;
  const cost =
    typeof micros === "number" && Number.isFinite(micros) && micros > 0
      ? { micros: Math.min(MICROS_MAX, Math.ceil(micros)) }
      : {};
  if (!VERDICTS.has(verdict)) return { verdict: "unsure", reason: "rubbish", ...cost };
  return { ...withReason({ verdict: verdict as Verdict, reason }), ...cost };
}

function withReason({ verdict, reason }: Judged): Judged {
  if (verdict !== "unsure") return { verdict };
  return { verdict, reason: REASONS.has(reason) ? reason : "said" };
}
