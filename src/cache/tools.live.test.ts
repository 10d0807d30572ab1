import { describe, expect, vi } from "vitest";
import { liveTest } from "../../test/live.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createToolCache } from "./index.ts";

const open = (tenant: ScopedRedis) =>
  createToolCache(tenant, {
    name: "t",
    timeoutMs: 5_000,
    tools: {
      weather: { ttlMs: 60_000, sharedBy: "scope", ignore: ["requestId"] },
      balance: { ttlMs: 60_000, sharedBy: "user" },
      clock: { ttlMs: 30, sharedBy: "scope" },
    },
  });

describe("a tool cache", () => {
  liveTest("calls a tool once for the same arguments, and again for others", async ({ tenant }) => {
    const tools = open(tenant);
    const run = vi.fn(async () => ({ degrees: 20 }));
    expect(await tools.call("weather", { city: "Rome", unit: "C", requestId: 1 }, run)).toEqual({
      value: { degrees: 20 },
      kept: false,
    });
    expect(await tools.call("weather", { unit: "C", requestId: 2, city: "Rome" }, run)).toEqual({
      value: { degrees: 20 },
      kept: true,
    });
    await tools.call("weather", { city: "Oslo", unit: "C" }, run);
    await Promise.all(Array.from({ length: 50 }, () => tools.call("weather", { city: "Bern" }, run)));
    expect(run).toHaveBeenCalledTimes(3);
  });

  liveTest("keeps each user's results apart, and asks who it is", async ({ tenant }) => {
    const tools = open(tenant);
    let balance = 1;
    const run = async () => (balance += 1);
    const [ada, bob] = [
      await tools.call("balance", {}, run, { user: "ada" }),
      await tools.call("balance", {}, run, { user: "bob" }),
    ];
    expect([ada.value, bob.value]).toEqual([2, 3]);
    expect(await tools.call("balance", {}, run, { user: "ada" })).toEqual({ value: 2, kept: true });
    await expect(tools.call("balance", {}, run)).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "user" },
    });
  });

  liveTest("never keeps an act, a failure or nothing, and ends results by time and by tag", async ({ tenant }) => {
    const tools = open(tenant);
    const run = vi.fn(async (): Promise<unknown> => "x");
    for (let at = 0; at < 2; at += 1) expect(await tools.call("send-mail", {}, run)).toMatchObject({ kept: false });
    expect(run).toHaveBeenCalledTimes(2);
    await expect(tools.call("weather", { city: "A" }, () => Promise.reject(new Error("down")))).rejects.toThrow("down");
    expect(await tools.call("weather", { city: "A" }, run)).toMatchObject({ kept: false });
    await tools.call("weather", { city: "B" }, async () => undefined);
    expect(await tools.call("weather", { city: "B" }, run)).toMatchObject({ kept: false });
    await tools.call("clock", {}, run);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await tools.call("clock", {}, run)).toMatchObject({ kept: false });
    await tools.invalidate(["tool:weather"]);
    expect(await tools.call("weather", { city: "A" }, run)).toMatchObject({ kept: false });
    expect(() => createToolCache(tenant, { name: "t", tools: { x: { ttlMs: 0, sharedBy: "scope" } } })).toThrow(
      expect.objectContaining({ code: "invalid_option", details: { path: "tools.x.ttlMs" } }),
    );
  });

  liveTest("calls the tool while Redis is away", async ({ tenant }) => {
    const tools = open(losing(tenant, 1, "before"));
    expect(await tools.call("weather", { city: "Rome" }, async () => 20)).toEqual({ value: 20, kept: false });
  });
});
