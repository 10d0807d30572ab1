import type { Spent } from "../../flow/index.ts";
import { allOf, encodeKeyPart, runScript, toFields, type Argument, type Redis } from "../../redis/index.ts";
import { noteSpend } from "../scripts.gen.ts";

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
  /** Notes an answer; it is written within {@link FLUSH_MS}, one round trip for 500 rows. What a killed process had not written is lost. */
  note(scope: string, spent: Spent): void;
  /** Writes what was noted. */
  flush(): Promise<void>;
  /** Sums of a scope from one day to another (`2026-11-23`, both included, 400 at most), dearest first. */
  read(scope: string, by: "key" | "user" | "model", from: string, to: string): Promise<readonly SpendRow[]>;
}

/** How long notes are gathered, in milliseconds. */
const FLUSH_MS = 200;
const DAY_MS = 86_400_000;
/** Days that one report may look at. */
const DAYS_MAX = 400;
/** Name of whatever found no room in the records of a day. */
const OTHER = "(other)";
/** Rows that one script takes. */
const ROWS_PER_SCRIPT = 500;
const DAY_CHARS = 10;
const FIELDS = ["requests", "promptTokens", "completionTokens", "micros"] as const;

type Amounts = Record<(typeof FIELDS)[number], number>;

/** How much is kept of spending. */
export interface SpendOptions {
  /** Rows (key, user, model) of one scope and day; what is beyond is summed up for each key and model under the user `(other)`. */
  readonly rowsMax: number;
  /** Days that are kept. */
  readonly daysKept: number;
}

/** Keeps a hash a scope and day: `{app:scope}:gateway:spend:<day>`, field = key, user, model and what is counted. */
export function createSpend(
  redis: Redis,
  { rowsMax, daysKept }: SpendOptions,
  onError: (error: unknown) => void,
): Spend {
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
    for (const [dayAndScope, rows] of all) {
      const day = keyOf(dayAndScope.slice(DAY_CHARS), dayAndScope.slice(0, DAY_CHARS));
      const operands = [...rows].map(([names, amounts]) => toOperands(JSON.parse(names) as string[], amounts));
      for (let at = 0; at < operands.length; at += ROWS_PER_SCRIPT) {
        const values = {
          rows_max: rowsMax,
          life_ms: daysKept * DAY_MS,
          rows: operands.slice(at, at + ROWS_PER_SCRIPT).flat(),
        };
        await runScript(redis, noteSpend, { day }, values).catch(onError);
      }
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

/** A row as the script takes it, with the row that stands for it when there is no room. */
function toOperands([key = "", user = "", model = ""]: readonly string[], amounts: Amounts): readonly Argument[] {
  const row = (names: readonly string[]) => names.map(encodeURIComponent).join("|");
  return [row([key, user, model]), row([key, OTHER, model]), ...FIELDS.map((field) => String(amounts[field]))];
}
