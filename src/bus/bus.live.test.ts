import { generateKeyPairSync } from "node:crypto";
import { describe, expect, inject } from "vitest";
import { onBus } from "../../test/bus.ts";
import { liveTest } from "../../test/live.ts";
import { MarrowError } from "../errors.ts";
import { connect } from "../index.ts";
import { createBus, type AnswerEvent, type Letter } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a channel on which somebody else publishes what is no message", () => {
  liveTest(
    "ends no process: what cannot be read is told of, and the next message is heard",
    async ({ redis, tenant }) => {
      const errors: unknown[] = [];
      const bus = createBus<{ a: number }>(tenant, { onError: (error) => errors.push(error) });
      const heard: unknown[] = [];
      const live = await bus.subscribe(["a"], ({ body }) => heard.push(body));
      const presence = await bus.watch(({ agent }) => heard.push(agent));
      const channels = (await redis.send(["PUBSUB", "CHANNELS", `*${redis.app}*`])) as string[];
      expect(channels.length).toBeGreaterThanOrEqual(2);
      for (const channel of channels) await redis.send(["PUBLISH", channel, "%E0%A4%A online"]);
      await bus.publish("a", 1);
      await expect.poll(() => heard).toContain(1);
      expect(heard).toEqual([1]);
      expect(errors).toMatchObject([{ code: "corrupt_record" }]);
      await live.close();
      await presence.close();
    },
  );
});

describe("an agent's inbox", () => {
  liveTest("takes a message in one round trip", async ({ redis, counted, proxy }) => {
    const agent = await createBus(redis.scope("acme")).register({ name: "a" }, () => null);
    const bus = createBus(counted.scope("acme"));
    await bus.send("a", "warm");
    proxy.reset();
    expect(await bus.send("a", { n: 1 })).toMatchObject({ state: "accepted", path: ["a"] });
    expect(proxy.roundTrips()).toBe(1);
    await agent.close();
  });

  liveTest("takes a message, whose receipt moves from accepted to handled", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      let letGo = () => {};
      const held = new Promise<void>((resolve) => (letGo = resolve));
      const seen: Letter[] = [];
      await keep(
        bus.register({ name: "writer" }, async (letter) => {
          seen.push(letter);
          await held;
        }),
      );
      const sent = await bus.send("writer", { text: "hello" });
      expect(sent).toMatchObject({ to: "writer", hops: 0, path: ["writer"], reason: undefined });
      expect(["accepted", "delivered"]).toContain(sent.state);
      await expect.poll(async () => (await bus.receipt(sent.id))?.state).toBe("delivered");
      expect(seen[0]).toMatchObject({ body: { text: "hello" }, from: undefined, redelivered: false, tree: sent.id });
      letGo();
      await expect.poll(async () => (await bus.receipt(sent.id))?.state).toBe("handled");
      expect(await bus.receipt("none")).toBeUndefined();
    });
  });

  liveTest(
    "bounces at once what is for nobody, for one who drains, and what is too much",
    async ({ redis, tenant }) => {
      await onBus(tenant, async (bus, keep) => {
        expect(await bus.send("nobody", 1)).toMatchObject({ state: "bounced", reason: "absent" });
        const agent = await keep(bus.register({ name: "slow" }, () => pause(300), { concurrency: 1, inboxMax: 2 }));
        const states = [await bus.send("slow", 1), await bus.send("slow", 2), await bus.send("slow", 3)].map(
          ({ state, reason }) => reason ?? state,
        );
        expect(states.at(-1)).toBe("full");
        await agent.drain();
        expect(await bus.send("slow", 4)).toMatchObject({ state: "bounced", reason: "draining" });
        expect(await createBus(redis.scope("other")).send("slow", 5)).toMatchObject({
          state: "bounced",
          reason: "absent",
        });
        await agent.close();
        expect(await bus.send("slow", 6)).toMatchObject({ state: "bounced", reason: "absent" });
      });
    },
  );

  liveTest("sends a message once for its id, and expires what nobody handled in time", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      const seen: unknown[] = [];
      await keep(
        bus.register(
          { name: "busy" },
          async ({ body, signal }) => {
            seen.push(body);
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
          },
          { concurrency: 1 },
        ),
      );
      const first = await bus.send("busy", "a", { id: "m1", ttlMs: 300 });
      expect((await bus.send("busy", "a", { id: "m1" })).id).toBe(first.id);
      const second = await bus.send("busy", "b", { ttlMs: 200 });
      await expect.poll(async () => (await bus.receipt(second.id))?.state, { timeout: 3_000 }).toBe("expired");
      await expect.poll(async () => (await bus.receipt("m1"))?.state, { timeout: 3_000 }).toBe("expired");
      expect(seen).toEqual(["a"]);
    });
  });

  liveTest(
    "gives a message of a process that died to another one, marked, and bounces what kills them all",
    async ({ redis, tenant }) => {
      await onBus(tenant, async (bus, keep) => {
        const options = { leaseMs: 1_000, deliveriesMax: 2 };
        const dying = async () => {
          // A process whose connection is gone says nothing any more.
          const own = await connect(inject("redisUrl"), { app: redis.app });
          const seen = Promise.withResolvers<void>();
          const register = createBus(own.scope("acme")).register(
            { name: "w" },
            () => (seen.resolve(), new Promise(() => {})),
            options,
          );
          return { register, seen: seen.promise, die: () => own.close() };
        };
        const [first, second] = [await dying(), await dying()];
        await first.register;
        const sent = await bus.send("w", "x", { ttlMs: 20_000 });
        await first.seen;
        await first.die();
        await second.register;
        await second.seen;
        expect(await bus.receipt(sent.id)).toMatchObject({ state: "delivered", deliveries: 2 });
        await second.die();
        const letters: Letter[] = [];
        await keep(bus.register({ name: "w" }, (letter) => void letters.push(letter), options));
        await expect.poll(async () => (await bus.receipt(sent.id))?.reason, { timeout: 6_000 }).toBe("crashed");
        const third = await dying();
        void third.register.catch(() => {});
        await third.die();
        expect(letters).toEqual([]);
        await bus.send("w", "y");
        await expect.poll(() => letters.map(({ body, redelivered }) => [body, redelivered])).toEqual([["y", false]]);
      });
    },
  );
});

describe("a request", () => {
  liveTest("is answered, fails with the handler's code, or knows at once that nobody is there", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      const add = ({ body }: Letter<number[]>) => {
        if (body.length === 0) throw new MarrowError("too_large", "no");
        return body.reduce((a, b) => a + b, 0);
      };
      await keep(bus.register<number[]>({ name: "adder" }, add));
      expect(await bus.request<number>("adder", [1, 2, 3])).toMatchObject({ state: "handled", reply: 6 });
      expect(await bus.request("adder", [])).toMatchObject({ state: "bounced", reason: "too_large" });
      const startMs = performance.now();
      expect(await bus.request("nobody", 1, { ttlMs: 60_000 })).toMatchObject({ state: "bounced", reason: "absent" });
      expect(performance.now() - startMs).toBeLessThan(2_000);
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => bus.request<number>("adder", [n, 1])));
      expect(answers.map((answer) => (answer.state === "handled" ? answer.reply : -1))).toEqual(
        Array.from({ length: 100 }, (_, n) => n + 1),
      );
    });
  });

  liveTest("passes its deadline on, and keeps a late answer aside", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      const deadlines: number[] = [];
      await keep(bus.register({ name: "below" }, ({ deadlineMs }) => void deadlines.push(deadlineMs)));
      const above = await keep(
        bus.register({ name: "above" }, async ({ deadlineMs, body, request }) => {
          deadlines.push(deadlineMs);
          await request("below", 1, { ttlMs: 60_000 });
          await pause(Number(body));
          return "late";
        }),
      );
      expect(await bus.request("above", 0, { ttlMs: 2_000 })).toMatchObject({ state: "handled" });
      expect(deadlines[1]).toBe(deadlines[0]);
      const asked = await above.request("above", 700, { ttlMs: 300 });
      expect(asked.state).toBe("expired");
      await expect.poll(() => bus.lateReplies("above"), { timeout: 3_000 }).toEqual([{ id: asked.id, reply: "late" }]);
    });
  });

  liveTest("is streamed while it is made, and given up by its signal", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      const ended: unknown[] = [];
      await keep(
        bus.register<number>({ name: "teller" }, async ({ body, write, signal }) => {
          for (let n = 0; n < body && !signal.aborted; n += 1) {
            write(`w${n} `);
            await pause(5);
          }
          ended.push(signal.aborted);
          return "told";
        }),
      );
      const events: AnswerEvent[] = [];
      for await (const event of bus.stream("teller", 30)) events.push(event);
      const text = events.map((event) => (event.kind === "text" ? event.text : "")).join("");
      expect(text).toBe(Array.from({ length: 30 }, (_, n) => `w${n} `).join(""));
      expect(events.at(-1)).toMatchObject({ kind: "ended", state: "handled", reply: "told" });
      const none: AnswerEvent[] = [];
      for await (const event of bus.stream("nobody", 1)) none.push(event);
      expect(none).toMatchObject([{ kind: "ended", state: "bounced", reason: "absent" }]);
      await expect(bus.request("teller", 10_000, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
        code: "aborted",
      });
      await expect.poll(() => ended, { timeout: 3_000 }).toEqual([false, true]);
    });
  });
});

describe("the guards of a call tree", () => {
  liveTest("can be looked at: who sent which message in handling which, also one that bounced", async ({ tenant }) => {
    const bus = createBus(tenant);
    const leaf = await bus.register({ name: "leaf" }, () => "done");
    const root = await bus.register({ name: "root" }, async (letter) => {
      await letter.request("leaf", 1, { gives: { tokens: 7 } });
      await letter.send("nobody", 2);
    });
    await bus.request("leaf", "alone");
    expect(await bus.trees()).toEqual([]);
    const { id } = await bus.request("root", "go", { limits: { tokens: 100 } });
    expect(await bus.trees()).toEqual([{ id, atMs: expect.any(Number) }]);
    expect(await bus.tree(id)).toMatchObject([
      { id, to: "root", parent: undefined, state: "handled" },
      { from: "root", to: "leaf", parent: id, state: "handled", hops: 1, gives: { tokens: 7 } },
      { from: "root", to: "nobody", parent: id, state: "bounced", reason: "absent" },
    ]);
    expect(await bus.tree("none")).toEqual([]);
    await Promise.all([root.close(), leaf.close()]);
    await bus.close();
  });

  liveTest("stop two agents that answer each other for ever, and tell who began", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      const turns: string[] = [];
      const notices: unknown[] = [];
      const play =
        (other: string) =>
        async ({ send, bounce }: Letter) => {
          if (bounce !== undefined) return;
          turns.push(other);
          const { state, reason } = await send(other, "your turn");
          if (state === "bounced") turns.push(String(reason));
        };
      await keep(bus.register({ name: "ping" }, play("pong")));
      await keep(bus.register({ name: "pong" }, play("ping")));
      const origin = await keep(
        bus.register({ name: "origin" }, ({ bounce }) => void (bounce !== undefined && notices.push(bounce))),
      );
      await origin.send("ping", "go", { limits: { hopsMax: 10, visitsMax: 100 } });
      await expect.poll(() => notices.length, { timeout: 5_000 }).toBe(1);
      expect(notices).toMatchObject([{ reason: "hops" }]);
      expect(turns).toHaveLength(12);
      await origin.send("ping", "go");
      await expect.poll(() => notices.length, { timeout: 5_000 }).toBe(2);
      expect(notices[1]).toMatchObject({ reason: "loop" });
    });
  });

  liveTest("refuse a fan-out bomb, with its budget intact", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      const work: unknown[] = [];
      await keep(
        bus.register({ name: "worker" }, ({ use, body }) => {
          work.push(body);
          use({ tokens: 1 });
        }),
      );
      const reasons: unknown[] = [];
      await keep(
        bus.register<{ n: number; to: string }>({ name: "bomb" }, async ({ body, request }) => {
          for (let n = 0; n < body.n; n += 1) {
            const answer = await request(body.to, n, { gives: { tokens: 10 } });
            reasons.push(answer.state === "bounced" ? answer.reason : undefined);
          }
        }),
      );
      await bus.request("bomb", { n: 40, to: "worker" }, { limits: { fanOutMax: 21 } });
      expect(reasons.filter((reason) => reason === undefined)).toHaveLength(20);
      expect(new Set(reasons.slice(20))).toEqual(new Set(["fan_out"]));
      reasons.length = 0;
      await keep(bus.register({ name: "greedy" }, () => {}));
      await bus.request("bomb", { n: 10, to: "greedy" }, { limits: { tokens: 35 } });
      expect(reasons).toEqual([
        ...Array.from({ length: 3 }, () => undefined),
        ...Array.from({ length: 7 }, () => "budget"),
      ]);
      reasons.length = 0;
      await bus.request("bomb", { n: 20, to: "worker" }, { limits: { tokens: 35 } });
      // Each was given 10 and used 1: what is left comes back and is given to the next.
      await expect.poll(() => work.length, { timeout: 3_000 }).toBe(40);
      expect(reasons.filter((reason) => reason !== undefined)).toEqual([]);
      const asked = await bus.request("bomb", { n: 0, to: "worker" }, { limits: { tokens: 5 }, gives: { tokens: 6 } });
      expect(asked).toMatchObject({ state: "bounced", reason: "budget" });
    });
  });

  liveTest("let nobody widen what was set above", async ({ tenant }) => {
    await onBus(tenant, async (bus, keep) => {
      const reasons: unknown[] = [];
      await keep(bus.register({ name: "leaf" }, () => {}));
      await keep(
        bus.register({ name: "middle" }, async ({ send }) => {
          reasons.push((await send("leaf", 1, { limits: { hopsMax: 100 }, ttlMs: 999_999 })).reason);
        }),
      );
      await bus.request("middle", 1, { limits: { hopsMax: 0 } });
      expect(reasons).toEqual(["hops"]);
    });
  });

  liveTest("take only what is signed by whom it names, when that is asked for", async ({ tenant }) => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const { privateKey: other } = generateKeyPairSync("ed25519");
    await onBus(
      tenant,
      async (bus, keep) => {
        const handler = ({ request, body }: Letter) => (body === "deep" ? request("safe", "child") : "ok");
        await keep(bus.register({ name: "safe" }, () => "ok", { privateKey }));
        const sender = await keep(bus.register({ name: "sender" }, handler, { privateKey: other }));
        expect(await bus.request("safe", 1)).toMatchObject({ state: "bounced", reason: "signature" });
        expect(await sender.request("safe", { a: [1, "ä"] })).toMatchObject({ state: "handled" });
        expect(await sender.request("sender", "deep")).toMatchObject({ state: "handled", reply: { state: "handled" } });
        // Another process that takes the name has not the key.
        const thief = createBus(tenant, { requireSignatures: true });
        const forged = await thief.register({ name: "thief" }, () => {}, { privateKey });
        await forged.close();
        await thief.close();
        expect(await sender.request("sender", "x")).toMatchObject({ state: "handled" });
      },
      { requireSignatures: true },
    );
  });
});
