export { CACHE_CONTROL_DEFAULT, parseCacheControl, type CacheControl } from "./cache-control.ts";
export { besideText, lacksAsked, toStoredAnswer, type StoredAnswer } from "./cacheable.ts";
export { questionOf } from "./explaining.ts";
export { HISTORY_CHARS_MAX, toMessages, withHistory } from "./context.ts";
export { lostError, lostResults } from "./results.ts";
export type {
  AnswerStream,
  CacheStatus,
  ChatCall,
  ChatOutcome,
  Flow,
  FlowOptions,
  KeptTurns,
  Provenance,
} from "./call.ts";
export { createFlow } from "./flow.ts";
export type { Departure } from "./leaving.ts";
export { createAnswerRoom, type AnswerPlace, type AnswerRoom, type AnswerRoomOptions } from "./answer-room.ts";
export { createRecordings, type Recordings, type RecordingsOptions, type RecordedShare } from "./recordings.ts";
export { servedBy } from "./provenance.ts";
export type { SharedPer, Sharing } from "./sharing.ts";
export { toUsed, type Answered, type AnswerSource, type Spent } from "./spending.ts";
