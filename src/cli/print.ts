import type { Given } from "./command.ts";

/** Prints an answer: as JSON if requested, otherwise as lines for people. */
export function print(given: Pick<Given, "has">, answer: unknown, toLines: () => readonly string[]): void {
  console.log(given.has("json") ? JSON.stringify(answer) : toLines().join("\n"));
}

/** Formats rows in columns under their titles. Control characters are made visible, so that a name cannot move the cursor. Pure. */
export function toTable(titles: readonly string[], rows: readonly (readonly (string | number)[])[]): readonly string[] {
  const cells = [titles, ...rows.map((row) => row.map((cell) => toVisible(String(cell))))];
  const widths = titles.map((_, at) => Math.max(...cells.map((row) => (row[at] ?? "").length)));
  return cells.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Removes control characters. Pure. */
export function toVisible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\u{FFFD}");
}

/** Formats a time as UTC, to the second. Pure. */
export function toMoment(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
