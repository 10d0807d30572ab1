/** Start and duration of an act. */
interface Span {
  readonly name: string;
  readonly at_ms: number;
  readonly took_ms?: number | undefined;
}

/** Returns the milliseconds during which at least one of some acts was running; concurrent acts count once. */
export function busyMs(spans: readonly Span[], names: ReadonlySet<string>): number {
  let until = 0;
  let sum = 0;
  const wanted = spans.filter(({ name }) => names.has(name)).toSorted((one, other) => one.at_ms - other.at_ms);
  for (const { at_ms: at, took_ms: took = 0 } of wanted) {
    const end = at + took;
    if (end <= until) continue;
    sum += end - Math.max(at, until);
    until = end;
  }
  return sum;
}
