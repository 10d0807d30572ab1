import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";
import { startTestGateway } from "../gateway.ts";

describe("examples/python-roles.py, in Python's standard library", () => {
  it("asks its model for what the cache has not and the limit allows", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    const env = { ...process.env, MARROW_URL: gateway.baseURL, MARROW_KEY: gateway.key };
    const { stdout } = await promisify(execFile)("python3", ["examples/python-roles.py"], { env });
    expect(stdout.trim().split("\n")).toEqual([
      "asked Paris",
      "semantic Paris",
      "asked Rome",
      "asked Madrid",
      "refused user-tokens",
    ]);
    await gateway.close();
  });
});
