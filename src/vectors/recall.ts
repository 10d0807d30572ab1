import type { RecallReport, ResolvedRecall } from "./options.ts";

/** Weight of the newest sample in the moving mean. */
const WEIGHT = 0.1;
/** Samples that a raise of the effort is judged by before the next one. */
const PATIENCE = 5;
const EFFORT_MAX = 10_000;

interface State extends RecallReport {
  /** Samples since the effort last changed. */
  readonly since: number;
}

/** Before the first sample. */
export const UNSAMPLED: State = { recall: 1, samples: 0, effort: 100, since: 0 };

interface Neighbour {
  readonly id: string;
  readonly similarity: number;
}

/** Counts the true neighbours that a search found. One as near as the last true neighbour counts, even if it is another item. */
export function countFound(found: readonly Neighbour[], truth: readonly Neighbour[]): number {
  const last = truth.at(-1)?.similarity ?? 0;
  const ids = new Set(truth.map(({ id }) => id));
  return found.filter(({ id, similarity }) => ids.has(id) || similarity >= last).length;
}

/**
 * Updates the state with one sample: the search's results and the true neighbours. While the moving mean is below the target, the effort
 * grows by half every few samples. It never shrinks, because such a graph does not improve.
 */
export function observe(state: State, found: readonly Neighbour[], truth: readonly Neighbour[], target: number): State {
  const sample = truth.length === 0 ? 1 : Math.min(1, countFound(found, truth) / truth.length);
  const recall = state.samples === 0 ? sample : state.recall + WEIGHT * (sample - state.recall);
  const raise = recall < target && state.since + 1 >= PATIENCE && state.effort < EFFORT_MAX;
  return {
    recall,
    samples: state.samples + 1,
    effort: raise ? Math.min(EFFORT_MAX, Math.ceil(state.effort * 1.5)) : state.effort,
    since: raise ? 0 : state.since + 1,
  };
}

/** Measures the recall of one handle's searches on a collection, all namespaces together. */
export interface RecallWatch {
  report(): RecallReport;
  /** Counts a search. For one of every so many, `runExactly` computes the exact result. Never waits, never throws. */
  searched(found: readonly Neighbour[], runExactly: () => Promise<readonly Neighbour[]>): void;
}

/** Makes a counter of searches; one check runs at a time. */
export function createRecallWatch({ target, sampleEvery, onSample }: ResolvedRecall): RecallWatch {
  let state = UNSAMPLED;
  let searches = 0;
  let checking = false;
  const report = (): RecallReport => ({ recall: state.recall, samples: state.samples, effort: state.effort });
  return {
    report,
    searched(found, runExactly) {
      searches += 1;
      if (checking || searches % sampleEvery !== 0) return;
      checking = true;
      runExactly()
        .then((truth) => {
          state = observe(state, found, truth, target);
          onSample(report());
        })
        .catch((error: unknown) => onSample(error instanceof Error ? error : new Error("the recall check failed")))
        .finally(() => (checking = false));
    },
  };
}
