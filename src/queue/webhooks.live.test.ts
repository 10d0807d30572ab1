import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { hurry as hurryOf, receiving, type Received } from "../../test/receiver.ts";
import type { Redis, ScopedRedis } from "../redis/index.ts";
import { createQueue, createSender, createWebhooks, type SenderOptions } from "./index.ts";

const OPEN = { allowHttp: true, allowNetworks: ["127.0.0.0/8"] };

async function sending<T>(redis: Redis, run: () => Promise<T>, options: Partial<SenderOptions> = {}): Promise<T> {
  const sender = createSender(redis, { name: QUEUE, ...OPEN, ...options });
  try {
    return await run();
  } finally {
    await sender.close();
  }
}

/** Adds a part of as many deliveries as may wait for an endpoint: all at once would take longer than a command may on a busy machine. */
const [WAITING_MAX, PART] = [100_000, 5_000];
const FILL_LINE = `for n = ARGV[1] + 1, ARGV[1] + ${PART} do redis.call("ZADD", KEYS[1], n, n) end`;

const hurry = (redis: Redis, endpoint: string) => hurryOf(redis, QUEUE, `acme/${endpoint}`);

const idOf = ({ body }: Received) => (JSON.parse(body) as { data: { id: string } }).data.id;

describe("webhooks of a queue", () => {
  liveTest("tell how each job ended, signed so that the official client verifies it", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
    await receiving(
      () => [204],
      async (url, received) => {
        const { id, secret } = await webhooks.create({ url });
        const handler = ({ payload, conclude }: { payload: unknown; conclude: (word: string) => void }) => {
          if (payload === "bad") throw new Error("no");
          if (payload === "half") conclude("incomplete");
          return "fine";
        };
        await sending(redis, () =>
          working(redis, handler, async () => {
            const good = await queue.push("good", { kind: "response" });
            const half = await queue.push("half", { kind: "response" });
            const bad = await queue.push("bad", { attempts: 1 });
            const late = await queue.push("late", { delayMs: 60_000 });
            await queue.cancel(late);
            await expect.poll(() => received.length, { timeout: 5_000 }).toBe(4);
            const client = new OpenAI({ apiKey: "none" });
            const events = new Map<string, string>();
            for (const { body, headers } of received) {
              const event = (await client.webhooks.unwrap(body, headers, secret)) as {
                type: string;
                data: { id: string };
              };
              events.set(event.data.id, event.type);
            }
            expect(Object.fromEntries(events)).toEqual({
              [good]: "response.completed",
              [half]: "response.incomplete",
              [bad]: "job.failed",
              [late]: "job.cancelled",
            });
          }),
        );
        const log = await webhooks.deliveries(id);
        expect(log).toHaveLength(4);
        for (const delivery of log) expect(delivery).toMatchObject({ state: "delivered", attempts: 1, status: 204 });
      },
    );
  });

  liveTest(
    "are sent again until they are taken, with the same id, and only those that were asked for",
    async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
      const other = createWebhooks(redis.scope("other"), { name: QUEUE, ...OPEN });
      await receiving(
        (nth) => (nth <= 2 ? [503, { "retry-after": "30" }] : [200]),
        async (url, received) => {
          const { id } = await webhooks.create({ url, events: ["job.completed"] });
          await other.create({ url });
          await sending(redis, () =>
            working(
              redis,
              ({ payload }) => (payload === "bad" ? Promise.reject(new Error("no")) : "fine"),
              async () => {
                await queue.push("bad", { attempts: 1 });
                const done = await queue.push("good");
                for (const tries of [1, 2, 3]) {
                  await expect.poll(() => received.length, { timeout: 5_000 }).toBe(tries);
                  if (tries === 3) break;
                  await expect.poll(async () => (await webhooks.deliveries(id))[0]?.attempts).toBe(tries);
                  expect((await webhooks.deliveries(id))[0]).toMatchObject({ state: "pending", status: 503 });
                  await hurry(redis, id);
                }
                expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
                expect(received.map(idOf)).toEqual([done, done, done]);
                await expect.poll(async () => (await webhooks.deliveries(id))[0]?.state).toBe("delivered");
              },
            ),
          );
        },
      );
    },
  );

  liveTest("keep their order where it was asked for: one that fails holds up the rest", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
    await receiving(
      (nth) => [nth === 1 ? 500 : 200],
      async (url, received) => {
        const { id } = await webhooks.create({ url, ordered: true });
        const ids = await queue.pushMany(
          Array.from({ length: 8 }, (_, n) => ({ payload: String(n), delayMs: 60_000 })),
        );
        for (const job of ids) await queue.cancel(job);
        await sending(redis, async () => {
          await expect.poll(() => received.length).toBe(1);
          await expect.poll(async () => (await webhooks.deliveries(id)).at(-1)?.attempts).toBe(1);
          await new Promise((resolve) => setTimeout(resolve, 200));
          expect(received).toHaveLength(1);
          await hurry(redis, id);
          await expect.poll(() => received.length, { timeout: 5_000 }).toBe(9);
        });
        expect(received.slice(1).map(idOf)).toEqual(ids);
      },
    );
  });

  liveTest(
    "leave an endpoint alone that answers 410, and send what waits once it is switched on again",
    async ({ redis, tenant }) => {
      const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
      await receiving(
        (nth) => [nth === 1 ? 410 : 200],
        async (url, received) => {
          const { id } = await webhooks.create({ url });
          await sending(redis, async () => {
            const message = await webhooks.test(id);
            await expect.poll(async () => (await webhooks.get(id)).disabledReason, { timeout: 5_000 }).toBe("gone");
            expect(await webhooks.get(id)).toMatchObject({ enabled: false });
            await webhooks.update(id, { enabled: true });
            await expect
              .poll(async () => (await webhooks.deliveries(id))[0]?.state, { timeout: 5_000 })
              .toBe("delivered");
            expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([message, message]);
          });
        },
      );
    },
  );

  liveTest(
    "keep the events of an endpoint that its owner switched off, and send them later",
    async ({ redis, tenant }) => {
      const queue = createQueue(tenant, { name: QUEUE });
      const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
      await receiving(
        () => [200],
        async (url, received) => {
          const { id } = await webhooks.create({ url });
          await webhooks.update(id, { enabled: false });
          await sending(redis, () =>
            working(
              redis,
              () => "done",
              async () => {
                const job = await queue.push("x");
                await queue.wait(job, { waitMs: 5_000 });
                await new Promise((resolve) => setTimeout(resolve, 300));
                expect(received).toEqual([]);
                expect(await webhooks.deliveries(id)).toMatchObject([{ jobId: job, state: "pending", attempts: 0 }]);
                await webhooks.update(id, { enabled: true });
                await expect.poll(() => received.map(idOf), { timeout: 5_000 }).toEqual([job]);
              },
            ),
          );
        },
      );
    },
  );

  liveTest("rest after five failures in a row, and failed ones are sent again by hand", async ({ redis, tenant }) => {
    const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
    let broken = true;
    await receiving(
      () => [broken ? 500 : 200],
      async (url, received) => {
        const { id } = await webhooks.create({ url });
        await sending(redis, async () => {
          await webhooks.test(id);
          for (let tries = 1; tries <= 10; tries += 1) {
            await expect.poll(async () => (await webhooks.deliveries(id))[0]?.attempts).toBe(tries);
            if (tries === 6) {
              const open = await redis.send(["HGET", `{${redis.app}:queue:${QUEUE}}:queue:circuit:${id}`, "until"]);
              expect(Number(open)).toBeGreaterThan(Date.now() + 50_000);
            }
            await hurry(redis, id);
          }
          expect((await webhooks.deliveries(id))[0]).toMatchObject({ state: "failed", attempts: 10 });
          expect(await webhooks.redrive(id, { toMs: 1 })).toEqual([]);
          broken = false;
          expect(await webhooks.redrive(id)).toHaveLength(1);
          await expect.poll(async () => (await webhooks.deliveries(id))[0]?.state).toBe("delivered");
          expect(received).toHaveLength(11);
        });
      },
    );
  });

  liveTest(
    "are each sent once by many senders, and again when a sender died before it told",
    async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
      await receiving(
        () => [200],
        async (url, received) => {
          const { id } = await webhooks.create({ url });
          const senders = [0, 1, 2].map(() => createSender(redis, { name: QUEUE, ...OPEN }));
          await working(
            redis,
            () => "done",
            async () => {
              await queue.pushMany(Array.from({ length: 200 }, (_, n) => ({ payload: String(n) })));
              await expect.poll(() => received.length, { timeout: 10_000 }).toBe(200);
            },
          );
          await Promise.all(senders.map((sender) => sender.close()));
          expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(200);
          // As if a sender had been given it and was never heard of again.
          const message = await webhooks.test(id);
          await redis.send([
            "HSET",
            `{${redis.app}:queue:${QUEUE}}:queue:circuit:${id}`,
            "busy",
            String(Date.now() + 300),
          ]);
          await sending(redis, async () => {
            await expect.poll(() => received.at(-1)?.headers["webhook-id"], { timeout: 5_000 }).toBe(message);
          });
        },
      );
    },
  );

  liveTest("arrive at once although many other receivers of the same host do not answer", async ({ redis, tenant }) => {
    const server = createServer((request, response) => {
      if (request.url === "/well") response.end();
      // The status counts, whenever the rest of the answer comes.
      else if (request.url === "/drips") response.writeHead(200).write("x");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const add = async (scope: ScopedRedis, path: string) => {
      const webhooks = createWebhooks(scope, { name: QUEUE, ...OPEN });
      const { id } = await webhooks.create({ url: `${host}${path}` });
      return { webhooks, id };
    };
    const hanging = await Promise.all(Array.from({ length: 40 }, (_, n) => add(redis.scope(`other${n % 4}`), `/${n}`)));
    const [well, drips] = [await add(tenant, "/well"), await add(tenant, "/drips")];
    await sending(
      redis,
      async () => {
        await Promise.all(hanging.flatMap(({ webhooks, id }) => [0, 1, 2].map(() => webhooks.test(id))));
        for (const { webhooks, id } of [well, drips]) {
          await webhooks.test(id);
          await expect
            .poll(async () => (await webhooks.deliveries(id))[0]?.state, { timeout: 3_500 })
            .toBe("delivered");
        }
        // One that does not answer is asked once at first, not for all that waits.
        const log = await Promise.all(hanging.map(({ webhooks, id }) => webhooks.deliveries(id)));
        expect(log.flat().every(({ attempts }) => attempts === 0)).toBe(true);
      },
      { timeoutMs: 6_000 },
    );
    server.closeAllConnections();
    server.close();
  });

  liveTest("are paused for half a minute after failures at once, however many", async ({ redis, tenant }) => {
    const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
    await receiving(
      (nth) => [nth === 1 ? 200 : 503],
      async (url) => {
        const { id } = await webhooks.create({ url });
        await sending(redis, async () => {
          await webhooks.test(id);
          await expect.poll(async () => (await webhooks.deliveries(id))[0]?.state).toBe("delivered");
          await webhooks.update(id, { enabled: false });
          await Promise.all(Array.from({ length: 16 }, () => webhooks.test(id)));
          await webhooks.update(id, { enabled: true });
          const tried = async () => (await webhooks.deliveries(id)).filter(({ attempts }) => attempts > 0);
          await expect.poll(async () => (await tried()).length).toBeGreaterThan(5);
          const circuit = `{${redis.app}:queue:${QUEUE}}:queue:circuit:${id}`;
          const until = Number(await redis.send(["HGET", circuit, "until"])) - Date.now();
          expect(until).toBeGreaterThan(20_000);
          expect(until).toBeLessThan(31_000);
        });
      },
    );
  });

  liveTest(
    "change their secret with an overlap, and keep secrets and other tenants apart",
    async ({ redis, tenant }) => {
      const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
      await receiving(
        () => [200],
        async (url, received) => {
          const made = await webhooks.create({ url });
          expect(JSON.stringify(await webhooks.list())).not.toContain("whsec_");
          const client = new OpenAI({ apiKey: "none" });
          const verified = async (nth: number, secret: string) => {
            const { body = "", headers = {} } = received[nth] ?? {};
            return client.webhooks.unwrap(body, headers, secret).then(
              () => true,
              () => false,
            );
          };
          await sending(redis, async () => {
            const { secret } = await webhooks.rotate(made.id, { overlapMs: 60_000 });
            await webhooks.test(made.id);
            await expect.poll(() => received.length).toBe(1);
            expect([await verified(0, made.secret), await verified(0, secret)]).toEqual([true, true]);
            const { secret: last } = await webhooks.rotate(made.id, { overlapMs: 0 });
            await webhooks.test(made.id);
            await expect.poll(() => received.length).toBe(2);
            expect([await verified(1, secret), await verified(1, last)]).toEqual([false, true]);
          });
          const other = createWebhooks(redis.scope("other"), { name: QUEUE, ...OPEN });
          await expect(other.get(made.id)).rejects.toMatchObject({ code: "not_found" });
          await expect(other.test(made.id)).rejects.toMatchObject({ code: "not_found" });
          await expect(other.deliveries(made.id)).rejects.toMatchObject({ code: "not_found" });
          expect(await other.remove(made.id)).toBe(false);
          expect(await webhooks.remove(made.id)).toBe(true);
          expect(await webhooks.list()).toEqual([]);
        },
      );
    },
  );

  liveTest("are dropped where 100,000 wait for an endpoint, which says how many were", async ({ redis, tenant }) => {
    const webhooks = createWebhooks(tenant, { name: QUEUE, ...OPEN });
    const queue = createQueue(tenant, { name: QUEUE });
    const { id, dropped } = await webhooks.create({ url: "https://hooks.example.com/" });
    const other = await webhooks.create({ url: "https://others.example.com/" });
    const line = `{${redis.app}:queue:${QUEUE}}:queue:line:${id}`;
    for (let from = 0; from < WAITING_MAX; from += PART) await redis.send(["EVAL", FILL_LINE, "1", line, String(from)]);
    for (let nth = 0; nth < 2; nth += 1) await queue.cancel(await queue.push({}, { delayMs: 60_000 }));
    await expect(webhooks.test(id)).rejects.toMatchObject({ code: "too_large" });
    // Endpoints that were made in one millisecond are listed by their ids.
    const listed = await webhooks.list();
    const counts = [id, other.id].map((one) => listed.find((endpoint) => endpoint.id === one)?.dropped);
    const changed = await webhooks.update(id, { enabled: false });
    expect([dropped, counts, changed.dropped, (await webhooks.get(id)).dropped]).toEqual([0, [3, 0], 3, 3]);
    expect(await webhooks.deliveries(other.id)).toHaveLength(2);
  });

  liveTest("refuse what is wrong, and name the field", async ({ tenant }) => {
    const webhooks = createWebhooks(tenant, { name: QUEUE, endpointsMax: 1 });
    const url = "https://example.com/hook";
    await expect(webhooks.create({ url: "http://example.com" })).rejects.toThrow(/url/);
    await expect(webhooks.create({ url: "https://10.0.0.1/" })).rejects.toThrow(/address/);
    await expect(webhooks.create({ url, events: [] })).rejects.toThrow(/events/);
    await expect(webhooks.create({ url, events: ["*", "job.done"] })).rejects.toThrow(/events/);
    await expect(webhooks.create({ url, secret: "guess" })).rejects.toThrow(/secret/);
    const { id } = await webhooks.create({ url });
    await expect(webhooks.create({ url })).rejects.toMatchObject({ code: "too_large" });
    await expect(webhooks.update(id, { url: "https://127.0.0.1/" })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(webhooks.update("we_0", {})).rejects.toMatchObject({ code: "not_found" });
  });
});
