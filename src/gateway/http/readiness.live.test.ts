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
});
