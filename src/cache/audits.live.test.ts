import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createAudits } from "./audits.ts";
import { bandsOf, COUNTS_MAX, withAudit, type Ledger } from "./bands.ts";

describe("audits", () => {
  liveTest(
    "are written into the ledgers of their bands as the pure rule says, over all processes",
    async ({ tenant, unique }) => {
      const key = `{${tenant.app}:acme}:${unique}`;
      const [one, two] = [1, 2].map(() => createAudits(tenant, key, 60_000, 5_000));
      const twin = new Map<string, Ledger>();
      let seed = 3;
      const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
      for (let at = 0; at < 300; at += 1) {
        const [score, right] = [random(), random() < (at < 150 ? 0.97 : 0.4)];
        await (at % 2 === 0 ? one : two)?.record(score, right, { target: 0.9 });
        for (const band of bandsOf(score)) {
          const ledger = withAudit(twin.get(band), right, 0.9);
          if (ledger === undefined) twin.delete(band);
          else twin.set(band, ledger);
        }
      }
      const known = await createAudits(tenant, key, 60_000, 5_000).ledgers();
      expect([...known.keys()].toSorted()).toEqual([...twin.keys()].toSorted());
      for (const [band, ledger] of twin)
        expect(known.get(band)).toEqual({ ...ledger, doubt: expect.closeTo(ledger.doubt, 5) });
      expect((await one?.counts())?.["audited"]).toBe(300);
    },
  );

  liveTest("fade once a band has many", async ({ tenant, unique }) => {
    const key = `{${tenant.app}:acme}:${unique}`;
    await tenant.send(["HSET", key, "right:0.0", String(COUNTS_MAX - 1), "wrong:0.0", "1"]);
    const audits = createAudits(tenant, key, 60_000, 5_000);
    await audits.record(0.5, true, { target: 0.9 });
    expect((await audits.ledgers()).get("0.0")).toMatchObject({ right: COUNTS_MAX / 2, wrong: 1 });
  });
});
