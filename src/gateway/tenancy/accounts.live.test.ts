import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { encodeRecord } from "../../redis/index.ts";
import { createAccounts, plansKeyOf } from "./accounts.ts";

describe("plans", () => {
  liveTest("are at most 1,000; one that is there may still be changed", async ({ redis }) => {
    const record = encodeRecord({ requestsPerMinute: 1 });
    const fields = Array.from({ length: 1_000 }, (_, n) => [`plan-${n}`, record]).flat();
    await redis.send(["HSET", plansKeyOf(redis), ...fields]);
    const accounts = createAccounts(redis, { plans: {} });
    await expect(accounts.setPlan("further", { requestsPerMinute: 2 })).rejects.toMatchObject({ code: "too_large" });
    await accounts.setPlan("plan-7", { requestsPerMinute: 2 });
    expect(await accounts.plan("plan-7")).toEqual({ requestsPerMinute: 2 });
    await accounts.setPlan("plan-8", undefined);
    await accounts.setPlan("further", { requestsPerMinute: 2 });
    expect((await accounts.plans()).size).toBe(1_000);
  });
});
