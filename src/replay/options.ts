import type { JudgeModel, Preset } from "../cache/index.ts";
import type { Embedder } from "../embedders/index.ts";
import type { Sharing } from "../flow/index.ts";
import type { Prices } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";

/** What a log is played through, and with what. */
export interface ReplayOptions {
  /** A file of JSON, a request a line. */
  readonly log: string;
  /** Where its entries are while it is played; it is left as it was. */
  readonly redis: Redis;
  /** Names the replay in Redis: another one under the same name goes on with what is there. */
  readonly name: string;
  readonly presets: readonly Preset[];
  /** Lives of answers, in milliseconds. */
  readonly ttlsMs: readonly number[];
  /** Absent: exact lookups only. */
  readonly embedder: Embedder | undefined;
  readonly minScore?: number | undefined;
  /** Among whom answers are shared, as the gateway would. */
  readonly sharing: Sharing;
  readonly prices: Prices;
  /** Asked about the doubtful pairs. @default nobody */
  readonly judge?: { readonly model: JudgeModel; readonly id: string } | undefined;
  /** Where an earlier run ended. @default the beginning */
  readonly state?: ReplayState | undefined;
  /** Hears now and then how far it is; what it writes down a later run can go on from. */
  readonly onProgress?: ((progress: Progress) => void | Promise<void>) | undefined;
  /** Ends the run at the next line: it can be gone on with. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a replay is. */
export interface Progress {
  readonly bytes: number;
  readonly bytesAll: number;
  readonly lines: number;
  readonly requests: number;
  /** Where a later run can go on. */
  readonly state: () => ReplayState;
  /** To be called once a state was written down safely: a run goes on from the last one. */
  readonly noted: () => Promise<void>;
}

/** Everything that a later run needs to go on, as JSON. It holds questions of the log. */
export interface ReplayState {
  readonly version: 2;
  /** Names log and settings: a state of others is not gone on with. */
  readonly of: string;
  readonly offset: number;
  readonly body: unknown;
}

/** Near pairs of each kind in a report. */
export const PAIRS_SHOWN = 50;
