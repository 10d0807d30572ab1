export { checkJob, type JudgeJob } from "./job.ts";
export { createJudging, type NearMiss } from "./judging.ts";
export { judgeTokens, modelJudge, type JudgeModel, type ModelJudgeOptions } from "./model-judge.ts";
export { HARD_REFUSALS, resolveJudging, type JudgingOptions, type ResolvedJudging } from "./options.ts";
export type { Judged, JudgePair, QuestionJudge, UnsureReason, Verdict } from "./verdict.ts";
