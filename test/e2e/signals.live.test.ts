import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, inject } from "vitest";
import { liveTest } from "../live.ts";
import { startTestGateway } from "../gateway.ts";
import { ACTS, signalsOf, type Act } from "../../src/signals/index.ts";

/** Listens to some acts; `close` answers what was heard, in the order in which it ended. */
function listen(acts: readonly Act[]) {
  const heard: { readonly act: Act; readonly signal: Readonly<Record<string, unknown>> }[] = [];
  const ears = acts.map((act) => {
    const ear = { asyncEnd: (signal: object) => void heard.push({ act, signal: signal as never }) };
    signalsOf(act).subscribe(ear as never);
    return () => signalsOf(act).unsubscribe(ear as never);
  });
  return {
    heard,
    close: () => {
      for (const end of ears) end();
    },
  };
}

const ask = { model: "scripted", messages: [{ role: "user" as const, content: "How tall is the Eiffel Tower?" }] };

describe("a request through the gateway", () => {
  liveTest("tells each of its stages, its upstream attempt and its commands of Redis", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    const current = new AsyncLocalStorage<string>();
    signalsOf("gateway:request").start.bindStore(current, ({ requestId }) => requestId);
    const within = new Set<string | undefined>();
    const ear = { start: () => void within.add(current.getStore()) };
    signalsOf("flow:finish").subscribe(ear as never);
    const { heard, close } = listen(ACTS);
    try {
      const headers = { "x-request-id": "req-1", "x-marrow-session": "s" };
      await gateway.client({ headers }).chat.completions.create(ask);
      await expect.poll(() => heard.map(({ act }) => act)).toContain("gateway:request");
      const acts = heard.map(({ act }) => act).filter((act) => act !== "redis:command");
      expect(acts.toSorted()).toEqual(
        [
          "flow:admit",
          "flow:remember",
          "flow:find",
          "flow:find",
          "models:attempt",
          "flow:finish",
          "flow:ask",
          "flow:request",
          "gateway:request",
        ].toSorted(),
      );
      const of = (act: Act) => heard.filter((one) => one.act === act).map(({ signal }) => signal);
      expect(of("gateway:request")[0]).toMatchObject({
        method: "POST",
        route: "/v1/chat/completions",
        requestId: "req-1",
        scope: "acme",
        status: 200,
      });
      expect(of("models:attempt")[0]).toMatchObject({ model: "scripted", status: 200 });
      expect(of("flow:find").map(({ tier }) => tier)).toEqual(["exact", "similar"]);
      expect(of("redis:command").map(({ script }) => script)).toContain("store_entry");
      // What is bound to a request is current in all of it, also after its body was read and the model answered.
      expect([...within]).toEqual(["req-1"]);
    } finally {
      close();
      signalsOf("flow:finish").unsubscribe(ear as never);
      signalsOf("gateway:request").start.unbindStore(current);
      await gateway.close();
    }
  });

  liveTest("tells of no search for similar questions in a cache that has none", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config: { cache: { semantic: false } } });
    const { heard, close } = listen(["flow:find"]);
    try {
      await gateway.client().chat.completions.create(ask);
      expect(heard.map(({ signal }) => signal)).toMatchObject([{ tier: "exact" }]);
    } finally {
      close();
      await gateway.close();
    }
  });

  liveTest(
    "sends what a subscriber adds to the headers of an attempt, and tells of commands without their words",
    async () => {
      const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
      const ear = {
        start: (signal: { headers: Record<string, string> }) => void (signal.headers["traceparent"] = "00-ab"),
      };
      signalsOf("models:attempt").subscribe(ear as never);
      const { heard, close } = listen(["redis:command"]);
      try {
        await gateway.client().chat.completions.create(ask);
        expect(gateway.model.requests[0]?.headers).toMatchObject({ traceparent: "00-ab" });
        expect(heard.length).toBeGreaterThan(0);
        const told = JSON.stringify(heard.map(({ signal: { command, script } }) => ({ command, script })));
        expect(told).not.toMatch(/Eiffel|acme/);
      } finally {
        close();
        signalsOf("models:attempt").unsubscribe(ear as never);
        await gateway.close();
      }
    },
  );
});
