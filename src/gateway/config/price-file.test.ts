import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createPrices } from "../../models/index.ts";
import { resolveConfig } from "./config.ts";
import { readPriceFile, unboundBudgets, updatePriceFile } from "./price-file.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-prices-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const written = (name: string, text: string) => {
  writeFileSync(join(home, name), text);
  return join(home, name);
};

describe("a file of prices", () => {
  it("is made out of LiteLLM's and read as the table", () => {
    const from = written(
      "litellm.json",
      JSON.stringify({ m: { input_cost_per_token: 2e-6, output_cost_per_token: 4e-6 } }),
    );
    const to = join(home, "made.json");
    expect(updatePriceFile(from, to)).toMatchObject({ models: 1, asOf: expect.stringMatching(/^20/) as string });
    expect(JSON.parse(readFileSync(to, "utf8"))).toMatchObject({
      currency: "USD",
      perMillionTokens: { m: { input: 2, output: 4 } },
    });
    const prices = createPrices({}, { file: readPriceFile(to) });
    expect(prices.costOf("m", { promptTokens: 10, completionTokens: 1 })).toBe(24);
  });

  it.each([
    ["no JSON", "{"],
    ["null", "null"],
    ["no table", '{"perMillionTokens":[]}'],
    ["a wrong price", '{"perMillionTokens":{"m":{"input":-1,"output":0}}}'],
  ])("that holds %s is refused by its name", (_, text) => {
    expect(() => readPriceFile(written("wrong.json", text))).toThrow(/pricesFile/);
    expect(() => readPriceFile(join(home, "nowhere.json"))).toThrow(/nowhere\.json cannot be used: ENOENT/);
  });
});

describe("budgets that cannot bind", () => {
  const baseUrl = "https://api.example.com/v1";
  const prices = createPrices({ priced: { input: 1, output: 1 } });
  const told = (config: object) => unboundBudgets(resolveConfig(config), prices);

  it("are told with the models that have no price", () => {
    const plans = { team: { budgetPerMonth: 5 }, free: {} };
    const upstreams = [{ name: "a", baseUrl, models: ["priced", "house"] }];
    const routes = { alias: { groups: [["a/priced"]] } };
    expect(told({ plans, upstreams, routes })).toEqual({ plans: ["team"], models: ["alias", "house"], anyModelOf: [] });
    expect(told({ plans, upstreams: [{ name: "b", baseUrl }] })).toEqual({
      plans: ["team"],
      models: [],
      anyModelOf: ["b"],
    });
    expect(told({ plans, upstreams, onUnpriced: "dearest" })).toBeUndefined();
    expect(told({ plans: { free: {} }, upstreams })).toBeUndefined();
    expect(told({ plans, upstreams: [{ baseUrl, models: ["priced"] }] })).toBeUndefined();
  });
});
