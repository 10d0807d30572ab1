import { describe, expect, it } from "vitest";
import { MarrowError } from "../../errors.ts";
import type { ChatModel, ModelAnswer, ModelCall, RoomShare } from "../model.ts";
import { createRoomTaker } from "../room.ts";
import type { RouteRules } from "./routed-model.ts";
import { createRouter } from "./router.ts";

const LONG_BYTES = 2_000_000;
const rules: RouteRules = {
  attemptsMax: 4,
  backoffMs: 1,
  backoffMaxMs: 10,
  timeoutMs: 60_000,
  retryShare: 1,
  retryReserve: 10,
  coolDown: { failures: 1, errorRate: 1, callsMin: 1, firstMs: 60_000, longestMs: 60_000 },
};
const request = { model: "m", messages: [{ role: "user", content: "q" }] };
const answer: ModelAnswer = { text: "{}", completion: { model: "m", choices: [] } as never };

type Complete = (call: ModelCall, name: string) => Promise<ModelAnswer>;

/** A route over upstreams `a` and `b`, in this order, and the calls that each got. */
function route(
  complete: Complete,
  { hedgeAfterMs, timeoutMs = 60_000 }: { hedgeAfterMs?: number; timeoutMs?: number } = {},
) {
  const asked: string[] = [];
  const modelOf = (name: string): ChatModel => ({
    name,
    list: async () => [],
    serves: () => true,
    complete(call) {
      asked.push(name);
      return complete(call, name);
    },
    stream: () => Promise.reject(new Error("only whole answers are asked for")),
  });
  const router = createRouter({
    upstreams: ["a", "b"].map((name) => ({ name, model: modelOf(name), ids: ["m"] })),
    routes: { m: { groups: [[{ upstream: "a" }], [{ upstream: "b" }]], sticky: "none", hedgeAfterMs } },
    rules: { ...rules, timeoutMs },
  });
  return { model: router.find("m") as ChatModel, router, asked };
}

/** Memory whose bytes are counted, and that is given `afterMs` after it was asked for. */
function memory(afterMs = 0) {
  const shares = new Set<{ bytes: number }>();
  const room = (): RoomShare => {
    const share = { bytes: 0 };
    shares.add(share);
    return {
      async take(bytes, signal) {
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        signal?.throwIfAborted();
        share.bytes = bytes;
      },
      close: () => void shares.delete(share),
    };
  };
  const bytes = () => [...shares].reduce((sum, share) => sum + share.bytes, 0);
  return { room, bytes };
}

/** Reads a long answer into its memory. */
async function read(call: ModelCall): Promise<ModelAnswer> {
  const taker = createRoomTaker(call, Infinity, LONG_BYTES);
  await taker.grew(LONG_BYTES);
  return answer;
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new MarrowError("aborted", "it was aborted")));
  });
}

describe("an upstream whose long answer waits for memory of the gateway", () => {
  it("has its time nevertheless, and is not benched for the wait", async () => {
    const { model, router, asked } = route((call) => read(call), { timeoutMs: 200 });
    const { room } = memory(400);
    expect((await model.complete({ request, room })).served).toEqual({ upstream: "a", attempts: 1 });
    expect(asked).toEqual(["a"]);
    expect(router.standings().map(({ standing }) => standing)).toEqual(["well", "well"]);
  });

  it("is benched if it is silent after the wait", async () => {
    const { model, router } = route(
      async (call, name) => {
        await read(call);
        return name === "a" ? aborted(call.signal) : answer;
      },
      { timeoutMs: 400 },
    );
    const sinceMs = performance.now();
    expect((await model.complete({ request, room: memory(100).room })).served?.upstream).toBe("b");
    expect(performance.now() - sinceMs).toBeGreaterThan(290);
    expect(router.standings().map(({ standing }) => standing)).toEqual(["cooling", "well"]);
  });

  it("is not benched if it gives up a gateway that reads nothing for long", async () => {
    const { model, router } = route(async (call, name) => {
      await read(call);
      if (name === "b") return answer;
      throw new MarrowError("model_failed", "it closed the connection", { details: { status: 502 } });
    });
    expect((await model.complete({ request, room: memory(1_100).room })).served?.upstream).toBe("b");
    expect(router.standings().map(({ standing }) => standing)).toEqual(["well", "well"]);
  });

  it("is not joined by another one, whose answer would wait behind it", async () => {
    const { model, asked } = route((call) => read(call), { hedgeAfterMs: 50 });
    await model.complete({ request, room: memory(300).room });
    expect(asked).toEqual(["a"]);
  });
});

describe("the memory of a long answer", () => {
  it("is given back by an attempt that fails, before the next one takes its own", async () => {
    const { room, bytes } = memory();
    const held: number[] = [];
    const { model } = route(async (call, name) => {
      held.push(bytes());
      await read(call);
      if (name === "a") throw new MarrowError("model_failed", "it broke", { details: { status: 502 } });
      return answer;
    });
    await model.complete({ request, room });
    expect(held).toEqual([0, 0]);
    expect(bytes()).toBe(LONG_BYTES);
  });

  it("counts for each of two attempts that run at once, and only the winner's stays", async () => {
    const { room, bytes } = memory();
    let most = 0;
    const { model } = route(
      async (call, name) => {
        await read(call);
        most = Math.max(most, bytes());
        if (name === "a") return aborted(call.signal);
        return answer;
      },
      { hedgeAfterMs: 50 },
    );
    expect((await model.complete({ request, room })).served?.upstream).toBe("b");
    await new Promise(setImmediate);
    expect([most, bytes()]).toEqual([2 * LONG_BYTES, LONG_BYTES]);
  });

  it("that a second attempt does not get ends no answer that the first one has", async () => {
    let opened = 0;
    const room = (): RoomShare => {
      const isFirst = (opened += 1) === 1;
      return {
        async take() {
          if (!isFirst) throw new MarrowError("unavailable", "there is none");
        },
        close() {},
      };
    };
    const { model } = route(
      async (call, name) => {
        await read(call);
        if (name === "a") await new Promise((resolve) => setTimeout(resolve, 200));
        return answer;
      },
      { hedgeAfterMs: 50 },
    );
    expect((await model.complete({ request, room })).served?.upstream).toBe("a");
    const none = route((call) => read(call)).model.complete({ request, room });
    await expect(none).rejects.toMatchObject({ code: "unavailable" });
  });
});
