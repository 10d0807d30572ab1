import { modelMessageSchema, type ModelMessage } from "ai";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createMemory } from "../memory/index.ts";
import { toModelMessages, toTurns } from "./index.ts";

const MESSAGES: ModelMessage[] = [
  { role: "system", content: "Be kind." },
  { role: "user", content: [{ type: "text", text: "What is the weather in Oslo and Rome?" }] },
  {
    role: "assistant",
    content: [
      { type: "text", text: "Let me look." },
      { type: "tool-call", toolCallId: "a", toolName: "weather", input: { city: "Oslo" } },
      { type: "tool-call", toolCallId: "b", toolName: "weather", input: { city: "Rome" } },
    ],
  },
  {
    role: "tool",
    content: [
      { type: "tool-result", toolCallId: "a", toolName: "weather", output: { type: "text", value: "rain" } },
      { type: "tool-result", toolCallId: "b", toolName: "weather", output: { type: "json", value: { sky: "clear" } } },
    ],
  },
  { role: "assistant", content: "Rain in Oslo, clear in Rome." },
];

describe("messages of the AI SDK in a session", () => {
  liveTest("come back as they were, and others read them as chat messages", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.append(toTurns(MESSAGES));
    const { turns } = await session.window({ last: 20 });
    expect(toModelMessages(turns)).toEqual(MESSAGES);
    expect(turns.map(({ role, tool_call_id: id }) => [role, id])).toEqual([
      ["system", undefined],
      ["user", undefined],
      ["assistant", undefined],
      ["tool", "a"],
      ["tool", "b"],
      ["assistant", undefined],
    ]);
    expect(turns[2]).toMatchObject({ content: "Let me look.", tool_calls: [{ id: "a" }, { id: "b" }] });
    expect(turns[4]).toMatchObject({ content: '{"sky":"clear"}' });
  });

  liveTest("and turns of others come as messages that the SDK takes", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.append(toTurns(MESSAGES).map(({ ai: _, ...turn }) => turn));
    const messages = toModelMessages((await session.window({ last: 20 })).turns);
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool", "tool", "assistant"]);
    for (const message of messages) expect(modelMessageSchema.safeParse(message).success).toBe(true);
    expect(messages[4]).toMatchObject({ content: [{ toolCallId: "b", toolName: "weather" }] });
  });
});
