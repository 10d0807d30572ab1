export type { Asking, JoinOptions } from "./asking.ts";
export { isAway, unlessAway } from "./away.ts";
export type { AnswerCost } from "./cost.ts";
export { createCache } from "./cache.ts";
export { createEmbeddingStore, type EmbeddingStoreOptions } from "./embedding-store.ts";
export { measureEntries, wipeCache, type Measured, type SampledEntry } from "./temporary.ts";
export { evaluate, operateAt, wilsonLower, type Evaluation, type Judged, type Operating } from "./evaluate.ts";
export type { Refusal } from "./judge.ts";
export { isFollowUp } from "./follow-up.ts";
export {
  HARD_REFUSALS,
  judgeTokens,
  modelJudge,
  type Judged as JudgedPair,
  type JudgeJob,
  type JudgeModel,
  type JudgePair,
  type JudgingOptions,
  type ModelJudgeOptions,
  type QuestionJudge,
  type UnsureReason,
  type Verdict,
} from "./judging/index.ts";
export type {
  Cache,
  CacheReport,
  Explanation,
  Hit,
  Lookup,
  LookupOptions,
  Nearest,
  StoreOptions,
  Streamed,
  StreamOptions,
  Through,
  ThroughOptions,
} from "./lookup.ts";
export {
  PRESETS,
  TTL_MS_DEFAULT,
  TTL_MS_MAX,
  type CacheOptions,
  type Judge,
  type Policy,
  type Preset,
} from "./options.ts";
export { loadGuards, loadProofs } from "./prepare.ts";
export { prove, read as readPrompt, type Level, type Proof, type ProofReading, type Veto } from "./proof/index.ts";
export { PROMPT_CHARS_MAX, toFingerprint, type Fingerprint, type Question } from "./question.ts";
export { createToolCache, type ToolCache, type ToolCacheOptions, type ToolPolicy } from "./tools.ts";
export { fitVerifier, scorePairs, type LabelledPair } from "./verifier/fit.ts";
export type { Logistic } from "./verifier/logistic.ts";
export { WEIGHTS as SHIPPED_WEIGHTS } from "./verifier/weights.gen.ts";
export { wrap } from "./wrap.ts";
export { isPersonal } from "./personal.ts";
export { isTimeBound } from "./time-bound.ts";
export type { CurvePoint } from "./curve.ts";
export type { EntryAbout, EntryDetail, EntryList, EntryQuery, Listing } from "./listing.ts";
