import { Counter, Registry } from "prom-client";
import { expect, test } from "vitest";
import { createQuickCounter } from "./quick-counter.ts";

test.each([[[]], [["model"]], [["model", "kind"]]])(
  "a quick counter with the labels %j reads as prom-client's own does",
  async (labelNames) => {
    const [own, theirs] = [new Registry(), new Registry()];
    const named = { name: "marrow_test_total", help: "Counts.", labelNames };
    const quick = createQuickCounter({ ...named, registry: own });
    const counter = new Counter({ ...named, registers: [theirs] });
    const labels = (model: string, kind: string) =>
      Object.fromEntries(Object.entries({ model, kind }).filter(([name]) => labelNames.includes(name)));
    expect(await own.metrics()).toBe(await theirs.metrics());
    for (const each of [quick, counter]) {
      each.labels(labels("never", "told"));
      const held = each.labels(labels('a"b\\', "prompt"));
      held.inc();
      held.inc(0.25);
      each.labels(labels('a"b\\', "prompt")).inc(2);
      each.labels(labels("b", "completion")).inc(0);
    }
    expect(await own.metrics()).toBe(await theirs.metrics());
  },
);
