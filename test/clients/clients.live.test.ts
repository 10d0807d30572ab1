import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { agentsTrials } from "./agents.ts";
import { aiSdkTrials } from "./ai-sdk.ts";
import { anthropicTrials } from "./anthropic.ts";
import { langchainTrials } from "./langchain.ts";
import { openaiTrials } from "./openai.ts";
import { roleTrials } from "./roles.ts";
import { toTable } from "./table.ts";
import type { Trial } from "./trial.ts";
import { playAgent } from "./upstream.ts";

/** Official clients on a gateway, with only the base URL changed. `MARROW_WRITE_CLIENTS=1` writes the table of docs/clients.md from the run. */
const TRIALS: readonly Trial[] = [
  ...openaiTrials,
  ...aiSdkTrials,
  ...langchainTrials,
  ...agentsTrials,
  ...roleTrials,
  ...anthropicTrials,
];
const PAGE = "docs/clients.md";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    script: playAgent,
    config: { cache: { enabled: false } },
    background: true,
  });
});
afterAll(() => gateway.close());

const passed = new Set<string>();

describe.each([...new Set(TRIALS.map(({ client }) => client))])("%s", (client) => {
  it.each(TRIALS.filter((trial) => trial.client === client))("$feature", async ({ feature, run }) => {
    await expect(run(gateway)).resolves.toBeUndefined();
    passed.add(`${client}\n${feature}`);
  });
});

describe("docs/clients.md", () => {
  it("has the table of this run", () => {
    const page = readFileSync(PAGE, "utf8");
    const whole = toTable(page, TRIALS, ({ client, feature }) => passed.has(`${client}\n${feature}`));
    if (process.env["MARROW_WRITE_CLIENTS"] === "1") writeFileSync(PAGE, whole);
    else expect(page).toBe(whole);
  });
});
