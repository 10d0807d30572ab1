import {
  Agent,
  Runner,
  setTracingDisabled,
  tool,
  Usage,
  type AgentInputItem,
  type Model,
  type ModelRequest,
} from "@openai/agents";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createMemory } from "../memory/index.ts";
import { toAgentsSession } from "./index.ts";

setTracingDisabled(true);

const ITEMS: AgentInputItem[] = [
  { type: "message", role: "user", content: [{ type: "input_text", text: "What is the weather?" }] },
  { type: "reasoning", id: "r1", content: [{ type: "input_text", text: "I should look." }] },
  { type: "function_call", callId: "c1", name: "weather", arguments: '{"city":"Oslo"}', status: "completed" },
  { type: "function_call_result", callId: "c1", name: "weather", status: "completed", output: "rain" },
  { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "It rains." }] },
];

/** A model that calls a tool first and then says how many items it was given. */
function scripted(seen: ModelRequest[]): Model {
  return {
    async getResponse(request) {
      seen.push(request);
      const items = request.input as AgentInputItem[];
      const isAsked = items.at(-1)?.type !== "function_call_result" && seen.length === 1;
      return {
        usage: new Usage(),
        output: isAsked
          ? [{ type: "function_call", callId: "c1", name: "weather", arguments: "{}", status: "completed" }]
          : [
              {
                type: "message",
                role: "assistant",
                status: "completed",
                content: [{ type: "output_text", text: `items: ${items.length}` }],
              },
            ],
      };
    },
    getStreamedResponse: () => {
      throw new Error("not streamed here");
    },
  };
}

describe("a session as the Session of OpenAI's Agents SDK", () => {
  liveTest("gives items back as they were, in order, all or the newest", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const agents = toAgentsSession(session);
    expect(await agents.getSessionId()).toBe("s");
    expect(await agents.getItems()).toEqual([]);
    await agents.addItems(ITEMS);
    expect(await toAgentsSession(session).getItems()).toEqual(ITEMS);
    expect(await agents.getItems(2)).toEqual(ITEMS.slice(-2));
    expect(await agents.getItems(0)).toEqual([]);
    await agents.clearSession();
    expect(await agents.getItems()).toEqual([]);
  });

  liveTest("takes the newest item back, one after the other, also of turns that are several", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const agents = toAgentsSession(session);
    await agents.addItems(ITEMS.slice(0, 1));
    await session.append({
      role: "assistant",
      content: "One moment.",
      tool_calls: [{ id: "c9", type: "function", function: { name: "weather", arguments: "{}" } }],
    });
    expect(await agents.popItem()).toMatchObject({ type: "function_call", callId: "c9" });
    expect(await agents.popItem()).toMatchObject({ role: "assistant", content: [{ text: "One moment." }] });
    expect(await agents.popItem()).toEqual(ITEMS[0]);
    expect(await agents.popItem()).toBeUndefined();
  });

  liveTest("is read by others as chat messages of OpenAI's form, and reads theirs", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await toAgentsSession(session).addItems(ITEMS);
    const { turns } = await session.window({ last: 9 });
    expect(turns.map(({ role }) => role)).toEqual(["user", "item", "assistant", "tool", "assistant"]);
    expect(turns[2]).toMatchObject({ tool_calls: [{ id: "c1", function: { name: "weather" } }] });
    await session.append([
      { role: "user", content: "Thanks" },
      { role: "assistant", content: "With pleasure" },
    ]);
    expect((await toAgentsSession(session).getItems(2)).map((item) => item.type)).toEqual(["message", "message"]);
  });

  liveTest("carries a conversation with tools from run to run", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const seen: ModelRequest[] = [];
    const weather = tool({
      name: "weather",
      description: "the weather",
      parameters: { type: "object", properties: {}, required: [], additionalProperties: false },
      execute: async () => "rain",
    });
    const agent = new Agent({ name: "a", instructions: "Be brief.", model: scripted(seen), tools: [weather] });
    const runner = new Runner();
    const first = await runner.run(agent, "What is the weather?", { session: toAgentsSession(session) });
    expect(first.finalOutput).toBe("items: 3");
    // Another process, later: a handle of its own.
    const second = await runner.run(agent, "And now?", { session: toAgentsSession(session) });
    expect(second.finalOutput).toBe("items: 5");
    expect((await toAgentsSession(session).getItems()).length).toBe(6);
  });

  liveTest("loses nothing of writers at the same time", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        toAgentsSession(session).addItems([
          { type: "message", role: "user", content: `question ${at}` },
          { type: "message", role: "user", content: `more of ${at}` },
        ]),
      ),
    );
    const items = await toAgentsSession(session).getItems();
    expect(items).toHaveLength(60);
    for (let at = 0; at < 60; at += 2)
      expect((items[at + 1] as { content: string }).content).toBe(
        (items[at] as { content: string }).content.replace("question", "more of"),
      );
  });
});
