import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, vi } from "vitest";
import { liveTest } from "../../../test/live.ts";
import type { Redis } from "../../redis/index.ts";
import { createApiKeys, KEPT_MS } from "./api-keys.ts";
import { installedKey } from "./installation.ts";
import type { LostKeys } from "./lost-keys.ts";

afterEach(() => void vi.restoreAllMocks());

const ANN = { scope: "acme", user: "ann", name: "k" } as const;
const hashOf = ({ app }: Redis) => `{${app}}:gateway:keys`;
const stranger = `mrw_${"A".repeat(43)}`;

/** API keys, what they tell, and a way to be refused. */
function opened(redis: Redis) {
  const told: LostKeys[] = [];
  const keys = createApiKeys(redis, (lost) => told.push(lost));
  const refused = async (key: string) => {
    await expect(keys.identify(key)).rejects.toMatchObject({ code: "unauthorized" });
    // The look follows the answer.
    await pause(50);
    return told;
  };
  return { keys, refused };
}

/** Time goes on so far. */
function after(ms: number): void {
  const nowMs = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(nowMs + ms);
}

describe("an installation that had API keys", () => {
  liveTest("is told once a minute that all of them are gone", async ({ redis }) => {
    const { keys, refused } = opened(redis);
    const key = await keys.createFirst();
    await redis.send(["DEL", hashOf(redis)]);
    expect(await refused(key ?? "")).toEqual([{ all: true }]);
    expect(await refused(key ?? "")).toHaveLength(1);
    after(59_000);
    expect(await refused(key ?? "")).toHaveLength(1);
    after(61_000);
    expect(await refused(key ?? "")).toHaveLength(2);
  });

  liveTest("is told so also where its mark went with them, as this process accepted one", async ({ redis }) => {
    const { keys, refused } = opened(redis);
    const key = await keys.create(ANN);
    await keys.identify(key);
    await pause(50);
    await redis.send(["DEL", hashOf(redis), `${hashOf(redis)}:order`, installedKey(redis)]);
    after(KEPT_MS + 1);
    expect(await refused(key)).toEqual([{ all: true }]);
  });

  liveTest("is told which one was lost, by its id alone", async ({ redis }) => {
    const { keys, refused } = opened(redis);
    await keys.create({ ...ANN, user: "bob" });
    const key = await keys.create(ANN);
    const { id } = await keys.identify(key);
    const fields = (await redis.send(["HKEYS", hashOf(redis)])) as readonly string[];
    await redis.send(["HDEL", hashOf(redis), ...fields.filter((field) => field.startsWith(id))]);
    after(KEPT_MS + 1);
    const told = await refused(key);
    expect(told).toEqual([{ all: false, id }]);
    expect(JSON.stringify(told)).not.toContain(key);
  });

  liveTest("is told nothing of keys that were revoked, expired, or never were", async ({ redis }) => {
    const { keys, refused } = opened(redis);
    const [kept, revoked] = [await keys.create(ANN), await keys.create(ANN)];
    const ended = await keys.create({ ...ANN, endsAtMs: Date.now() - 1 });
    await keys.identify(kept);
    await keys.revoke(revoked);
    for (const [nth, key] of [stranger, revoked, ended].entries()) {
      after((nth + 1) * (KEPT_MS + 1));
      expect(await refused(key)).toEqual([]);
    }
  });
});

liveTest("a new installation without keys has lost none", async ({ redis }) => {
  expect(await opened(redis).refused(stranger)).toEqual([]);
});

liveTest("unknown keys cost at most one look a second", async ({ counted, proxy }) => {
  const { keys } = opened(counted);
  await keys.create(ANN);
  proxy.reset();
  for (let nth = 0; nth < 20; nth += 1) await keys.identify(stranger).catch(() => {});
  await pause(50);
  expect(proxy.roundTrips()).toBeLessThanOrEqual(22);
});
