import type { JSX } from "preact";

/** One series of a chart: a name, a class of the style sheet for its colour, a value for each place. */
export interface Series {
  readonly name: string;
  readonly tone: string;
  readonly values: readonly number[];
}

const WIDTH = 600;
const HEIGHT = 120;

/** Bars side by side, each stacked of several series. The words beside it say the same for who does not see it. */
export function Bars({
  label,
  series,
  names,
}: {
  label: string;
  series: readonly Series[];
  names: readonly string[];
}): JSX.Element {
  const sums = names.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
  const most = Math.max(1, ...sums);
  const step = WIDTH / Math.max(1, names.length);
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} preserveAspectRatio="none">
        <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {names.map((name, at) => {
          let top = HEIGHT;
          return (
            <g key={name}>
              <title>{`${name}: ${series.map(({ name: what, values }) => `${values[at] ?? 0} ${what}`).join(", ")}`}</title>
              {series.map(({ name: what, tone, values }) => {
                const height = ((values[at] ?? 0) / most) * (HEIGHT - 4);
                top -= height;
                return height === 0 ? null : (
                  <rect key={what} class={tone} x={at * step + step * 0.1} width={step * 0.8} y={top} height={height} />
                );
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        {series.map(({ name, tone }) => (
          <span key={name} class="legend">
            <i class={tone} aria-hidden="true" />
            {name}
          </span>
        ))}
        <span class="legend-most">most in a minute: {most}</span>
      </figcaption>
    </figure>
  );
}
