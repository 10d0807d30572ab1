import type { Spent } from "../flow/index.ts";
import { allOf, encodeKeyPart, toFields, type Redis } from "../redis/index.ts";

/** What was spent under one name: a key, a user or a model. */
export interface SpendRow {
  readonly name: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Millionths of the currency. */
  readonly micros: number;
}

/** What the models' answers cost, by day of UTC. */
export interface Spend {
  /** Notes an answer; it is written within {@link FLUSH_MS}. What a killed process had not written is lost. */
  note(scope: string, spent: Spent): void;
  /** Writes what was noted. */
  flush(): Promise<void>;
  /** Sums of a scope from one day to another (`2026-11-23`, both included, 400 at most), dearest first. */
  read(scope: string, by: "key" | "user" | "model", from: string, to: string): Promise<readonly SpendRow[]>;
}

/** How long notes are gathered, in milliseconds. */
const FLUSH_MS = 200;
const DAY_MS = 86_400_000;
const LIFE_MS = 400 * DAY_MS;
const DAYS_MAX = 400;
const DAY_CHARS = 10;
const FIELDS = ["requests", "promptTokens", "completionTokens", "micros"] as const;

type Amounts = Record<(typeof FIELDS)[number], number>;

/** Keeps a hash a scope and day: `{app:scope}:gateway:spend:<day>`, field = key, user, model and what is counted. */
export function createSpend(redis: Redis, onError: (error: unknown) => void): Spend {
  /** By scope, day and row: what was gathered since the last writing. */
  const noted = new Map<string, Map<string, Amounts>>();
  let today = { untilMs: 0, day: "" };
  /** The day of UTC; made once a day, not once an answer. */
  function dayNow(): string {
    const nowMs = Date.now();
    if (nowMs >= today.untilMs) {
      const startMs = nowMs - (nowMs % DAY_MS);
      today = { untilMs: startMs + DAY_MS, day: new Date(startMs).toISOString().slice(0, 10) };
    }
    return today.day;
  }
  let timer: NodeJS.Timeout | undefined;
  const keyOf = (scope: string, day: string) =>
    `{${encodeKeyPart("app", redis.app)}:${encodeKeyPart("scope", scope)}}:gateway:spend:${day}`;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const all = [...noted];
    noted.clear();
    const commands = all.flatMap(([dayAndScope, rows]) => {
      const key = keyOf(dayAndScope.slice(DAY_CHARS), dayAndScope.slice(0, DAY_CHARS));
      const sums = [...rows].flatMap(([names, amounts]) => {
        const row = (JSON.parse(names) as string[]).map(encodeURIComponent).join("|");
        return FIELDS.flatMap((field) =>
          amounts[field] === 0 ? [] : [["HINCRBY", key, `${row}|${field}`, String(amounts[field])]],
        );
      });
      return [...sums, ["PEXPIRE", key, String(LIFE_MS)]];
    });
    for (const reply of commands.length === 0 ? [] : await redis.pipeline(commands)) {
      if (reply instanceof Error) return onError(reply);
    }
  }

  return {
    note(scope, { key = "", user, model, promptTokens, completionTokens, micros = 0 }) {
      const dayAndScope = dayNow() + scope;
      let rows = noted.get(dayAndScope);
      if (rows === undefined) noted.set(dayAndScope, (rows = new Map<string, Amounts>()));
      const row = JSON.stringify([key, user, model]);
      const sums = rows.get(row) ?? { requests: 0, promptTokens: 0, completionTokens: 0, micros: 0 };
      rows.set(row, sums);
      sums.requests += 1;
      sums.promptTokens += Math.round(promptTokens);
      sums.completionTokens += Math.round(completionTokens);
      sums.micros += micros;
      timer ??= setTimeout(() => void flush().catch(onError), FLUSH_MS).unref();
    },

    flush,

    async read(scope, by, from, to) {
      const place = { key: 0, user: 1, model: 2 }[by];
      const sums = new Map<string, Amounts>();
      const days: string[] = [];
      for (let ms = Date.parse(from); ms <= Date.parse(to) && days.length < DAYS_MAX; ms += DAY_MS)
        days.push(new Date(ms).toISOString().slice(0, 10));
      for (const reply of allOf(await redis.pipeline(days.map((day) => ["HGETALL", keyOf(scope, day)])))) {
        for (const [field, amount] of toFields(reply as readonly string[])) {
          const parts = field.split("|");
          const name = decodeURIComponent(parts[place] as string);
          const row = sums.get(name) ?? { requests: 0, promptTokens: 0, completionTokens: 0, micros: 0 };
          sums.set(name, row);
          row[parts[3] as keyof Amounts] += Number(amount);
        }
      }
      return [...sums]
        .map(([name, amounts]) => ({ name, ...amounts }))
        .toSorted((one, other) => other.micros - one.micros || other.requests - one.requests);
    },
  };
}
