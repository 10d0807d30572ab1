import type { JudgeModel, Preset } from "../cache/index.ts";
import type { Embedder } from "../embedders/index.ts";
import type { Sharing } from "../flow/index.ts";
import type { Prices } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";

/** Options of a replay. */
export interface ReplayOptions {
  /** A JSON file with one request per line. */
  readonly log: string;
  /** Redis for its entries during the replay; left unchanged afterwards. */
  readonly redis: Redis;
  /** Name of the replay in Redis: another run with the same name continues with its entries. */
  readonly name: string;
  readonly presets: readonly Preset[];
  /** TTLs of answers, in milliseconds. */
  readonly ttlsMs: readonly number[];
  /** Absent for exact lookups only. */
  readonly embedder: Embedder | undefined;
  readonly minScore?: number | undefined;
  /** Group of users that share answers, as in the gateway. */
  readonly sharing: Sharing;
  readonly prices: Prices;
  /** Judges the doubtful pairs. @default none */
  readonly judge?: { readonly model: JudgeModel; readonly id: string } | undefined;
  /** State at which an earlier run ended. @default the beginning */
  readonly state?: ReplayState | undefined;
  /** Called at intervals with the progress, whose state a later run can continue from. */
  readonly onProgress?: ((progress: Progress) => void | Promise<void>) | undefined;
  /** Ends the run at the next line; it can be continued. */
  readonly signal?: AbortSignal | undefined;
}

/** Progress of a replay. */
export interface Progress {
  readonly bytes: number;
  readonly bytesAll: number;
  readonly lines: number;
  readonly requests: number;
  /** Returns the state from which a later run can continue. */
  readonly state: () => ReplayState;
  /** Call it once a state was stored safely; a run continues from the last one. */
  readonly noted: () => Promise<void>;
}

/** State of an interrupted run, as JSON. It contains questions of the log. */
export interface ReplayState {
  readonly version: 2;
  /** Identifies the log and settings. A state of others is not continued. */
  readonly of: string;
  readonly offset: number;
  readonly body: unknown;
}

/** Near pairs of each kind in a report. */
export const PAIRS_SHOWN = 50;
