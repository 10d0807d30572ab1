import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { createLaneGates } from "./lanes.ts";

const BASE = "https://eu.example.com/openai/deployments";
const ENDPOINTS: readonly Parameters<ReturnType<typeof createLaneGates>>[] = [
  [`${BASE}/one`, "key-1"],
  [`${BASE}/two`, "key-1"],
  [`${BASE}/one?api-version=2`, "key-1"],
  [`${BASE}/one`, "key-2"],
  [`${BASE}/one`, undefined, { "api-key": "key-1" }],
  [`${BASE}/one`, undefined, { "api-key": "key-2" }],
];
const refused = expect.objectContaining({ code: "rate_limited" }) as unknown;

describe("the limits that a provider tells", () => {
  liveTest("hold for one path, key and set of headers of its host, in every gateway", async ({ redis, unique }) => {
    const [here, there] = [createLaneGates(redis), createLaneGates(redis)];
    for (const [at, endpoint] of ENDPOINTS.entries()) {
      const model = `${unique}-${at}`;
      here(...endpoint).learn(model, 429, { "retry-after": "20" });
      await expect(here(...endpoint).enter(model, 1)).rejects.toEqual(refused);
      for (const [other, one] of ENDPOINTS.entries()) {
        const entered = there(...one).enter(model, 1);
        if (other === at) await expect(entered).rejects.toEqual(refused);
        else await expect(entered).resolves.toBeUndefined();
      }
    }
    expect(await here.open(`${unique}-0`, new URL(BASE).host)).toBe(ENDPOINTS.length);
  });

  liveTest("hold however a path ends and headers are written", async ({ redis, unique }) => {
    const gates = createLaneGates(redis);
    gates(`${BASE}/`, undefined, { "api-key": "k", org: "o" }).learn(unique, 429, { "retry-after": "20" });
    const same = gates(BASE, undefined, { Org: "o", "Api-Key": "k" });
    await expect(same.enter(unique, 1)).rejects.toEqual(refused);
  });
});
