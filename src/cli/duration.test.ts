import { describe, expect, it } from "vitest";
import { fromDuration, toDuration } from "./duration.ts";

const range = { min: 0, max: 10 * 86_400_000 };

describe("a length of time on the command line", () => {
  it.each([
    ["0s", 0],
    ["500ms", 500],
    ["90s", 90_000],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["10d", 864_000_000],
  ])("%s is %d ms", (text, ms) => {
    expect(toDuration("ttl", text, range)).toBe(ms);
  });

  it.each(["", "24", "h", "-1h", "1.5h", "11d", "1 week", "1e3s"])("%j is refused by the name of its flag", (text) => {
    expect(() => toDuration("ttl", text, range)).toThrow(
      expect.objectContaining({ code: "invalid_option", message: expect.stringContaining("--ttl must be") }),
    );
  });

  it("is written in its largest whole unit", () => {
    expect([0, 500, 90_000, 3_600_000, 7 * 86_400_000].map(fromDuration)).toEqual(["0ms", "500ms", "90s", "1h", "7d"]);
  });
});
