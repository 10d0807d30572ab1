import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import { ask, startTestGateway, type TestGateway } from "../gateway.ts";

const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.close();
});

/** Asks as a user, by the key of the test or another one of the same scope. */
async function setUp(config: GatewayConfigInput = {}) {
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config });
  started.push(gateway);
  const other = await gateway.keys.create({ scope: "acme", user: "u1", name: "other", actsFor: "any" });
  return async (user: string, content: string, headers: Record<string, string> = {}, apiKey?: "other") => {
    const client = gateway.client({ ...(apiKey && { apiKey: other }), headers: { "x-marrow-user": user, ...headers } });
    return (await ask(client, content)).cache;
  };
}

const PUBLIC = "What is the capital of France?";

describe("an answer that depends on who asks", () => {
  it("is never served to another user, and is to the same one", async () => {
    const asked = await setUp();
    for (const prompt of [
      "What is my balance?",
      "Am I eligible?",
      "Where is our account?",
      "What was the last invoice?",
      "mi saldo",
      "cuanto debo",
    ]) {
      expect(await asked("ann", prompt)).toBe("miss");
      expect(await asked("bob", prompt)).toBe("miss");
      expect(await asked("ann", prompt)).toBe("exact");
    }
  });

  it("is not served to another user by its meaning, nor to one who asks in the same moment", async () => {
    const asked = await setUp();
    expect(await asked("ann", "Why was I charged twice in March?")).toBe("miss");
    expect(await asked("bob", "Why was I charged twice in March, please?")).toBe("miss");
    const at = randomUUID();
    const both = await Promise.all([
      asked("ann", `What is my balance at ${at}?`),
      asked("bob", `What is my balance at ${at}?`),
    ]);
    expect(both).toEqual(["miss", "miss"]);
  });

  it("is shared over the scope where a configuration says so", async () => {
    const asked = await setUp({ cache: { personal: "scope" } });
    expect([await asked("ann", "What is my balance?"), await asked("bob", "What is my balance?")]).toEqual([
      "miss",
      "exact",
    ]);
  });
});

describe("an answer to what everybody may ask", () => {
  it("is shared over the scope", async () => {
    const asked = await setUp();
    expect([await asked("ann", PUBLIC), await asked("bob", PUBLIC)]).toEqual(["miss", "exact"]);
  });

  it("is shared among one user's requests alone, per user", async () => {
    const asked = await setUp({ cache: { per: "user" } });
    expect([await asked("ann", PUBLIC), await asked("bob", PUBLIC), await asked("ann", PUBLIC, {}, "other")]).toEqual([
      "miss",
      "miss",
      "exact",
    ]);
  });

  it("is shared among one key's requests alone, per key", async () => {
    const asked = await setUp({ cache: { per: "key" } });
    expect([await asked("ann", PUBLIC), await asked("bob", PUBLIC), await asked("ann", PUBLIC, {}, "other")]).toEqual([
      "miss",
      "exact",
      "miss",
    ]);
  });

  it("is kept to its user by a plan, and by a request that says private; neither widens anything", async () => {
    const asked = await setUp({ plans: { apart: { cachePer: "user" } }, defaultPlan: "apart" });
    expect([await asked("ann", PUBLIC), await asked("bob", PUBLIC)]).toEqual(["miss", "miss"]);
    const open = await setUp();
    const own = { "x-marrow-cache-control": "private" };
    expect([await open("ann", PUBLIC), await open("bob", PUBLIC, own), await open("bob", PUBLIC, own)]).toEqual([
      "miss",
      "miss",
      "exact",
    ]);
    expect(await open("cid", PUBLIC)).toBe("exact");
  });
});
