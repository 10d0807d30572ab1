/** Media type of OpenMetrics: Prometheus stores exemplars only from this format. */
export const OPEN_METRICS = "application/openmetrics-text";
export const OPEN_METRICS_TYPE: string = `${OPEN_METRICS}; version=1.0.0; charset=utf-8`;

/**
 * Converts metrics in Prometheus' text format to OpenMetrics, with exemplars. (`prom-client` writes OpenMetrics too, but appends `_total`
 * to counters twice.) Pure.
 */
export function toOpenMetrics(text: string, exemplars: ReadonlyMap<string, string>): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const types = new Map(
    lines.flatMap((line) => {
      const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      return name === undefined || type === undefined ? [] : [[name, type] as const];
    }),
  );
  const written = lines.map((line) => {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (kind === undefined) return withExemplar(line, exemplars);
    if (types.get(name) !== "counter") return line;
    // OpenMetrics names a counter without its suffix; a metric without the suffix is not a counter.
    if (name.endsWith("_total")) return `# ${kind} ${name.slice(0, -"_total".length)} ${rest}`;
    return kind === "TYPE" ? `# TYPE ${name} unknown` : line;
  });
  return `${[...written, "# EOF"].join("\n")}\n`;
}

function withExemplar(line: string, exemplars: ReadonlyMap<string, string>): string {
  const exemplar = exemplars.get(line.slice(0, line.lastIndexOf(" ")));
  return exemplar === undefined ? line : `${line} # ${exemplar}`;
}
