/** Formats a count for people: 1,234 or 1.2 M. */
export function count(value: number): string {
  if (Math.abs(value) < 1_000_000) return Math.round(value).toLocaleString("en-GB");
  const [power, unit] = Math.abs(value) >= 1e9 ? [1e9, "bn"] : [1e6, "M"];
  return `${(value / power).toLocaleString("en-GB", { maximumFractionDigits: 1 })} ${unit}`;
}

/** Formats a fraction as a percentage; a dash if there is nothing to divide. */
export function percent(part: number, all: number): string {
  return all === 0 ? "–" : `${((100 * part) / all).toLocaleString("en-GB", { maximumFractionDigits: 1 })} %`;
}

/** Formats a time as ms, s, min, h or days. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms < 1_000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 48 * 3_600_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** Formats bytes in binary units. */
export function bytes(value: number | undefined): string {
  if (value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const scaled = value / 1024 ** at;
  return `${scaled.toLocaleString("en-GB", { maximumFractionDigits: scaled < 10 && at > 0 ? 1 : 0 })} ${units[at]}`;
}

/** Formats an amount of money in the currency of the prices, small amounts to four digits. */
export function money(value: number): string {
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2;
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Formats the time since a moment. */
export function ago(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  if (ms < 0) return `in ${duration(-ms)}`;
  return ms < 1_000 ? "just now" : `${duration(ms)} ago`;
}
