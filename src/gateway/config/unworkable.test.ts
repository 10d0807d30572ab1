import { expect, it } from "vitest";
import { resolveConfig, type GatewayConfigInput } from "./config.ts";
import { findUnworkable } from "./unworkable.ts";

const told = (config: GatewayConfigInput) => findUnworkable(resolveConfig(config));
const upstreams = [{ name: "own", baseUrl: "http://127.0.0.1:1/v1", apiKey: "secret-word", models: ["mine"] }];

it("finds nothing in the defaults, and in budgets and judges with models and prices", () => {
  expect(told({})).toEqual([]);
  const prices = { mine: { input: 1, output: 1 } };
  expect(told({ upstreams, prices, plans: { p: { budgetPerMonth: 5 } }, cache: { judge: "mine" } })).toEqual([]);
});

it("finds budgets that no price binds", () => {
  const plans = { p: { budgetPerMonth: 5 } };
  expect(told({ upstreams, plans })).toEqual([expect.stringMatching(/plans p do not count mine: no price is known/)]);
  expect(told({ upstreams: [{ name: "any", baseUrl: "http://127.0.0.1:1/v1" }], plans })).toEqual([
    expect.stringMatching(/may not bind: the upstreams any serve any model/),
  ]);
  expect(told({ upstreams, plans, onUnpriced: "refuse" })).toEqual([]);
  expect(told({ plans: { p: { requestsPerMinute: 5 } }, limits: { enabled: false } })).toEqual([
    expect.stringMatching(/^limits\.enabled is false: the plans p have no effect/),
  ]);
});

it("finds a judge that no model serves, a judge without a cache, and a budget without prices", () => {
  expect(told({ upstreams, cache: { judge: "other" } })).toEqual([
    expect.stringMatching(/^cache\.judge\.model: no upstream and no route serves other/),
  ]);
  expect(told({ upstreams, cache: { semantic: false, judge: "mine" } })).toEqual([
    expect.stringMatching(/^cache\.judge has no effect/),
  ]);
  expect(told({ upstreams, cache: { judge: { model: "mine", perDay: 1 } } })).toEqual([
    expect.stringMatching(/^cache\.judge\.perDay has no effect: no price is known for mine/),
  ]);
});

it("finds files that are not there, and that there is no model", () => {
  const found = told({
    demo: { enabled: false },
    embedder: { kind: "minilm", directory: "/nowhere/minilm" },
    pricesFile: "/nowhere/prices.json",
  });
  expect(found).toEqual([
    expect.stringMatching(/no model serves a chat/),
    expect.stringMatching(/^embedder\.directory: there is no directory \/nowhere\/minilm/),
    expect.stringMatching(/nowhere\/prices\.json cannot be used: ENOENT/),
  ]);
  const [keyFile] = told({ upstreams: [{ name: "own", baseUrl: "http://127.0.0.1:1", apiKeyFile: "/nowhere/key" }] });
  expect(keyFile).toMatch(/upstreams\.own\.apiKeyFile.*nowhere\/key/);
});
