import { describe, expect, it } from "vitest";
import { ago, bytes, count, duration, money, percent } from "./format.ts";

describe("numbers of the dashboard", () => {
  it("are short enough to be read at a glance", () => {
    expect([count(999), count(12_345), count(2_345_678), count(3e9)]).toEqual(["999", "12,345", "2.3 M", "3 bn"]);
    expect([bytes(0), bytes(1_536), bytes(200 * 1_048_576)]).toEqual(["0 B", "1.5 KiB", "200 MiB"]);
    expect([money(0), money(0.00123), money(12.5)]).toEqual(["0.00", "0.0012", "12.50"]);
  });

  it("say that there is nothing to tell, rather than a wrong number", () => {
    expect([percent(0, 0), duration(undefined), bytes(undefined)]).toEqual(["–", "–", "–"]);
  });

  it("tell times in the unit that fits", () => {
    expect([duration(0.42), duration(250), duration(1_500), duration(120_000), duration(5 * 3_600_000)]).toEqual([
      "0.4 ms",
      "250 ms",
      "1.5 s",
      "2 min",
      "5.0 h",
    ]);
    expect([ago(0, 500), ago(0, 3_000), ago(5_000, 0)]).toEqual(["just now", "3.0 s ago", "in 5.0 s"]);
  });
});
