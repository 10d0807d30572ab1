import { describe, expect, it } from "vitest";
import { createPlaces, type Places } from "./places.ts";

const sharing = (places: number, scopeShare = 0.5) => createPlaces({ places, scopeShare, waitMs: 60_000 });

/** Asks for many places, and answers those that were given so far. */
async function takeMany(places: Places, times: number, scope: string, user = "u") {
  const given: (() => void)[] = [];
  for (let nth = 0; nth < times; nth += 1) void places.take({ scope, user }).then((leave) => given.push(leave));
  await settled();
  return given;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("an endpoint's places", () => {
  it("are half a scope's at most, and less than half one user's, so that a newcomer has one at once", async () => {
    const places = sharing(256);
    expect((await takeMany(places, 300, "acme", "one")).length).toBe(110);
    for (let user = 0; user < 300; user += 1) await takeMany(places, 3, "acme", `u${user}`);
    expect(places.held).toBe(128);
    expect((await takeMany(places, 1, "umbrella")).length).toBe(1);
  });

  it("are free for a newcomer yet when six scopes have taken all that they could, one after the other", async () => {
    const places = sharing(256);
    for (let scope = 0; scope < 6; scope += 1)
      for (let user = 0; user < 8; user += 1) await takeMany(places, 100, `scope ${scope}`, `u${user}`);
    expect(places.held).toBeLessThan(256);
    expect((await takeMany(places, 1, "newcomer")).length).toBe(1);
  });

  it("go to the scope that holds the fewest, then to its user that does, in turn", async () => {
    const places = sharing(4, 1);
    const first = await takeMany(places, 10, "acme", "one");
    const second = await takeMany(places, 10, "acme", "two");
    const other = await takeMany(places, 10, "umbrella");
    expect([first.length, second.length, other.length]).toEqual([4, 0, 0]);
    for (const leave of first.splice(0)) leave();
    await settled();
    expect([first.length, second.length, other.length]).toEqual([1, 1, 2]);
  });

  it("are all one's who is given them all, one at a time in the order of asking", async () => {
    const places = sharing(1);
    const order: number[] = [];
    const work = async (nth: number) => {
      const leave = await places.take({ scope: "acme", user: "u" });
      order.push(nth);
      await settled();
      leave();
      leave();
    };
    await Promise.all([1, 2, 3, 4].map(work));
    expect(order).toEqual([1, 2, 3, 4]);
    expect([places.held, places.waiting]).toEqual([0, 0]);
  });

  it("are waited for no longer than may be, nor after the call was given up", async () => {
    const places = createPlaces({ places: 1, scopeShare: 1, waitMs: 20 });
    const leave = await places.take({ scope: "acme", user: "u" });
    await expect(places.take({ scope: "acme", user: "u" })).rejects.toMatchObject({ code: "rate_limited" });
    const gone = new AbortController();
    const waiting = places.take({ scope: "acme", user: "u" }, gone.signal);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    leave();
    expect([places.held, places.waiting]).toEqual([0, 0]);
  });
});
