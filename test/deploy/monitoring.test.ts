import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { metricNames } from "./promises.ts";

const read = (file: string) => readFileSync(file, "utf8");

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const alerts = (parse(read("deploy/prometheus/alerts.yaml")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);
const dashboards = globSync("deploy/grafana/dashboards/*.json").flatMap((file) =>
  (JSON.parse(read(file)) as { panels: { title: string; targets: { expr: string }[] }[] }).panels.flatMap(
    ({ title, targets }) => targets.map(({ expr }) => ({ name: title, expr })),
  ),
);
const questions = [...alerts.map(({ alert, expr }) => ({ name: alert, expr })), ...dashboards];

/** Metrics that an expression asks for, without what a histogram adds to its name. */
function asked(expression: string): string[] {
  return [...expression.matchAll(/\bmarrow_\w+/g)].map(([name]) => name.replace(/_(?:bucket|count|sum)$/, ""));
}

describe("alerts and dashboards", () => {
  it.each(questions)("$name asks for metrics that the gateway has, with balanced brackets", ({ expr }) => {
    const known = metricNames();
    expect(asked(expr).filter((name) => !known.includes(name))).toEqual([]);
    for (const [open, close] of ["()", "[]", "{}"]) {
      const count = (one: string | undefined) => expr.split(one as string).length;
      expect(count(open)).toBe(count(close));
    }
  });

  it("or the documents name every metric", () => {
    const seen = new Set(questions.flatMap(({ expr }) => asked(expr)));
    const documents = globSync("docs/**/*.md").map(read).join("\n");
    expect(metricNames().filter((name) => !seen.has(name) && !documents.includes(name))).toEqual([]);
  });
});

describe("an alert", () => {
  it.each(alerts)("$alert has a summary, a severity and a section of the runbook", ({ alert, labels, annotations }) => {
    expect(labels["severity"]).toMatch(/^(?:critical|warning|info)$/);
    expect(annotations["summary"]).toBeTruthy();
    expect(annotations["runbook_url"]).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    const runbook = read("docs/runbook.md");
    expect(runbook).toContain(`\n## ${alert}\n`);
  });

  it("of the runbook is one that Prometheus is told of", () => {
    const sections = [...read("docs/runbook.md").matchAll(/^## (Marrow\w+)$/gm)].map(([, name]) => name);
    expect(new Set(sections)).toEqual(new Set(alerts.map(({ alert }) => alert)));
  });
});
