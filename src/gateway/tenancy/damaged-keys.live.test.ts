import { afterEach, describe, expect, vi } from "vitest";
import { DAMAGES, damage, takeSnapshot } from "../../../test/damage.ts";
import { liveTest } from "../../../test/live.ts";
import { createApiKeys, KEPT_AWAY_MS, KEPT_MS } from "./api-keys.ts";

afterEach(() => void vi.restoreAllMocks());

const UNREAD = expect.stringMatching(/^(corrupt_record|redis_rejected)$/) as string;

describe("an API key whose record is damaged", () => {
  liveTest("stays valid for ten minutes where it was checked, and is refused by name elsewhere", async ({ redis }) => {
    const key = await createApiKeys(redis).create({ scope: "acme", user: "ann", name: "k" });
    const snapshot = await takeSnapshot(redis);
    let startMs = performance.now();
    const now = vi.spyOn(performance, "now");
    const after = (ms: number) => now.mockReturnValue(startMs + ms);
    for (const how of DAMAGES) {
      // Time goes on, as everywhere.
      startMs += 2 * KEPT_AWAY_MS;
      const keys = createApiKeys(redis);
      await snapshot.restore();
      after(0);
      await keys.identify(key);
      if (!(await damage(redis, `{${redis.app}}:gateway:keys`, how))) continue;
      after(KEPT_MS + 1);
      expect([how, await keys.identify(key).catch(String)]).toMatchObject([how, { scope: "acme", user: "ann" }]);
      after(KEPT_AWAY_MS + 1);
      await expect(keys.identify(key)).rejects.toMatchObject({ code: UNREAD });
      await expect(createApiKeys(redis).identify(key)).rejects.toMatchObject({ code: UNREAD });
    }
  });

  liveTest(
    "stays valid whatever is done with keys, as what it became: only one that was revoked here does not",
    async ({ redis }) => {
      const keys = createApiKeys(redis);
      const [key, renamed, removed] = await Promise.all(
        ["k", "renamed", "removed"].map((name) => keys.create({ scope: "acme", user: "ann", name })),
      );
      const ids = await Promise.all([renamed, removed].map(async (one) => (await keys.identify(one)).id));
      await keys.identify(key);
      await keys.update(ids[0] ?? "", { name: "n" });
      await keys.remove(ids[1] ?? "");
      await keys.remove("0123456789abcdef");
      await redis.send(["SET", `{${redis.app}}:gateway:keys`, "damaged"]);
      expect(await keys.identify(key)).toMatchObject({ name: "k" });
      expect(await keys.identify(renamed)).toMatchObject({ name: "n" });
      await expect(keys.identify(removed)).rejects.toMatchObject({ code: UNREAD });
    },
  );

  liveTest("is refused once it was revoked", async ({ redis }) => {
    const keys = createApiKeys(redis);
    const key = await keys.create({ scope: "acme", user: "ann", name: "k" });
    const startMs = performance.now();
    await keys.identify(key);
    await createApiKeys(redis).revoke(key);
    vi.spyOn(performance, "now").mockReturnValue(startMs + KEPT_MS + 1_000);
    await expect(keys.identify(key)).rejects.toMatchObject({ code: "unauthorized" });
    await expect(keys.identify(key)).rejects.toMatchObject({ code: "unauthorized" });
  });
});
