import { allOf, runScript, type Argument, type Redis } from "../../redis/index.ts";
import { noteSpend } from "../scripts.gen.ts";

/** How much is kept. */
export interface DaySumsOptions {
  /** Rows of one record and day; what is beyond is summed up under the names that stand in. */
  readonly rowsMax: number;
  /** Days that are kept. */
  readonly daysKept: number;
}

/** What one row sums up. */
export type Amounts<What extends string> = Readonly<Record<What, number>>;

/** Sums by names (such as key, user, model) and day of UTC, in a bounded number of rows. */
export interface DaySums<What extends string> {
  /** Adds to a row of a record; written within {@link FLUSH_MS}, one round trip for 500 rows. What a killed process had not written is lost. */
  add(record: string, names: readonly string[], amounts: Amounts<What>): void;
  /** Writes what was gathered. */
  flush(): Promise<void>;
  /** The rows of a record from one day to another (`2026-11-23`, both included, 400 at most). */
  read(
    record: string,
    from: string,
    to: string,
  ): Promise<readonly { readonly names: readonly string[]; readonly amounts: Amounts<What> }[]>;
}

/** Name of whatever found no room in the records of a day. */
export const OTHER = "(other)";
/** How long additions are gathered, in milliseconds. */
const FLUSH_MS = 200;
const DAY_MS = 86_400_000;
/** Days that one report may look at. */
const DAYS_MAX = 400;
/** Days that are read in one round trip. */
const DAYS_AT_ONCE = 8;
/** How long after its end something may still be added to a day. */
const LATE_MS = 600_000;
/** Rows of days that are over that a process remembers, of all records: some ten megabytes. */
const ROWS_KEPT_MAX = 50_000;
/** How long a process remembers a day that is over after it was read last. */
const KEPT_MS = 600_000;
/** What ends the name of a field that holds a whole row; by itself it is the field that counts the rows. */
const ROW_MARK = "=";
/** Rows that one script takes. */
const ROWS_PER_SCRIPT = 500;

interface Parts<What extends string> extends DaySumsOptions {
  /** What is summed up, in the order in which rows hold it: a further one comes last. */
  readonly whats: readonly What[];
  /** Start of the keys of a record; the day is added. */
  readonly keyOf: (record: string) => string;
  /** The names that stand for a row when there is no room. */
  readonly standIn: (names: readonly string[]) => readonly string[];
  readonly onError: (error: unknown) => void;
}

/** A row, and what was gathered of it. */
interface Row<What extends string> {
  readonly names: readonly string[];
  readonly sums: Record<What, number>;
}

/** The rows of a day by their names, encoded. */
type DayRows<What extends string> = ReadonlyMap<string, Amounts<What>>;

/**
 * Keeps a hash a record and day: field = the names, each encoded, with `|` between, and `|=`; value = the sums with spaces between. Builds before
 * had a field for each sum, `names|what`; these count as well.
 */
export function createDaySums<What extends string>(redis: Redis, parts: Parts<What>): DaySums<What> {
  const { whats, keyOf, standIn, rowsMax, daysKept, onError } = parts;
  /** By day, record and row: what was gathered since the last writing. */
  const noted = new Map<string, Map<string, Map<string, Row<What>>>>();
  /** Days that are over, by day and record: the one whose last reading is longest ago first. */
  const over = new Map<string, { readonly rows: DayRows<What>; untilMs: number }>();
  let forgetting: NodeJS.Timeout | undefined;
  let today = { untilMs: 0, day: "" };
  let timer: NodeJS.Timeout | undefined;

  /** The day of UTC; made once a day, not once an answer. */
  function dayNow(): string {
    const nowMs = Date.now();
    if (nowMs >= today.untilMs) {
      const startMs = nowMs - (nowMs % DAY_MS);
      today = { untilMs: startMs + DAY_MS, day: new Date(startMs).toISOString().slice(0, 10) };
    }
    return today.day;
  }

  /** A row as the script takes it, with the row that stands for it. */
  function toOperands(names: readonly string[], amounts: Amounts<What>): readonly Argument[] {
    const row = (of: readonly string[]) => of.map(encodeURIComponent).join("|");
    return [row(names), row(standIn(names)), ...whats.map((what) => String(amounts[what]))];
  }

  async function flush(): Promise<void> {
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

    async read(record, from, to) {
      const days: string[] = [];
      for (let ms = Date.parse(from); ms <= Date.parse(to) && days.length < DAYS_MAX; ms += DAY_MS)
        days.push(new Date(ms).toISOString().slice(0, 10));
      const known = days.map((day) => recall(`${day} ${record}`));
      const unknown = days.filter((_, at) => known[at] === undefined);
      const read: DayRows<What>[] = [];
      for (let at = 0; at < unknown.length; at += DAYS_AT_ONCE) {
        const some = unknown.slice(at, at + DAYS_AT_ONCE);
        const replies = allOf(await redis.pipeline(some.map((day) => ["HGETALL", `${keyOf(record)}:${day}`])));
        for (const [nth, reply] of replies.entries()) {
          const rows = toRows(reply as readonly string[]);
          read.push(rows);
          keep(`${some[nth]} ${record}`, some[nth] ?? "", rows);
        }
      }
      const sums = new Map<string, Record<What, number>>();
      for (const rows of [...known, ...read]) {
        for (const [row, amounts] of rows ?? []) {
          const all = sums.get(row);
          if (all === undefined) sums.set(row, { ...amounts });
          else for (const what of whats) all[what] += amounts[what];
        }
      }
      return [...sums].map(([row, amounts]) => ({ names: row.split("|").map(decodeURIComponent), amounts }));
    },
  };

  /** The rows of a day's hash. */
  function toRows(flat: readonly string[]): DayRows<What> {
    const rows = new Map<string, Record<What, number>>();
    for (let at = 0; at < flat.length; at += 2) {
      const field = flat[at] as string;
      const end = field.lastIndexOf("|");
      const what = field.slice(end + 1);
      const isRow = what === ROW_MARK;
      // What a newer version counts is not this one's to read.
      if (end === -1 || (!isRow && !(whats as readonly string[]).includes(what))) continue;
      const row = field.slice(0, end);
      let sums = rows.get(row);
      if (sums === undefined) rows.set(row, (sums = zeros()));
      const text = flat[at + 1] as string;
      if (!isRow) sums[what as What] += Number(text);
      else for (const [nth, sum] of text.split(" ", whats.length).entries()) sums[whats[nth] as What] += Number(sum);
    }
    return rows;
  }

  /** A day that is over as it was read before. */
  function recall(name: string): DayRows<What> | undefined {
    const one = over.get(name);
    if (one === undefined) return undefined;
    over.delete(name);
    over.set(name, { rows: one.rows, untilMs: performance.now() + KEPT_MS });
    return one.rows;
  }

  /** Forgets the days that nobody reads any more. */
  function forget(): void {
    for (const [name, { untilMs }] of over) if (untilMs <= performance.now()) over.delete(name);
    forgetting = over.size === 0 ? undefined : setTimeout(forget, KEPT_MS).unref();
  }

  /** Remembers a day that is over: nothing is added to it any more once all processes have written what they gathered. */
  function keep(name: string, day: string, rows: DayRows<What>): void {
    if (Date.now() < Date.parse(day) + DAY_MS + LATE_MS || rows.size > ROWS_KEPT_MAX) return;
    let kept = rows.size;
    for (const one of over.values()) kept += one.rows.size;
    for (const [oldest, one] of over) {
      if (kept <= ROWS_KEPT_MAX && over.size < DAYS_MAX) break;
      over.delete(oldest);
      kept -= one.rows.size;
    }
    over.set(name, { rows, untilMs: performance.now() + KEPT_MS });
    forgetting ??= setTimeout(forget, KEPT_MS).unref();
  }

  function zeros(): Record<What, number> {
    const sums = {} as Record<What, number>;
    for (const what of whats) sums[what] = 0;
    return sums;
  }
}
