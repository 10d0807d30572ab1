import { describe, expect, it } from "vitest";
import { MarrowError } from "../errors.ts";
import { createPermits, type Permits } from "./permits.ts";

const refusal = () => new MarrowError("rate_limited", "too many tests", { details: { retryAfterMs: 1_000 } });

/** Permits for 100 units, for which two callers wait 50 ms. */
function open(): { readonly take: (units: number) => ReturnType<Permits["take"]> } {
  const permits = createPermits({ max: 100, waitingMax: 2, refusal });
  return { take: (units) => permits.take(units, 50) };
}

describe("permits", () => {
  it("are given in order, and never for more than the bound at once", async () => {
    const permits = open();
    const [first, second] = await Promise.all([permits.take(60), permits.take(40)]);
    const given: string[] = [];
    const third = permits.take(70).then((release) => (given.push("third"), release));
    const fourth = permits.take(10).then((release) => (given.push("fourth"), release));
    second();
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual([]);
    first();
    first();
    await Promise.all([third, fourth]);
    expect(given).toEqual(["third", "fourth"]);
  });

  it("of more units than there are wait for all", async () => {
    const permits = open();
    const release = await permits.take(1_000);
    await expect(permits.take(1)).rejects.toMatchObject({ code: "rate_limited" });
    release();
    await expect(permits.take(100)).resolves.toBeTypeOf("function");
  });

  it("are refused when too many wait, and after a while", async () => {
    const permits = open();
    await permits.take(100);
    const late = permits.take(1);
    const later = permits.take(1);
    const refused = { code: "rate_limited", details: { retryAfterMs: 1_000 } };
    await expect(permits.take(1)).rejects.toMatchObject(refused);
    await expect(late).rejects.toMatchObject(refused);
    await expect(later).rejects.toMatchObject(refused);
  });

  it("go to owners by turns, so that one owner's line delays another's first caller by one turn", async () => {
    const permits = createPermits({ max: 1, refusal });
    const given: string[] = [];
    const begun = ["a", "a", "a", "a", "b", "b", "c"].map(async (owner) => {
      const release = await permits.take(1, Infinity, { owner });
      given.push(owner);
      setImmediate(release);
    });
    await Promise.all(begun);
    expect(given.join("")).toBe("aabcaba");
  });

  it("leave what one owner may not hold to the others, at once", async () => {
    const permits = createPermits({ max: 100, eachMax: 70, refusal });
    const take = (owner: string, units: number) => permits.take(units, 50, { owner });
    await take("a", 60);
    const second = take("a", 60);
    await expect(take("b", 30)).resolves.toBeTypeOf("function");
    await expect(second).rejects.toMatchObject({ code: "rate_limited" });
  });

  it("go first to those that go first, which smaller callers of the same owner do not pass", async () => {
    const permits = createPermits({ max: 10, refusal });
    const given: string[] = [];
    const take = async (name: string, units: number, isFirst: boolean) => {
      const release = await permits.take(units, 5_000, { isFirst });
      given.push(name);
      return release;
    };
    const held = [await take("held", 5, false), await take("held", 5, false)];
    const waiting = [take("behind", 2, false), take("first", 6, true), take("behind", 2, false)];
    held[0]?.();
    await new Promise(setImmediate);
    expect(given).toEqual(["held", "held"]);
    held[1]?.();
    await Promise.all(waiting);
    expect(given).toEqual(["held", "held", "first", "behind", "behind"]);
  });

  it("of an owner with few callers are never refused because another owner's callers fill the line", async () => {
    const permits = createPermits({ max: 1, waitingMax: 4, refusal });
    const release = await permits.take(1, 50, { owner: "a" });
    const flood = Array.from({ length: 8 }, () => permits.take(1, 5_000, { owner: "a" }));
    const refused = flood.slice(3).map((one) => expect(one).rejects.toMatchObject({ code: "rate_limited" }));
    const other = permits.take(1, 5_000, { owner: "b" });
    await Promise.all(refused);
    release();
    (await flood[0])?.();
    for (const one of [other, ...flood.slice(1, 3)]) (await one)();
  });
});
