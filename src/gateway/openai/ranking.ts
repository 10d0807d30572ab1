import { z } from "zod";
import { MarrowError } from "../../errors.ts";

/** Rankers of OpenAI's API: all but `none` count words beside meaning. */
const RANKERS = ["auto", "default-2024-11-15", "none"] as const;

/** Schema of the number of search results. */
export const resultsMax: z.ZodType<number | null | undefined> = z.int().min(1).max(50).nullish();

/** Schema of `ranking_options` in a vector store search. */
export const rankingOptions: z.ZodType<Ranking | null | undefined> = z
  .strictObject({
    ranker: z.enum(RANKERS).nullish(),
    score_threshold: z.number().min(0).max(1).nullish(),
    hybrid_search: z.looseObject({}).nullish(),
  })
  .nullish();

interface Ranking {
  readonly ranker?: (typeof RANKERS)[number] | null | undefined;
  readonly score_threshold?: number | null | undefined;
  readonly hybrid_search?: object | null | undefined;
}

/**
 * Converts ranking options at a path to search options.
 * @throws MarrowError `invalid_input` for weights: meaning and words count equally here
 */
export function toRanking(
  ranking: Ranking | null | undefined,
  path: string,
): { readonly minSimilarity: number | undefined; readonly words: boolean } {
  const { ranker, score_threshold: least, hybrid_search: weights } = ranking ?? {};
  if (weights != null) throw unserved(`${path}.hybrid_search`, "weights of meaning and words", "; see ranker");
  return { minSimilarity: least ?? undefined, words: ranker !== "none" };
}

/** Builds the error for an unsupported search option. */
export function unserved(path: string, what: string, hint: string): MarrowError {
  return new MarrowError("invalid_input", `${path}: ${what} cannot be served here${hint}`, { details: { path } });
}
