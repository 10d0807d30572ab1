import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, inject, it } from "vitest";
import { createApiKeys } from "../../src/gateway/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { liveTest } from "../live.ts";

async function asAdmin(gateway: TestGateway) {
  const key = await gateway.keys.create({ scope: "acme", user: "root", name: "root", role: "admin" });
  return async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${gateway.baseURL}/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
}

describe("a key with an end", () => {
  liveTest("serves until then, and is unknown from then on, also where it is remembered", async ({ redis }) => {
    const keys = createApiKeys(redis);
    const key = await keys.create({ scope: "acme", user: "ada", name: "guest", endsAtMs: Date.now() + 400 });
    const { id } = await keys.identify(key);
    expect(await keys.standing(id)).toMatchObject({ user: "ada" });
    await pause(500);
    expect(keys.remembered(key)).toBeUndefined();
    await expect(keys.identify(key)).rejects.toMatchObject({ code: "unauthorized" });
    await expect(createApiKeys(redis).identify(key)).rejects.toMatchObject({ code: "unauthorized" });
    expect(await keys.standing(id)).toBeUndefined();
  });

  liveTest("cannot be given one beyond ten years", async ({ redis }) => {
    const keys = createApiKeys(redis);
    const endsAtMs = Date.now() + 20 * 366 * 86_400_000;
    await expect(keys.create({ scope: "acme", user: "u", name: "n", endsAtMs })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });
});

describe("a key that is rotated", () => {
  liveTest("has a successor that stands for the same, and serves on for the overlap", async ({ redis }) => {
    const keys = createApiKeys(redis);
    const old = await keys.create({ scope: "acme", user: "ada", name: "app", plan: "gold", actsFor: "any" });
    const { id } = await keys.identify(old);
    const rotated = await keys.rotate(id, { overlapMs: 300 });
    expect(await keys.identify(rotated?.key)).toMatchObject({
      scope: "acme",
      user: "ada",
      name: "app",
      plan: "gold",
      actsFor: "any",
      id: rotated?.made.id,
    });
    expect(await keys.identify(old)).toMatchObject({ user: "ada" });
    await pause(400);
    await expect(keys.identify(old)).rejects.toMatchObject({ code: "unauthorized" });
    expect(await keys.identify(rotated?.key)).toMatchObject({ user: "ada" });
    // An ended key has no successor: whoever found it must not renew it.
    await expect(keys.rotate(id, { overlapMs: 300 })).rejects.toMatchObject({ code: "conflict" });
    expect(await keys.rotate("0123456789abcdef", { overlapMs: 0 })).toBeUndefined();
  });
});

describe("a key that is rotated during its overlap", () => {
  liveTest("has a successor with the end that the key had before it was rotated", async ({ redis }) => {
    const keys = createApiKeys(redis);
    const endsAtMs = Date.now() + 3_600_000;
    const of = async (end?: number) =>
      keys.identify(
        await keys.create({ scope: "acme", user: "ada", name: "app", ...(end !== undefined && { endsAtMs: end }) }),
      );
    for (const [end, { id }] of [
      [undefined, await of()],
      [endsAtMs, await of(endsAtMs)],
    ] as const) {
      await keys.rotate(id, { overlapMs: 60_000 });
      const second = await keys.rotate(id, { overlapMs: 7_200_000 });
      expect(second?.made.endsAtMs).toBe(end);
      expect((await keys.identify(second?.key)).endsAtMs).toBe(end);
      // The key itself ends as the first rotation said.
      expect(second?.before.endsAtMs).toBeLessThan(Date.now() + 61_000);
    }
  });

  liveTest("whose end was set by hand since then passes that one on", async ({ redis }) => {
    const keys = createApiKeys(redis);
    const { id } = await keys.identify(await keys.create({ scope: "acme", user: "ada", name: "app" }));
    await keys.rotate(id, { overlapMs: 60_000 });
    const endsAtMs = Date.now() + 90_000;
    await keys.update(id, { endsAtMs });
    expect((await keys.rotate(id, { overlapMs: 60_000 }))?.made.endsAtMs).toBe(endsAtMs);
  });
});

describe("/v1/admin/keys", () => {
  it("names users without speaking for them: their number is not bounded as that of a key's new users", async () => {
    const config = { limits: { keyUsers: { limit: 2, windowMs: 60_000 } } };
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config });
    try {
      const admin = await asAdmin(gateway);
      const asked = { model: "scripted", messages: [{ role: "user", content: "Hello" }] };
      for (let n = 0; n < 4; n += 1) {
        expect((await admin("POST", "/keys", { scope: "acme", user: `u${n}` })).status).toBe(201);
        expect((await admin("POST", "/playground", { ...asked, user: `p${n}` })).body["status"]).toBe(200);
      }
    } finally {
      await gateway.close();
    }
  });

  it("lists in pages, of one scope or of all, and tells of ends", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    try {
      const admin = await asAdmin(gateway);
      const endsAt = Date.now() + 60_000;
      for (let n = 0; n < 5; n += 1)
        await admin("POST", "/keys", { scope: "globex", user: `u${n}`, ends_at_ms: endsAt });
      const seen: string[] = [];
      let next: string | undefined;
      let pages = 0;
      do {
        const { body } = await admin("GET", `/keys?limit=2${next === undefined ? "" : `&after=${next}`}`);
        const data = body["data"] as { id: string }[];
        expect(data.length).toBeLessThanOrEqual(2);
        seen.push(...data.map(({ id }) => id));
        next = body["next"] as string | undefined;
        pages += 1;
      } while (next !== undefined);
      // Five of one scope, the test's own and the admin's.
      expect([seen.length, new Set(seen).size, pages]).toEqual([7, 7, 4]);
      const own = await admin("GET", "/keys?scope=globex");
      expect(own.body["data"]).toHaveLength(5);
      expect(own.body["data"]).toMatchObject(Array.from({ length: 5 }, () => ({ ends_at_ms: endsAt, ended: false })));
      expect((await admin("GET", "/keys?limit=0")).status).toBe(400);
      expect((await admin("GET", "/keys?after=nobody")).status).toBe(400);
    } finally {
      await gateway.close();
    }
  });

  it("rotates a key, and gives it an end or takes it back", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    try {
      const admin = await asAdmin(gateway);
      const made = await admin("POST", "/keys", { scope: "acme", user: "ada" });
      const id = String(made.body["id"]);
      const rotated = await admin("POST", `/keys/${id}/rotate`, { overlap_ms: 60_000 });
      expect(rotated).toMatchObject({
        status: 201,
        body: { object: "key", user: "ada", ends_at_ms: null, before: { id, ended: false } },
      });
      const { ends_at_ms: ends } = rotated.body["before"] as { ends_at_ms: number };
      expect(Math.abs(ends - Date.now() - 60_000)).toBeLessThan(5_000);
      expect(await gateway.keys.identify(String(rotated.body["key"]))).toMatchObject({ user: "ada" });
      expect((await admin("POST", `/keys/${id}`, { ends_at_ms: null })).body).toMatchObject({ ends_at_ms: null });
      expect((await admin("POST", `/keys/${id}`, { ends_at_ms: 1 })).body).toMatchObject({ ended: true });
      expect((await admin("POST", `/keys/${id}/rotate`, {})).status).toBe(409);
      expect((await admin("POST", "/keys/0123456789abcdef/rotate")).status).toBe(404);
      expect((await admin("POST", "/keys", { scope: "acme", user: "ada", ends_at_ms: 1 })).body).toMatchObject({
        error: { param: "ends_at_ms" },
      });
      const late = Date.now() + 11 * 365 * 86_400_000;
      expect((await admin("POST", `/keys/${id}`, { ends_at_ms: late })).body).toMatchObject({
        error: { param: "ends_at_ms", message: expect.stringContaining("ten years") as string },
      });
    } finally {
      await gateway.close();
    }
  });
});

it("a gateway whose API keys were lost says so in its log, without the key", async () => {
  const lines: string[] = [];
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), log: (line) => void lines.push(line) });
  try {
    const { redis, key, baseURL } = gateway;
    await gateway.keys.createFirst();
    await redis.send(["DEL", `{${redis.app}}:gateway:keys`]);
    const ask = () => fetch(`${baseURL}/models`, { headers: { authorization: `Bearer ${key}` } });
    expect([(await ask()).status, (await ask()).status]).toEqual([401, 401]);
    await expect.poll(() => lines.filter((line) => line.includes("Redis lost all API keys"))).toHaveLength(1);
    expect(lines.join("")).not.toContain(key);
  } finally {
    await gateway.close();
  }
});
