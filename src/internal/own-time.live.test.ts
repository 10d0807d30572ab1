import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { startProxy, type RespProxy } from "../../test/resp-proxy.ts";
import { connect, type Redis } from "../redis/index.ts";
import { afterOwnTime } from "./own-time.ts";

/** Holds the event loop, as a large answer or a busy machine does. */
function hold(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a wait in the process' own time", () => {
  it("counts a stretch in which the event loop was held as one tick, and ends nevertheless", async () => {
    let ended = false;
    afterOwnTime(150, () => (ended = true));
    hold(300);
    await pause(1);
    expect(ended).toBe(false);
    await pause(300);
    expect(ended).toBe(true);
  });

  it("ends no sooner than it should, and not once it was ended", async () => {
    const startMs = performance.now();
    let ended = 0;
    const cancel = afterOwnTime(30, () => (ended += 1));
    cancel();
    await new Promise<void>((resolve) => {
      afterOwnTime(60, resolve);
    });
    expect(performance.now() - startMs).toBeGreaterThan(58);
    expect(ended).toBe(0);
  });
});

describe("while the event loop is held", () => {
  let proxy: RespProxy;
  let redis: Redis;
  beforeEach(async () => {
    redis = await connect(inject("redisUrl"));
    proxy = await startProxy(inject("redisUrl"));
  });
  afterEach(async () => {
    await redis.close();
    await proxy.close();
  });

  it("a reply that came in time is not late", async () => {
    for (let nth = 0; nth < 5; nth += 1) {
      const answers = [1, 2, 3].map(() => redis.send(["ECHO", "here"], { timeoutMs: 50 }));
      // The commands leave before the loop turns.
      for (let tick = 0; tick < 10; tick += 1) await new Promise((resolve) => process.nextTick(resolve));
      hold(200);
      expect(await Promise.all(answers)).toEqual(["here", "here", "here"]);
    }
  });

  it("a connection that was just lost is dialled again, and reads wait for it", async () => {
    const own = await connect(proxy.url);
    try {
      expect(await own.send(["ECHO", "before"])).toBe("before");
      for (let nth = 0; nth < 3; nth += 1) {
        proxy.cut();
        const read = own.send(["GET", "own time"]);
        await pause(0);
        hold(400);
        expect(await read).toBeNull();
      }
    } finally {
      await own.close();
    }
  });
});
