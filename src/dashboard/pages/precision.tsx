import type { JSX } from "preact";
import type { CacheAnswer } from "../../gateway/admin/answers.ts";
import { count } from "../format.ts";
import { Empty, Table } from "../parts.tsx";

type Curve = NonNullable<CacheAnswer["report"]>["curve"];

const [WIDTH, HEIGHT] = [320, 90];

/** Precision over threshold by the audits: a line within its confidence interval, and the same as a table. */
export function Precision({ curve }: { curve: Curve }): JSX.Element {
  if (curve.length === 0)
    return (
      <Empty title="Nothing was audited">
        Say of a served answer whether it is right, or of a near question whether it asks the same: precision over
        threshold is drawn here.
      </Empty>
    );
  const ordered = curve.toReversed();
  const from = ordered[0]?.threshold ?? 0;
  const x = (threshold: number) => (((threshold - from) / Math.max(1e-9, 1 - from)) * WIDTH).toFixed(1);
  const y = (share: number) => ((1 - share) * HEIGHT).toFixed(1);
  const line = (of: "precision" | "low" | "high", points = ordered) =>
    points.map((point) => `${x(point.threshold)},${y(point[of])}`).join(" ");
  return (
    <>
      <h3>Precision over threshold</h3>
      <svg
        class="curve"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Precision of audited answers from a threshold of ${from.toFixed(3)} to 1`}
      >
        <polygon points={`${line("low")} ${line("high", curve as typeof ordered)}`} />
        <polyline points={line("precision")} />
      </svg>
      <Table
        label="Precision over threshold"
        rows={curve}
        keyOf={({ threshold }) => String(threshold)}
        columns={[
          { name: "Score at least", isNumber: true, cell: ({ threshold }) => threshold.toFixed(3) },
          { name: "Audited", isNumber: true, cell: ({ audited }) => count(audited) },
          { name: "Right", isNumber: true, cell: ({ precision }) => `${(precision * 100).toFixed(1)} %` },
          {
            name: "95 % interval",
            cell: ({ low, high }) => `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`,
          },
        ]}
      />
    </>
  );
}
