import { dropOldest } from "../internal/drop-oldest.ts";

/** Lessons about models, learned from refusals. Each expires, and the oldest is evicted. */
export interface Lessons<L extends string> {
  /** Returns the current lessons about a model. */
  of(model: string): readonly L[];
  /** Stores a lesson and deletes contradicting ones. */
  learn(model: string, lesson: L, contraries?: readonly L[]): void;
  /** Deletes a lesson. Returns whether it existed. */
  forget(model: string, lesson: L): boolean;
}

/** TTL of a lesson, in milliseconds; then the field is tried again, at the cost of one call. */
export const LESSON_MS = 3_600_000;
/** Models with stored lessons. */
const MODELS_MAX = 1_000;
/** Lessons per model; field names may come from other endpoints and from clients. */
const LESSONS_MAX = 64;

/** Makes an empty table. */
export function createLessons<L extends string>(nowMs: () => number = () => performance.now()): Lessons<L> {
  const learned = new Map<string, Map<L, number>>();

  return {
    of(model) {
      const known = learned.get(model);
      if (known === undefined) return [];
      const now = nowMs();
      for (const [lesson, endsAtMs] of known) if (endsAtMs <= now) known.delete(lesson);
      if (known.size === 0) learned.delete(model);
      return [...known.keys()];
    },

    learn(model, lesson, contraries = []) {
      const known = learned.get(model) ?? new Map<L, number>();
      for (const old of [lesson, ...contraries]) known.delete(old);
      known.set(lesson, nowMs() + LESSON_MS);
      dropOldest(known, LESSONS_MAX);
      learned.delete(model);
      learned.set(model, known);
      dropOldest(learned, MODELS_MAX);
    },

    forget: (model, lesson) => learned.get(model)?.delete(lesson) ?? false,
  };
}
