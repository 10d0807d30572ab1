import { describe, expect, it } from "vitest";
import type { ChatCompletion, StreamPart } from "../models/index.ts";
import { createLeaving } from "./leaving.ts";
import { createRecordings, type Recordings } from "./recordings.ts";
import { relay, type Relayed } from "./relaying.ts";
import { watchEnding } from "./stages/ending.ts";

/** A caller that has its answer once `end` is called. */
function openDeparture() {
  const ended = new AbortController();
  const onEnd = (listener: () => void) => ended.signal.addEventListener("abort", listener);
  return { aborted: false, addEventListener() {}, removeEventListener() {}, onEnd, end: () => ended.abort() };
}

const PART: StreamPart = { bytes: new Uint8Array(0), chunks: [], done: false };

/** A stream that nobody but its client needs, and that nothing ends before its time. */
function relayed(given: Pick<Relayed, "parts"> & Partial<Relayed>): Relayed {
  const nothing = async () => {};
  return {
    model: "m",
    lead: undefined,
    leaving: newLeaving(undefined),
    gone: undefined,
    ending: watchEnding({}),
    recordings: createRecordings(),
    needsWhole: false,
    isOwn: () => false,
    shown: ({ bytes }) => bytes,
    finish: nothing,
    keepPartial: nothing,
    keepShed: nothing,
    spend: () => {},
    ...given,
  };
}

function newLeaving(wanted: "later" | "cache" | undefined) {
  const onLeft = () => ({ isFree: Promise.resolve(true), end: () => {} });
  return createLeaving({ wanted, onLeft, drainMs: 60_000 });
}

describe("a stream that breaks on its way to the client, and not at the model", () => {
  it("ends the model's call, so that it holds no place of its upstream", async () => {
    const leaving = newLeaving("cache");
    const stream = relay(
      relayed({
        parts: { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: PART }) }) },
        leaving,
        shown: () => {
          throw new Error("cannot be shown");
        },
      }),
    );
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow("cannot be shown");
    expect(leaving.signal.aborted).toBe(true);
  });
});

describe("a stream that waits for others to be recorded before it", () => {
  /** Recordings of which another one has all the room. */
  function full(): Recordings {
    const recordings = createRecordings({ bytesMax: 10_240 });
    const before = recordings.open(
      () => {},
      () => {},
    );
    before.add(3_000);
    return recordings;
  }

  /** Begins a stream, reads its first part, and waits for the next one, for which there is no room. */
  async function begin(given: Partial<Relayed>) {
    const text = "x".repeat(100);
    const chunks = [{ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }];
    const part: StreamPart = { bytes: Buffer.from(text), chunks, done: false };
    const kept: ChatCompletion[] = [];
    const stream = relay(
      relayed({
        parts: { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: part }) }) },
        recordings: full(),
        needsWhole: true,
        keepPartial: async (completion) => void kept.push(completion),
        ...given,
      }),
    );
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    const next = reader.next().then(
      () => "a part",
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { stream, next, kept, text };
  }

  it("ends at once when its deadline passes, and its session has what came", async () => {
    const sinceMs = performance.now();
    const leaving = newLeaving(undefined);
    const ending = watchEnding({ deadline: { atMs: sinceMs + 200, whole: true } });
    const { next, kept, text } = await begin({ ending, leaving });
    await expect(next).resolves.toMatchObject({ code: "timeout" });
    expect(performance.now() - sinceMs).toBeLessThan(1_000);
    expect(kept.map(({ choices }) => choices[0]?.message.content)).toEqual([text]);
    expect(leaving.signal.aborted).toBe(true);
  });

  it("ends at once when its caller cancels it", async () => {
    const cancel = new AbortController();
    const { next, kept } = await begin({ ending: watchEnding({ signal: cancel.signal }) });
    cancel.abort();
    await expect(next).resolves.toMatchObject({ code: "aborted" });
    expect(kept).toHaveLength(1);
  });

  it("ends at once when its client leaves and nobody else needs it", async () => {
    const leaving = newLeaving(undefined);
    const { stream, next, kept } = await begin({ leaving, ending: watchEnding({ signal: leaving.signal }) });
    await stream.abandon();
    await expect(next).resolves.toMatchObject({ code: "aborted" });
    expect(kept).toHaveLength(1);
  });
});

describe("a stream of which its caller puts the whole answer together", () => {
  it("counts as recorded until the caller has stored it, or given it up", async () => {
    const recordings = createRecordings();
    const gone = openDeparture();
    const chunks = [{ choices: [{ index: 0, delta: { content: "x".repeat(10_000) }, finish_reason: null }] }];
    const parts = [
      { ...PART, chunks },
      { ...PART, done: true },
    ];
    const next = async (): Promise<IteratorResult<StreamPart, undefined>> => {
      const value = parts.shift();
      return value === undefined ? { done: true, value } : { done: false, value };
    };
    const source = { [Symbol.asyncIterator]: () => ({ next }) };
    for await (const _ of relay(relayed({ parts: source, recordings, gone, needsWhole: true })));
    expect(recordings.bytes).toBeGreaterThan(10_000);
    gone.end();
    expect(recordings.bytes).toBe(0);
  });
});

describe("many streams whose models are quicker than they can be read", () => {
  it("share the time of a turn of the event loop, and each goes on in turn", async () => {
    const [STREAMS, PARTS] = [20, 10];
    let turns = 0;
    let going = true;
    const count = () => {
      turns += 1;
      if (going) setImmediate(count);
    };
    setImmediate(count);
    const ended = Array.from({ length: STREAMS }, async () => {
      let left = PARTS;
      const next = async (): Promise<IteratorResult<StreamPart, undefined>> => {
        if (left === 0) return { done: true, value: undefined };
        const end = performance.now() + 1;
        while (performance.now() < end);
        left -= 1;
        return { done: false, value: { ...PART, bytes: new Uint8Array(1), done: left === 0 } };
      };
      const stream = relay(relayed({ parts: { [Symbol.asyncIterator]: () => ({ next }) }, needsWhole: true }));
      let bytes = 0;
      for await (const piece of stream) bytes += piece.length;
      return bytes;
    });
    expect(await Promise.all(ended)).toEqual(Array.from({ length: STREAMS }, () => PARTS));
    going = false;
    // 200 ms of work, of which one turn does about five.
    expect(turns).toBeGreaterThan(20);
  });
});
