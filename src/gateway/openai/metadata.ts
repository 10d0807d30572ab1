import { z } from "zod";
import { pairsOf } from "../http/pairs.ts";

/** Pairs of metadata, and characters of their keys and values: the bounds of OpenAI's API. */
const PAIRS_MAX = 16;
const KEY_CHARS_MAX = 64;
const VALUE_CHARS_MAX = 512;

/** Schema of `metadata` on a response, a conversation, a vector store or a batch. */
export const metadataPairs: z.ZodType<Readonly<Record<string, string>>> = pairsOf(
  z.string().max(KEY_CHARS_MAX, `must be keys of at most ${KEY_CHARS_MAX} characters`),
  z.string().max(VALUE_CHARS_MAX),
  { max: PAIRS_MAX, message: `must be at most ${PAIRS_MAX} pairs` },
);
