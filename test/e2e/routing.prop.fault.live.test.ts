import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { createMemory } from "../../src/memory/index.ts";
import { USED, wordsOf, type Fault } from "../faulty-upstream.ts";
import { routingTests, type Told } from "../routing.ts";

const NAMES = ["u0", "u1", "u2"] as const;
const DEADLINE_MS = 1_500;
/** What a busy machine may add. */
const SLACK_MS = 1_500;
const RUNS = 12;

const fault = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Fault>({ kind: "ok" }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(400, 401, 404, 408, 429, 500, 502, 503, 529)
      .map((status): Fault => ({ kind: "status", status })),
  },
  { weight: 1, arbitrary: fc.constant<Fault>({ kind: "silent" }) },
  {
    weight: 3,
    arbitrary: fc.double({ min: 0, max: 0.999, noNaN: true }).map((part): Fault => ({ kind: "cut", part })),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 400 }).map((ms): Fault => ({ kind: "slow", ms })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("text/html", "application/xml", "").map((type): Fault => ({ kind: "type", type })),
  },
  { weight: 1, arbitrary: fc.constant<Fault>({ kind: "error200" }) },
);
const story = fc.record({
  faults: fc.tuple(...NAMES.map(() => fc.array(fault, { minLength: 1, maxLength: 6 }))),
  requests: fc.array(fc.boolean(), { minLength: 2, maxLength: 6 }),
  hedge: fc.option(fc.constant(100), { nil: undefined }),
  groups: fc.boolean(),
});

describe("a route over three upstreams that fail at random", () => {
  const { upstream, gateway } = routingTests();
  let ended = 0;
  afterAll(() => expect(ended).toBe(RUNS));

  it("gives each client one whole answer or one clear error within its deadline, and keeps what the client saw", async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ faults, requests, hedge, groups }) => {
        const ups = await Promise.all(
          NAMES.map((name, at) =>
            upstream(
              name,
              (nth) => (faults[at] as Fault[])[Math.max(0, nth - 1) % (faults[at] as Fault[]).length] as Fault,
            ),
          ),
        );
        const [share, reserve] = [0.25, 3];
        const { ask, redis, url, key, models } = await gateway({
          upstreams: ups.map(({ baseUrl }, at) => ({ name: NAMES[at] as string, baseUrl })),
          routing: {
            backoffMs: 20,
            backoffMaxMs: 100,
            retryShare: share,
            retryReserve: reserve,
            coolDown: { firstMs: 200 },
          },
          routes: {
            r: {
              groups: groups ? [["u0/m", "u1/m"], ["u2/m"]] : [["u0/m"], ["u1/m"], ["u2/m"]],
              ...(hedge !== undefined && { hedgeAfterMs: hedge }),
            },
          },
        });
        const told = await Promise.all(
          requests.map((stream, at) => ask("r", { stream, user: `user${at}`, session: "s", timeoutMs: DEADLINE_MS })),
        );
        for (const one of told) checkTold(one);
        // The reserve and the share are of ten seconds, and the run takes less.
        const calls = ups.reduce((sum, one) => sum + one.calls.length, 0);
        expect(calls).toBeLessThanOrEqual(requests.length + Math.floor(requests.length * share) + reserve);
        const memory = createMemory(redis.scope("acme"), { name: "chat" });
        for (const [at, one] of told.entries()) {
          const session = memory.session({ user: `user${at}`, id: "s" });
          const { turns } = await eventually(
            () => session.window({ last: 10 }),
            ({ turns: kept }) => kept.length > 0 || one.text === "",
          );
          const said = turns.filter(({ role }) => role === "assistant");
          expect(said.map(({ content }) => content)).toEqual(one.text === "" ? [] : [one.text]);
          expect(said.map((turn) => turn["incomplete"] === true)).toEqual(one.text === "" ? [] : [!one.whole]);
        }
        const whole = told.flatMap((one, at) => (one.whole ? [`user${at}`] : []));
        const rows = await eventually(
          async () => {
            const response = await fetch(`${url}/admin/spend?by=user&scope=acme`, {
              headers: { authorization: `Bearer ${key}` },
            });
            return (
              (await response.json()) as { data: { name: string; prompt_tokens: number; completion_tokens: number }[] }
            ).data;
          },
          (data) => whole.every((user) => data.some(({ name }) => name === user)),
        );
        for (const user of whole)
          expect(rows.find(({ name }) => name === user)).toMatchObject({
            prompt_tokens: USED.prompt_tokens,
            completion_tokens: USED.completion_tokens,
          });
        const silent = told.flatMap((one, at) => (one.text === "" ? [`user${at}`] : []));
        for (const user of silent) expect(rows.find(({ name }) => name === user)).toBeUndefined();
        // No call is counted as on its way that has ended.
        const free = () => models.standings().every(({ inFlight }) => inFlight === 0);
        expect(
          await eventually(
            async () => free(),
            (isFree) => isFree,
          ),
        ).toBe(true);
        ended += 1;
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 180_000);
});

function checkTold({ status, text, whole, error, usage, tookMs, headers }: Told): void {
  expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
  if (whole) {
    const who = headers.get("x-marrow-upstream") ?? "";
    expect([status, text, error]).toEqual([200, wordsOf(who), undefined]);
    expect(usage).toMatchObject(USED);
    return;
  }
  expect(error).toMatchObject({
    message: expect.stringMatching(/./) as string,
    code: expect.stringMatching(/^\w+$/) as string,
  });
  if (text === "") expect(status === 200 || status >= 400).toBe(true);
  else expect(wordsOf(headers.get("x-marrow-upstream") ?? "").startsWith(text)).toBe(true);
}

async function eventually<T>(read: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = await read();
    if (isThere(value) || tries >= 50) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
