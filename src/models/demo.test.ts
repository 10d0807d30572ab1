import { expect, it } from "vitest";
import { demoModel } from "./demo.ts";

const model = demoModel({ firstTokenMs: 0, tokenMs: 0 });
async function answerTo(...said: readonly (readonly [role: string, content: string])[]): Promise<unknown> {
  const messages = said.map(([role, content]) => ({ role, content }));
  const { completion } = await model.complete({ request: { model: "demo", messages }, signal: undefined });
  return completion.choices[0]?.message["content"];
}

it("The demo model knows the name that the user told in the conversation, and says so when none was told", async () => {
  const told = ["user", "My name is Ada. What is Marrow?"] as const;
  expect(await answerTo(told, ["assistant", "A data layer."], ["user", "What is my name?"])).toBe("Your name is Ada.");
  expect(await answerTo(["user", "What's my name?"])).toBe("You have not told me your name in this conversation.");
  expect(await answerTo(["assistant", "My name is Bob."], ["user", "Who am I?"])).toContain("not told me");
  expect(await answerTo(told)).toContain("Marrow");
});
