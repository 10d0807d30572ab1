import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { createSpend } from "./spend.ts";

const day = new Date().toISOString().slice(0, 10);

describe("spending of many users", () => {
  liveTest("is kept in a bounded number of rows, and its sum is whole", async ({ redis, tenant }) => {
    const fail = (error: unknown) => {
      throw error;
    };
    const spend = createSpend(redis, { rowsMax: 50, daysKept: 2 }, fail);
    for (let n = 0; n < 1_200; n += 1) {
      const user = n < 1_000 ? `user-${n}` : "user-0";
      spend.note(tenant.scope, { key: "k", user, model: "m", promptTokens: 10, completionTokens: 0, micros: 3 });
      if (n % 100 === 99) await spend.flush();
    }
    const rows = (await spend.read(tenant.scope, "user", day, day)).slice();
    expect(rows.length).toBeLessThanOrEqual(100);
    expect(rows.find(({ name }) => name === "user-0")).toMatchObject({ requests: 201, micros: 603 });
    expect(rows.find(({ name }) => name === "(other)")?.requests).toBeGreaterThan(900);
    expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(1_200);
    expect((await spend.read(tenant.scope, "model", day, day)).slice()).toMatchObject([
      { requests: 1_200, promptTokens: 12_000 },
    ]);
  });

  liveTest("has one field a row, and counts what builds before wrote in a field a sum", async ({ redis, tenant }) => {
    const spend = createSpend(redis, { rowsMax: 50, daysKept: 2 }, () => {});
    const key = `{${redis.app}:${tenant.scope}}:gateway:spend:${day}`;
    await redis.send(["HSET", key, "k|ann|m|requests", "2", "k|ann|m|promptTokens", "20", "k|ann|m|newer", "1"]);
    const spent = { key: "k", user: "ann", model: "m", promptTokens: 10, completionTokens: 5, micros: 2 ** 50 };
    for (const user of ["ann", "requests", "ann"]) spend.note(tenant.scope, { ...spent, user });
    await spend.flush();
    spend.note(tenant.scope, spent);
    // A second one waits for what the first still writes.
    void spend.flush();
    await spend.flush();
    expect(await redis.send(["HLEN", key])).toBe(6);
    expect(await redis.send(["HGET", key, "k|ann|m|="])).toBe(`3 30 15 ${3 * 2 ** 50}`);
    expect((await spend.read(tenant.scope, "user", day, day)).slice()).toEqual([
      { name: "ann", requests: 5, promptTokens: 50, completionTokens: 15, micros: 3 * 2 ** 50 },
      { name: "requests", requests: 1, promptTokens: 10, completionTokens: 5, micros: 2 ** 50 },
    ]);
  });
});
