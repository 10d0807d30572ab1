import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import UPlot from "uplot";

/** One series of a chart: its name, its colour's variable in the style sheet, a value for each time; `undefined` where there was none. */
export interface Series {
  readonly name: string;
  readonly color: string;
  readonly values: readonly (number | undefined)[];
}

/** Props of a chart over time. */
export interface TimeChartProps {
  /** Text alternative of the chart. */
  readonly label: string;
  /** Moments in ms since 1970, the oldest first. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Bars of which each stands on the one before; lines otherwise. */
  readonly stacked?: boolean;
  readonly format: (value: number) => string;
}

const HEIGHT = 190;
const FONT = "12px system-ui, sans-serif";
const SECONDS = 1_000;

/** A chart over time. The values at the pointer, or the latest ones, are shown as text below it. */
export function TimeChart({ label, times, series, stacked = false, format }: TimeChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const [at, setAt] = useState<number>();
  const scheme = useScheme();
  const names = series.map(({ name }) => name).join("\n");
  const data: UPlot.AlignedData = [times.map((ms) => ms / SECONDS), ...toHeights(series, stacked)];
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new UPlot(toOptions(element, series, stacked, format, setAt), data, element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [names, stacked, scheme]);
  useEffect(() => plot.current?.setData(data), [JSON.stringify(data)]);
  const shown = at === undefined || at >= times.length ? times.length - 1 : at;
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={label} />
      <figcaption>
        <span>{new Date(times[shown] ?? 0).toTimeString().slice(0, 5)}</span>
        {series.map(({ name, color, values }) => (
          <span key={name} class="legend">
            <i class={`c-${color}`} aria-hidden="true" />
            {name} <b>{values[shown] === undefined ? "–" : format(values[shown])}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** Lines as they are; of bars the height of each with those below it, the highest first, so that it is drawn behind them. */
function toHeights(series: readonly Series[], stacked: boolean): (number | null)[][] {
  if (!stacked) return series.map(({ values }) => values.map((value) => value ?? null));
  const sums: number[] = [];
  return series
    .map(({ values }) => values.map((value, at) => (sums[at] = (sums[at] ?? 0) + (value ?? 0))))
    .toReversed();
}

function toOptions(
  element: HTMLElement,
  series: readonly Series[],
  stacked: boolean,
  format: (value: number) => string,
  onAt: (at: number | undefined) => void,
): UPlot.Options {
  const styles = getComputedStyle(element);
  const colorOf = (name: string) => styles.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colorOf("soft"), font: FONT, ticks: { show: false } };
  const grid = { stroke: colorOf("line"), width: 1 };
  // Half a bar stands beside the first and the last moment.
  const margin = stacked ? 30 : 0;
  const drawn = stacked ? series.toReversed() : series;
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { range: (_, from, to) => [from - margin, to + margin] },
      y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] },
    },
    axes: [
      {
        ...axis,
        size: 28,
        grid: { show: false },
        values: (_, at) => at.map((one) => new Date(one * SECONDS).toTimeString().slice(0, 5)),
      },
      { ...axis, grid, size: 64, values: (_, at) => at.map((one) => (Number.isInteger(one) ? format(one) : "")) },
    ],
    series: [
      {},
      ...drawn.map(({ name, color }): UPlot.Series => {
        const paint = colorOf(color);
        return stacked
          ? { label: name, fill: paint, width: 0, points: { show: false }, paths: bars }
          : { label: name, stroke: paint, width: 2, spanGaps: true };
      }),
    ],
    hooks: { setCursor: [(made) => onAt(made.cursor.idx ?? undefined)] },
  };
}

const bars = UPlot.paths.bars?.({ size: [0.7, 40], radius: 0.12 }) as UPlot.Series.PathBuilder;

/** Whether the dark colours are in force, anew when that changes: a canvas does not follow the style sheet. */
function useScheme(): boolean {
  const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const onChange = () => setDark(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, []);
  return dark;
}
