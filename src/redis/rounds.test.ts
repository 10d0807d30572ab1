import { describe, expect, it } from "vitest";
import type { Command } from "./connection.ts";
import { createRedis, type Driver } from "./driver.ts";
import { createFieldOrder } from "./field-order.ts";
import { boundRounds } from "./rounds.ts";

/** A server whose scans never end. */
function endless(): Driver & { scans: number } {
  const driver = {
    scans: 0,
    call([verb]: Command) {
      if (verb === "HSCAN") driver.scans += 1;
      return Promise.resolve(verb === "HSCAN" ? ["7", []] : verb === "HLEN" ? 1_000 : verb === "ZCARD" ? 0 : []);
    },
    isReady: () => true,
    listen: () => {
      throw new Error("not in this test");
    },
    dedicate: () => Promise.reject(new Error("not in this test")),
    close: () => Promise.resolve(),
  };
  return driver;
}

describe("a server that always answers another cursor", () => {
  it("ends the making of an order after the rounds that its hash explains", async () => {
    const driver = endless();
    const order = createFieldOrder(createRedis(driver), { hash: "h", order: "o", membersOf: (field) => [field] });
    await expect(order.page("-", "+", 10)).rejects.toMatchObject({ code: "timeout", details: { rounds: 1_064 } });
    expect(driver.scans).toBeLessThan(2_000);
  });
});

describe("rounds", () => {
  it("may be as many as the bound, and no more", () => {
    const round = boundRounds("a scan", 3);
    for (let at = 0; at < 3; at += 1) round();
    expect(round).toThrow(expect.objectContaining({ code: "timeout", message: "a scan did not end within 3 rounds" }));
  });
});
