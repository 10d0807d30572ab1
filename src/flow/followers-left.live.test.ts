import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createCache } from "../cache/index.ts";
import type { ChatCompletion, ChatModel } from "../models/index.ts";
import { createAnswerRoom, createFlow, type Departure, type StoredAnswer } from "./index.ts";

const completion: ChatCompletion = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "x".repeat(1_500_000) }, finish_reason: "stop" }],
};

/** A model that answers once it is told to. */
function toldModel(answering: Promise<void>): ChatModel {
  return {
    list: async () => [],
    serves: () => true,
    stream: () => Promise.reject(new Error("only whole answers are asked for")),
    async complete({ room }) {
      await answering;
      await room?.().take(1_500_000);
      return { completion, text: JSON.stringify(completion) };
    },
  };
}

/** A client that stays until it is told to leave, and never has all of its answer. */
function client(): Departure & { leave(): void } {
  const gone = new AbortController();
  const { signal } = gone;
  return {
    get aborted() {
      return signal.aborted;
    },
    addEventListener: (type, listener) => signal.addEventListener(type, listener),
    removeEventListener: (type, listener) => signal.removeEventListener(type, listener),
    onEnd() {},
    leave: () => gone.abort(),
  };
}

describe("a request that shares a long answer, and waits for room for it", () => {
  for (const stream of [true, false])
    liveTest(`waits no longer once its client left (${stream ? "a stream" : "whole"})`, async ({ tenant }) => {
      const answering = Promise.withResolvers<void>();
      const model = toldModel(answering.promise);
      const flow = createFlow({
        findModel: () => model,
        cache: createCache<StoredAnswer>(tenant, { name: "c" }),
        answerRoom: createAnswerRoom({ bytesMax: 2_000_000 }),
      });
      const request = { model: "m", messages: [{ role: "user", content: "Tell me a long story." }] };
      const leading = flow.chat({ request, user: "a", gone: client() });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const impatient = client();
      const following = flow.chat({ request: { ...request, stream }, user: "b", gone: impatient });
      await new Promise((resolve) => setTimeout(resolve, 100));
      answering.resolve();
      expect(await leading).toMatchObject({ kind: "whole" });
      const sinceMs = performance.now();
      impatient.leave();
      await expect(following).rejects.toMatchObject({ code: "aborted" });
      expect(performance.now() - sinceMs).toBeLessThan(2_000);
    });
});
