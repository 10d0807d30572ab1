import { globSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";
import { createBus } from "../../src/bus/index.ts";
import { createQueue, createWorker } from "../../src/queue/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const read = (file: string) => readFileSync(file, "utf8");
const alerts = (
  parse(read("deploy/prometheus/alerts.yaml")) as { groups: { rules: { alert: string; expr: string }[] }[] }
).groups.flatMap(({ rules }) => rules.map(({ alert: name, expr }) => ({ name, expr })));
const panels = globSync("deploy/grafana/dashboards/*.json").flatMap((file) => {
  const { title, panels: all } = JSON.parse(read(file)) as {
    title: string;
    panels: { title: string; targets: { expr: string }[] }[];
  };
  return all.flatMap((panel) => panel.targets.map(({ expr }) => ({ name: `${title}: ${panel.title}`, expr })));
});

/** Families that have no series while all is well: each is there by its `# TYPE`. */
const SILENT = new Set([
  "marrow_refused_total",
  "marrow_degraded_total",
  "marrow_event_loop_stalls_total",
  "marrow_cache_verdicts_total",
  "marrow_redis_errors_total",
  "marrow_upstream_calls_total",
  "marrow_upstream_benched",
  "marrow_webhooks_total",
]);
/** Labels that Prometheus adds. */
const ADDED = new Set(["instance", "job", "le"]);

interface Family {
  readonly labels: Set<string>;
  readonly series: number;
}

/** The families of `/metrics`, each with its labels. */
function familiesOf(text: string): Map<string, Family> {
  const families = new Map<string, { labels: Set<string>; series: number }>();
  for (const [, name = ""] of text.matchAll(/^# TYPE (\w+) /gm)) families.set(name, { labels: new Set(), series: 0 });
  for (const [, name = "", labels = ""] of text.matchAll(/^(\w+)(?:\{(.*?)\})? [\w.+-]+$/gm)) {
    const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|count|sum)$/, ""));
    if (family === undefined) throw new Error(`${name} has no type`);
    family.series += 1;
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) family.labels.add(label);
  }
  return families;
}

let gateway: TestGateway;
let families: Map<string, Family>;

beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { prices: { scripted: { input: 1, output: 1 } } },
  });
  const { client, redis } = gateway;
  const messages = [{ role: "user" as const, content: "What is the capital of Peru?" }];
  for (let times = 0; times < 2; times += 1) await client().chat.completions.create({ model: "scripted", messages });
  for await (const _ of await client().chat.completions.create({ model: "demo", messages, stream: true }));
  const scoped = redis.scope("acme");
  const queue = createQueue(scoped, { name: "q" });
  const worker = createWorker(redis, { name: "q" }, async () => "done");
  await queue.wait(await queue.push("payload"), { waitMs: 10_000 });
  await worker.close();
  const bus = createBus(scoped);
  const agent = await bus.register({ name: "a", description: "an agent" }, () => "reply");
  await bus.request("a", "hello");
  await agent.close();
  await bus.close();
  const seen = async () => familiesOf(await (await fetch(new URL("/metrics", gateway.baseURL))).text());
  // What ended a moment ago is counted a moment later.
  for (let tries = 0; tries < 100; tries += 1) {
    families = await seen();
    if (families.get("marrow_job_seconds")?.series !== 0 && families.get("marrow_bus_lag_seconds")?.series !== 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}, 20_000);
afterAll(() => gateway.close());

describe("/metrics of a gateway that served", () => {
  it.each([...alerts, ...panels])("has what $name asks for, with its labels", ({ expr }) => {
    const asked = [...expr.matchAll(/\b((?:marrow|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(/,\s*/));
    for (const [, series = "", matchers = ""] of asked) {
      const name = families.has(series) ? series : series.replace(/_(?:bucket|count|sum)$/, "");
      const family = families.get(name);
      if (family === undefined) expect.fail(`there is no ${name}`);
      if (SILENT.has(name)) continue;
      expect({ name, hasSeries: family.series > 0 }).toEqual({ name, hasSeries: true });
      const selected = [...matchers.matchAll(/(\w+)\s*[=!]/g)].map(([, label = ""]) => label);
      for (const label of [...selected, ...grouped])
        if (!ADDED.has(label)) expect([name, ...family.labels]).toContain(label);
    }
    if (asked.length === 0) expect(expr).toMatch(/^(?:absent\()?up\{/);
  });

  it("has a bounded number of series", () => {
    const series = [...families.values()].reduce((sum, family) => sum + family.series, 0);
    expect(series).toBeLessThan(1_500);
  });
});
