import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pushAfter, pushTo, type Pushable, type Pushing } from "./push.ts";

async function* numbers(from: number, to: number, failure?: Error): AsyncGenerator<number> {
  for (let at = from; at < to; at += 1) {
    if (at % 2 === 0) await turn();
    yield at;
  }
  if (failure !== undefined) throw failure;
}

/** What a sink gets that pauses behind the items named, and is resumed a turn of the event loop later. */
async function pushed(begin: (sink: Parameters<typeof pushTo<number>>[1]) => Pushing, pauses: ReadonlySet<number>) {
  const got: number[] = [];
  let whilePaused = 0;
  let isPaused = false;
  const end = await new Promise<unknown>((resolve) => {
    const pushing = begin({
      take(item) {
        if (isPaused) whilePaused += 1;
        got.push(item);
        if (isPaused || !pauses.has(item)) return;
        isPaused = true;
        pushing.pause();
        void turn().then(() => {
          isPaused = false;
          pushing.resume();
        });
      },
      end: () => resolve("end"),
      fail: resolve,
    });
    pushing.resume();
  });
  return { got, end, whilePaused };
}

describe("a stream that is pushed", () => {
  it("gives every item once, in order, and then its end or failure, however often the sink pauses", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(12),
        fc.nat(4),
        fc.array(fc.nat(12)),
        fc.option(fc.constant(new Error("broke")), { nil: undefined }),
        async (count, before, pauses, failure) => {
          const all = Array.from({ length: count + before }, (_, at) => at);
          const read = all.slice(0, before).map((value) => ({ done: false, value }) as const);
          const source: Pushable<number> = numbers(before, count + before, failure);
          const { got, end, whilePaused } = await pushed((sink) => pushAfter([...read], source, sink), new Set(pauses));
          expect(got).toEqual(all);
          expect(end).toBe(failure ?? "end");
          expect(whilePaused).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("leaves turns of the event loop to others while it gives many items that were read before", async () => {
    const read = Array.from({ length: 20 }, (_, value) => ({ done: false, value }) as const);
    let [turns, over] = [0, false];
    const next = (): void => {
      turns += 1;
      if (!over) setImmediate(next);
    };
    next();
    await new Promise<void>((resolve, reject) => {
      pushAfter([...read], numbers(0, 0), {
        take() {
          for (const until = performance.now() + 2; performance.now() < until;);
        },
        end: resolve,
        fail: reject,
      }).resume();
    });
    over = true;
    expect(turns).toBeGreaterThan(3);
  });

  it("gives nothing before it is resumed", async () => {
    const got: number[] = [];
    pushTo(numbers(0, 3), { take: (item) => void got.push(item), end: () => {}, fail: () => {} });
    await turn();
    expect(got).toEqual([]);
  });
});
