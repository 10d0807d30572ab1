import type { Spent } from "../../flow/index.ts";
import { keyTag, type Redis } from "../../redis/index.ts";
import { createDaySums, type DaySumsOptions } from "./day-sums.ts";
import { OTHER, type Summing, type Sums } from "./summing.ts";

/** Spending under one name: a key, a user or a model. */
export interface SpendRow {
  readonly name: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Millionths of the currency. */
  readonly micros: number;
}

/** Costs of model answers, by day in UTC. */
export interface Spend {
  /** Records an answer, written a moment later. A killed process loses unwritten ones. */
  note(scope: string, spent: Spent): void;
  /** Writes the recorded costs. */
  flush(): Promise<void>;
  /**
   * Returns the sums of a scope between two days (`2026-11-23`, both included, at most 400 days), highest cost first, then most requests.
   */
  read(
    scope: string,
    by: "key" | "user" | "model",
    from: string,
    to: string,
    most?: "micros" | "requests",
  ): Promise<Sums<SpendRow>>;
}

/**
 * Bounds on stored spending: rows (key, user, model) per scope and day; further ones are summed by key and model under the user `(other)`.
 */
export type SpendOptions = DaySumsOptions;

const WHATS = ["requests", "promptTokens", "completionTokens", "micros"] as const;

/**
 * Makes the spending, stored in a hash per scope and day: `{app:scope}:gateway:spend:<day>`, field = key, user, model and the sum's name.
 */
export function createSpend(redis: Redis, options: SpendOptions, onError: (error: unknown) => void): Spend {
  const days = createDaySums(redis, {
    ...options,
    names: 3,
    whats: WHATS,
    keyOf: (scope) => `${keyTag({ app: redis.app, scope })}:gateway:spend`,
    standIn: ([key = "", , model = ""]) => [key, OTHER, model],
    onError,
  });
  return {
    note(scope, { key = "", user, model, promptTokens, completionTokens, micros = 0 }) {
      days.add(scope, [key, user, model], {
        requests: 1,
        promptTokens: Math.round(promptTokens),
        completionTokens: Math.round(completionTokens),
        micros,
      });
    },

    flush: () => days.flush(),

    read(scope, by, from, to, most = "micros") {
      const order = most === "micros" ? [MICROS, REQUESTS] : [REQUESTS, MICROS];
      return days.read(
        scope,
        from,
        to,
        { by: PLACES[by], beside: 0, width: WHATS.length, add: addAll, order },
        toSpendRow,
      );
    },
  };
}

const PLACES = { key: 0, user: 1, model: 2 } as const;
const [REQUESTS, MICROS] = [WHATS.indexOf("requests"), WHATS.indexOf("micros")];

const addAll: Summing["add"] = (into, at, sums, from) => {
  for (let nth = 0; nth < WHATS.length; nth += 1)
    into[at + nth] = (into[at + nth] as number) + (sums[from + nth] as number);
};

function toSpendRow(name: string, numbers: Float64Array): SpendRow {
  const [requests = 0, promptTokens = 0, completionTokens = 0, micros = 0] = numbers;
  return { name, requests, promptTokens, completionTokens, micros };
}
