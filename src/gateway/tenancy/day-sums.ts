import { runScript, type Argument, type Redis } from "../../redis/index.ts";
import { noteSpend, readSums } from "../scripts.gen.ts";
import { readDay, type DayRows, type RowShape } from "./day-rows.ts";
import { sumUp, type Summing, type Sums } from "./summing.ts";

/** Bounds on stored sums. */
export interface DaySumsOptions {
  /** Most rows per record and day; further ones are summed under substitute names. */
  readonly rowsMax: number;
  /** Days that sums are kept. */
  readonly daysKept: number;
}

/** Sums of one row. */
export type Amounts<What extends string> = Readonly<Record<What, number>>;

/** Sums by names (such as key, user, model) and day of UTC, in a bounded number of rows. */
export interface DaySums<What extends string> {
  /** Adds to a row of a record; written within {@link FLUSH_MS}, one round trip per 500 rows. A killed process loses unwritten sums. */
  add(record: string, names: readonly string[], amounts: Amounts<What>): void;
  /** Writes the collected sums. */
  flush(): Promise<void>;
  /** Returns the sums of a record by one of its rows' names, between two days (`2026-11-23`, both included, at most 400 days). */
  read<Row>(
    record: string,
    from: string,
    to: string,
    summing: Summing,
    toRow: (name: string, numbers: Float64Array) => Row,
  ): Promise<Sums<Row>>;
}

/** Interval of writes, in milliseconds. */
const FLUSH_MS = 200;
const DAY_MS = 86_400_000;
/** Most days in one report. */
const DAYS_MAX = 400;
/** Days read per round trip. */
const DAYS_AT_ONCE = 4;
/** Time after a day's end in which sums may still be added to it. */
const LATE_MS = 600_000;
/** Rows of past days that a process caches, of all records: about ten megabytes. */
const ROWS_KEPT_MAX = 50_000;
/** Time that a past day is cached after its last read. */
const KEPT_MS = 600_000;
/** Most rows per script call. */
const ROWS_PER_SCRIPT = 500;

interface Parts<What extends string> extends DaySumsOptions, RowShape {
  /** Names of the sums, in the order of stored rows; new ones go last. */
  readonly whats: readonly What[];
  /** Start of the keys of a record; the day is added. */
  readonly keyOf: (record: string) => string;
  /** Returns the substitute names of a row beyond the bound. */
  readonly standIn: (names: readonly string[]) => readonly string[];
  readonly onError: (error: unknown) => void;
}

/** A row with its collected sums. */
interface Row<What extends string> {
  readonly names: readonly string[];
  readonly sums: Record<What, number>;
}

/**
 * Makes the sums, stored in a hash per record and day: field = the names, each encoded, separated by `|`, and `|=`; value = the sums
 * separated by spaces. Earlier builds had a field for each sum, `names|what`; these count as well.
 */
export function createDaySums<What extends string>(redis: Redis, parts: Parts<What>): DaySums<What> {
  const { whats, keyOf, standIn, rowsMax, daysKept, onError } = parts;
  /** Sums since the last write, by day, record and row. */
  const noted = new Map<string, Map<string, Map<string, Row<What>>>>();
  /** Days that are over, by day and record: the one whose last reading is longest ago first. */
  const over = new Map<string, { readonly rows: DayRows; readonly untilMs: number }>();
  let forgetting: NodeJS.Timeout | undefined;
  let today = { untilMs: 0, day: "" };
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  /** Returns the current day in UTC; computed once per day. */
  function dayNow(): string {
    const nowMs = Date.now();
    if (nowMs >= today.untilMs) {
      const startMs = nowMs - (nowMs % DAY_MS);
      today = { untilMs: startMs + DAY_MS, day: new Date(startMs).toISOString().slice(0, 10) };
    }
    return today.day;
  }

  /** Encodes a row for the script, with its substitute. */
  function toOperands(names: readonly string[], amounts: Amounts<What>): readonly Argument[] {
    const row = (of: readonly string[]) => of.map(encodeURIComponent).join("|");
    return [row(names), row(standIn(names)), ...whats.map((what) => String(amounts[what]))];
  }

  /** Writes the collected sums after any running write, so that a later report includes all of them. */
  function flush(): Promise<void> {
    const turn = writing.then(write);
    writing = turn.catch(() => {});
    return turn;
  }

  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const all = [...noted].flatMap(([date, records]) =>
      [...records].map(([record, rows]) => [`${keyOf(record)}:${date}`, rows] as const),
    );
    noted.clear();
    for (const [day, rows] of all) {
      const operands = [...rows.values()].map(({ names, sums }) => toOperands(names, sums));
      for (let at = 0; at < operands.length; at += ROWS_PER_SCRIPT) {
        const values = {
          rows_max: rowsMax,
          life_ms: daysKept * DAY_MS,
          numbers: whats.length,
          rows: operands.slice(at, at + ROWS_PER_SCRIPT).flat(),
        };
        await runScript(redis, noteSpend, { day }, values).catch(onError);
      }
    }
  }

  return {
    add(record, names, amounts) {
      const date = dayNow();
      let records = noted.get(date);
      if (records === undefined) noted.set(date, (records = new Map()));
      let rows = records.get(record);
      if (rows === undefined) records.set(record, (rows = new Map()));
      // Their lengths keep names apart, whatever is in them; writing JSON costs several times as much.
      let row = "";
      for (const name of names) row += `${name.length} ${name}`;
      const known = rows.get(row);
      if (known === undefined) rows.set(row, { names, sums: { ...amounts } });
      else for (const what of whats) known.sums[what] += amounts[what];
      timer ??= setTimeout(() => void flush().catch(onError), FLUSH_MS).unref();
    },

    flush,

    async read(record, from, to, summing, toRow) {
      const days: string[] = [];
      for (let ms = Date.parse(from); ms <= Date.parse(to) && days.length < DAYS_MAX; ms += DAY_MS)
        days.push(new Date(ms).toISOString().slice(0, 10));
      const rows = new Map(days.map((day) => [day, recall(`${day} ${record}`)]));
      const unknown = days.filter((day) => rows.get(day) === undefined);
      for (let at = 0; at < unknown.length; at += DAYS_AT_ONCE)
        await Promise.all(
          unknown.slice(at, at + DAYS_AT_ONCE).map(async (day) => {
            const text = String(await runScript(redis, readSums, { day: `${keyOf(record)}:${day}` }, {}));
            const read = await readDay(text, parts);
            rows.set(day, read);
            keep(`${day} ${record}`, day, read);
          }),
        );
      return sumUp(
        [...rows.values()].filter((day) => day !== undefined),
        parts,
        summing,
        toRow,
      );
    },
  };

  /** Returns a past day from the cache. */
  function recall(name: string): DayRows | undefined {
    const one = over.get(name);
    if (one === undefined) return undefined;
    over.delete(name);
    over.set(name, { rows: one.rows, untilMs: performance.now() + KEPT_MS });
    return one.rows;
  }

  /** Drops past days from the cache that are no longer read. */
  function forget(): void {
    for (const [name, { untilMs }] of over) if (untilMs <= performance.now()) over.delete(name);
    forgetting = over.size === 0 ? undefined : setTimeout(forget, KEPT_MS).unref();
  }

  /** Caches a past day: nothing is added to it once all processes have written their sums. */
  function keep(name: string, day: string, rows: DayRows): void {
    if (Date.now() < Date.parse(day) + DAY_MS + LATE_MS || rows.count > ROWS_KEPT_MAX) return;
    let kept = rows.count;
    for (const one of over.values()) kept += one.rows.count;
    for (const [oldest, one] of over) {
      if (kept <= ROWS_KEPT_MAX && over.size < DAYS_MAX) break;
      over.delete(oldest);
      kept -= one.rows.count;
    }
    over.set(name, { rows, untilMs: performance.now() + KEPT_MS });
    forgetting ??= setTimeout(forget, KEPT_MS).unref();
  }
}
