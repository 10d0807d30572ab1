import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { periodAt, type Calendar } from "./calendar.ts";

const period = (calendar: Calendar, timeZone: string, at: string) => {
  const { fromMs, untilMs } = periodAt(calendar, timeZone, Date.parse(at));
  return [new Date(fromMs).toISOString(), new Date(untilMs).toISOString()];
};

describe("a period of the calendar", () => {
  it.each<[Calendar, string, string, string, string]>([
    ["day", "UTC", "2026-11-23T10:00:00Z", "2026-11-23T00:00:00.000Z", "2026-11-24T00:00:00.000Z"],
    ["week", "UTC", "2026-11-22T10:00:00Z", "2026-11-16T00:00:00.000Z", "2026-11-23T00:00:00.000Z"],
    ["month", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"],
    ["month", "America/New_York", "2026-11-01T03:59:59Z", "2026-10-01T04:00:00.000Z", "2026-11-01T04:00:00.000Z"],
    ["hour", "Asia/Kolkata", "2026-11-23T10:40:00Z", "2026-11-23T10:30:00.000Z", "2026-11-23T11:30:00.000Z"],
    // 23 and 25 hours.
    ["day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
    ["day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
    // Midnight did not exist on this day.
    ["day", "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00.000Z", "2018-11-05T02:00:00.000Z"],
    ["day", "Pacific/Auckland", "2026-11-23T10:59:59Z", "2026-11-22T11:00:00.000Z", "2026-11-23T11:00:00.000Z"],
  ])("%s in %s at %s", (calendar, timeZone, at, from, until) => {
    expect(period(calendar, timeZone, at)).toEqual([from, until]);
  });

  it("holds its moment, and the next one begins where it ends", () => {
    const zones = [
      "UTC",
      "Europe/Berlin",
      "America/New_York",
      "Asia/Kolkata",
      "Australia/Lord_Howe",
      "America/Sao_Paulo",
    ];
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2010, 0, 1), max: Date.UTC(2035, 0, 1) }),
        fc.constantFrom(...zones),
        fc.constantFrom<Calendar>("hour", "day", "week", "month"),
        (nowMs, timeZone, calendar) => {
          const { fromMs, untilMs } = periodAt(calendar, timeZone, nowMs);
          expect(fromMs).toBeLessThanOrEqual(nowMs);
          expect(untilMs).toBeGreaterThan(nowMs);
          expect(periodAt(calendar, timeZone, untilMs).fromMs).toBe(untilMs);
          expect(periodAt(calendar, timeZone, fromMs)).toEqual({ fromMs, untilMs });
        },
      ),
      { numRuns: 400 },
    );
  });
});
