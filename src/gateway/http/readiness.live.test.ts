import { setTimeout as pause } from "node:timers/promises";
import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { installedKey } from "../tenancy/installation.ts";
import { createReadiness } from "./readiness.ts";

describe("the readiness of a gateway", () => {
  liveTest(
    "tells once that Redis lost the mark of the installation, and nothing where there was none",
    async ({ redis }) => {
      let emptied = 0;
      const readiness = createReadiness(
        redis,
        () => {},
        () => (emptied += 1),
      );
      const look = async () => {
        expect(await readiness()).toEqual({ ready: true });
        await pause(300);
        return emptied;
      };
      expect(await look()).toBe(0);
      await redis.send(["SET", installedKey(redis), "1"]);
      expect(await look()).toBe(0);
      await redis.send(["DEL", installedKey(redis)]);
      expect([await look(), await look()]).toEqual([1, 1]);
    },
  );

  liveTest(
    "calls Redis slow while it answers later than chats wait, and not for one late answer",
    async ({ counted, proxy }) => {
      const readiness = createReadiness(counted);
      const look = async () => {
        await pause(260);
        return readiness();
      };
      expect(await look()).toEqual({ ready: true });
      proxy.delay(300);
      const late = look();
      await pause(300);
      proxy.delay(0);
      expect(await late).toEqual({ ready: true });
      proxy.delay(300);
      for (let nth = 0; nth < 3; nth += 1)
        expect(await look()).toEqual({
          ready: false,
          state: "slow",
          reason: "Redis answers later than chats wait for it (250 ms)",
          reads: false,
        });
      proxy.delay(0);
      expect(await look()).toEqual({ ready: true });
    },
  );
});
