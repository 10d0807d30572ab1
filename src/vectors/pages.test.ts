import { describe, expect, it } from "vitest";
import type { VectorDriver } from "./driver.ts";
import { pagesOf } from "./pages.ts";

describe("the scan of a namespace", () => {
  it("ends after a bounded number of rounds, also if the server always answers another cursor", async () => {
    let rounds = 0;
    const page = () => Promise.resolve({ cursor: String((rounds += 1)), ids: [] });
    const scan = async () => {
      for await (const _ of pagesOf({ page } as unknown as VectorDriver, "n", "0", 10));
    };
    await expect(scan()).rejects.toMatchObject({ code: "timeout", details: { rounds: 200_000 } });
    expect(rounds).toBe(200_000);
  });
});
