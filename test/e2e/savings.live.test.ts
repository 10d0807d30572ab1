import { describe, expect, inject } from "vitest";
import { liveTest } from "../live.ts";
import { createCache } from "../../src/cache/index.ts";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { toQuestion } from "../../src/flow/cacheable.ts";
import { contextOf } from "../../src/flow/context.ts";
import { besideOf } from "../../src/flow/sharing.ts";
import { createFlow } from "../../src/flow/index.ts";
import { demoModel } from "../../src/models/index.ts";
import { createSavings } from "../../src/gateway/tenancy/savings.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const chat = (content: string) => ({ model: "scripted", messages: [{ role: "user" as const, content }] });
const usage = {
  prompt_tokens: 1_000,
  completion_tokens: 500,
  total_tokens: 1_500,
  prompt_tokens_details: { cached_tokens: 200 },
  completion_tokens_details: { reasoning_tokens: 100 },
};
/** 1,000 tokens in and 500 out, at 1 and 4 for a million. */
const COST = 0.003;

const start = (config = {}) =>
  startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { prices: { scripted: { input: 1, output: 4 } }, ...config },
    script: () => ({ raw: JSON.stringify(completion), contentType: "application/json", delayMs: 3 }),
  });
const completion = {
  id: "c",
  object: "chat.completion",
  created: 0,
  model: "scripted",
  choices: [{ index: 0, message: { role: "assistant", content: "330 m" }, finish_reason: "stop" }],
  usage,
};

async function savingsOf(gateway: TestGateway, query: string) {
  const admin = await gateway.keys.create({ scope: "acme", user: "root", name: "a", role: "admin" });
  const answer = await fetch(`${gateway.baseURL}/admin/savings?${query}`, {
    headers: { authorization: `Bearer ${admin}` },
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as {
    data: {
      name: string;
      answers: number;
      hits: number;
      by_tier: Record<string, number>;
      saved: Record<string, number>;
      spent: Record<string, number>;
      unknown: number;
    }[];
    total: { answers: number; hits: number; saved: Record<string, number> };
    wrong: unknown;
    wrong_reason: string | null;
    evidence: Record<string, unknown>;
  };
}

describe("savings", () => {
  liveTest("tell what each hit's answer cost when it was made: tokens, money and time", async () => {
    const gateway = await start({ cache: { tellSaved: true } });
    try {
      const ask = (content: string, user = "ann") =>
        gateway
          .client({ headers: { "x-marrow-user": user } })
          .chat.completions.create(chat(content))
          .withResponse();
      const first = await ask("How tall is the Eiffel Tower?");
      expect(first.response.headers.get("x-marrow-saved")).toBeNull();
      const exact = await ask("How tall is the Eiffel Tower?", "bob");
      expect(exact.response.headers.get("x-marrow-cache")).toBe("exact");
      expect(exact.response.headers.get("x-marrow-saved")).toMatch(/^cost=0\.003000, tokens=1500, seconds=\d+\.\d{3}$/);
      const near = await ask("What is the height of the Eiffel Tower?", "bob");
      const tier = String(near.response.headers.get("x-marrow-cache"));

      const byModel = await savingsOf(gateway, "");
      const hits = tier === "similar" ? 2 : 1;
      expect(byModel.data).toMatchObject([
        {
          name: "scripted",
          answers: 3,
          hits,
          unknown: 0,
          saved: {
            prompt_tokens: 1_000 * hits,
            completion_tokens: 500 * hits,
            cached_tokens: 200 * hits,
            reasoning_tokens: 100 * hits,
            cost: COST * hits,
          },
          spent: { cost: COST * (3 - hits) },
        },
      ]);
      expect(byModel.data[0]?.saved["seconds"]).toBeGreaterThan(0);
      expect([byModel.wrong, byModel.wrong_reason]).toEqual([null, "no_evidence"]);
      expect(byModel.evidence).toMatchObject({ audited: 0, liked: 0, disliked: 0 });
      const byUser = await savingsOf(gateway, "by=user");
      expect(byUser.data.map(({ name, hits: of }) => [name, of])).toEqual([
        ["bob", hits],
        ["ann", 0],
      ]);
      const byTier = await savingsOf(gateway, "by=tier");
      expect(byTier.data.find(({ name }) => name === "exact")).toMatchObject({ answers: 1, hits: 1 });
      const byScope = await savingsOf(gateway, "by=scope");
      expect(byScope.data).toMatchObject([{ name: "acme", answers: 3, hits, by_tier: { exact: 1 } }]);
      expect(byScope.total).toMatchObject({ answers: 3, hits, saved: { cost: COST * hits } });

      const metrics = await (await fetch(`${gateway.baseURL.replace("/v1", "")}/metrics`)).text();
      expect(metrics).toContain(`marrow_saved_cost_total{model="scripted"} ${COST * hits}`);
      expect(metrics).toContain(`marrow_saved_tokens_total{model="scripted",kind="prompt"} ${1_000 * hits}`);
      expect(metrics).toMatch(/marrow_saved_seconds_total\{model="scripted"\} \d/);
    } finally {
      await gateway.close();
    }
  });

  liveTest("come with the estimated share of wrong answers, by whatever evidence there is", async () => {
    const gateway = await start();
    try {
      await gateway.client().chat.completions.create(chat("How tall is the Eiffel Tower?"));
      const cache = createCache(gateway.redis.scope("acme"), {
        name: "chat",
        embedder: staticEmbedder(),
        judge: ({ asked }) => (asked.includes("Big Ben") ? "different" : "same"),
      });
      const told = async (query = "") => {
        const { wrong, wrong_reason } = await savingsOf(gateway, query);
        return { wrong, wrong_reason };
      };
      expect(await told()).toEqual({ wrong: null, wrong_reason: "no_evidence" });
      // Verdicts of a judge, on near misses.
      await cache.store("How tall is the Eiffel Tower in Paris?", { text: "330 m" });
      await cache.lookup("How tall is Big Ben in London?");
      await cache.lookup("Paris has an Eiffel Tower, and how tall is it?");
      await expect.poll(async () => (await told()).wrong).toMatchObject({ by: "judge", of: "near_misses" });
      // A user's word counts more.
      await cache.feedback({ id: "none", match: "exact", score: 1 }, true);
      await cache.feedback({ id: "none", match: "exact", score: 1 }, false);
      const heard = { share: 0.5, looked_at: 2, wrong: 1, by: "feedback", of: "hits" };
      await expect.poll(async () => (await told()).wrong).toMatchObject(heard);
      expect(await told("by=scope")).toMatchObject({ wrong: heard, wrong_reason: null });
    } finally {
      await gateway.close();
    }
  });

  liveTest("say that there is no cache whose answers could be wrong", async () => {
    const gateway = await start({ cache: { enabled: false } });
    try {
      await gateway.client().chat.completions.create(chat("How tall is the Eiffel Tower?"));
      expect(await savingsOf(gateway, "")).toMatchObject({ wrong: null, wrong_reason: "cache_off", evidence: null });
    } finally {
      await gateway.close();
    }
  });

  liveTest(
    "are unknown for an entry of a build that did not keep what it cost, which is served all the same",
    async () => {
      const gateway = await start();
      try {
        const ask = () => gateway.client().chat.completions.create(chat("What is the capital of Peru?")).withResponse();
        await ask();
        const request = chat("What is the capital of Peru?");
        const beside = besideOf({}, { user: "u1", key: "k" }, { ownOnly: false } as never);
        const question = toQuestion(request, contextOf(request, []), beside);
        const cache = createCache(gateway.redis.scope("acme"), { name: "chat", embedder: staticEmbedder() });
        // Stored anew, as a build would that knows nothing of costs.
        if (question === undefined) throw new Error("the request asks nothing of the cache");
        await cache.store(question, { model: "scripted", message: { role: "assistant", content: "Lima" } });
        const hit = await ask();
        expect(hit.response.headers.get("x-marrow-cache")).toBe("exact");
        expect(hit.data.choices[0]?.message.content).toBe("Lima");
        const { data } = await savingsOf(gateway, "");
        expect(data).toMatchObject([{ answers: 2, hits: 1, unknown: 1, saved: { cost: 0 }, spent: { cost: COST } }]);
      } finally {
        await gateway.close();
      }
    },
  );

  liveTest("cost a hit no round trip", async ({ counted, proxy }) => {
    const savings = createSavings(counted, { rowsMax: 10, daysKept: 1 }, () => {});
    const heard: string[] = [];
    const flow = createFlow({
      findModel: () => demoModel({ firstTokenMs: 0, tokenMs: 0 }),
      cache: createCache(counted.scope("acme"), { name: "c" }),
      onAnswered(answered) {
        heard.push(answered.source);
        savings.note("acme", answered);
      },
    });
    const ask = () => flow.chat({ request: { ...chat("What is the capital of Peru?"), model: "demo" }, user: "u" });
    await ask();
    await savings.flush();
    proxy.reset();
    await ask();
    expect({ heard, trips: proxy.roundTrips() }).toEqual({ heard: ["miss", "exact"], trips: 1 });
  });

  liveTest("are kept in a bounded number of rows, and their sum is whole", async ({ redis }) => {
    const savings = createSavings(redis, { rowsMax: 20, daysKept: 1 }, (error) => {
      throw error;
    });
    const cost = { promptTokens: 10, completionTokens: 5, micros: 7, tookMs: 100 };
    for (let n = 0; n < 300; n += 1) {
      savings.note(`scope-${n}`, { user: "u", key: "k", model: "m", source: "exact", cost, tookMs: 1 });
      savings.note("acme", { user: `user-${n}`, key: "k", model: "m", source: "exact", cost, tookMs: 1 });
      if (n % 50 === 49) await savings.flush();
    }
    const day = new Date().toISOString().slice(0, 10);
    const users = (await savings.read("acme", "user", day, day)).slice();
    const scopes = (await savings.read("acme", "scope", day, day)).slice();
    expect(users.length).toBeLessThan(80);
    expect(scopes.length).toBeLessThan(80);
    expect(users.find(({ name }) => name === "(other)")?.hits).toBeGreaterThan(200);
    expect(users.reduce((sum, { hits }) => sum + hits, 0)).toBe(300);
    expect(scopes.reduce((sum, { saved }) => sum + saved.micros, 0)).toBe(7 * 600);
  });
});
