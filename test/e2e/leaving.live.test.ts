import { request as send } from "node:http";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import { ask, askStream, startTestGateway, type TestGateway } from "../gateway.ts";

const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.close();
});

const SLOW = "one two three four five six seven eight nine ten";
/** Longer than any of these tests takes. */
const LONG = SLOW.repeat(6);
const PLAN = { plans: { two: { concurrentStreams: 2 } }, defaultPlan: "two" };

async function setUp(config: GatewayConfigInput = {}, appName?: string) {
  const gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    ...(appName !== undefined && { appName }),
    config: { ...PLAN, ...config },
    script: ({ body }) => {
      if (JSON.stringify(body).includes("lingering")) return { content: LONG, eventDelayMs: 1_000 };
      if (!JSON.stringify(body).includes("slowly")) return "fine";
      return body["stream"] === true ? { content: SLOW, eventDelayMs: 150 } : { content: SLOW, delayMs: 1_000 };
    },
  });
  started.push(gateway);
  return gateway;
}

/** Asks, and leaves: after the first byte of a stream, or while a whole answer is made. */
async function askAndLeave(
  gateway: TestGateway,
  content: string,
  { path = "/chat/completions", headers = {}, ...body }: Record<string, unknown> & { headers?: Record<string, string> },
): Promise<void> {
  const said = path === "/responses" ? { input: content } : { messages: [{ role: "user", content }] };
  const asked = { model: "scripted", ...said, ...body };
  const before = gateway.model.requests.length;
  await new Promise<void>((resolve, reject) => {
    const sent = send(`${gateway.baseURL}${String(path)}`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json", ...headers },
    });
    sent.on("error", reject);
    const leave = () => {
      sent.removeAllListeners("error").on("error", () => {});
      sent.destroy();
      resolve();
    };
    sent.on("response", (response) => response.once("data", leave));
    if (body["stream"] !== true) {
      const begun = setInterval(() => {
        if (gateway.model.requests.length === before) return;
        clearInterval(begun);
        leave();
      }, 5);
    }
    sent.end(JSON.stringify(asked));
  });
}

const NOWHERE = { headers: { "x-marrow-cache-control": "no-store" } };

describe("the place of a stream whose client leaves", () => {
  it("is free at once, while the answer is read to its end for the cache", async () => {
    const gateway = await setUp();
    for (const n of [1, 2]) await askAndLeave(gateway, `slowly ${n} of the two`, { stream: true });
    // Both answers are still being made.
    await expect
      .poll(async () => (await askStream(gateway.client(), "Which one of the two?").catch(() => ({ text: "" }))).text, {
        timeout: 1_000,
      })
      .toBe("fine");
    await expect
      .poll(async () => (await ask(gateway.client(), "slowly 1 of the two")).cache, { timeout: 10_000 })
      .toBe("exact");
    expect(gateway.model.givenUp).toBe(0);
  });

  it("is free at once for one who reads along with another", async () => {
    const gateway = await setUp();
    const first = askStream(gateway.client(), "slowly count the lakes of Norway");
    await expect.poll(() => gateway.model.requests.length).toBe(1);
    await askAndLeave(gateway, "slowly count the lakes of Norway", { stream: true });
    await expect
      .poll(
        async () =>
          (await askStream(gateway.client(), "Which lake is the largest of Norway?").catch(() => ({ text: "" }))).text,
        {
          timeout: 1_000,
        },
      )
      .toBe("fine");
    expect((await first).text).toBe(SLOW);
    expect(gateway.model.requests).toHaveLength(2);
  });
});

describe("an answer whose client left", () => {
  it.each([
    ["streamed", { stream: true }],
    ["whole", {}],
  ])("is ended at the model when nobody wants it: %s", async (_, how) => {
    const gateway = await setUp();
    await askAndLeave(gateway, "slowly for nobody", { ...how, ...NOWHERE });
    await expect.poll(() => gateway.model.givenUp, { timeout: 800 }).toBe(1);
  });

  it("is read to its end for a session, and ended with what came where the configuration says so", async () => {
    const gateway = await setUp();
    const headers = { ...NOWHERE.headers, "x-marrow-session": "s" };
    await askAndLeave(gateway, "slowly for a session", { stream: true, headers });
    await expect.poll(() => said(gateway), { timeout: 10_000 }).toContain("ten");
    expect(gateway.model.givenUp).toBe(0);
    const brief = await setUp({ onDisconnect: "cancel" });
    await askAndLeave(brief, "slowly for a session", { stream: true, headers });
    await expect.poll(() => brief.model.givenUp, { timeout: 800 }).toBe(1);
    await expect.poll(() => said(brief)).toContain("incomplete");
  });

  it("goes on for those who read along, whatever the configuration says", async () => {
    const gateway = await setUp({ onDisconnect: "cancel" });
    const leaves = askAndLeave(gateway, "slowly for two", { stream: true });
    await expect.poll(() => gateway.model.requests.length).toBe(1);
    const stays = askStream(gateway.client(), "slowly for two");
    await leaves;
    expect((await stays).text).toBe(SLOW);
    expect(gateway.model.requests.length - gateway.model.givenUp).toBe(1);
  });

  it("is kept as a response that may be asked for later", async () => {
    const gateway = await setUp({ cache: { enabled: false } });
    await askAndLeave(gateway, "slowly, but kept", { path: "/responses", stream: true });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(gateway.model.givenUp).toBe(0);
    await askAndLeave(gateway, "slowly, not kept", { path: "/responses", stream: true, store: false });
    await expect.poll(() => gateway.model.givenUp, { timeout: 800 }).toBe(1);
  });

  async function said(gateway: TestGateway): Promise<string> {
    const { createMemory } = await import("../../src/memory/index.ts");
    const session = createMemory(gateway.redis.scope("acme"), { name: "chat" }).session({ user: "u1", id: "s" });
    return JSON.stringify((await session.read({})).turns);
  }
});

describe("answers that go on without their client", () => {
  /** Calls that models are at. */
  const open = (...gateways: readonly TestGateway[]) =>
    gateways.reduce((sum, { model }) => sum + model.requests.length - model.givenUp, 0);

  it("are as many as the plan has places over all gateways, and what only the cache wants beyond them is ended", async () => {
    const [one, other] = await setUpTwo();
    for (let n = 0; n < 8; n += 1) await askAndLeave(n % 2 === 0 ? one : other, `lingering ${n}`, { stream: true });
    await expect.poll(() => open(one, other), { timeout: 1_000 }).toBe(2);
    expect((await askStream(one.client(), "Is a place free?")).text).toBe("fine");
    await Promise.all([one.model.close(), other.model.close()]);
  });

  it("keep their place beyond that where a session or a stored response wants them, and give it back at their end", async () => {
    const gateway = await setUp();
    const headers = { ...NOWHERE.headers, "x-marrow-session": "s" };
    const ways = [{ headers }, { path: "/responses" }];
    for (const n of [0, 1, 2, 3]) {
      await askAndLeave(gateway, `lingering ${n}`, { stream: true, ...ways[n % 2] });
      await expect.poll(() => open(gateway)).toBe(n + 1);
    }
    const other = () => askStream(gateway.client(), "What can you do?", { model: "demo" });
    await expect(other()).rejects.toMatchObject({ status: 429 });
    await gateway.model.close();
    await expect.poll(async () => (await other().catch(() => undefined))?.cache, { timeout: 5_000 }).toBe("miss");
  });

  async function setUpTwo(): Promise<readonly [TestGateway, TestGateway]> {
    const one = await setUp();
    return [one, await setUp({}, one.redis.app)];
  }
});
