import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { verdictOf, type ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createFlights, type Flights, type Follow, type Lead } from "./index.ts";

function flightsOf(redis: ScopedRedis, unique: string): Flights<unknown> {
  return createFlights<unknown>(redis, {
    prefix: `{${unique}:flights}`,
    timeoutMs: 1_000,
    encode: (part) => Buffer.from(JSON.stringify(part)),
    decode: (bytes) => JSON.parse(String(bytes)),
    isAway: (error) => verdictOf(error) !== undefined,
  });
}

async function leads(flights: Flights<unknown>, id = "thing"): Promise<Lead<unknown>> {
  const joined = await flights.join({ id });
  if (joined.role !== "lead") throw new Error(`expected to lead, got ${joined.role}`);
  return joined;
}

async function follows(flights: Flights<unknown>, id = "thing"): Promise<Follow<unknown>> {
  const joined = await flights.join({ id });
  if (joined.role !== "follow") throw new Error(`expected to follow, got ${joined.role}`);
  return joined;
}

async function readAll({ read }: Follow<unknown>): Promise<readonly [unknown[], string]> {
  const all: unknown[] = [];
  const parts = read();
  for (;;) {
    const { done, value } = await parts.next();
    if (done === true) return [all, (value as { kind: string }).kind];
    all.push(value);
  }
}

describe("a flight whose joining gets another command's reply", () => {
  for (const reply of [
    "+OK",
    ":1",
    "$-1",
    "*2\r\n$4\r\nlead\r\n$3\r\na:b",
    "*2\r\n$4\r\nlead\r\n$7\r\na:-5:zz",
    "*1\r\n$6\r\nfollow",
  ])
    liveTest(`(${JSON.stringify(reply)}) is led in this process alone`, async ({ counted, proxy, unique }) => {
      const flights = flightsOf(counted.scope("acme"), unique);
      await (await leads(flights, "before")).end();
      proxy.spoil(() => {
        proxy.spoil(undefined);
        return `${reply}\r\n`;
      });
      const lead = await leads(flights);
      expect(lead).toMatchObject({ isAlone: true, others: [] });
      const got = readAll(await follows(flights));
      lead.add(1);
      await lead.end();
      expect(await got).toEqual([[1], "whole"]);
      await expect.poll(async () => (await leads(flights, `again ${performance.now()}`)).isAlone).toBe(false);
    });
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a flight over two processes", () => {
  liveTest("is read along from its first part on, while it is made", async ({ tenant, unique }) => {
    const [here, there] = [flightsOf(tenant, unique), flightsOf(tenant, unique)];
    const lead = await leads(here);
    const got = readAll(await follows(there));
    for (let at = 0; at < 50; at += 1) {
      lead.add({ at });
      if (at % 10 === 0) await pause(30);
    }
    await lead.end();
    expect(await got).toEqual([Array.from({ length: 50 }, (_, at) => ({ at })), "whole"]);
    expect((await there.join({ id: "thing" })).role).toBe("lead");
  });

  liveTest(
    "points those who wait for a thing to another one that serves as well, all at once",
    async ({ tenant, unique }) => {
      const [here, there] = [flightsOf(tenant, unique), flightsOf(tenant, unique)];
      const one = await leads(here, "one");
      const same = await leads(there, "the same in other words");
      const waiting = await follows(there, "the same in other words");
      expect(await there.follow("one")).toBeDefined();
      const left = readAll(waiting);
      await same.leave("one");
      expect((await left)[1]).toBe("left");
      // Whoever comes again follows, and compares nothing.
      const again = Array.from({ length: 5 }, () => follows(there, "the same in other words"));
      const got = Promise.all((await Promise.all(again)).map(readAll));
      // The follower says within its first look that it is there.
      await new Promise((resolve) => setTimeout(resolve, 500));
      one.add({ at: 1 });
      await one.end();
      for (const read of await got) expect(read).toEqual([[{ at: 1 }], "whole"]);
      await (await leads(there, "the same in other words")).end();
    },
  );

  liveTest("tells who follows when the leader leaves or fails, so that they lead", async ({ tenant, unique }) => {
    const [here, there] = [flightsOf(tenant, unique), flightsOf(tenant, unique)];
    for (const how of ["leave", "fail"] as const) {
      const lead = await leads(here, how);
      const got = readAll(await follows(there, how));
      lead.add(1);
      await (how === "leave" ? lead.leave() : lead.fail(new Error("nobody else's")));
      expect((await got)[1]).toBe("left");
      await (await leads(there, how)).end();
    }
  });

  liveTest(
    "gives a whole thing or says that it is none, whichever command is lost",
    async ({ tenant, unique }) => {
      const lost = (["before", "after"] as const).flatMap((when) => [1, 2, 3, 4, 5, 6].map((nth) => ({ when, nth })));
      const played = lost.map(async ({ when, nth }) => {
        const id = `${when}${nth}`;
        const [here, there] = [flightsOf(losing(tenant, nth, when), unique), flightsOf(tenant, unique)];
        const lead = await leads(here, id);
        const joined = await there.join({ id });
        const got = joined.role === "follow" ? readAll(joined) : undefined;
        for (let at = 0; at < 8; at += 1) {
          lead.add(at);
          await pause(60);
        }
        await lead.end();
        const [parts, outcome] = (await got) ?? [[0, 1, 2, 3, 4, 5, 6, 7], "whole"];
        if (outcome === "whole") expect(parts).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
        else expect(outcome).toBe("left");
        // Whoever was lost, the next one may lead once the lease is over.
        if (joined.role === "lead") await joined.end();
      });
      await Promise.all(played);
    },
    30_000,
  );

  liveTest("leaves nothing in Redis when nobody follows", async ({ tenant, unique, redis }) => {
    const lead = await leads(flightsOf(tenant, unique));
    lead.add("alone");
    await lead.end();
    expect(await redis.send(["KEYS", `{${unique}:flights}*`])).toEqual([]);
  });
});
