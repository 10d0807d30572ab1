import { usageError } from "./read-command.ts";

const UNITS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/**
 * Parses a duration such as `90s`, `15m`, `24h` or `30d`, in milliseconds. Pure.
 * @throws MarrowError `invalid_option` that names the flag
 */
export function toDuration(
  flag: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const [, amount = "", unit = ""] = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const ms = amount === "" ? Number.NaN : Number(amount) * (UNITS.get(unit) as number);
  if (ms >= min && ms <= max) return ms;
  throw usageError(
    `--${flag} must be a time from ${fromDuration(min)} to ${fromDuration(max)}, such as 90s, 15m, 24h or 30d, got ${JSON.stringify(text.slice(0, 60))}`,
    flag,
  );
}

/** Formats a duration in its largest whole unit. Pure. */
export function fromDuration(ms: number): string {
  const fits = [...UNITS].toReversed().find(([, each]) => ms >= each && ms % each === 0);
  return fits === undefined ? `${ms}ms` : `${ms / fits[1]}${fits[0]}`;
}
