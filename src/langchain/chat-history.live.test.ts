import { AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createMemory } from "../memory/index.ts";
import { MarrowChatHistory } from "./index.ts";

const MESSAGES = [
  new SystemMessage("Be kind."),
  new HumanMessage({ content: "What is the weather?", name: "ada", id: "m1" }),
  new AIMessage({
    content: "",
    tool_calls: [{ id: "c1", name: "weather", args: { city: "Oslo" }, type: "tool_call" }],
    usage_metadata: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
    response_metadata: { model: "m" },
  } as never),
  new ToolMessage({ content: "rain", tool_call_id: "c1" }),
  new AIMessage([{ type: "text", text: "It rains." }] as never),
  new ChatMessage("as I please", "critic"),
];

describe("a session as LangChain's chat history", () => {
  liveTest("gives messages back as they were, in order", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const history = new MarrowChatHistory(session);
    await history.addMessages(MESSAGES);
    await history.addUserMessage("Thanks");
    const messages = await new MarrowChatHistory(session).getMessages();
    expect(messages.slice(0, -1).map((message) => message.toDict())).toEqual(
      MESSAGES.map((message) => message.toDict()),
    );
    expect(messages.at(-1)).toBeInstanceOf(HumanMessage);
    await history.clear();
    expect(await history.getMessages()).toEqual([]);
  });

  liveTest("is read by others as chat messages of OpenAI's form, and reads theirs", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    const history = new MarrowChatHistory(session);
    await history.addMessages(MESSAGES.slice(1, 4));
    const { turns } = await session.window({ last: 9 });
    expect(turns.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
    expect(turns[1]).toMatchObject({
      tool_calls: [{ id: "c1", function: { name: "weather", arguments: '{"city":"Oslo"}' } }],
    });
    await session.append([
      { role: "assistant", content: "It rains." },
      { role: "user", content: "Oh" },
    ]);
    const messages = await history.getMessages();
    expect(messages.slice(-2).map((message) => [message.getType(), message.content])).toEqual([
      ["ai", "It rains."],
      ["human", "Oh"],
    ]);
  });

  liveTest("loses nothing of many writers, and holds more than a page", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m", turnsMax: 5_000 }).session({ user: "u", id: "s" });
    await Promise.all(
      Array.from({ length: 60 }, (_, at) =>
        new MarrowChatHistory(session).addMessages(
          Array.from({ length: 40 }, (__, n) => new HumanMessage(`${at}:${n}`)),
        ),
      ),
    );
    await session.remove(7);
    const messages = await new MarrowChatHistory(session).getMessages();
    expect(new Set(messages.map(({ content }) => content)).size).toBe(60 * 40 - 1);
  });
});
