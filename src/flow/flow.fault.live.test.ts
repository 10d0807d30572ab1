import { afterAll, beforeAll, describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { until } from "../../test/servers.ts";
import { createCache } from "../cache/index.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { createLimiter } from "../limiter/index.ts";
import { createMemory } from "../memory/index.ts";
import { openaiModel, routeModels } from "../models/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing, startScriptedModel, type ScriptedModel } from "../testing/index.ts";
import { createFlow, type ChatOutcome, type StoredAnswer } from "./index.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

/** A flow whose roles may each have a connection of its own. */
function flowOf(roles: { cache: ScopedRedis; memory: ScopedRedis; limiter: ScopedRedis }) {
  const { find } = routeModels([openaiModel({ baseUrl: model.baseUrl })]);
  return createFlow({
    findModel: find,
    cache: createCache<StoredAnswer>(roles.cache, { name: "c", embedder: staticEmbedder() }),
    memory: createMemory(roles.memory, { name: "m" }),
    limiter: createLimiter(roles.limiter, {
      name: "l",
      onUnavailable: "allow",
      rules: [
        { id: "requests", by: "user", limit: 100, windowMs: 60_000 },
        { id: "tokens", by: "user", unit: "tokens", limit: 5_000, windowMs: 60_000 },
      ],
    }),
  });
}

const chat = (content: string, more = {}) => ({
  request: { model: "scripted", messages: [{ role: "user", content }] },
  user: "u",
  ...more,
});
const cacheOf = (outcome: ChatOutcome) => (outcome.kind === "whole" ? outcome.provenance.cache : outcome.kind);

describe("the sync path", () => {
  liveTest("answers whichever of its commands is lost, before or after it ran", async ({ tenant }) => {
    for (const when of ["before", "after"] as const) {
      for (let nth = 1; nth <= 9; nth += 1) {
        const lost = losing(tenant, nth, when);
        const flow = flowOf({ cache: lost, memory: lost, limiter: lost });
        const outcome = await flow.chat(chat(`question ${when} ${nth}`, { session: `${when}${nth}` }));
        expect(outcome.kind).toBe("whole");
        const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: `${when}${nth}` });
        const roles = (await session.window({ last: 10 })).turns.map(({ role }) => role);
        expect([[], ["user", "assistant"]]).toContainEqual(roles);
      }
    }
  });

  liveTest(
    "answers whichever of its commands gets another command's reply, and each that follows the one before it",
    async ({ counted, proxy }) => {
      const tenant = counted.scope("acme");
      const flow = flowOf({ cache: tenant, memory: tenant, limiter: tenant });
      await flow.chat(chat("first of all", { session: "first" }));
      const surplus = ["$2\r\nOK\r\n", ":1\r\n", "*2\r\n$1\r\na\r\n:-1\r\n", "$-1\r\n"];
      for (const [kind, bytes] of surplus.entries()) {
        for (let nth = 1; nth <= 6; nth += 1) {
          let read = 0;
          proxy.spoil((given) => ((read += 1) === nth ? Buffer.concat([Buffer.from(bytes), given]) : given));
          const asked = [1, 2, 3].map((at) => chat(`question ${kind} ${nth} ${at}`, { session: `${kind}${nth}${at}` }));
          const outcomes = await Promise.all(asked.map((one) => flow.chat(one)));
          expect(outcomes.map(({ kind: how }) => how)).toEqual(["whole", "whole", "whole"]);
        }
      }
      proxy.spoil(undefined);
    },
  );

  liveTest(
    "keeps the turns of many at once in the order of their questions, and none that failed",
    async ({ tenant }) => {
      const scripted = await startScriptedModel(({ body }) => {
        const text = JSON.stringify(body);
        if (text.includes("fails")) return { status: 400 };
        return text.includes("slow one") ? { content: "slowly", delayMs: 1_500 } : "at once";
      });
      const { find } = routeModels([openaiModel({ baseUrl: scripted.baseUrl })]);
      const memory = createMemory(tenant, { name: "m" });
      const cache = createCache<StoredAnswer>(tenant, { name: "c", embedder: staticEmbedder() });
      const flow = createFlow({ findModel: find, cache, memory });
      const slow = flow.chat(chat("the slow one", { session: "s" }));
      await until(() => scripted.requests.length === 1, "the slow one to be asked");
      for (const nth of [1, 2]) {
        const failed = flow.chat(chat("this fails", { session: "s" }));
        await expect(failed).rejects.toMatchObject({ code: "model_failed" });
        expect((await flow.chat(chat(`a quick one ${nth}`, { session: "s" }))).kind).toBe("whole");
      }
      await slow;
      const session = memory.session({ user: "u", id: "s" });
      const said = ["the slow one", "slowly", "a quick one 1", "at once", "a quick one 2", "at once"];
      await expect.poll(async () => (await session.read()).turns.map(({ turn }) => turn.content)).toEqual(said);
      // The next question is asked, and looked up, with what stands there now.
      await flow.chat(chat("and now", { session: "s" }));
      const { messages } = (scripted.requests.at(-1) as never as { body: unknown }).body as {
        messages: { content: string }[];
      };
      expect(messages.map(({ content }) => content)).toEqual([...said, "and now"]);
      const empty = flow.chat(chat("this fails", { session: "new" }));
      await expect(empty).rejects.toMatchObject({ code: "model_failed" });
      await expect.poll(() => memory.session({ user: "u", id: "new" }).info()).toBeUndefined();
      await scripted.close();
    },
  );

  liveTest(
    "asks the model once for two questions of one meaning, when the first one's flight ends before the second one follows it",
    async ({ tenant }) => {
      const stored = Promise.withResolvers<void>();
      let joined = false;
      const storingLate: ScopedRedis["send"] = async (command, options) => {
        if (joined) await stored.promise;
        const reply = await tenant.send(command, options);
        joined ||= String(command[0]).startsWith("EVAL") && command.some((part) => String(part).includes(":lease:"));
        return reply;
      };
      const first = flowOf({ cache: { ...tenant, send: storingLate }, memory: tenant, limiter: tenant });
      const asked = model.requests.length;
      const leading = first.chat(chat("Who wrote Don Quixote?"));
      await expect.poll(() => model.requests.length).toBe(asked + 1);

      const followingLate: ScopedRedis["send"] = async (command, options) => {
        if (command[0] === "GET" && String(command[1]).includes(":lease:")) {
          stored.resolve();
          await leading;
          await expect.poll(() => tenant.send(command, options)).toBeNull();
        }
        return tenant.send(command, options);
      };
      const second = flowOf({ cache: { ...tenant, send: followingLate }, memory: tenant, limiter: tenant });
      expect(cacheOf(await second.chat(chat("who wrote Don Quixote")))).toBe("shared");
      expect(model.requests.length - asked).toBe(1);
    },
  );

  liveTest("keeps a request's turn once for all that come under its name", async ({ tenant }) => {
    const flow = flowOf({ cache: tenant, memory: tenant, limiter: tenant });
    for (let nth = 0; nth < 3; nth += 1) await flow.chat(chat("once", { session: "s", idempotencyKey: "one" }));
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    expect((await session.read()).turns.map(({ turn }) => turn.content)).toHaveLength(2);
  });

  liveTest("serves a session that went back in time by what it holds now", async ({ tenant, redis }) => {
    const here = flowOf({ cache: tenant, memory: tenant, limiter: tenant });
    const elsewhere = flowOf({ cache: tenant, memory: tenant, limiter: tenant });
    const say = (flow: ReturnType<typeof flowOf>, session: string, content: string) =>
      flow.chat(chat(content, { session }));
    // Another session with the same turns has had the question answered.
    for (const content of ["I am Ada.", "No: I am Bea.", "Who am I?"]) await say(here, "other", content);
    await say(here, "s", "I am Ada.");
    const keys = (await redis.send(["KEYS", `*${redis.app}*:session:s:*`])) as string[];
    expect(keys.length).toBeGreaterThan(0);
    const copies = await Promise.all(keys.map((key) => redis.send(["DUMP", key], { reply: "bytes" })));
    await say(here, "s", "No: I am Bea.");
    // A fail-over to a replica that lags: the last turn is gone, and another process writes a different one in its place.
    for (const [at, key] of keys.entries())
      await redis.send(["RESTORE", key, "0", copies[at] as unknown as Buffer, "REPLACE"]);
    await say(elsewhere, "s", "No: I am Cleo.");
    expect(cacheOf(await say(here, "s", "Who am I?"))).toBe("miss");
    const { messages } = (model.requests.at(-1) as never as { body: { messages: { content: string }[] } }).body;
    expect(messages.map(({ content }) => content)).toContain("No: I am Cleo.");
  });

  liveTest("neither serves nor stores in a session whose history it could not read", async ({ tenant }) => {
    const good = flowOf({ cache: tenant, memory: tenant, limiter: tenant });
    await good.chat(chat("My name is Ada.", { session: "s" }));
    await good.chat(chat("What is my name?", { session: "s" }));
    expect(cacheOf(await good.chat(chat("What is my name?")))).toBe("miss");
    const blind = flowOf({ cache: tenant, memory: losing(tenant, 1, "before"), limiter: tenant });
    const outcome = await blind.chat(chat("What is my name?", { session: "s" }));
    expect([cacheOf(outcome), outcome.kind === "whole" && outcome.provenance.session]).toEqual([
      "bypass",
      "unavailable",
    ]);
  });

  liveTest("gives back the tokens of a similar hit, and reserves none for an exact one", async ({ tenant }) => {
    const flow = flowOf({ cache: tenant, memory: tenant, limiter: tenant });
    await flow.chat(chat("What is the capital of France?"));
    const remaining = async (content: string) => {
      const outcome = await flow.chat(chat(content));
      await new Promise((resolve) => setTimeout(resolve, 40));
      return [cacheOf(outcome), outcome.kind === "whole" && outcome.provenance.decision?.rules[1]?.remaining];
    };
    await new Promise((resolve) => setTimeout(resolve, 40));
    const used = 15;
    expect(await remaining("What is the capital of France?")).toEqual(["exact", 5_000 - used]);
    const [cache, whileReserved] = await remaining("What's the capital of France?");
    expect([cache, Number(whileReserved) < 5_000 - used]).toEqual(["similar", true]);
    expect(await remaining("What is the capital of France?")).toEqual(["exact", 5_000 - used]);
  });

  liveTest("refuses by tokens without charging the request, and still serves what is stored", async ({ tenant }) => {
    const flow = flowOf({ cache: tenant, memory: tenant, limiter: tenant });
    await flow.chat(chat("What is the capital of France?"));
    const refused = await flow.chat({ ...chat("x".repeat(30_000)) });
    expect(refused).toMatchObject({ kind: "refused", decision: { refusedBy: "tokens" } });
    await new Promise((resolve) => setTimeout(resolve, 40));
    const stored = await flow.chat(chat("What is the capital of France?"));
    expect(cacheOf(stored)).toBe("exact");
    // A sliding window gives back a thousandth in the meantime.
    const left = stored.kind === "whole" ? stored.provenance.decision?.rules[0]?.remaining : undefined;
    expect(Math.floor(left ?? 0)).toBe(98);
  });
});
