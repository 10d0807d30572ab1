import { describe, expect, it } from "vitest";
import { createDeadlines } from "./deadlines.ts";

describe("deadlines", () => {
  it("end the waits that are not over, each at its own length, and no others", async () => {
    const within = createDeadlines();
    const ended: string[] = [];
    within(performance.now(), 200, () => ended.push("long"));
    within(performance.now(), 40, () => ended.push("short"));
    const over = within(performance.now(), 40, () => ended.push("over"));
    over.end();
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(ended).toEqual(["short"]);
    await new Promise((resolve) => setTimeout(resolve, 180));
    expect(ended).toEqual(["short", "long"]);
  });
});
