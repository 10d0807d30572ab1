import { expect, it, vi } from "vitest";
import { insist } from "./insist.ts";

it("is tried until it is done, ever more slowly, each failure told", async () => {
  vi.useFakeTimers();
  const errors: unknown[] = [];
  const startMs = Date.now();
  const triedMs: number[] = [];
  const done = insist(
    async () => {
      triedMs.push(Date.now() - startMs);
      if (triedMs.length < 9) throw new Error(`failure ${triedMs.length}`);
      return "done";
    },
    () => false,
    (error) => errors.push(error),
  );
  await vi.runAllTimersAsync();
  expect(await done).toBe("done");
  expect(triedMs).toEqual([0, 50, 150, 350, 750, 1_550, 3_150, 5_150, 7_150]);
  expect(errors).toHaveLength(8);
  vi.useRealTimers();
});

it("is given up once nobody wants it", async () => {
  let tries = 0;
  const fail = async () => {
    tries += 1;
    throw new Error("gone");
  };
  expect(
    await insist(
      fail,
      () => tries === 2,
      () => {},
    ),
  ).toBeUndefined();
  expect(tries).toBe(2);
});
