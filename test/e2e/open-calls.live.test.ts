import { afterEach, describe, expect, inject, it } from "vitest";
import type { UpstreamKind } from "../../src/models/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageOf, responseOf } from "../upstreams/wire.ts";

let gateway: TestGateway;
afterEach(() => gateway?.close());

/** A call of a tool, in the words of each kind. */
const CALLING: Record<UpstreamKind, object> = {
  anthropic: messageOf([{ type: "tool_use", id: "call_1", name: "look", input: {} }], { stop_reason: "tool_use" }),
  responses: responseOf([{ type: "function_call", id: "fc_1", call_id: "call_1", name: "look", arguments: "{}" }]),
  chat: {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "look", arguments: "{}" } }],
        },
        finish_reason: "tool_calls",
      },
    ],
  },
};

describe.each(["chat", "responses", "anthropic"] as const)("a session with a call of kind %s", (kind) => {
  it("goes on without the call where its client gave it up, and with it where it has the result", async () => {
    gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      kind,
      config: { cache: { enabled: false } },
      script: () => ({ raw: JSON.stringify(CALLING[kind]) }),
    });
    const tools = [{ type: "function" as const, function: { name: "look", parameters: { type: "object" } } }];
    const told = () => JSON.stringify(gateway.model.requests.at(-1)?.body ?? {});
    for (const way of ["given up", "answered"] as const) {
      const client = gateway.client({ headers: { "x-marrow-session": way } });
      const ask = (message: object) =>
        client.chat.completions.create({ model: "scripted", tools, messages: [message] as never });
      await ask({ role: "user", content: "first" });
      if (way === "answered") await ask({ role: "tool", tool_call_id: "call_1", content: "a dog" });
      expect(told().includes("call_1")).toBe(way === "answered");
      await ask({ role: "user", content: "second" });
      expect(told()).toContain("first");
      expect(told().includes("a dog")).toBe(way === "answered");
      // The call that answered the result is open, too.
      expect(told().split("call_1").length - 1).toBe(way === "answered" ? 2 : 0);
    }
    const inResponses = gateway.client({ headers: { "x-marrow-session": "given up" } });
    await inResponses.responses.create({ model: "scripted", input: "third" });
    expect(told()).toContain("second");
    expect(told()).not.toContain("call_1");
  });
});
