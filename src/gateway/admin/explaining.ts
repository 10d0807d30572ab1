import { isPersonal, isTimeBound } from "../../cache/index.ts";
import type { ChatRequest } from "../../models/index.ts";
import type { Flow } from "../../flow/index.ts";
import type { ExplainAnswer } from "./answers.ts";

/** A prompt to explain. */
export interface AskedAbout {
  readonly model: string;
  readonly prompt: string;
  readonly system?: string | undefined;
}

/** Builds the request of a prompt, with its instructions. */
export function toRequest({ model, prompt, system }: AskedAbout): ChatRequest {
  const instructions = system === undefined ? [] : [{ role: "system" as const, content: system }];
  return { model, messages: [...instructions, { role: "user", content: prompt }] };
}

/** Converts the cache's decision about a prompt for a response; includes the stored prompt of a hit only with `shows`. Pure. */
export function toExplainAnswer(
  prompt: string,
  explained: Awaited<ReturnType<Flow["explain"]>>,
  shows: boolean,
): ExplainAnswer {
  const about = {
    object: "cache.explanation",
    personal: isPersonal(prompt),
    time_bound: isTimeBound(prompt),
  } as const;
  if (!explained.lookedUp) return { ...about, looked_up: false, why: explained.why };
  const { found } = explained;
  const { followUp = false, floor, threshold, candidates = [] } = found.explanation ?? {};
  return {
    ...about,
    looked_up: true,
    follow_up: followUp,
    floor,
    threshold,
    hit: found.hit
      ? {
          match: found.match,
          id: found.id,
          similarity: found.similarity,
          score: found.score,
          wording: found.wording,
          age_ms: found.ageMs,
          ...(shows && { prompt: found.prompt }),
        }
      : null,
    nearest: found.hit ? undefined : found.nearest,
    candidates: candidates.map(({ id, similarity, score, veto }) => ({ id, similarity, score, veto })),
  };
}
