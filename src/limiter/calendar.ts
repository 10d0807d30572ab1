import { refuse } from "../internal/check.ts";

/** A period of the calendar. Weeks begin on Monday. */
export type Calendar = "hour" | "day" | "week" | "month";

/** Start and end (exclusive), in milliseconds since 1970. */
export interface Period {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Checks that a name is an IANA time zone of this runtime. @throws MarrowError `invalid_option` */
export function checkTimeZone(path: string, name: unknown): string {
  try {
    if (typeof name === "string" && name !== "") return clockOf(name).resolvedOptions().timeZone;
  } catch {
    // The runtime does not have this zone.
  }
  return refuse(path, "an IANA time zone such as Europe/Berlin", name);
}

/**
 * Returns the calendar period of a time zone that contains a moment. Days may have 23 or 25 hours. If a clock change skips midnight, the
 * day begins at the first moment after it.
 */
export function periodAt(calendar: Calendar, timeZone: string, nowMs: number): Period {
  const { year, month, day, hour, weekday } = wallAt(timeZone, nowMs);
  const at = (...[y, m, d, h = 0]: [number, number, number, number?]) => momentOf(timeZone, Date.UTC(y, m - 1, d, h));
  switch (calendar) {
    case "hour": {
      // An hour of the wall clock that comes twice is one hour each time: offsets are whole minutes.
      const offsetMs = Date.UTC(year, month - 1, day, hour) - momentOf(timeZone, Date.UTC(year, month - 1, day, hour));
      const shifted = Math.floor((nowMs + offsetMs) / 3_600_000) * 3_600_000 - offsetMs;
      const fromMs = shifted > nowMs ? shifted - 3_600_000 : shifted;
      return { fromMs, untilMs: fromMs + 3_600_000 };
    }
    case "day":
      return { fromMs: at(year, month, day), untilMs: at(year, month, day + 1) };
    case "week":
      return { fromMs: at(year, month, day - weekday), untilMs: at(year, month, day - weekday + 7) };
    default:
      return { fromMs: at(year, month, 1), untilMs: at(year, month + 1, 1) };
  }
}

/** Returns the current period of a calendar rule; `undefined` for any other rule. */
export function periodOf(
  { calendar }: { readonly calendar: { readonly period: Calendar; readonly timeZone: string } | undefined },
  nowMs: number,
): Period | undefined {
  return calendar && periodAt(calendar.period, calendar.timeZone, nowMs);
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    const numeric = "numeric" as const;
    clock = new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
    clocks.set(timeZone, clock);
  }
  return clock;
}

/** Returns the local wall-clock time as if it were UTC, and its parts. */
function wallAt(timeZone: string, nowMs: number) {
  const parts = Object.fromEntries(
    clockOf(timeZone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
  return { year, month, day, hour, weekday: (new Date(wallMs).getUTCDay() + 6) % 7, wallMs };
}

/** When a wall clock shows this first; where it never does, the moment of the change. */
function momentOf(timeZone: string, wallMs: number): number {
  const offsetAt = (ms: number) => wallAt(timeZone, ms).wallMs - Math.floor(ms / 1_000) * 1_000;
  const [before, after] = [offsetAt(wallMs - 86_400_000), offsetAt(wallMs + 86_400_000)];
  // Two offsets hold around it at most: the larger one gives the earlier moment.
  const moments = [wallMs - Math.max(before, after), wallMs - Math.min(before, after)];
  const shows = moments.find((ms) => wallAt(timeZone, ms).wallMs === wallMs);
  if (shows !== undefined) return shows;
  let [low, high] = moments as [number, number];
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000;
    if (wallAt(timeZone, middle).wallMs < wallMs) low = middle;
    else high = middle;
  }
  return high;
}
